#include "src/hypergraph/aggregate.hpp"

#include "src/base/threads.hpp"
#include "src/hypergraph/cost.hpp"
#include "src/hypergraph/device_aggregate.hpp"
#include "src/hypergraph/fused.hpp"
#include "src/hypergraph/layout_storage.hpp"
#include "src/hypergraph/pipeline_check.hpp"
#include "src/hypergraph/two_pass.hpp"
#include "src/ops/check.hpp"
#include "src/ops/device_ops.hpp"

namespace galena::hyper {
namespace {

Method resolve(const Layout& layout, Method method, const Tensor& x) {
  return method == Method::automatic ? choose(layout, x.cols(), x.dtype()).method : method;
}

/// Two passes on all threads, or on one where that has been quicker; `kind` below 8 tells works of one width apart.
template <class F>
void on_threads(const Layout& layout, const Tensor& rows, unsigned kind, const F& run) {
  constexpr std::uint64_t kTwoPasses = std::uint64_t{1} << 63;  // apart from what fused ones ask for
  const std::uint64_t key =
      static_cast<std::uint64_t>(rows.cols()) << 4 | kind | (rows.dtype() == DType::f64 ? 8U : 0U);
  layout.storage().program.threads->run(kTwoPasses | key, omp_get_max_threads(), [&](int threads) {
    const base::ThreadCount scope(threads);
    run();
  });
}

}  // namespace

void aggregate(const Layout& layout, const Scale& scale, const Tensor& x, const Tensor& y, Method method) {
  constexpr const char* kOp = "aggregate";
  ops::check_tensor(kOp, "x", x, layout.cols(), x.cols(), x.dtype());
  ops::check_tensor(kOp, "y", y, layout.rows(), x.cols(), x.dtype());
  check_scale(kOp, layout, scale, x.dtype());
  check_memory(kOp, layout, x);
  const bool two_passes = resolve(layout, method, x) == Method::two_pass;
  if (ops::on_device(x)) return two_passes ? two_pass(layout, scale, x, y) : fused_on_device(layout, scale, x, y);
  if (two_passes) return on_threads(layout, x, 0, [&] { two_pass(layout, scale, x, y); });
  fused(layout.storage().program, scale, x, y);
}

void aggregate_backward(const Layout& layout, const Scale& scale, const Tensor& x, const Tensor& dy, const Tensor& dx,
                        const Tensor& d_edge, Method method) {
  constexpr const char* kOp = "aggregate_backward";
  ops::check_tensor(kOp, "dy", dy, layout.rows(), dy.cols(), dy.dtype());
  if (dx.defined()) ops::check_tensor(kOp, "dx", dx, layout.cols(), dy.cols(), dy.dtype());
  if (d_edge.defined()) {
    ops::check_tensor(kOp, "x", x, layout.cols(), dy.cols(), dy.dtype());
    ops::check_tensor(kOp, "d_edge", d_edge, layout.edges(), 1, dy.dtype());
  }
  check_scale(kOp, layout, scale, dy.dtype());
  check_memory(kOp, layout, dy);
  const bool two_passes = resolve(layout, method, dy) == Method::two_pass;
  const auto take_two = [&] { two_pass_backward(layout, scale, x, dy, dx, d_edge); };
  if (ops::on_device(dy)) return two_passes ? take_two() : fused_backward_on_device(layout, scale, x, dy, dx, d_edge);
  if (two_passes) return on_threads(layout, dy, 1U | (d_edge.defined() ? 2U : 0U) | (dx.defined() ? 4U : 0U), take_two);
  fused_backward(layout.storage().program, scale, x, dy, dx, d_edge);
}

}  // namespace galena::hyper
