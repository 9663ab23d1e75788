#pragma once
// Text files, compressed or not, cut into blocks of whole lines that are parsed in parallel.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace galena::detail {

/// Where in a block a parser stopped, and why.
struct TextError {
  std::uint64_t line = 0;    ///< from 0, within the block
  std::uint64_t column = 0;  ///< from 1
  std::string message;
};

/// The bytes without the mark of UTF-8 (EF BB BF) that some editors put at the head of a file.
std::span<const std::byte> without_mark(std::span<const std::byte> bytes);

/// Text in memory or in a mapped file, plain or gzip, with the name it has in messages.
/// The bytes must outlive it.
struct TextSource {
  std::span<const std::byte> bytes;
  std::string name;

  TextSource(std::span<const std::byte> data, std::string file) : bytes(without_mark(data)), name(std::move(file)) {}
  TextSource(std::string_view text, std::string file)
      : TextSource(std::as_bytes(std::span(text.data(), text.size())), std::move(file)) {}
};

struct BlockLoop {
  int threads = 0;
  std::size_t block_bytes = std::size_t{1} << 20;
  std::function<void(double)> progress;  ///< called by the calling thread only
};

/// Calls parse(slot, text) for consecutive pieces of whole lines; every text ends in a newline (one is added
/// at the end of the file where it lacks). `add()` is called once a piece, in order, by one thread, and gives
/// its slot; the calls of parse run in parallel, in any order. See parse_blocks() for the typed form.
/// A gzip file is inflated by the calling thread while the others parse.
/// Exceptions of parse are passed on, that of the lowest piece first. Throws InputError on damaged gzip data.
void for_each_block(const TextSource& source, const BlockLoop& loop, const std::function<void*()>& add,
                    const std::function<void(void*, std::string_view)>& parse);

/// A Result for every piece of the text, in order, filled by parse(result, text) in parallel.
template <class Result, class Parse>
std::deque<Result> parse_blocks(const TextSource& source, const BlockLoop& loop, const Parse& parse) {
  std::deque<Result> results;  // does not move what it holds when it grows
  for_each_block(
      source, loop, [&]() -> void* { return &results.emplace_back(); },
      [&](void* slot, std::string_view text) { parse(*static_cast<Result*>(slot), text); });
  return results;
}

/// The whole text; `storage` holds it if it had to be inflated.
std::string_view whole_text(const TextSource& source, std::string& storage);

/// Throws InputError "file:line:column: message" (line from 1).
[[noreturn]] void throw_at(const std::string& name, std::uint64_t line, std::uint64_t column,
                           const std::string& message);

}  // namespace galena::detail
