#pragma once
// The text being parsed, and errors that point into it.

#include <cstddef>
#include <string>
#include <string_view>

namespace galena::codegen {

class SourceText {
 public:
  /// Both must outlive the object.
  SourceText(std::string_view text, std::string_view name) : text_(text), name_(name) {}

  [[nodiscard]] std::string_view text() const { return text_; }
  [[nodiscard]] std::string_view slice(std::size_t begin, std::size_t end) const {
    return text_.substr(begin, end - begin);
  }
  /// 1-based line of an offset.
  [[nodiscard]] std::size_t line(std::size_t offset) const;

  /// Throws InputError: `name:line:column: message`, the line, and carets under begin..end.
  [[noreturn]] void fail(std::size_t begin, std::size_t end, const std::string& message) const;

 private:
  std::string_view text_, name_;
};

}  // namespace galena::codegen
