#include "codegen/parse/source_text.hpp"

#include <algorithm>

#include "galena/error.hpp"

namespace galena::codegen {
namespace {

constexpr std::size_t kWindow = 100;  // columns shown of a long line
constexpr std::size_t kLeadIn = 60;   // of these at most so many before the place

// One column a byte: what does not print is shown as '?', a tab as a space.
std::string printable(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c == '\t') c = ' ';
    if (c < ' ' || c > '~') c = '?';
  }
  return result;
}

}  // namespace

std::size_t SourceText::line(std::size_t offset) const {
  const std::string_view before = text_.substr(0, offset);
  return static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')) + 1;
}

void SourceText::fail(std::size_t begin, std::size_t end, const std::string& message) const {
  begin = std::min(begin, text_.size());
  const std::size_t newline = begin == 0 ? std::string_view::npos : text_.rfind('\n', begin - 1);
  const std::size_t line_begin = newline == std::string_view::npos ? 0 : newline + 1;
  std::size_t line_end = std::min(text_.find('\n', begin), text_.size());
  if (line_end > begin && text_[line_end - 1] == '\r') --line_end;
  const std::size_t column = begin - line_begin;

  const std::size_t shown_begin = column > kLeadIn ? begin - kLeadIn : line_begin;
  const std::size_t shown_end = std::min(line_end, shown_begin + kWindow);
  const std::string cut_left = shown_begin > line_begin ? "..." : "";
  const std::string cut_right = shown_end < line_end ? "..." : "";
  const std::size_t caret_end = std::clamp(end, begin + 1, std::max(begin + 1, shown_end));

  throw InputError(std::string(name_) + ":" + std::to_string(line(begin)) + ":" + std::to_string(column + 1) + ": " +
                   message + "\n  " + cut_left + printable(slice(shown_begin, shown_end)) + cut_right + "\n  " +
                   std::string(cut_left.size() + begin - shown_begin, ' ') + std::string(caret_end - begin, '^'));
}

}  // namespace galena::codegen
