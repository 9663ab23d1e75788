#pragma once
// Running another program without a shell.

#include <string>
#include <vector>

namespace galena::jit {

struct Finished {
  int status = -1;         ///< exit status; 128 + signal when a signal ended it
  bool abandoned = false;  ///< `stop` rose and the program was ended
  std::string output;      ///< standard output and error together, the first 64 KiB
};

/// Runs arguments[0] (a path, or a name looked up on PATH) with its standard input closed, in a
/// process group of its own, and waits for it. EnvironmentError when it cannot be started.
Finished run_program(const std::vector<std::string>& arguments, const volatile int* stop = nullptr);

}  // namespace galena::jit
