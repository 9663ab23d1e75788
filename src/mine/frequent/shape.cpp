// Individualization and refinement, as in codegen/pattern/canonical.cpp, made for a dozen edges:
// colours are hashes (equal ones only make cells coarser, never a code wrong), cells of twins need
// no branching, and no branch is pruned, so the leaves with the least code give the orbits.

#include "src/mine/frequent/shape.hpp"

#include <algorithm>
#include <bit>
#include <numeric>
#include <vector>

namespace galena::mine::frequent {

int Shape::degree(int v) const {
  const auto& row = edge[at(v)];
  return static_cast<int>(size - std::count(row.begin(), row.begin() + size, 0U));
}

int Shape::edges() const {
  int sum = 0;
  for (int v = 0; v < size; ++v) sum += degree(v);
  return sum / 2;
}

bool Shape::connected() const {
  std::uint32_t reached = 1;
  for (std::uint32_t fresh = 1; fresh != 0;) {
    const int v = std::countr_zero(fresh);
    fresh &= fresh - 1;
    for (int w = 0; w < size; ++w) {
      if (!adjacent(v, w) || ((reached >> w) & 1U) != 0) continue;
      reached |= 1U << w;
      fresh |= 1U << w;
    }
  }
  return reached == (1U << size) - 1;
}

int Shape::add_vertex(std::uint32_t vertex_label) {
  label[at(size)] = vertex_label;
  return size++;
}

void Shape::join(int u, int v, std::uint32_t edge_label) { edge[at(u)][at(v)] = edge[at(v)][at(u)] = edge_label + 1; }

void Shape::cut(int u, int v) { edge[at(u)][at(v)] = edge[at(v)][at(u)] = 0; }

Shape Shape::permuted(const std::array<std::uint8_t, kMaxVertices>& order, int count) const {
  Shape result;
  result.size = count;
  for (int i = 0; i < count; ++i) {
    result.label[at(i)] = label[order[at(i)]];
    for (int j = 0; j < count; ++j) result.edge[at(i)][at(j)] = edge[order[at(i)]][order[at(j)]];
  }
  return result;
}

namespace {

using Colors = std::array<std::uint64_t, kMaxVertices>;
using Order = std::array<std::uint8_t, kMaxVertices>;

/// A bijection of 64 bits that spreads small differences (the finalizer of SplitMix64).
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

class Search {
 public:
  explicit Search(const Shape& shape) : shape_(shape) {}

  Canonical run() {
    Colors colors{};
    for (int v = 0; v < shape_.size; ++v) colors[at(v)] = mix(shape_.label[at(v)] + 1ULL);
    visit(colors);
    return result();
  }

 private:
  static constexpr std::size_t at(int v) { return Shape::at(v); }

  [[nodiscard]] int distinct(const Colors& colors) const {
    int count = 0;
    for (int v = 0; v < shape_.size; ++v)
      count += std::find(&colors[0], &colors[at(v)], colors[at(v)]) == &colors[at(v)];
    return count;
  }

  void refine(Colors& colors) const {
    for (int cells = distinct(colors), before = 0; cells > before && cells < shape_.size;) {
      Colors next{};
      for (int v = 0; v < shape_.size; ++v) {
        std::uint64_t sum = 0;
        for (int w = 0; w < shape_.size; ++w)
          if (shape_.adjacent(v, w)) sum += mix(colors[at(w)] + shape_.edge[at(v)][at(w)] * 0x9e3779b97f4a7c15U);
        next[at(v)] = mix(colors[at(v)] * 3 + sum);
      }
      colors = next;
      before = cells;
      cells = distinct(colors);
    }
  }

  /// Swapping them is an automorphism.
  [[nodiscard]] bool twins(int u, int v) const {
    for (int w = 0; w < shape_.size; ++w)
      if (w != u && w != v && shape_.edge[at(u)][at(w)] != shape_.edge[at(v)][at(w)]) return false;
    return shape_.label[at(u)] == shape_.label[at(v)];
  }

  void visit(Colors colors) {
    refine(colors);
    Order order{};
    std::iota(order.begin(), order.begin() + shape_.size, std::uint8_t{0});
    std::sort(order.begin(), order.begin() + shape_.size,
              [&](std::uint8_t u, std::uint8_t v) { return colors[u] < colors[v]; });
    for (int i = 0; i + 1 < shape_.size; ++i) {
      const std::uint64_t color = colors[order[at(i)]];
      if (colors[order[at(i + 1)]] != color || twins(order[at(i)], order[at(i + 1)])) continue;
      for (int v = 0; v < shape_.size; ++v) {
        if (colors[at(v)] != color) continue;
        Colors child = colors;
        child[at(v)] = mix(color + 1);
        visit(child);
      }
      return;
    }
    visit_leaf(colors, order);
  }

  void visit_leaf(const Colors& colors, const Order& order) {
    std::u32string code;
    for (int i = 0; i < shape_.size; ++i) code.push_back(static_cast<char32_t>(shape_.label[order[at(i)]]));
    for (int i = 0; i < shape_.size; ++i)
      for (int j = 0; j < i; ++j) code.push_back(static_cast<char32_t>(shape_.edge[order[at(i)]][order[at(j)]]));
    if (!leaves_.empty() && code > code_) return;
    if (leaves_.empty() || code < code_) {
      code_ = std::move(code);
      leaves_.clear();
      colors_ = colors;
    }
    leaves_.push_back(order);
  }

  Canonical result() {
    Canonical result{std::move(code_), leaves_.front(), {}};
    std::array<int, kMaxVertices> place{};
    for (int i = 0; i < shape_.size; ++i) place[result.order[at(i)]] = i;
    std::iota(result.orbit.begin(), result.orbit.end(), std::uint8_t{0});
    for (const Order& leaf : leaves_)
      for (int i = 0; i < shape_.size; ++i) unite(result.orbit, i, place[leaf[at(i)]]);
    for (int i = 0; i + 1 < shape_.size; ++i)
      if (colors_[result.order[at(i)]] == colors_[result.order[at(i + 1)]]) unite(result.orbit, i, i + 1);
    return result;
  }

  void unite(Order& orbit, int i, int j) const {
    const auto [low, high] = std::minmax(orbit[at(i)], orbit[at(j)]);
    if (low != high) std::replace(orbit.begin(), orbit.begin() + shape_.size, std::uint8_t{high}, std::uint8_t{low});
  }

  const Shape& shape_;
  std::u32string code_;
  std::vector<Order> leaves_;  ///< with this code
  Colors colors_{};            ///< of the first of them: equal ones are twins
};

}  // namespace

Canonical canonical(const Shape& shape) { return Search(shape).run(); }

}  // namespace galena::mine::frequent
