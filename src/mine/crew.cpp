#include "src/mine/crew.hpp"

#include <utility>

namespace galena::mine {

void Crew::run(std::size_t threads, const std::function<void(std::size_t)>& work, const std::function<void()>& watch,
               std::chrono::milliseconds tick) {
  add(0, threads, work);
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
  for (std::thread& thread : pool_) thread.join();  // nobody is left who could add to it
  pool_.clear();
  if (error_) std::rethrow_exception(error_);
}

void Crew::add(std::size_t first, std::size_t n, const std::function<void(std::size_t)>& work) {
  const std::scoped_lock lock(mutex_);
  for (std::size_t t = first; t < first + n; ++t) start(t, work);
}

/// Under the lock.
void Crew::start(std::size_t t, const std::function<void(std::size_t)>& work) {
  pool_.emplace_back([this, work, t] {
    try {
      work(t);
    } catch (...) {
      keep(std::current_exception());
    }
    const std::scoped_lock lock(mutex_);
    --running_;
    ended_.notify_one();
  });
  ++running_;
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
