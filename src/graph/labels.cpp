#include "src/graph/labels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <deque>
#include <optional>

#include "src/graph/readers.hpp"
#include "src/graph/scan.hpp"

namespace galena::detail {
namespace {

std::optional<double> decimal(std::string_view word) {
  double value = 0;
  const char* const end = word.data() + word.size();
  const auto [after, error] = std::from_chars(word.data(), end, value);
  return error == std::errc{} && after == end && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::optional<Label> integer(std::string_view word) {
  Label value = 0;
  const char* const end = word.data() + word.size();
  const auto [after, error] = std::from_chars(word.data(), end, value);
  return error == std::errc{} && after == end ? std::optional(value) : std::nullopt;
}

std::vector<Label> number_values(const std::vector<std::string_view>& words, const std::string& of,
                                 const LoadOptions& options) {
  std::vector<double> values(words.size());
  std::ranges::transform(words, values.begin(), [](std::string_view word) { return decimal(word).value_or(0); });
  std::vector<double> distinct = values;
  std::ranges::sort(distinct);
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  std::vector<Label> labels(words.size());
  std::ranges::transform(values, labels.begin(), [&](double value) {
    return static_cast<Label>(std::ranges::lower_bound(distinct, value) - distinct.begin());
  });
  if (options.numbered) options.numbered({of, std::move(distinct)});
  return labels;
}

struct LabelBlock {
  std::string text;  // what words point into
  std::vector<std::string_view> words;
  std::uint64_t lines = 0;
  std::optional<TextError> error;
};

void parse_labels(LabelBlock& block, std::string_view text) {
  block.text = text;
  const char* const end = block.text.data() + block.text.size();
  for (const char* at = block.text.data(); at != end; at = skip_line(at, end), ++block.lines) {
    const char* const word = skip_separators(at);
    if (*word == '\n' || *word == '#') continue;
    const char* after = word;
    while (!is_separator(*after) && *after != '\n') ++after;
    const std::string_view label(word, static_cast<std::size_t>(after - word));
    if (!is_label(label) || *skip_separators(after) != '\n') {
      block.error = TextError{block.lines, static_cast<std::uint64_t>(word - at) + 1,
                              fmt::format("expected a label (one number a line), found {}", describe(word))};
      return;
    }
    block.words.push_back(label);
  }
}

}  // namespace

bool is_label(std::string_view word) { return decimal(word).has_value(); }

std::vector<Label> encode_labels(const std::vector<std::string_view>& words, const std::string& of,
                                 const LoadOptions& options) {
  std::vector<Label> labels;
  labels.reserve(words.size());
  for (const std::string_view word : words) {
    const std::optional<Label> label = integer(word);
    if (!label) return number_values(words, of, options);
    labels.push_back(*label);
  }
  return labels;
}

std::vector<Label> read_labels(const TextSource& source, const std::string& of, const LoadOptions& options) {
  const auto blocks = parse_blocks<LabelBlock>(source, BlockLoop{}, parse_labels);
  std::vector<std::string_view> words;
  std::uint64_t lines = 0;
  for (const LabelBlock& block : blocks) {
    if (block.error) throw_at(source.name, lines + block.error->line + 1, block.error->column, block.error->message);
    lines += block.lines;
    words.insert(words.end(), block.words.begin(), block.words.end());
  }
  return encode_labels(words, of, options);
}

}  // namespace galena::detail
