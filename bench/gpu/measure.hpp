#pragma once
// How long a GPU takes.

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bench/gpu/cusparse.hpp"
#include "bench/gpu/report.hpp"
#include "galena/error.hpp"
#include "src/ops/device_ops.hpp"

namespace galena::bench {

inline double now() {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Microseconds of one call: the median over batches of about five milliseconds.
inline double microseconds(const std::function<void()>& call) {
  constexpr int kBatches = 9;
  const auto batch = [&](int calls) {
    const double start = now();
    for (int k = 0; k < calls; ++k) call();
    ops::device_ops().synchronize();
    return (now() - start) / calls;
  };
  batch(3);
  const int calls = std::clamp(static_cast<int>(5000 / std::max(1.0, batch(3))), 1, 1000);
  std::vector<double> times;
  for (int k = 0; k < kBatches; ++k) times.push_back(batch(calls));
  std::nth_element(times.begin(), times.begin() + kBatches / 2, times.end());
  return times[kBatches / 2];
}

/// By each algorithm of cuSPARSE's, "cusparse_alg2", ... of `row`: its time, or why there is none. The best of them.
inline std::optional<double> best_of_cusparse(Json& row, const std::function<double(SpmmAlgorithm)>& time) {
  std::optional<double> best;
  for (const SpmmAlgorithm algorithm : kSpmmAlgorithms) {
    Json& place = row["cusparse_" + name_of(algorithm)];
    try {
      const double taken = time(algorithm);
      place = taken;
      best = std::min(taken, best.value_or(taken));
    } catch (const Error& e) {
      place = e.what();
    }
  }
  return best;
}

}  // namespace galena::bench
