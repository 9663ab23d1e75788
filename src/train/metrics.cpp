#include "src/train/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>

#include "galena/error.hpp"
#include "src/base/suggest.hpp"
#include "src/ops/loss.hpp"

namespace galena::train {
namespace {

constexpr comm::Label kControl{comm::Traffic::control, -1, comm::Direction::none};
const std::vector<std::string> kNames{"accuracy", "micro_f1",       "macro_f1",
                                      "roc_auc",  "micro_f1_known", "macro_f1_known"};

double ratio(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(part) / static_cast<double>(whole);
}

double accuracy(const Predictions& predictions, const Truths& truths, std::span<const VertexId> rows,
                comm::Communicator* comm) {
  const std::int32_t* const classes = predictions.classes.data<std::int32_t>();
  std::array<std::int64_t, 2> counts{0, static_cast<std::int64_t>(rows.size())};
  for (const VertexId row : rows) counts[0] += classes[row] == truths.labels[row];
  if (comm != nullptr) comm->sum(std::span(counts), kControl);
  return ratio(counts[0], counts[1]);
}

bool is_true(const Truths& truths, VertexId row, std::int64_t c, std::int64_t classes) {
  return truths.label_matrix.empty() ? truths.labels[row] == c : truths.label_matrix[row * classes + c] != 0;
}

std::int64_t count_true(const Truths& truths, VertexId row, std::int64_t classes) {
  std::int64_t count = 0;
  for (std::int64_t c = 0; c < classes; ++c) count += is_true(truths, row, c, classes);
  return count;
}

// Marks the `count` largest logits of a row, of equal ones the lower classes.
void mark_largest(const Tensor& logits, VertexId row, std::int64_t count, std::vector<std::uint8_t>& marks) {
  std::vector<std::int64_t> classes(marks.size());
  std::iota(classes.begin(), classes.end(), 0);
  std::ranges::stable_sort(classes, std::greater<>(), [&](std::int64_t c) { return logits.item(row, c); });
  for (std::int64_t k = 0; k < count; ++k) marks[static_cast<std::size_t>(classes[static_cast<std::size_t>(k)])] = 1;
}

// A row's prediction: where the number of its classes is known (always, of one class a row), as many of the largest
// logits; else every positive one.
void predict(const Predictions& predictions, const Truths& truths, VertexId row, bool known,
             std::vector<std::uint8_t>& marks) {
  const std::int64_t classes = predictions.count;
  const Tensor& logits = predictions.logits;
  marks.assign(static_cast<std::size_t>(classes), 0);
  if (truths.label_matrix.empty())
    marks[static_cast<std::size_t>(predictions.classes.data<std::int32_t>()[row])] = 1;
  else if (known)
    mark_largest(logits, row, count_true(truths, row, classes), marks);
  else
    for (std::int64_t c = 0; c < classes; ++c) marks[static_cast<std::size_t>(c)] = logits.item(row, c) > 0;
}

// Of a class: true positives, false positives, false negatives.
using Counts = std::array<std::int64_t, 3>;

double f1(const Counts& counts) { return ratio(2 * counts[0], 2 * counts[0] + counts[1] + counts[2]); }

// By class, of the rows of all ranks.
std::vector<Counts> count_classes(const Predictions& predictions, const Truths& truths, std::span<const VertexId> rows,
                                  bool known, comm::Communicator* comm) {
  std::vector<Counts> counts(static_cast<std::size_t>(predictions.count), Counts{});
  std::vector<std::uint8_t> marks;
  for (const VertexId row : rows) {
    predict(predictions, truths, row, known, marks);
    for (std::int64_t c = 0; c < predictions.count; ++c) {
      const bool predicted = marks[static_cast<std::size_t>(c)] != 0;
      const bool truth = is_true(truths, row, c, predictions.count);
      Counts& of_class = counts[static_cast<std::size_t>(c)];
      of_class[0] += predicted && truth;
      of_class[1] += predicted && !truth;
      of_class[2] += !predicted && truth;
    }
  }
  if (comm != nullptr && !counts.empty()) comm->sum(std::span(counts.front().data(), 3 * counts.size()), kControl);
  return counts;
}

double micro_f1(const std::vector<Counts>& classes) {
  Counts all{};
  for (const Counts& counts : classes)
    for (std::size_t k = 0; k < counts.size(); ++k) all[k] += counts[k];
  return f1(all);
}

double macro_f1(const std::vector<Counts>& classes) {
  double sum = 0;
  int defined = 0;
  for (const Counts& counts : classes) {
    const double of_class = f1(counts);
    if (std::isnan(of_class)) continue;
    sum += of_class;
    ++defined;
  }
  return defined == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / defined;
}

using Scored = std::vector<std::pair<float, std::uint8_t>>;

// Those of all ranks: an exact area needs them all.
Scored gather(const Scored& mine, comm::Communicator* comm) {
  if (comm == nullptr) return mine;
  constexpr std::size_t kBytes = sizeof(float) + 1;
  std::vector<std::byte> bytes(mine.size() * kBytes);
  for (std::size_t k = 0; k < mine.size(); ++k) {
    std::memcpy(&bytes[k * kBytes], &mine[k].first, sizeof(float));
    bytes[k * kBytes + sizeof(float)] = static_cast<std::byte>(mine[k].second);
  }
  Scored all;
  for (const auto& part : comm->allgather(bytes, kControl))
    for (std::size_t k = 0; k + kBytes <= part.size(); k += kBytes) {
      float value = 0;
      std::memcpy(&value, &part[k], sizeof value);
      all.emplace_back(value, static_cast<std::uint8_t>(part[k + sizeof(float)]));
    }
  return all;
}

double area(const Tensor& logits, const Truths& truths, std::span<const VertexId> rows, comm::Communicator* comm) {
  if (truths.label_matrix.empty() && logits.cols() != 2)
    throw InputError(fmt::format("metric roc_auc wants two classes, or several labels a vertex; there are {} classes",
                                 logits.cols()));
  double sum = 0;
  int defined = 0;
  const bool binary = truths.label_matrix.empty();
  for (std::int64_t c = binary ? 1 : 0; c < logits.cols(); ++c) {
    Scored scored;
    for (const VertexId row : rows) {
      const double value = binary ? logits.item(row, 1) - logits.item(row, 0) : logits.item(row, c);
      scored.emplace_back(static_cast<float>(value), static_cast<std::uint8_t>(is_true(truths, row, c, logits.cols())));
    }
    const double of_class = roc_auc(gather(scored, comm));
    if (std::isnan(of_class)) continue;
    sum += of_class;
    ++defined;
  }
  return defined == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / defined;
}

}  // namespace

Metric find_metric(const std::string& name, bool multi_label) {
  if (name == "auto") return multi_label ? Metric::micro_f1 : Metric::accuracy;
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end())
    throw InputError(fmt::format("unknown metric '{}'{}; there are auto, {}", name, base::did_you_mean(name, kNames),
                                 fmt::join(kNames, ", ")));
  const auto metric = static_cast<Metric>(found - kNames.begin());
  if (metric == Metric::accuracy && multi_label)
    throw InputError("metric accuracy wants one class a vertex; this data set has several: use micro_f1 or roc_auc");
  return metric;
}

