#pragma once
// One thread or all: whichever was quicker lately.
//
// For small work whose result does not depend on the number of threads. What threads gain there hangs on things that no
// model knows: how far apart the cores are on which the system, or the machine's host, has put them, and what else runs.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <mutex>
#include <utility>
#include <vector>

namespace galena::base {

/// What is known of one work.
class ThreadTrials {
 public:
  /// Whether the next call takes all threads, or one.
  [[nodiscard]] bool takes_all() const {
    if (call_ < kTrials || all_ > kLong) return true;
    return !tries() && all_ <= one_;
  }
  /// That call took so many seconds.
  void add(double seconds) {
    if (call_ == 0) all_ = one_ = kUnknown;
    const bool on_all = takes_all();
    double& least = on_all ? all_ : one_;
    if (tries()) {
      if (call_ % kTrials > 0) least = std::min(least, seconds);
      recent_ = least;
    } else {
      recent_ += kWeight * (seconds - recent_);
    }
    call_ = !tries() && recent_ > kWorse * (on_all ? one_ : all_) ? 0 : (call_ + 1) % kPeriod;
  }

  /// A period of calls begins with trials of all threads, then of one. The first trial of each is not looked at: it
  /// finds the data in the other's caches.
  static constexpr int kTrials = 8, kPeriod = 512;
  /// Seconds: work that takes all threads this long is not tried on one.
  static constexpr double kLong = 2e-3;

 private:
  /// A period ends early where what was chosen takes this much longer than a trial of the other did; a call's weight in
  /// the average.
  static constexpr double kWorse = 1.25, kWeight = 1.0 / 8;
  static constexpr double kUnknown = std::numeric_limits<double>::infinity();

  [[nodiscard]] bool tries() const { return call_ < (all_ > kLong ? kTrials : 2 * kTrials); }

  int call_ = 0;                            ///< of the period
  double all_ = kUnknown, one_ = kUnknown;  ///< seconds: the least of the period's trials
  double recent_ = 0;                       ///< seconds: of calls since the trials
};

class ThreadChoice {
 public:
  /// f(threads) with 1 or `most` threads; `key` tells works apart that share this object.
  template <class F>
  void run(std::uint64_t key, int most, const F& f) {
    if (most <= 1) return f(1);
    const int threads = with(key, [&](ThreadTrials& trials) { return trials.takes_all() ? most : 1; });
    const auto start = std::chrono::steady_clock::now();
    f(threads);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    with(key, [&](ThreadTrials& trials) { trials.add(taken.count()); });
  }

 private:
  template <class F>
  auto with(std::uint64_t key, const F& f) {
    const std::scoped_lock lock(mutex_);
    for (auto& [known, trials] : works_) {
      if (known == key) return f(trials);
    }
    return f(works_.emplace_back(key, ThreadTrials{}).second);
  }

  std::mutex mutex_;
  std::vector<std::pair<std::uint64_t, ThreadTrials>> works_;
};

}  // namespace galena::base
