// The rest is numbered anew in its order, in place: a row's new place is never behind its old one.

#include "src/mine/cliques/joined_to_all.hpp"

#include <algorithm>
#include <array>

namespace galena::mine {

namespace {

constexpr std::uint32_t kLeastVertices = 16;  ///< smaller graphs are enumerated as soon as looked at
constexpr std::uint32_t kShare = 4;           ///< one in so many must be joined to all others

std::uint32_t joined(const std::uint64_t* row, std::uint32_t words) {
  std::uint32_t n = 0;
  for (std::uint32_t w = 0; w < words; ++w) n += static_cast<std::uint32_t>(__builtin_popcountll(row[w]));
  return n;
}

}  // namespace

std::uint32_t take_joined_to_all(CliqueTask& task, std::uint64_t* rows) {
  if (task.n < kLeastVertices) return 0;
  std::array<std::uint64_t, kMaxCliqueWords> rest{};
  std::array<std::uint32_t, std::size_t{64} * kMaxCliqueWords> place;  // of those of the rest
  std::uint32_t left = 0;
  for (std::uint32_t i = 0; i < task.n; ++i) {
    if (joined(rows + std::uint64_t{i} * task.words, task.words) + 1 == task.n) continue;
    rest[i / 64] |= std::uint64_t{1} << (i % 64);
    place[i] = left++;
    if (kShare * left > (kShare - 1) * task.n) return 0;
  }
  const std::uint32_t words = clique_words(left);
  for (std::uint32_t i = 0; i < task.n; ++i) {
    if ((rest[i / 64] >> (i % 64) & 1) == 0) continue;
    const std::uint64_t* const from = rows + std::uint64_t{i} * task.words;
    std::array<std::uint64_t, kMaxCliqueWords> row{};
    for (std::uint32_t w = 0; w < task.words; ++w) {
      for (std::uint64_t bits = from[w] & rest[w]; bits != 0; bits &= bits - 1) {
        const std::uint32_t to = place[64 * w + static_cast<std::uint32_t>(__builtin_ctzll(bits))];
        row[to / 64] |= std::uint64_t{1} << (to % 64);
      }
    }
    std::copy_n(row.begin(), words, rows + std::uint64_t{place[i]} * words);
  }
  const std::uint32_t taken = task.n - left;
  task.n = left;
  task.words = words;
  return taken;
}

}  // namespace galena::mine
