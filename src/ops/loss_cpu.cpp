// Losses and their gradients, row by row. The largest logit is subtracted before exponentials are taken, and
// log(1 + exp(-|x|)) stands for either branch of the binary loss: neither overflows, nor loses what is small.

#include "src/ops/loss_cpu.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "src/ops/parallel.hpp"

namespace galena::ops::cpu {
namespace {

/// Sum of f(row) over `rows`, in an order that depends on their number alone.
template <class F>
double sum_over(std::span<const VertexId> rows, std::int64_t cost, const F& f) {
  const Chunks chunks(static_cast<std::int64_t>(rows.size()));
  std::vector<double> partial(static_cast<std::size_t>(chunks.count));
  parallel_chunks(chunks, cost, [&](std::int64_t chunk, std::int64_t begin, std::int64_t end) {
    double sum = 0;
    for (std::int64_t i = begin; i < end; ++i) sum += f(rows[static_cast<std::size_t>(i)]);
    partial[static_cast<std::size_t>(chunk)] = sum;
  });
  double sum = 0;
  for (const double part : partial) sum += part;
  return sum;
}

/// -log softmax(x)[label]; `dx` (may be null) receives factor * (softmax(x) - [label]).
template <class T>
double cross_entropy_row(const T* x, std::int64_t classes, std::int64_t label, double factor, T* dx) {
  const T largest = *std::max_element(x, x + classes);
  double sum = 0;
  for (std::int64_t c = 0; c < classes; ++c) {
    const T e = std::exp(x[c] - largest);
    sum += static_cast<double>(e);
    if (dx != nullptr) dx[c] = e;
  }
  if (dx != nullptr) {
    const T scale = static_cast<T>(factor / sum);
    for (std::int64_t c = 0; c < classes; ++c) dx[c] *= scale;
    dx[label] -= static_cast<T>(factor);
  }
  return static_cast<double>(largest) - static_cast<double>(x[label]) + std::log(sum);
}

template <class T>
double binary_row(const T* x, std::int64_t classes, const std::uint8_t* target, double factor, T* dx) {
  double sum = 0;
  for (std::int64_t c = 0; c < classes; ++c) {
    const auto logit = static_cast<double>(x[c]), e = std::exp(-std::fabs(logit));
    sum += std::fmax(logit, 0) - (target[c] != 0 ? logit : 0) + std::log1p(e);
    if (dx == nullptr) continue;
    const double sigmoid = (logit >= 0 ? 1 : e) / (1 + e);
    dx[c] = static_cast<T>(factor * (sigmoid - target[c]));
  }
  return sum;
}

template <class T>
T* row_or_null(const Tensor& tensor, VertexId row) {
  return tensor.defined() ? tensor.data<T>() + static_cast<std::int64_t>(row) * tensor.cols() : nullptr;
}

constexpr std::int64_t kExpCost = 8;  // of an exponential, in elements copied

}  // namespace

template <class T>
double softmax_cross_entropy(const Tensor& logits, std::span<const std::int32_t> labels, std::span<const VertexId> rows,
                             double factor, const Tensor& dlogits) {
  return factor * sum_over(rows, kExpCost * logits.cols(), [&](VertexId row) {
           return cross_entropy_row(row_or_null<T>(logits, row), logits.cols(), labels[row], factor,
                                    row_or_null<T>(dlogits, row));
         });
}

template <class T>
double binary_cross_entropy(const Tensor& logits, std::span<const std::uint8_t> targets, std::span<const VertexId> rows,
                            double factor, const Tensor& dlogits) {
  const std::int64_t classes = logits.cols();
  return factor * sum_over(rows, kExpCost * classes, [&](VertexId row) {
           return binary_row(row_or_null<T>(logits, row), classes,
                             targets.data() + static_cast<std::int64_t>(row) * classes, factor,
                             row_or_null<T>(dlogits, row));
         });
}

#define GALENA_INSTANTIATE(T)                                                                                       \
  template double softmax_cross_entropy<T>(const Tensor&, std::span<const std::int32_t>, std::span<const VertexId>, \
                                           double, const Tensor&);                                                  \
  template double binary_cross_entropy<T>(const Tensor&, std::span<const std::uint8_t>, std::span<const VertexId>,  \
                                          double, const Tensor&);
GALENA_INSTANTIATE(float)
GALENA_INSTANTIATE(double)
#undef GALENA_INSTANTIATE

}  // namespace galena::ops::cpu
