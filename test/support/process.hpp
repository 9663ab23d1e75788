#pragma once
// Running the `galena` command, as a person would.

#include <memory>
#include <string>
#include <vector>

namespace galena::test {

struct Outcome {
  int code = 0;  ///< exit code; 128 + n where signal n ended it
  std::string out, err;
};

/// Runs a program (found on PATH unless it has a slash) and waits for its end.
/// `input` goes to its standard input.
Outcome run_program(const std::vector<std::string>& arguments, const std::string& input = "");

/// Runs the `galena` of this build with these arguments.
Outcome run_galena(const std::vector<std::string>& arguments, const std::string& input = "");

/// A program that runs beside the test. Killed at the end if it still runs.
class RunningProgram {
 public:
  explicit RunningProgram(const std::vector<std::string>& arguments, const std::string& input = "");
  ~RunningProgram();
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;
  void send(int signal) const;
  [[nodiscard]] bool running();
  /// Waits for its end. Throws std::runtime_error where a sanitizer reports something in it.
  Outcome wait();
  /// The same, but throws std::runtime_error where it still runs after so many seconds.
  Outcome wait_for(double seconds);

 private:
  struct Files;
  std::unique_ptr<Files> files_;
  int child_ = -1;
  int status_ = 0;
};

/// Path of the `galena` of this build.
std::string galena_path();

}  // namespace galena::test
