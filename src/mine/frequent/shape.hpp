#pragma once
// A small labelled pattern as growing handles it, and its canonical code.
//
// codegen/pattern/canonical.hpp does the same for every pattern of the language, with label sets,
// anti-edges and conditions. Growing asks for thousands of codes a second of patterns that have
// none of those, and wants the orbits with them.

#include <array>
#include <cstdint>
#include <string>

namespace galena::mine::frequent {

inline constexpr int kMaxEdges = 12;
inline constexpr int kMaxVertices = kMaxEdges + 1;

/// Connected. Labels are numbered as in LabelledGraph.
struct Shape {
  int size = 0;
  std::array<std::uint32_t, kMaxVertices> label{};
  /// 0: no edge; else the number of its label + 1. Symmetric.
  std::array<std::array<std::uint32_t, kMaxVertices>, kMaxVertices> edge{};

  [[nodiscard]] bool adjacent(int u, int v) const { return edge[at(u)][at(v)] != 0; }
  [[nodiscard]] int degree(int v) const;
  [[nodiscard]] int edges() const;
  [[nodiscard]] bool connected() const;
  /// Returns the new vertex.
  int add_vertex(std::uint32_t vertex_label);
  void join(int u, int v, std::uint32_t edge_label);
  void cut(int u, int v);
  /// Vertex i of the result is vertex order[i] of this one; `count` of them are kept.
  [[nodiscard]] Shape permuted(const std::array<std::uint8_t, kMaxVertices>& order, int count) const;

  static constexpr std::size_t at(int v) { return static_cast<std::size_t>(v); }
};

struct Canonical {
  std::u32string code;                           ///< equal if and only if the shapes are isomorphic
  std::array<std::uint8_t, kMaxVertices> order;  ///< shape.permuted(order, size) is the canonical shape
  /// By canonical vertex: the least vertex that an automorphism sends it to.
  std::array<std::uint8_t, kMaxVertices> orbit;
};

Canonical canonical(const Shape& shape);

}  // namespace galena::mine::frequent
