#include "src/hypergraph/pipeline_check.hpp"

#include <fmt/format.h>

#include "src/ops/check.hpp"

namespace galena::hyper {
namespace {

void check_factor(const char* op, const char* name, const Tensor* factor, std::int64_t rows, DType dtype) {
  if (factor == nullptr) return;
  if (factor->defined() && factor->cols() == 1 && factor->rows() >= rows && factor->dtype() == dtype) return;
  ops::fail(op, fmt::format("{} is {}; expected at least {} x 1 of x's type", name, ops::shape_of(*factor), rows));
}

void check_softmax(const char* op, const Pipeline& pipeline, std::int64_t width, DType dtype) {
  if (pipeline.attention == nullptr) ops::fail(op, "softmax needs `attention`, 1 x the width of y");
  ops::check_tensor(op, "attention", *pipeline.attention, 1, width, dtype);
  if (pipeline.heads < 1 || width % pipeline.heads != 0) {
    ops::fail(op, fmt::format("{} heads do not divide the width {}", pipeline.heads, width));
  }
}

}  // namespace

void check_scale(const char* op, const Layout& layout, const Scale& scale, DType dtype) {
  check_factor(op, "left", scale.left, layout.rows(), dtype);
  check_factor(op, "edge", scale.edge, layout.edges(), dtype);
  check_factor(op, "right", scale.right, layout.cols(), dtype);
}

std::int64_t check_pipeline(const char* op, const Layout& layout, const Pipeline& pipeline, const Scale& scale,
                            const Tensor& x, const Tensor& y) {
  const DType dtype = x.dtype();
  ops::check_tensor(op, "x", x, layout.cols(), x.cols(), dtype);
  const std::int64_t width = pipeline.weight != nullptr ? pipeline.weight->cols() : x.cols();
  if (pipeline.weight != nullptr) ops::check_tensor(op, "weight", *pipeline.weight, x.cols(), width, dtype);
  if (pipeline.bias != nullptr) ops::check_tensor(op, "bias", *pipeline.bias, 1, width, dtype);
  ops::check_tensor(op, "y", y, layout.rows(), width, dtype);
  check_scale(op, layout, scale, dtype);
  if (pipeline.to_edges == Reduce::softmax) ops::fail(op, "softmax is towards vertices only");
  if (pipeline.to_vertices == Reduce::softmax) check_softmax(op, pipeline, width, dtype);
  return width;
}

void check_gradients(const Pipeline& pipeline, const Layout& layout, const Tensor& x, const Tensor& y,
                     const PipelineState& state, const Tensor& dy, const PipelineGradients& gradients) {
  constexpr const char* kOp = "pipeline_backward";
  ops::check_like(kOp, "dy", dy, y);
  if (pipeline.to_vertices == Reduce::max) {
    ops::check_tensor(kOp, "state.arg", state.arg, y.rows(), y.cols(), DType::i32);
  }
  if (pipeline.to_vertices == Reduce::softmax) {
    ops::check_tensor(kOp, "state.log_sum", state.log_sum, y.rows(), pipeline.heads, y.dtype());
  }
  if (gradients.x.defined()) ops::check_like(kOp, "the gradient of x", gradients.x, x);
  if (gradients.edge.defined()) {
    ops::check_tensor(kOp, "the gradient of edge", gradients.edge, layout.edges(), 1, x.dtype());
  }
  const auto check_parameter = [](const char* name, const Tensor& gradient, const Tensor* parameter) {
    if (!gradient.defined()) return;
    if (parameter == nullptr) ops::fail(kOp, fmt::format("a gradient of {}, but there is none", name));
    ops::check_like(kOp, name, gradient, *parameter);
  };
  check_parameter("weight", gradients.weight, pipeline.weight);
  check_parameter("bias", gradients.bias, pipeline.bias);
  check_parameter("attention", gradients.attention, pipeline.attention);
}

}  // namespace galena::hyper
