#pragma once
// Small random graphs as plans see them.

#include <algorithm>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "codegen/runtime/abi.h"

namespace galena::test {

/// A graph by its arrays, with vertex labels 0..2 and edge labels 0..1. Not copied: `view` points inside.
class SmallGraph {
 public:
  /// Each pair is joined with probability `density`.
  SmallGraph(int vertices, double density, std::mt19937& random) : joined_(static_cast<std::size_t>(vertices)) {
    for (auto& row : joined_) row.assign(static_cast<std::size_t>(vertices), kNone);
    const auto n = static_cast<std::size_t>(vertices);
    for (std::size_t u = 0; u < n; ++u) {
      labels_.push_back(static_cast<std::uint32_t>(random() % 3));
      for (std::size_t v = 0; v < u; ++v)
        if (std::uniform_real_distribution<>(0, 1)(random) < density)
          joined_[u][v] = joined_[v][u] = static_cast<int>(random() % 2);
    }
    build();
  }
  SmallGraph(const SmallGraph&) = delete;
  SmallGraph& operator=(const SmallGraph&) = delete;

  [[nodiscard]] const rt::GraphView& view() const { return view_; }
  [[nodiscard]] int size() const { return static_cast<int>(view_.n); }
  [[nodiscard]] bool joined(rt::vid u, rt::vid v) const { return joined_[u][v] != kNone; }
  [[nodiscard]] std::uint32_t edge_label(rt::vid u, rt::vid v) const {
    return static_cast<std::uint32_t>(joined_[u][v]);
  }
  [[nodiscard]] std::uint32_t label(rt::vid v) const { return labels_[v]; }
  [[nodiscard]] std::int64_t degree(rt::vid v) const { return static_cast<std::int64_t>(indptr_[v + 1] - indptr_[v]); }
  /// See rt::Chunk.
  [[nodiscard]] std::uint64_t units() const { return view_.n + indptr_[view_.n]; }

 private:
  static constexpr int kNone = -1;

  void build() {
    const auto n = static_cast<rt::vid>(joined_.size());
    rt::vid largest = 0;
    for (rt::vid u = 0; u < n; ++u) {
      rt::vid below = 0;
      for (rt::vid v = 0; v < n; ++v) {
        if (!joined(u, v)) continue;
        indices_.push_back(v);
        arc_labels_.push_back(edge_label(u, v));
        below += v < u ? 1 : 0;
      }
      indptr_.push_back(indices_.size());
      split_.push_back(below);
      largest = std::max(largest, static_cast<rt::vid>(degree(u)));
    }
    view_ = {n, largest, indptr_.data(), indices_.data(), split_.data(), labels_.data(), arc_labels_.data()};
  }

  std::vector<std::vector<int>> joined_;  ///< the label of the edge, or kNone
  std::vector<std::uint64_t> indptr_{0};
  std::vector<rt::vid> indices_, split_;
  std::vector<std::uint32_t> labels_, arc_labels_;
  rt::GraphView view_{};
};

}  // namespace galena::test
