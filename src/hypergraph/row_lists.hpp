#pragma once
// Writes RowLists.

#include <compare>
#include <span>
#include <vector>

#include "src/hypergraph/program.hpp"

namespace galena::hyper {

/// Of a row: see RowGroup.
struct RowKind {
  bool scaled = true, final = false;
  auto operator<=>(const RowKind&) const = default;
};

class RowListWriter {
 public:
  /// A row of the current part.
  void add(std::uint32_t target, std::span<const std::uint32_t> sources, RowKind kind = {}, std::uint32_t factor = 0);
  /// Rows so far come before those that follow: they are what those sum.
  void end_level();
  void end_part();
  /// `factors`: whether rows name theirs.
  RowList take(bool factors);

 private:
  struct Row {
    std::uint32_t target, factor, length;
    RowKind kind;
    std::uint64_t source;
  };
  std::vector<Row> rows_;               // of the level
  std::vector<std::uint32_t> sources_;  // of these
  RowList list_;
};

/// One after the other.
RowList join(std::span<const RowList> lists);

}  // namespace galena::hyper
