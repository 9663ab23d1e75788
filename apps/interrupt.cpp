// Ctrl-C: the first asks the command to stop, the second ends the process.

#include "apps/interrupt.hpp"

#include <csignal>

#include "apps/cli.hpp"

namespace galena::cli {

namespace {

volatile int stop = 0;  // written by the handler; an int, since the library takes a pointer to one

void on_signal(int signal) {
  if (stop != 0) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
  stop = 1;
}

}  // namespace

const volatile int* stop_flag() { return &stop; }

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace galena::cli
