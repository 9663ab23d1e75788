// A program of somebody else's, built against the installed library.

#include <cstdio>
#include <galena/error.hpp>
#include <galena/graph.hpp>
#include <galena/pattern.hpp>
#include <galena/version.hpp>

int main() {
  const galena::Graph graph = galena::build_graph({.source = {0, 1, 2, 2}, .target = {1, 2, 0, 3}, .labels = {}});
  const galena::Pattern house = galena::Pattern::parse("house");
  std::printf("galena %s: a graph of %u vertices and %llu edges; a house has %d vertices\n", galena::kVersion,
              graph.num_vertices(), static_cast<unsigned long long>(graph.num_edges()), house.size());
  return graph.num_edges() == 4 && house.size() == 5 ? 0 : 1;
}
