#pragma once
// Line by line through a text, for the formats whose lines depend on those before.

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "src/graph/scan.hpp"
#include "src/graph/text_source.hpp"

namespace galena::detail {

/// Numbers and words of the current line, with errors that name the place.
class LineReader {
 public:
  /// Inflates where needed.
  explicit LineReader(const TextSource& source) : name_(source.name) {
    text_ = whole_text(source, storage_);
    if (!text_.empty() && text_.back() != '\n') {  // scanning needs the newline as its end
      if (storage_.empty()) storage_ = text_;
      storage_ += '\n';
      text_ = storage_;
    }
    next_ = text_.data();
  }

  /// Goes to the next line; false at the end of the text.
  bool next_line() {
    if (next_ == text_.data() + text_.size()) return false;
    line_ = at_ = next_;
    next_ = skip_line(line_, text_.data() + text_.size());
    ++number_;
    return true;
  }
  /// Goes to the next line that is neither blank nor a comment.
  bool next_data_line(char comment) {
    while (next_line()) {
      if (!at_end() && *at_ != comment) return true;
    }
    return false;
  }
  /// Nothing (more) on this line.
  bool at_end() {
    at_ = skip_separators(at_);
    return *at_ == '\n';
  }
  [[nodiscard]] char peek() const { return *at_; }
  void skip_char() { ++at_; }

  /// The next number, which must be there and at most `most`; `what` is named in the error.
  std::uint64_t number(const char* what, std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) {
    at_ = skip_separators(at_);
    std::uint64_t value = 0;
    const char* const after = scan_number(at_, value);
    const bool good = after != nullptr && after != at_ && (is_separator(*after) || *after == '\n');
    if (!good) fail(std::string("expected ") + what + ", found " + describe(at_));
    if (value > most) fail(describe(at_) + " is too large for " + what + ": at most " + std::to_string(most));
    at_ = after;
    return value;
  }

  /// The next word, "" at the end of the line. Points into the text, which lives as long as this.
  std::string_view word() {
    at_ = skip_separators(at_);
    const char* const begin = at_;
    while (!is_separator(*at_) && *at_ != '\n') ++at_;
    return {begin, static_cast<std::size_t>(at_ - begin)};
  }

  /// The line from here on, with its newline.
  [[nodiscard]] std::string_view rest() const { return {at_, static_cast<std::size_t>(next_ - at_)}; }

  [[nodiscard]] std::uint64_t line_number() const { return number_; }
  [[nodiscard]] std::size_t size() const { return text_.size(); }
  [[noreturn]] void fail(const std::string& message) const {
    throw_at(name_, number_, static_cast<std::uint64_t>(at_ - line_) + 1, message);
  }

 private:
  std::string name_, storage_;
  std::string_view text_;
  const char* next_ = nullptr;
  const char* line_ = nullptr;
  const char* at_ = nullptr;
  std::uint64_t number_ = 0;
};

}  // namespace galena::detail
