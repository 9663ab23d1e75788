// The maximum over neighbours, and its gradient. The backward pass is a pull over the transpose: column j looks at
// the rows that have it and takes the gradient where it was the maximum. So no two threads write one place.

#include <algorithm>

#include "src/ops/csr_rows.hpp"
#include "src/ops/device_ops.hpp"
#include "src/ops/max_math.hpp"
#include "src/ops/parallel.hpp"
#include "src/ops/spmm.hpp"
#include "src/ops/spmm_check.hpp"

namespace galena::ops {
namespace {

template <class F>
void for_elements(std::int64_t n, const F& f) {
  parallel_ranges(n, 1, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) f(i);
  });
}

}  // namespace

void spmm_max(const Csr& csr, const Tensor& x, const Tensor& y, const Tensor& arg) {
  check_shape("spmm_max", csr, x, y, x.dtype());
  check_tensor("spmm_max", "arg", arg, y.rows(), y.cols(), DType::i32);
  if (on_device(x)) return device_ops().spmm_max(csr, x, y, arg);
  with_float("spmm_max", x.dtype(), [&](auto type) {
    using T = decltype(type);
    const std::int64_t d = x.cols(), limit = x.rows();
    const T* const px = x.data<T>();
    T* const py = y.data<T>();
    std::int32_t* const pa = arg.data<std::int32_t>();
    parallel_rows(csr, y.rows(), d, [=](std::int64_t i) {
      T* const best = py + i * d;
      std::int32_t* const from = pa + i * d;
      const RowSpan span = row_span(csr, i, limit);
      if (span.first == span.last) {
        std::fill_n(best, d, T{0});
        std::fill_n(from, d, -1);
        return;
      }
      std::copy_n(px + std::int64_t{csr.indices[span.first]} * d, d, best);
      std::fill_n(from, d, static_cast<std::int32_t>(csr.indices[span.first]));
      for (EdgeOffset k = span.first + 1; k < span.last; ++k) {
        const auto j = static_cast<std::int32_t>(csr.indices[k]);
        const T* const row = px + std::int64_t{j} * d;
        for (std::int64_t c = 0; c < d; ++c) {
          const bool larger = row[c] > best[c];
          from[c] = larger ? j : from[c];
          best[c] = larger ? row[c] : best[c];
        }
      }
    });
  });
}

void spmm_max_backward(const Csr& csr_t, const Tensor& arg, const Tensor& dy, const Tensor& dx) {
  check_shape("spmm_max_backward", csr_t, dy, dx, dy.dtype());
  check_tensor("spmm_max_backward", "arg", arg, dy.rows(), dy.cols(), DType::i32);
  if (on_device(dx)) return device_ops().spmm_max_backward(csr_t, arg, dy, dx);
  with_float("spmm_max_backward", dx.dtype(), [&](auto type) {
    using T = decltype(type);
    const std::int64_t d = dx.cols(), limit = dy.rows();
    const T* const py = dy.data<T>();
    T* const px = dx.data<T>();
    const std::int32_t* const pa = arg.data<std::int32_t>();
    parallel_rows(csr_t, dx.rows(), d, [=](std::int64_t j) {
      T* const out = px + j * d;
      const RowSpan span = row_span(csr_t, j, limit);
      for (EdgeOffset k = span.first; k < span.last; ++k) {
        const std::int64_t i = csr_t.indices[k];
        for (std::int64_t c = 0; c < d; ++c) out[c] += pa[i * d + c] == j ? py[i * d + c] : T{0};
      }
    });
  });
}

void merge_max(const Tensor& other, const Tensor& other_arg, std::int32_t code, const Tensor& y, const Tensor& arg) {
  check_like("merge_max", "other", other, y);
  check_tensor("merge_max", "arg", arg, y.rows(), y.cols(), DType::i32);
  if (other_arg.defined()) check_tensor("merge_max", "other_arg", other_arg, y.rows(), y.cols(), DType::i32);
  if (on_device(y)) return device_ops().merge_max(other, other_arg, code, y, arg);
  std::int32_t* const other_from = other_arg.defined() ? other_arg.data<std::int32_t>() : nullptr;
  with_float("merge_max", y.dtype(), [&]<class T>(T) {
    const math::MergeMax<T> merge{other.data<T>(), other_from, code, y.data<T>(), arg.data<std::int32_t>()};
    for_elements(y.size(), merge);
  });
}

void add_where(const Tensor& arg, std::int32_t code, const Tensor& dy, const Tensor& dx) {
  check_tensor("add_where", "arg", arg, dy.rows(), dy.cols(), DType::i32);
  check_tensor("add_where", "dx", dx.head(dy.rows()), dy.rows(), dy.cols(), dy.dtype());
  if (on_device(dy)) return device_ops().add_where(arg, code, dy, dx);
  with_float("add_where", dy.dtype(), [&]<class T>(T) {
    for_elements(dy.size(), math::AddWhere<T>{arg.data<std::int32_t>(), code, dy.data<T>(), dx.data<T>()});
  });
}

}  // namespace galena::ops
