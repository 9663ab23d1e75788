// Ctrl-C: the first asks the command to stop, the second ends the process.

#include "apps/interrupt.hpp"

#include <cerrno>
#include <csignal>

#include "apps/cli.hpp"

namespace galena::cli {

namespace {

volatile int stop = 0;  // written by the handler; an int, since the library takes a pointer to one

void on_signal(int signal) {
  const int before = errno;
  if (__atomic_exchange_n(&stop, 1, __ATOMIC_RELAXED) != 0) {
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
}

}  // namespace galena::cli
