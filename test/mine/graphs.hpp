#pragma once
// Short ways to make graphs and count in them.

#include <string>
#include <utility>
#include <vector>

#include "galena/mine.hpp"

namespace galena::test {

inline Graph graph_of(const std::vector<std::pair<int, int>>& edges, std::uint64_t vertices = 0) {
  EdgeList list;
  for (const auto& [u, v] : edges) {
    list.source.push_back(static_cast<std::uint64_t>(u));
    list.target.push_back(static_cast<std::uint64_t>(v));
  }
  BuildOptions options;
  options.num_vertices = vertices;
  return build_graph(std::move(list), options);
}

inline Graph petersen() {
  std::vector<std::pair<int, int>> edges;
  for (int i = 0; i < 5; ++i) {
    edges.emplace_back(i, (i + 1) % 5);
    edges.emplace_back(i, i + 5);
    edges.emplace_back(i + 5, (i + 2) % 5 + 5);
  }
  return graph_of(edges);
}

inline MineOptions quick(Engine engine = Engine::interpreter, int threads = 2) {
  MineOptions options;
  options.engine = engine;
  options.threads = threads;
  return options;
}

/// The count of a query, in decimal, by the interpreter.
inline std::string counted(const Graph& graph, const std::string& query) {
  return count(graph, query, quick()).to_string();
}

/// n over k, in decimal; up to 128 bits.
inline std::string choose(std::uint64_t n, std::uint64_t k) {
  Count::Wide product = 1;
  for (std::uint64_t i = 0; i < k; ++i) product = product * (n - i) / (i + 1);
  return Count(product).to_string();
}

}  // namespace galena::test
