#pragma once
// The three kinds of failure the library reports. It never prints and never exits;
// the `galena` command turns an Error into one line and an exit code.

#include <stdexcept>
#include <string>

namespace galena {

enum class ErrorKind {
  input,        ///< the caller's: a malformed file, an unknown name, an impossible option
  environment,  ///< the machine's: no compiler, no device, disk full, permission denied
  internal,     ///< ours: an invariant of the engine does not hold
};

/// Every exception thrown on purpose by the library.
/// `what()` is the whole message: place, what was found, what was expected, remedy.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }

 private:
  ErrorKind kind_;
};

/// Bad input: exit code 2 in the command.
class InputError : public Error {
 public:
  explicit InputError(const std::string& message) : Error(ErrorKind::input, message) {}
};

/// The machine or its set-up: exit code 1 in the command.
class EnvironmentError : public Error {
 public:
  explicit EnvironmentError(const std::string& message) : Error(ErrorKind::environment, message) {}
};

/// A broken invariant: exit code 1 in the command, and a bug to report.
class InternalError : public Error {
 public:
  explicit InternalError(const std::string& message) : Error(ErrorKind::internal, message) {}
};

}  // namespace galena
