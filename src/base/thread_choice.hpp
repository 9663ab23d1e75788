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
    took(key, threads > 1, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }

 private:
  /// A period of calls begins with trials of all threads, then of one. The first trial of each is not looked at: it
  /// finds the data in the other's caches.
  static constexpr std::uint32_t kTrials = 8, kPeriod = 512;
  /// Work that takes all threads this long is not tried on one.
  static constexpr double kLong = 2e-3;
  static constexpr double kUnknown = std::numeric_limits<double>::infinity();

  struct Entry {
    std::uint64_t key = 0;
    std::uint32_t call = 0;                 ///< of the period
    double all = kUnknown, one = kUnknown;  ///< seconds: the least of the period's trials
    [[nodiscard]] bool takes_all() const {
      if (call < kTrials || all > kLong) return true;
      return call >= 2 * kTrials && all <= one;
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

  void took(std::uint64_t key, bool all, double seconds) {
    const std::scoped_lock lock(mutex_);
    Entry& now = entry(key);
    if (now.call == 0) now.all = now.one = kUnknown;
    if (now.call < 2 * kTrials && now.call % kTrials > 0) {
      double& least = all ? now.all : now.one;
      least = std::min(least, seconds);
    }
    now.call = (now.call + 1) % kPeriod;
  }

  std::mutex mutex_;
  std::vector<Entry> entries_;
};

}  // namespace galena::base
