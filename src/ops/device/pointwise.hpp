#pragma once
// Maps over elements and rows, as kernels.

#include <numeric>

#include "src/ops/bf16.hpp"
#include "src/ops/device/column_sums.hpp"
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

/// The same row everywhere.
template <class T>
struct SameRow {
  const T* row;
  template <int V>
  GALENA_KERNEL Pack<T, V> pack(std::int64_t, std::int64_t c) const {
    return load<V>(row + c);
  }
};

template <class T>
struct ScaleRow {
  const T *factor, *x;
  std::int64_t cols;
  template <int V>
  GALENA_KERNEL Pack<T, V> pack(std::int64_t i, std::int64_t c) const {
    const T by = factor[i];
    Pack<T, V> row = load<V>(x + i * cols + c);
    GALENA_UNROLL
    for (int e = 0; e < V; ++e) row.at[e] *= by;
    return row;
  }
};

/// Columns from `first` on of a matrix of `wide` columns.
template <class T>
struct ColumnsFrom {
  const T* x;
  std::int64_t wide, first;
  template <int V>
  GALENA_KERNEL Pack<T, V> pack(std::int64_t i, std::int64_t c) const {
    return load<V>(x + i * wide + first + c);
  }
};

/// p columns of a, then q of b; packs are of one of them.
template <class T>
struct Concat {
  const T *a, *b;
  std::int64_t p, q;
  template <int V>
  GALENA_KERNEL Pack<T, V> pack(std::int64_t i, std::int64_t c) const {
    return load<V>(c < p ? a + i * p + c : b + i * q + c - p);
  }
};

template <class T>
struct GatherRows {
  const T* x;
  const VertexId* rows;
  std::int64_t cols;
  template <int V>
  GALENA_KERNEL Pack<T, V> pack(std::int64_t i, std::int64_t c) const {
    const VertexId row = rows[i];
    return row == kNoRow ? Pack<T, V>{} : load<V>(x + std::int64_t{row} * cols + c);
  }
};

template <class T, int V>
struct ScatterAddRows {
  const T* x;
  const VertexId* rows;
  T* y;
  std::int64_t cols;
  GALENA_KERNEL void operator()(std::int64_t i, std::int64_t k) const {
    const VertexId row = rows[i];
    if (row != kNoRow) store(y + std::int64_t{row} * cols + k * V, load<V>(x + i * cols + k * V), true);
  }
};

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
      const T* const row = device_data<T>(bias);
      store_rows<M, T>(y, true, {row}, SameRow<T>{row});
    });
  };
  ops.scale_rows = [](const Tensor& factor, const Tensor& x, const Tensor& y, bool accumulate) {
    with_float("scale_rows", y.dtype(), [&]<class T>(T) {
      const T* const from = device_data<T>(x);
      store_rows<M, T>(y, accumulate, {from}, ScaleRow<T>{device_data<T>(factor), from, y.cols()});
    });
  };
  ops.concat_columns = [](const Tensor& a, const Tensor& b, const Tensor& y) {
    with_float("concat_columns", y.dtype(), [&]<class T>(T) {
      const Concat<T> both{device_data<T>(a), device_data<T>(b), a.cols(), b.cols()};
      with_packs<T>(std::gcd(both.p, both.q), {both.a, both.b, device_data<T>(y)}, [&]<int V>() {
        M::map_rows(y.rows(), y.cols() / V, StoreRow<T, V, Concat<T>>{both, device_data<T>(y), y.cols(), false});
      });
    });
  };
  ops.split_columns = [](const Tensor& y, const Tensor& a, const Tensor& b, bool accumulate) {
    with_float("split_columns", y.dtype(), [&]<class T>(T) {
      const auto take = [&](const Tensor& part, std::int64_t first) {
        const ColumnsFrom<T> from{device_data<T>(y), y.cols(), first};
        with_packs<T>(std::gcd(y.cols(), part.cols()), {from.x + first, device_data<T>(part)}, [&]<int V>() {
          M::map_rows(part.rows(), part.cols() / V,
                      StoreRow<T, V, ColumnsFrom<T>>{from, device_data<T>(part), part.cols(), accumulate});
        });
      };
      take(a, 0);
      take(b, a.cols());
    });
  };
  ops.gather_rows = [](const Tensor& x, const VertexId* rows, const Tensor& y) {
    with_float("gather_rows", y.dtype(), [&]<class T>(T) {
      const T* const from = device_data<T>(x);
      store_rows<M, T>(y, false, {from}, GatherRows<T>{from, rows, y.cols()});
    });
  };
  ops.scatter_add_rows = [](const Tensor& x, const VertexId* rows, const Tensor& y) {
    with_float("scatter_add_rows", y.dtype(), [&]<class T>(T) {
      const T* const from = device_data<T>(x);
      T* const to = device_data<T>(y);
      with_packs<T>(x.cols(), {from, to}, [&]<int V>() {
        M::map_rows(x.rows(), x.cols() / V, ScatterAddRows<T, V>{from, rows, to, x.cols()});
      });
    });
  };
  ops.column_sums = [](const Tensor& x, const Tensor& y, bool accumulate) {
    with_float("column_sums", y.dtype(), [&]<class T>(T) { sum_columns<M, T>(x, device_data<T>(y), accumulate); });
  };
}

}  // namespace galena::ops::gpu