std::string name_of(Metric metric) { return kNames[static_cast<std::size_t>(metric)]; }

Predictions predictions_of(Metric metric, const Tensor& logits, bool multi_label) {
  Predictions predictions;
  predictions.count = logits.cols();
  if (multi_label || metric == Metric::roc_auc)
    predictions.logits = logits.to(Device::cpu);
  else
    predictions.classes = ops::argmax_rows(logits).to(Device::cpu);
  return predictions;
}

double score(Metric metric, const Predictions& predictions, const Truths& truths, std::span<const VertexId> rows,
             comm::Communicator* comm) {
  switch (metric) {
    case Metric::accuracy: return accuracy(predictions, truths, rows, comm);
    case Metric::micro_f1: return micro_f1(count_classes(predictions, truths, rows, false, comm));
    case Metric::macro_f1: return macro_f1(count_classes(predictions, truths, rows, false, comm));
    case Metric::roc_auc: return area(predictions.logits, truths, rows, comm);
    case Metric::micro_f1_known: return micro_f1(count_classes(predictions, truths, rows, true, comm));
    case Metric::macro_f1_known: return macro_f1(count_classes(predictions, truths, rows, true, comm));
  }
  return 0;
}

double roc_auc(Scored scored) {
  std::sort(scored.begin(), scored.end());
  double below = 0, area = 0;  // negatives below; pairs in order
  double positives = 0;
  for (std::size_t k = 0; k < scored.size();) {
    double tied_positive = 0, tied_negative = 0;
    const float value = scored[k].first;
    for (; k < scored.size() && scored[k].first == value; ++k)
      (scored[k].second != 0 ? tied_positive : tied_negative) += 1;
    area += tied_positive * (below + tied_negative / 2);
    below += tied_negative;
    positives += tied_positive;
  }
  if (positives == 0 || below == 0) return std::numeric_limits<double>::quiet_NaN();
  return area / (positives * below);
}

}  // namespace galena::train
