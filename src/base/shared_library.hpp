#pragma once
// Libraries that are looked for while the program runs, so that it starts, and starts quickly, without them.

#include <string>
#include <vector>

namespace galena::base {

/// A library opened by name and kept to the end of the process, with what is missing of it.
class SharedLibrary {
 public:
  /// Opens the file that the environment's `variable` names where that is set and not empty, else the first of
  /// `names` that opens. `title` is what messages call it; `remedy` says how to get it: "install libnccl2".
  SharedLibrary(std::string title, const char* variable, std::vector<std::string> names, std::string remedy);

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
  void* address(const char* name);

  void* handle_ = nullptr;
  std::string title_, remedy_, name_, why_not_;
};

}  // namespace galena::base
