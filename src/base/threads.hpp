#pragma once
// What every OpenMP loop of the engine needs: the number of threads, and a way for
// exceptions to leave a parallel region.

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <limits>
#include <mutex>

namespace galena::base {

/// The number of threads a request means: 0 = as many as OpenMP would use.
inline int resolve_threads(int requested) noexcept { return requested > 0 ? requested : omp_get_max_threads(); }

/// The same, but no more than can each have `grain` pieces of the work: waking a thread costs some microseconds.
inline int threads_for(std::uint64_t work, std::uint64_t grain, int requested) noexcept {
  const std::uint64_t useful = std::max<std::uint64_t>(1, work / grain);
  return static_cast<int>(std::min<std::uint64_t>(static_cast<std::uint64_t>(resolve_threads(requested)), useful));
}

/// How many threads OpenMP takes for what this thread runs, until the end of the scope. 0: as many as before.
class ThreadCount {
 public:
  explicit ThreadCount(int threads) : before_(omp_get_max_threads()) {
    if (threads > 0) omp_set_num_threads(threads);
  }
  ~ThreadCount() { omp_set_num_threads(before_); }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  int before_;
};

/// Exceptions may not leave an OpenMP region. `run(position, f)` calls f and keeps the exception of
/// the lowest position, so that the error reported does not depend on timing; `rethrow()` after the
/// region throws it. Work at later positions than a failure may be skipped: ask `failed_before()`.
class ErrorTrap {
 public:
  template <class F>
  void run(std::uint64_t position, F&& f) noexcept {
    try {
      f();
    } catch (...) {
      const std::scoped_lock lock(mutex_);
      if (position < position_.load(std::memory_order_relaxed) || !error_) {
        position_.store(position, std::memory_order_relaxed);
        error_ = std::current_exception();
      }
    }
  }
  [[nodiscard]] bool failed_before(std::uint64_t position) const noexcept {
    return position_.load(std::memory_order_relaxed) < position;
  }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr error_;
  std::atomic<std::uint64_t> position_{std::numeric_limits<std::uint64_t>::max()};
};

}  // namespace galena::base
