#pragma once
// One thread or all: whichever was quicker lately.
//
// For small work whose result does not depend on the number of threads. What threads gain there hangs on things that no
// model knows: how far apart the cores are on which the system, or the machine's host, has put them (a line of a cache
// takes from 1 to 20 ns from one to the other), and what else runs.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <mutex>
#include <vector>

namespace galena::base {

class ThreadChoice {
 public:
  /// f(threads) with 1 or `most` threads; `key` tells works apart that share this object.
  template <class F>
  void run(std::uint64_t key, int most, const F& f) {
    if (most <= 1) return f(1);
    const int threads = next(key, most);
    const auto start = std::chrono::steady_clock::now();
    f(threads);
    took(key, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }

 private:
  /// A period of calls begins with trials of all threads, then of one. The first trial of each is not looked at: it
  /// finds the data in the other's caches.
  static constexpr std::uint32_t kTrials = 8, kPeriod = 512;
  /// Work that takes all threads this long is not tried on one.
  static constexpr double kLong = 2e-3;
  /// A period ends early where what was chosen takes this much longer than a trial of the other did; a call's weight in
  /// the average.
  static constexpr double kWorse = 1.25, kWeight = 1.0 / 8;
  static constexpr double kUnknown = std::numeric_limits<double>::infinity();

  struct Entry {
    std::uint64_t key = 0;
    std::uint32_t call = 0;                 ///< of the period
    double all = kUnknown, one = kUnknown;  ///< seconds: the least of the period's trials
    double recent = 0;                      ///< seconds: of calls since the trials
    [[nodiscard]] bool tries() const { return call < (all > kLong ? kTrials : 2 * kTrials); }
    [[nodiscard]] bool takes_all() const {
      if (call < kTrials || all > kLong) return true;
      return !tries() && all <= one;
    }
    void add(double seconds) {
      if (call == 0) all = one = kUnknown;
      const bool on_all = takes_all(), looked_at = call % kTrials > 0;
      double& least = on_all ? all : one;
      if (tries()) {
        if (looked_at) least = std::min(least, seconds);
        recent = least;
      } else {
        recent += kWeight * (seconds - recent);
      }
      const double other = on_all ? one : all;
      call = !tries() && recent > kWorse * other ? 0 : (call + 1) % kPeriod;
    }
  };

  Entry& entry(std::uint64_t key) {
    for (Entry& known : entries_) {
      if (known.key == key) return known;
    }
    return entries_.emplace_back(Entry{.key = key});
  }

  int next(std::uint64_t key, int most) {
    const std::scoped_lock lock(mutex_);
    return entry(key).takes_all() ? most : 1;
  }

  void took(std::uint64_t key, double seconds) {
    const std::scoped_lock lock(mutex_);
    entry(key).add(seconds);
  }

  std::mutex mutex_;
  std::vector<Entry> entries_;
};

}  // namespace galena::base
