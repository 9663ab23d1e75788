// Ctrl-C: the first asks the command to stop, the second ends the process. What comes right after the first is no
// second: `timeout`, for one, signals the process and its whole group.

#include "apps/interrupt.hpp"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <ctime>

#include "apps/cli.hpp"

namespace galena::cli {

namespace {

volatile int stop = 0;  // written by the handler; an int, since the library takes a pointer to one

constexpr std::int64_t kSameSignal = 500'000'000;  // nanoseconds
std::int64_t first = 0;                            // when the first came

std::int64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
}

void on_signal(int signal) {
  const int before = errno;
  std::int64_t none = 0;
  const std::int64_t time = now();
  const bool is_first = __atomic_compare_exchange_n(&first, &none, time, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
  if (!is_first && time - none > kSameSignal) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
  errno = before;
}

}  // namespace

const volatile int* stop_flag() { return &stop; }
bool stop_asked() { return __atomic_load_n(&stop, __ATOMIC_RELAXED) != 0; }

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGXFSZ, SIG_IGN);  // a file that grows beyond the limit of its size is an error of the write
}

}  // namespace galena::cli
