// Scores against definitions, on one rank and on several.

#include <cmath>

#include "galena/error.hpp"
#include "src/base/random.hpp"
#include "src/comm/thread_transport.hpp"
#include "src/train/metrics.hpp"
#include "test/support/catch.hpp"

namespace galena::train {
namespace {

double score(Metric metric, const Tensor& logits, const Truths& truths, std::span<const VertexId> rows,
             comm::Communicator* comm) {
  const auto predictions = predictions_of(metric, logits, !truths.label_matrix.empty());
  return train::score(metric, predictions, truths, rows, comm);
}

constexpr std::int64_t kRows = 90, kClasses = 4;

struct Scored {
  Tensor logits = Tensor::empty(kRows, kClasses);
  std::vector<std::int32_t> labels;
  std::vector<std::uint8_t> matrix;
  std::vector<VertexId> rows;
};

// Logits are small integers over 2: ties abound.
Scored draw(std::uint64_t seed) {
  Scored sample;
  base::RandomStream random(seed, 1);
  for (float& x : sample.logits.span<float>()) x = (static_cast<float>(random.below(9)) - 4) / 2;
  for (std::int64_t i = 0; i < kRows; ++i) {
    sample.labels.push_back(static_cast<std::int32_t>(random.below(kClasses)));
    if (random.below(4) != 0) sample.rows.push_back(static_cast<VertexId>(i));
    for (std::int64_t c = 0; c < kClasses; ++c) sample.matrix.push_back(static_cast<std::uint8_t>(random.below(2)));
  }
  return sample;
}

// The probability that a positive ranks above a negative, by all pairs.
double area_by_pairs(const std::vector<std::pair<float, std::uint8_t>>& scored) {
  double won = 0, pairs = 0;
  for (const auto& [a, positive] : scored)
    for (const auto& [b, other] : scored)
      if (positive != 0 && other == 0) {
        pairs += 1;
        won += a > b ? 1 : a == b ? 0.5 : 0;
      }
  return won / pairs;
}

// The score by `ranks` ranks, rank r having every ranks-th of the rows.
double distributed(Metric metric, const Scored& sample, const Truths& truths, int ranks) {
  std::vector<double> scores(static_cast<std::size_t>(ranks));
  comm::run_ranks(ranks, {}, [&](comm::Communicator& comm) {
    std::vector<VertexId> mine;
    for (std::size_t k = 0; k < sample.rows.size(); ++k)
      if (static_cast<int>(k * k) % ranks == comm.rank()) mine.push_back(sample.rows[k]);
    scores[static_cast<std::size_t>(comm.rank())] = score(metric, sample.logits, truths, mine, &comm);
  });
  for (const double s : scores) CHECK(s == scores[0]);
  return scores[0];
}

}  // namespace

TEST_CASE("area under the ROC curve equals the share of ordered pairs, ties halved") {
  base::RandomStream random(3, 2);
  for (int trial = 0; trial < 50; ++trial) {
    std::vector<std::pair<float, std::uint8_t>> scored;
    for (int k = 0; k < 40; ++k)
      scored.emplace_back(static_cast<float>(random.below(8)), static_cast<std::uint8_t>(random.below(2)));
    CHECK(roc_auc(scored) == Approx(area_by_pairs(scored)));
  }
  CHECK(std::isnan(roc_auc({{1.0F, 1}, {2.0F, 1}})));
}

TEST_CASE("scores over ranks are those of one rank: sums of counts, not means of means") {
  const Scored sample = draw(5);
  const Truths labels{sample.labels, {}}, matrix{{}, sample.matrix};
  for (const int ranks : {2, 3, 5})
    for (const auto& [metric, truths] : {std::pair{Metric::accuracy, labels},
                                         {Metric::micro_f1, labels},
                                         {Metric::micro_f1, matrix},
                                         {Metric::macro_f1, matrix},
                                         {Metric::micro_f1_known, matrix},
                                         {Metric::macro_f1_known, matrix},
                                         {Metric::roc_auc, matrix}})
      CHECK(distributed(metric, sample, truths, ranks) == score(metric, sample.logits, truths, sample.rows, nullptr));
}

TEST_CASE("accuracy and micro-F1 by their definitions") {
  const Scored sample = draw(6);
  std::int64_t right = 0, tp = 0, fp = 0, fn = 0;
  for (const VertexId i : sample.rows) {
    std::int64_t best = 0;
    for (std::int64_t c = 0; c < kClasses; ++c) {
      if (sample.logits.item(i, c) > sample.logits.item(i, best)) best = c;
      const bool predicted = sample.logits.item(i, c) > 0, truth = sample.matrix[i * kClasses + c] != 0;
      tp += predicted && truth;
      fp += predicted && !truth;
      fn += !predicted && truth;
    }
    right += best == sample.labels[i];
  }
  const double accuracy = static_cast<double>(right) / static_cast<double>(sample.rows.size());
  CHECK(score(Metric::accuracy, sample.logits, {sample.labels, {}}, sample.rows, nullptr) == accuracy);
  CHECK(score(Metric::micro_f1, sample.logits, {sample.labels, {}}, sample.rows, nullptr) == Approx(accuracy));
  const double precision = static_cast<double>(tp) / static_cast<double>(tp + fp);
  const double recall = static_cast<double>(tp) / static_cast<double>(tp + fn);
  CHECK(score(Metric::micro_f1, sample.logits, {{}, sample.matrix}, sample.rows, nullptr) ==
        Approx(2 * precision * recall / (precision + recall)));
}

// A class is predicted where fewer than `count` classes are before it: larger, or as large and lower.
TEST_CASE("micro-F1 with the number of labels given, by ranks") {
  const Scored sample = draw(8);
  std::int64_t right = 0, labels = 0;
  for (const VertexId i : sample.rows) {
    const auto truth = [&](std::int64_t c) { return sample.matrix[i * kClasses + c] != 0; };
    std::int64_t count = 0;
    for (std::int64_t c = 0; c < kClasses; ++c) count += truth(c);
    for (std::int64_t c = 0; c < kClasses; ++c) {
      std::int64_t before = 0;
      for (std::int64_t d = 0; d < kClasses; ++d)
        before += sample.logits.item(i, d) > sample.logits.item(i, c) ||
                  (d < c && sample.logits.item(i, d) == sample.logits.item(i, c));
      right += before < count && truth(c);
    }
    labels += count;
  }
  // As many are predicted as there are, so precision, recall and F1 are one number.
  CHECK(score(Metric::micro_f1_known, sample.logits, {{}, sample.matrix}, sample.rows, nullptr) ==
        Approx(static_cast<double>(right) / static_cast<double>(labels)));
  CHECK(score(Metric::micro_f1_known, sample.logits, {sample.labels, {}}, sample.rows, nullptr) ==
        score(Metric::accuracy, sample.logits, {sample.labels, {}}, sample.rows, nullptr));
}

TEST_CASE("macro-F1 is the mean of each class's F1, of classes that occur") {
  Scored sample = draw(9);
  for (std::int64_t i = 0; i < kRows; ++i) {  // nobody has class 3, or is said to
    sample.matrix[static_cast<std::size_t>(i * kClasses + 3)] = 0;
    sample.logits.at<float>(i, 3) = -1;
  }
  double sum = 0;
  for (std::int64_t c = 0; c < 3; ++c) {
    double right = 0, predicted = 0, there = 0;
    for (const VertexId i : sample.rows) {
      const bool guess = sample.logits.item(i, c) > 0, truth = sample.matrix[i * kClasses + c] != 0;
      right += guess && truth;
      predicted += guess;
      there += truth;
    }
    sum += 2 * right / (predicted + there);
  }
  CHECK(score(Metric::macro_f1, sample.logits, {{}, sample.matrix}, sample.rows, nullptr) == Approx(sum / 3));
}

TEST_CASE("scores that do not exist") {
  const Scored sample = draw(7);
  CHECK(std::isnan(score(Metric::accuracy, sample.logits, {sample.labels, {}}, {}, nullptr)));
  CHECK_THROWS_AS(score(Metric::roc_auc, sample.logits, {sample.labels, {}}, sample.rows, nullptr), InputError);
  CHECK_THROWS_WITH(find_metric("acuracy", false), test::contains("did you mean 'accuracy'"));
  CHECK_THROWS_AS(find_metric("accuracy", true), InputError);
}

}  // namespace galena::train
