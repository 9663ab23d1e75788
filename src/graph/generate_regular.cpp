// Graphs whose counts are known by formula.

#include <fmt/format.h>

#include <limits>

#include "galena/error.hpp"
#include "galena/generate.hpp"
#include "src/base/memory.hpp"

namespace galena {
namespace {

class Edges {
 public:
  Edges(std::uint64_t vertices, std::uint64_t edges) : vertices_(vertices) {
    constexpr std::uint64_t kMost = std::numeric_limits<VertexId>::max() - 1;
    if (vertices > kMost) {
      throw InputError(fmt::format("{} vertices: at most {} are possible (ids have 32 bits)", vertices, kMost));
    }
    // Checked before reserving: a complete graph of a million vertices does not fit.
    constexpr std::uint64_t kMostEdges = std::uint64_t{1} << 36;
    if (edges > kMostEdges) throw InputError(fmt::format("{} edges: at most {} can be generated", edges, kMostEdges));
    base::check_memory(edges * 40, "the edges of the graph");
    list_.source.reserve(edges);
    list_.target.reserve(edges);
  }
  void add(std::uint64_t u, std::uint64_t v) {
    list_.source.push_back(u);
    list_.target.push_back(v);
  }
  Graph build() {
    BuildOptions options;
    options.num_vertices = vertices_;
    return build_graph(std::move(list_), options);
  }

 private:
  std::uint64_t vertices_;
  EdgeList list_;
};

// a * b, where an overflow becomes a number that every check refuses.
std::uint64_t product(std::uint64_t a, std::uint64_t b) {
  return b != 0 && a > std::numeric_limits<std::uint64_t>::max() / b ? std::numeric_limits<std::uint64_t>::max()
                                                                     : a * b;
}

}  // namespace

Graph generate_grid(std::uint64_t rows, std::uint64_t columns, bool torus) {
  const std::uint64_t vertices = product(rows, columns);
  Edges edges(vertices, product(2, vertices));
  for (std::uint64_t r = 0; r < rows; ++r) {
    for (std::uint64_t c = 0; c < columns; ++c) {
      const std::uint64_t v = r * columns + c;
      // A border of length 2 is joined already, one of length 1 would be joined to itself.
      if (c + 1 < columns) edges.add(v, v + 1);
      if (torus && c + 1 == columns && columns > 2) edges.add(v, r * columns);
      if (r + 1 < rows) edges.add(v, v + columns);
      if (torus && r + 1 == rows && rows > 2) edges.add(v, c);
    }
  }
  return edges.build();
}

Graph generate_complete(std::uint64_t vertices) {
  Edges edges(vertices, product(vertices, vertices) / 2);
  for (std::uint64_t v = 0; v < vertices; ++v) {
    for (std::uint64_t u = 0; u < v; ++u) edges.add(u, v);
  }
  return edges.build();
}

Graph generate_cycle(std::uint64_t vertices) {
  if (vertices < 3) throw InputError(fmt::format("a cycle of {} vertices: expected at least 3", vertices));
  Edges edges(vertices, vertices);
  for (std::uint64_t v = 0; v < vertices; ++v) edges.add(v, (v + 1) % vertices);
  return edges.build();
}

Graph generate_path(std::uint64_t vertices) {
  Edges edges(vertices, vertices);
  for (std::uint64_t v = 1; v < vertices; ++v) edges.add(v - 1, v);
  return edges.build();
}

Graph generate_star(std::uint64_t leaves) {
  if (leaves == std::numeric_limits<std::uint64_t>::max()) throw InputError("too many leaves");
  Edges edges(leaves + 1, leaves);
  for (std::uint64_t leaf = 1; leaf <= leaves; ++leaf) edges.add(0, leaf);
  return edges.build();
}

Graph generate_complete_bipartite(std::uint64_t left, std::uint64_t right) {
  const std::uint64_t vertices = left + right < left ? std::numeric_limits<std::uint64_t>::max() : left + right;
  Edges edges(vertices, product(left, right));
  for (std::uint64_t u = 0; u < left; ++u) {
    for (std::uint64_t v = 0; v < right; ++v) edges.add(u, left + v);
  }
  return edges.build();
}

}  // namespace galena
