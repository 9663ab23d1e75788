#pragma once
// Threads that share a query's work while the calling one watches.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "galena/mine.hpp"

namespace galena::mine {

class Crew {
 public:
  static constexpr auto kTick = std::chrono::milliseconds(50);
  static constexpr auto kTeamTick = std::chrono::milliseconds(1);  ///< where the watch brings threads their work

  /// Runs work(t) on thread t of `threads`, and watch() on this one every tick as long as any of them runs. Returns
  /// when all have ended. What work or watch throws is kept, halts the crew, and is then thrown: the first of it.
  void run(std::size_t threads, const std::function<void(std::size_t)>& work, const std::function<void()>& watch = {},
           std::chrono::milliseconds tick = kTick);

  /// More threads, asked for by one of those that run: work(t) for n numbers from `first` on.
  void add(std::size_t first, std::size_t n, const std::function<void(std::size_t)>& work);

  /// Asks the threads to end early; they look at halted() or at the flag.
  void halt() { __atomic_store_n(&halt_, 1, __ATOMIC_RELAXED); }
  [[nodiscard]] bool halted() const { return __atomic_load_n(&halt_, __ATOMIC_RELAXED) != 0; }
  [[nodiscard]] const volatile int* flag() const { return &halt_; }

 private:
  void start(std::size_t t, const std::function<void(std::size_t)>& work);
  void keep(std::exception_ptr error);

  volatile int halt_ = 0;
  std::mutex mutex_;  ///< guards what follows
  std::condition_variable ended_;
  std::size_t running_ = 0;
  std::vector<std::thread> pool_;
  std::exception_ptr error_;
};

/// With an estimate of what is left, where `done` (of 1) took `seconds`.
MineProgress progress(double done, double seconds);

}  // namespace galena::mine
