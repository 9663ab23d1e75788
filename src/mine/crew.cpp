#include "src/mine/crew.hpp"

#include <thread>
#include <utility>
#include <vector>

namespace galena::mine {

void Crew::run(std::size_t threads, const std::function<void(std::size_t)>& work, const std::function<void()>& watch,
               std::chrono::milliseconds tick) {
  running_ = threads;
  std::vector<std::thread> pool;
  for (std::size_t t = 0; t < threads; ++t)
    pool.emplace_back([this, &work, t] {
      try {
        work(t);
      } catch (...) {
        keep(std::current_exception());
      }
      const std::scoped_lock lock(mutex_);
      --running_;
      ended_.notify_one();
    });
  std::unique_lock lock(mutex_);
  while (!ended_.wait_for(lock, tick, [this] { return running_ == 0; })) {
    if (!watch) continue;
    lock.unlock();
    try {
      watch();
    } catch (...) {
      keep(std::current_exception());
    }
    lock.lock();
  }
  lock.unlock();
  for (std::thread& thread : pool) thread.join();
  if (error_) std::rethrow_exception(error_);
}

void Crew::keep(std::exception_ptr error) {
  halt();
  const std::scoped_lock lock(mutex_);
  if (!error_) error_ = std::move(error);
}

MineProgress progress(double done, double seconds) {
  constexpr double kLeast = 0.001;  // less says nothing about the rest
  return {done, seconds, done > kLeast ? seconds * (1 - done) / done : -1};
}

}  // namespace galena::mine
