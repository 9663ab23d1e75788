#pragma once
// Libraries that are looked for while the program runs, so that it starts, and starts quickly, without them.

#include <functional>
#include <string>
#include <vector>

namespace galena::base {

/// A library opened by name and kept to the end of the process, with what is missing of it.
class SharedLibrary {
 public:
  /// Finds the functions of a library that has opened and tries it. Empty, or why it cannot be used.
  using Check = std::function<std::string(SharedLibrary&)>;

  /// Opens the file that the environment's `variable` names where that is set and not empty, else the first of
  /// `names` that opens and, with a `check`, passes it and has all functions that it asked for. `title` is what messages
  /// call it; `remedy` says how to get it: "install libnccl2".
  SharedLibrary(std::string title, const char* variable, std::vector<std::string> names, std::string remedy,
                const Check& check = {});

  /// Puts the address of a function into `function`, or null where it is not there; then whole() is false.
  template <class F>
  SharedLibrary& find(const char* name, F*& function) {
    function = reinterpret_cast<F*>(address(name));
    return *this;
  }

  /// Whether the library was opened and all functions asked for were found.
  [[nodiscard]] bool whole() const { return why_not_.empty(); }
  /// Empty where whole(), else a sentence that names what is missing and the remedy.
  [[nodiscard]] const std::string& why_not() const { return why_not_; }
  /// Throws EnvironmentError with why_not() where not whole().
  void require() const;
  /// The name it was opened by; empty where none opened.
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  /// Why it did not; empty where it did.
  std::string open(const std::string& name, const Check& check);
  void* address(const char* name);

  void* handle_ = nullptr;
  std::string title_, remedy_, name_, why_not_;
  std::string missing_;  ///< the first function that was not there
};

}  // namespace galena::base
