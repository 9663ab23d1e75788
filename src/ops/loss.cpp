// Checks of loss.hpp, and the choice of the element type.

#include "src/ops/loss.hpp"

#include <algorithm>
#include <string>

#include "src/ops/check.hpp"
#include "src/ops/device_ops.hpp"
#include "src/ops/loss_cpu.hpp"
#include "src/ops/max_math.hpp"
#include "src/ops/parallel.hpp"

namespace galena::ops {
namespace {

void prepare_gradient(const char* op, const Tensor& logits, const Tensor& dlogits) {
  if (!dlogits.defined()) return;
  check_like(op, "dlogits", dlogits, logits);
  dlogits.fill(0);
}

void check_labels(std::span<const std::int32_t> labels, std::span<const VertexId> rows, std::int64_t classes) {
  for (const VertexId row : rows) {
    const std::int32_t label = labels[row];
    if (label >= 0 && label < classes) continue;
    fail("softmax_cross_entropy", "row " + std::to_string(row) + " has label " + std::to_string(label) +
                                      "; expected 0 to " + std::to_string(classes - 1) +
                                      (label < 0 ? " (leave out rows without a label)" : ""));
  }
}

void check_targets(std::span<const std::uint8_t> targets, std::span<const VertexId> rows, std::int64_t classes) {
  const auto width = static_cast<std::size_t>(classes);
  for (const VertexId row : rows) {
    const std::span<const std::uint8_t> target = targets.subspan(row * width, width);
    const auto bad = std::find_if(target.begin(), target.end(), [](std::uint8_t t) { return t > 1; });
    if (bad == target.end()) continue;
    fail("binary_cross_entropy", "row " + std::to_string(row) + ", class " + std::to_string(bad - target.begin()) +
                                     " has target " + std::to_string(*bad) + "; expected 0 or 1");
  }
}

}  // namespace

double softmax_cross_entropy(const Tensor& logits, std::span<const std::int32_t> labels, std::span<const VertexId> rows,
                             double factor, const Tensor& dlogits) {
  const char* op = "softmax_cross_entropy";
  check_rows(op, rows, std::min(logits.rows(), static_cast<std::int64_t>(labels.size())));
  check_labels(labels, rows, logits.cols());
  prepare_gradient(op, logits, dlogits);
  return with_float(op, logits.dtype(),
                    [&]<class T>(T) { return cpu::softmax_cross_entropy<T>(logits, labels, rows, factor, dlogits); });
}

double binary_cross_entropy(const Tensor& logits, std::span<const std::uint8_t> targets, std::span<const VertexId> rows,
                            double factor, const Tensor& dlogits) {
  const char* op = "binary_cross_entropy";
  const auto target_rows = static_cast<std::int64_t>(targets.size()) / std::max<std::int64_t>(1, logits.cols());
  check_rows(op, rows, std::min(logits.rows(), target_rows));
  check_targets(targets, rows, logits.cols());
  prepare_gradient(op, logits, dlogits);
  return with_float(op, logits.dtype(),
                    [&]<class T>(T) { return cpu::binary_cross_entropy<T>(logits, targets, rows, factor, dlogits); });
}

namespace {

/// kernel(loss) on the device, with the gradient cleared before.
template <class Kernel>
Tensor loss_on_device(const char* op, const Tensor& logits, const Tensor& dlogits, const Kernel& kernel) {
  prepare_gradient(op, logits, dlogits);
  const OnDevice there(Device::cuda);
  Tensor loss = Tensor::empty(1, 1, DType::f64);
  kernel(loss);
  return loss;
}

}  // namespace

Tensor softmax_cross_entropy_loss(const Tensor& logits, std::span<const std::int32_t> labels,
                                  std::span<const VertexId> rows, double factor, const Tensor& dlogits) {
  if (!on_device(logits))
    return Tensor::full(1, 1, softmax_cross_entropy(logits, labels, rows, factor, dlogits), DType::f64);
  return loss_on_device("softmax_cross_entropy", logits, dlogits, [&](const Tensor& loss) {
    device_ops().softmax_cross_entropy(logits, labels.data(), rows.data(), static_cast<std::int64_t>(rows.size()),
                                       factor, dlogits, loss);
  });
}

Tensor binary_cross_entropy_loss(const Tensor& logits, std::span<const std::uint8_t> targets,
                                 std::span<const VertexId> rows, double factor, const Tensor& dlogits) {
  if (!on_device(logits))
    return Tensor::full(1, 1, binary_cross_entropy(logits, targets, rows, factor, dlogits), DType::f64);
  return loss_on_device("binary_cross_entropy", logits, dlogits, [&](const Tensor& loss) {
    device_ops().binary_cross_entropy(logits, targets.data(), rows.data(), static_cast<std::int64_t>(rows.size()),
                                      factor, dlogits, loss);
  });
}

Tensor argmax_rows(const Tensor& x) {
  const OnDevice there(x.device());
  const Tensor y = Tensor::empty(x.rows(), 1, DType::i32);
  if (on_device(x)) {
    device_ops().argmax_rows(x, y);
    return y;
  }
  with_float("argmax_rows", x.dtype(), [&]<class T>(T) {
    const math::ArgmaxRow<T> of_row{x.data<T>(), y.data<std::int32_t>(), x.cols()};
    parallel_ranges(x.rows(), x.cols(), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) of_row(i);
    });
  });
  return y;
}

}  // namespace galena::ops
