#include "src/ops/spmm.hpp"

#include "src/ops/csr_rows.hpp"
#include "src/ops/device_ops.hpp"
#include "src/ops/gather_sum.hpp"
#include "src/ops/spmm_check.hpp"

namespace galena::ops {
namespace {

void check_factor(const char* name, const Tensor* factor, std::int64_t rows, DType dtype) {
  if (factor == nullptr) return;
  if (factor->defined() && factor->cols() == 1 && factor->rows() >= rows && factor->dtype() == dtype) return;
  fail("spmm", std::string(name) + " is " + shape_of(*factor) + "; expected at least " + std::to_string(rows) +
                   " x 1 of the result's type");
}

template <class T>
const T* data_of(const Tensor* tensor) {
  return tensor != nullptr ? tensor->data<T>() : nullptr;
}

}  // namespace

void check_shape(const char* op, const Csr& csr, const Tensor& x, const Tensor& y, DType dtype) {
  if (y.rows() > csr.rows || x.rows() > csr.cols) {
    fail(op, "the result is " + shape_of(y) + ", x is " + shape_of(x) + "; expected at most the " +
                 std::to_string(csr.rows) + " rows and " + std::to_string(csr.cols) + " columns of the matrix");
  }
  check_tensor(op, "y", y, y.rows(), x.cols(), dtype);
}

void spmm(const Csr& csr, const SpmmScale& scale, const Tensor& x, const Tensor& y, bool accumulate) {
  const bool widened = on_device(x) && x.dtype() == DType::bf16;
  check_shape("spmm", csr, x, y, widened ? DType::f32 : x.dtype());
  check_factor("left", scale.left, y.rows(), y.dtype());
  check_factor("right", scale.right, x.rows(), y.dtype());
  check_factor("diagonal", scale.diagonal, y.rows(), y.dtype());
  if (on_device(x)) return device_ops().spmm(csr, {scale, nullptr, nullptr}, x, y, accumulate);
  with_float("spmm", x.dtype(), [&](auto type) {
    using T = decltype(type);
    GatherSum<T> g;
    g.indptr = csr.indptr;
    g.indices = csr.indices;
    g.limit = x.rows();
    g.bounded = x.rows() < csr.cols;
    g.x = x.data<T>();
    g.y = y.data<T>();
    g.width = x.cols();
    g.left = data_of<T>(scale.left);
    g.right = data_of<T>(scale.right);
    g.diagonal = data_of<T>(scale.diagonal);
    g.accumulate = accumulate;
    gather_sum(g, y.rows());
  });
}

void sddmm(const Csr& csr, const Tensor& a, const Tensor& b, int heads, const Tensor& e) {
  if (heads < 1 || a.cols() % heads != 0) {
    fail("sddmm", "a is " + shape_of(a) + "; expected columns that " + std::to_string(heads) + " heads divide");
  }
  if (a.rows() < csr.rows)
    fail("sddmm", "a is " + shape_of(a) + "; expected a row for each of " + std::to_string(csr.rows));
  check_tensor("sddmm", "b", b, csr.cols, a.cols(), a.dtype());
  check_tensor("sddmm", "e", e, static_cast<std::int64_t>(csr.nonzeros()), heads, a.dtype());
  if (on_device(a)) return device_ops().sddmm(csr, a, b, heads, e);
  with_float("sddmm", a.dtype(), [&](auto type) {
    using T = decltype(type);
    const T *pa = a.data<T>(), *pb = b.data<T>();
    T* const pe = e.data<T>();
    const std::int64_t width = a.cols() / heads, cols = a.cols();
    parallel_rows(csr, csr.rows, cols, [=](std::int64_t i) {
      for (EdgeOffset k = csr.indptr[i]; k < csr.indptr[i + 1]; ++k) {
        const T* const row = pb + std::int64_t{csr.indices[k]} * cols;
        T* const out = pe + static_cast<std::int64_t>(k - csr.indptr[0]) * heads;
        for (int h = 0; h < heads; ++h) {
          T total{};
          for (std::int64_t c = h * width; c < (h + 1) * width; ++c) total += pa[i * cols + c] * row[c];
          out[h] = total;
        }
      }
    });
  });
}

}  // namespace galena::ops
