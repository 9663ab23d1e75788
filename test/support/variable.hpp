#pragma once
// Variables of the environment, changed for a while.

#include <cstdlib>
#include <optional>
#include <string>

namespace galena::test {

/// Sets a variable, or removes it, and puts back what was there at the end. For one thread.
class Variable {
 public:
  explicit Variable(const char* name, const std::optional<std::string>& value = std::nullopt) : name_(name) {
    if (const char* const before = std::getenv(name)) before_ = before;
    set(value);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { set(before_); }

 private:
  void set(const std::optional<std::string>& value) const {
    value ? ::setenv(name_, value->c_str(), 1) : ::unsetenv(name_);
  }
  const char* name_;
  std::optional<std::string> before_;
};

}  // namespace galena::test
