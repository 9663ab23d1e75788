#pragma once
// Maps over elements and rows, as kernels.

#include "src/ops/bf16.hpp"
#include "src/ops/device/machine.hpp"
#include "src/ops/pointwise_math.hpp"

namespace galena::ops::gpu {

template <class T>
struct Fill {
  T* y;
  T value;
  GALENA_KERNEL void operator()(std::int64_t i) const { y[i] = value; }
};

template <class To, class From>
struct Convert {
  const From* x;
  To* y;
  GALENA_KERNEL void operator()(std::int64_t i) const {
    if constexpr (std::is_same_v<From, std::uint16_t>) {
      y[i] = static_cast<To>(from_bf16(x[i]));
    } else if constexpr (std::is_same_v<To, std::uint16_t>) {
      y[i] = to_bf16(static_cast<float>(x[i]));
    } else {
      y[i] = static_cast<To>(x[i]);
    }
  }
};

template <class T, class F>
struct Value {
  F f;
  const T* x;
  GALENA_KERNEL T operator()(std::int64_t i) const { return f.value(x[i]); }
};

template <class T, class F>
struct Derivative {
  F f;
  const T *y, *dy;
  GALENA_KERNEL T operator()(std::int64_t i) const { return f.derivative(y[i]) * dy[i]; }
};

template <class T>
struct Axpby {
  T alpha, beta;
  const T* x;
  T* y;
  GALENA_KERNEL void operator()(std::int64_t i) const {
    y[i] = beta == T{0} ? alpha * x[i] : alpha * x[i] + beta * y[i];  // with 0, y may be uninitialised
  }
};

template <class T>
struct ScaleBy {
  const double* factor;
  T* y;
  GALENA_KERNEL void operator()(std::int64_t i) const { y[i] *= static_cast<T>(*factor); }
};

template <class T>
struct Product {
  const T *a, *b;
  GALENA_KERNEL T operator()(std::int64_t i) const { return a[i] * b[i]; }
};

template <class T>
struct BlockMask {
  std::int64_t height, cols;
  GALENA_KERNEL T operator()(std::int64_t i) const { return i / cols / height == i % cols ? T{1} : T{0}; }
};

template <class T>
struct AddRow {
  const T* bias;
  T* y;
  std::int64_t cols;
  GALENA_KERNEL void operator()(std::int64_t i) const { y[i] += bias[i % cols]; }
};

template <class T>
struct ScaleRow {
  const T *factor, *x;
  std::int64_t cols;
  GALENA_KERNEL T operator()(std::int64_t i) const { return factor[i / cols] * x[i]; }
};

/// Column c of row i of a matrix of `wide` columns, read as part of one of `cols`.
template <class T>
struct ColumnsAt {
  const T* x;
  std::int64_t cols, wide, first;
  GALENA_KERNEL T operator()(std::int64_t i) const { return x[i / cols * wide + first + i % cols]; }
};

template <class T>
struct Concat {
  const T *a, *b;
  std::int64_t p, q;
  GALENA_KERNEL T operator()(std::int64_t i) const {
    const std::int64_t row = i / (p + q), c = i % (p + q);
    return c < p ? a[row * p + c] : b[row * q + c - p];
  }
};

template <class T>
struct GatherRows {
  const T* x;
  const VertexId* rows;
  std::int64_t cols;
  GALENA_KERNEL T operator()(std::int64_t i) const {
    const VertexId row = rows[i / cols];
    return row == kNoRow ? T{} : x[std::int64_t{row} * cols + i % cols];
  }
};

template <class T>
struct ScatterAddRows {
  const T* x;
  const VertexId* rows;
  T* y;
  std::int64_t cols;
  GALENA_KERNEL void operator()(std::int64_t i) const {
    const VertexId row = rows[i / cols];
    if (row != kNoRow) y[std::int64_t{row} * cols + i % cols] += x[i];
  }
};

/// Sums of a chunk of rows, one a column, in double; then of all chunks: in an order that depends on the shape alone.
template <class T>
struct ChunkSums {
  const T* x;
  double* partial;
  std::int64_t n, cols, chunk;
  template <class Team>
  GALENA_KERNEL void operator()(Team& team, std::int64_t k) const {
    const std::int64_t begin = k * chunk, end = begin + chunk < n ? begin + chunk : n;
    team.each([&](int lane) {
      for (std::int64_t c = lane; c < cols; c += team.lanes()) {
        double sum = 0;
        for (std::int64_t i = begin; i < end; ++i) sum += static_cast<double>(x[i * cols + c]);
        partial[k * cols + c] = sum;
      }
    });
  }
};

template <class T>
struct AddChunks {
  const double* partial;
  std::int64_t chunks, cols;
  GALENA_KERNEL T operator()(std::int64_t c) const {
    double sum = 0;
    for (std::int64_t k = 0; k < chunks; ++k) sum += partial[k * cols + c];
    return static_cast<T>(sum);
  }
};

/// Rows in a chunk: some hundreds of chunks, enough for all processors.
inline std::int64_t rows_in_chunk(std::int64_t n) { return n <= 32 * 512 ? 32 : (n + 511) / 512; }

/// f(T{}, U{}) with both element types.
template <class F>
void with_floats(DType from, DType to, const F& f) {
  const auto inner = [&](auto x) {
    if (to == DType::f32) return f(x, float{});
    if (to == DType::f64) return f(x, double{});
    if (to == DType::bf16) return f(x, std::uint16_t{});
    fail_type("Tensor::to on a GPU", to);
  };
  if (from == DType::f32) return inner(float{});
  if (from == DType::f64) return inner(double{});
  if (from == DType::bf16) return inner(std::uint16_t{});
  fail_type("Tensor::to on a GPU", from);
}

template <class M, class T>
void fill_as(const Tensor& y, double value) {
  M::map(y.size(), Fill<T>{device_data<T>(y), static_cast<T>(value)});
}

template <class M>
void add_pointwise(DeviceOps& ops) {
  ops.fill = [](const Tensor& y, double value) {
    switch (y.dtype()) {
      case DType::f32: return fill_as<M, float>(y, value);
      case DType::f64: return fill_as<M, double>(y, value);
      case DType::i32: return fill_as<M, std::int32_t>(y, value);
      case DType::i64: return fill_as<M, std::int64_t>(y, value);
      case DType::u8: return fill_as<M, std::uint8_t>(y, value);
      case DType::bf16:
        M::map(y.size(), Fill<std::uint16_t>{device_data<std::uint16_t>(y), to_bf16(static_cast<float>(value))});
    }
  };
  ops.convert = [](const Tensor& x, const Tensor& y) {
    with_floats(x.dtype(), y.dtype(), [&]<class From, class To>(From, To) {
      M::map(x.size(), Convert<To, From>{device_data<From>(x), device_data<To>(y)});
    });
  };
  ops.activate = [](Activation f, const Tensor& x, const Tensor& y, double slope) {
    with_float("activate", x.dtype(), [&]<class T>(T) {
      math::with_activation<T>(f, static_cast<T>(slope), [&]<class F>(const F& g) {
        store_map<M, T>(y, false, Value<T, F>{g, device_data<T>(x)});
      });
    });
  };
  ops.activate_backward = [](Activation f, const Tensor& y, const Tensor& dy, const Tensor& dx, bool accumulate,
                             double slope) {
    with_float("activate_backward", y.dtype(), [&]<class T>(T) {
      math::with_activation<T>(f, static_cast<T>(slope), [&]<class F>(const F& g) {
        store_map<M, T>(dx, accumulate, Derivative<T, F>{g, device_data<T>(y), device_data<T>(dy)});
      });
    });
  };
  ops.axpby = [](double alpha, const Tensor& x, double beta, const Tensor& y) {
    with_float("axpby", x.dtype(), [&]<class T>(T) {
      M::map(x.size(), Axpby<T>{static_cast<T>(alpha), static_cast<T>(beta), device_data<T>(x), device_data<T>(y)});
    });
  };
  ops.scale_by = [](const Tensor& factor, const Tensor& y) {
    with_float("scale_by", y.dtype(), [&]<class T>(T) {
      M::map(y.size(), ScaleBy<T>{device_data<double>(factor), device_data<T>(y)});
    });
  };
  ops.block_mask = [](std::int64_t height, const Tensor& y) {
    with_float("block_mask", y.dtype(), [&]<class T>(T) { store_map<M, T>(y, false, BlockMask<T>{height, y.cols()}); });
  };
  ops.multiply = [](const Tensor& a, const Tensor& b, const Tensor& y, bool accumulate) {
    with_float("multiply", y.dtype(), [&]<class T>(T) {
      store_map<M, T>(y, accumulate, Product<T>{device_data<T>(a), device_data<T>(b)});
    });
  };
  ops.add_row = [](const Tensor& bias, const Tensor& y) {
    with_float("add_row", y.dtype(), [&]<class T>(T) {
      M::map(y.size(), AddRow<T>{device_data<T>(bias), device_data<T>(y), y.cols()});
    });
  };
  ops.scale_rows = [](const Tensor& factor, const Tensor& x, const Tensor& y, bool accumulate) {
    with_float("scale_rows", y.dtype(), [&]<class T>(T) {
      store_map<M, T>(y, accumulate, ScaleRow<T>{device_data<T>(factor), device_data<T>(x), y.cols()});
    });
  };
  ops.concat_columns = [](const Tensor& a, const Tensor& b, const Tensor& y) {
    with_float("concat_columns", y.dtype(), [&]<class T>(T) {
      store_map<M, T>(y, false, Concat<T>{device_data<T>(a), device_data<T>(b), a.cols(), b.cols()});
    });
  };
  ops.split_columns = [](const Tensor& y, const Tensor& a, const Tensor& b, bool accumulate) {
    with_float("split_columns", y.dtype(), [&]<class T>(T) {
      store_map<M, T>(a, accumulate, ColumnsAt<T>{device_data<T>(y), a.cols(), y.cols(), 0});
      store_map<M, T>(b, accumulate, ColumnsAt<T>{device_data<T>(y), b.cols(), y.cols(), a.cols()});
    });
  };
  ops.gather_rows = [](const Tensor& x, const VertexId* rows, const Tensor& y) {
    with_float("gather_rows", y.dtype(), [&]<class T>(T) {
      store_map<M, T>(y, false, GatherRows<T>{device_data<T>(x), rows, y.cols()});
    });
  };
  ops.scatter_add_rows = [](const Tensor& x, const VertexId* rows, const Tensor& y) {
    with_float("scatter_add_rows", y.dtype(), [&]<class T>(T) {
      M::map(x.size(), ScatterAddRows<T>{device_data<T>(x), rows, device_data<T>(y), y.cols()});
    });
  };
  ops.column_sums = [](const Tensor& x, const Tensor& y, bool accumulate) {
    const std::int64_t n = x.rows(), cols = x.cols(), chunk = rows_in_chunk(n), chunks = (n + chunk - 1) / chunk;
    const Tensor partial = scratch(chunks, cols, DType::f64);
    double* const sums = device_data<double>(partial);
    with_float("column_sums", y.dtype(), [&]<class T>(T) {
      M::teams(chunks, 0, ChunkSums<T>{device_data<T>(x), sums, n, cols, chunk});
      store_map<M, T>(y, accumulate, AddChunks<T>{sums, chunks, cols});
    });
  };
}

}  // namespace galena::ops::gpu
