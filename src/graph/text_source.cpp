#include "src/graph/text_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <vector>

#include "galena/error.hpp"
#include "src/base/inflate.hpp"
#include "src/base/threads.hpp"

namespace galena::detail {
namespace {

// A line longer than this is no line: it is a binary file, or a compression bomb.
constexpr std::size_t kLongestLine = std::size_t{1} << 30;

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The position after the first newline at or after `from`.
std::size_t line_start(std::string_view text, std::size_t from) {
  if (from == 0 || from >= text.size()) return std::min(from, text.size());
  const auto* newline = static_cast<const char*>(std::memchr(text.data() + from - 1, '\n', text.size() - from + 1));
  return newline == nullptr ? text.size() : static_cast<std::size_t>(newline - text.data()) + 1;
}

using Add = std::function<void*()>;
using Parse = std::function<void(void*, std::string_view)>;

void plain_blocks(std::string_view text, const BlockLoop& loop, const Add& add, const Parse& parse) {
  // The lines that end in a newline, and the one after them, which then gets one.
  const std::size_t last_newline = text.rfind('\n');
  const std::size_t whole = last_newline == std::string_view::npos ? 0 : last_newline + 1;
  const std::string tail = whole < text.size() ? std::string(text.substr(whole)) + '\n' : "";
  const std::string_view lines = text.substr(0, whole);
  const std::size_t pieces = (whole + loop.block_bytes - 1) / loop.block_bytes;
  const std::size_t blocks = pieces + (tail.empty() ? 0 : 1);
  std::vector<void*> slots(blocks);
  for (void*& slot : slots) slot = add();
  base::ErrorTrap trap;
  std::atomic<std::size_t> done{0};
#pragma omp parallel for schedule(dynamic, 1) num_threads(base::threads_for(blocks, 1, loop.threads))
  for (std::size_t b = 0; b < blocks; ++b) {
    if (trap.failed_before(b)) continue;
    trap.run(b, [&] {
      if (b == pieces) return parse(slots[b], tail);
      const std::size_t from = line_start(lines, b * loop.block_bytes);
      const std::size_t to = line_start(lines, std::min(whole, (b + 1) * loop.block_bytes));
      parse(slots[b], lines.substr(from, to - from));
      const std::size_t finished = ++done;
      if (loop.progress && omp_get_thread_num() == 0) {
        loop.progress(static_cast<double>(finished) / static_cast<double>(blocks));
      }
    });
  }
  trap.rethrow();
}

// Cuts an inflated stream into blocks of whole lines.
class BlockCutter {
 public:
  BlockCutter(const TextSource& source, std::size_t block_bytes)
      : inflater_(source.bytes, source.name), name_(source.name), block_bytes_(block_bytes) {}

  // The next block, or null at the end.
  std::shared_ptr<std::string> next() {
    auto block = std::make_shared<std::string>();
    block->reserve(rest_.size() + block_bytes_);
    block->swap(rest_);
    std::size_t searched = 0;
    while (inflater_.read(*block, block_bytes_) > 0) {
      const std::size_t newline = block->rfind('\n');
      if (newline != std::string::npos && newline >= searched) {
        rest_.assign(*block, newline + 1);
        block->resize(newline + 1);
        return block;
      }
      searched = block->size();
      if (searched > kLongestLine) {
        throw InputError(fmt::format("{}: a line longer than 1 GiB: not a text file?", name_));
      }
    }
    if (block->empty()) return nullptr;
    if (block->back() != '\n') *block += '\n';
    return block;
  }
  [[nodiscard]] std::uint64_t consumed() const noexcept { return inflater_.consumed(); }

 private:
  base::Inflater inflater_;
  std::string name_;
  std::size_t block_bytes_;
  std::string rest_;
};

// The calling thread inflates and hands out blocks as tasks; where the others do not keep up, it parses one
// itself, so that the memory in use stays bounded.
void gzip_blocks(const TextSource& source, const BlockLoop& loop, const Add& add, const Parse& parse) {
  base::ErrorTrap trap;
  BlockCutter cutter(source, loop.block_bytes);
  // Inflated text is a few times as long.
  const int threads = base::threads_for(4 * source.bytes.size(), loop.block_bytes, loop.threads);
  std::atomic<int> waiting{0};
  const auto produce = [&](std::size_t b) {
    const std::shared_ptr<std::string> block = cutter.next();
    if (!block) return false;
    void* const slot = add();
    ++waiting;
    const bool hand_out = waiting.load() < 4 * threads;
#pragma omp task firstprivate(b, slot, block) if (hand_out) default(shared)
    {
      trap.run(b, [&] { parse(slot, *block); });
      --waiting;
    }
    if (loop.progress) loop.progress(static_cast<double>(cutter.consumed()) / static_cast<double>(source.bytes.size()));
    return true;
  };
#pragma omp parallel num_threads(threads)
#pragma omp master
  {
    bool more = true;
    for (std::size_t b = 0; more && !trap.failed_before(b); ++b) {
      more = false;
      trap.run(b, [&] { more = produce(b); });
    }
#pragma omp taskwait
  }
  trap.rethrow();
}

}  // namespace

std::span<const std::byte> without_mark(std::span<const std::byte> bytes) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  return as_text(bytes).starts_with(kMark) ? bytes.subspan(kMark.size()) : bytes;
}

void for_each_block(const TextSource& source, const BlockLoop& loop, const Add& add, const Parse& parse) {
  if (base::is_gzip(source.bytes)) {
    gzip_blocks(source, loop, add, parse);
  } else {
    plain_blocks(as_text(source.bytes), loop, add, parse);
  }
}

std::string_view whole_text(const TextSource& source, std::string& storage) {
  if (!base::is_gzip(source.bytes)) return as_text(source.bytes);
  storage = base::inflate_all(source.bytes, source.name);
  return storage;
}

void throw_at(const std::string& name, std::uint64_t line, std::uint64_t column, const std::string& message) {
  throw InputError(fmt::format("{}:{}:{}: {}", name, line, column, message));
}

}  // namespace galena::detail
