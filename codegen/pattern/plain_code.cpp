// The code is the greatest adjacency matrix, read row by row below the diagonal, over the orders that
// keep vertices sorted by an invariant. Orders grow a vertex at a time and are dropped as soon as a row is less than
// the best one's; of vertices that only differ by name (twins: the same neighbours but for each other) the first is
// tried alone.

#include "codegen/pattern/plain_code.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include "galena/error.hpp"

namespace galena::codegen {

namespace {

using Mask = std::uint32_t;
constexpr Mask bit(int v) { return Mask{1} << v; }
std::size_t at(int v) { return static_cast<std::size_t>(v); }

class Search {
 public:
  explicit Search(std::span<const Mask> rows) : rows_(rows), size_(static_cast<int>(rows.size())) {
    for (int v = 0; v < size_; ++v) sorted_[at(v)] = key_[at(v)] = invariant(v);
    std::sort(sorted_.begin(), sorted_.begin() + size_);
  }

  std::uint64_t run() {
    place(0, 0);
    std::uint64_t code = static_cast<std::uint64_t>(size_);
    for (int i = 1; i < size_; ++i) code = code << i | best_[at(i)];
    return code;
  }

 private:
  /// Does not depend on names: the degree, how many triangles, and the neighbours' degrees.
  [[nodiscard]] std::uint64_t invariant(int v) const {
    std::uint64_t around = 0, triangles = 0;
    for (Mask left = rows_[at(v)]; left != 0; left &= left - 1) {
      const Mask row = rows_[at(std::countr_zero(left))];
      around += std::uint64_t{1} << (5 * std::min(std::popcount(row), 9));
      triangles += static_cast<std::uint64_t>(std::popcount(row & rows_[at(v)]));
    }
    return static_cast<std::uint64_t>(std::popcount(rows_[at(v)])) << 60 | triangles << 50 | around;
  }

  [[nodiscard]] bool twin_before(int v, Mask placed) const {
    for (int u = 0; u < v; ++u)
      if ((placed & bit(u)) == 0 && (rows_[at(u)] & ~bit(v)) == (rows_[at(v)] & ~bit(u))) return true;
    return false;
  }

  void place(int i, Mask placed) {
    for (int v = 0; i < size_ && v < size_; ++v) {
      if ((placed & bit(v)) != 0 || key_[at(v)] != sorted_[at(i)] || twin_before(v, placed)) continue;
      std::uint64_t row = 0;
      for (int j = 0; j < i; ++j) row = row << 1 | (rows_[at(v)] >> order_[at(j)] & 1U);
      if (i < known_ && row < best_[at(i)]) continue;
      if (i >= known_ || row > best_[at(i)]) {  // what comes after was that of a lesser order
        best_[at(i)] = row;
        known_ = i + 1;
      }
      order_[at(i)] = v;
      place(i + 1, placed | bit(v));
    }
  }

  std::span<const Mask> rows_;
  int size_;
  std::array<std::uint64_t, kMaxPlainVertices> key_{}, sorted_{}, best_{};
  std::array<int, kMaxPlainVertices> order_{};
  int known_ = 0;  ///< rows of best_
};

}  // namespace

std::uint64_t plain_code(std::span<const Mask> rows) {
  if (rows.size() > at(kMaxPlainVertices)) throw InternalError("a plain code of a graph of more than ten vertices");
  return Search(rows).run();
}

std::uint64_t plain_code(const Pattern& pattern) {
  std::array<Mask, kMaxPatternVertices> rows{};
  for (int v = 0; v < pattern.size(); ++v) rows[at(v)] = pattern.neighbors(v);
  return plain_code(std::span(rows.data(), at(pattern.size())));
}

}  // namespace galena::codegen
