#include "src/hypergraph/two_pass.hpp"

#include "src/ops/check.hpp"
#include "src/ops/device_ops.hpp"
#include "src/ops/parallel.hpp"
#include "src/ops/spmm.hpp"

namespace galena::hyper {
namespace {

/// H^T diag(right) x.
Tensor to_edges(const Layout& layout, const Tensor* right, const Tensor& x) {
  Tensor rows = Tensor::empty(layout.edges(), x.cols(), x.dtype());
  ops::spmm(layout.by_edge(), {nullptr, right, nullptr}, x, rows);
  return rows;
}

/// out[e] = <a[e], b[e]>.
void dot_rows(const Tensor& a, const Tensor& b, const Tensor& out) {
  if (ops::on_device(a)) return ops::device_ops().row_dots(a, b, out);
  ops::with_float("aggregate_backward", a.dtype(), [&](auto type) {
    using T = decltype(type);
    const T *const pa = a.data<T>(), *const pb = b.data<T>();
    T* const po = out.data<T>();
    const std::int64_t width = a.cols();
    ops::parallel_ranges(a.rows(), width, [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t e = begin; e < end; ++e) {
        T sum{};
#pragma omp simd reduction(+ : sum)
        for (std::int64_t c = 0; c < width; ++c) sum += pa[e * width + c] * pb[e * width + c];
        po[e] = sum;
      }
    });
  });
}

}  // namespace

void two_pass(const Layout& layout, const Scale& scale, const Tensor& x, const Tensor& y) {
  ops::spmm(layout.by_vertex(), {scale.left, scale.edge, nullptr}, to_edges(layout, scale.right, x), y);
}

void two_pass_backward(const Layout& layout, const Scale& scale, const Tensor& x, const Tensor& dy, const Tensor& dx,
                       const Tensor& d_edge) {
  const Tensor edge_gradient = to_edges(layout, scale.left, dy);
  if (d_edge.defined()) dot_rows(to_edges(layout, scale.right, x), edge_gradient, d_edge);
  if (dx.defined()) ops::spmm(layout.by_vertex(), {scale.right, scale.edge, nullptr}, edge_gradient, dx);
}

}  // namespace galena::hyper
