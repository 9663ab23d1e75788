// Counts patterns in a graph file, or in a generated graph where none is given:
//   count_patterns [edges.txt]

#include <cstdio>
#include <exception>

#include "galena/generate.hpp"
#include "galena/io.hpp"
#include "galena/mine.hpp"

namespace {

/// The vertex in most triangles.
void print_busiest(galena::Miner& miner) {
  const galena::Query query = galena::parse_queries("LOCAL triangle BY a").front();
  const std::vector<galena::Count> triangles = miner.run(query).local;
  const galena::Graph& graph = miner.graph();
  galena::VertexId best = 0;
  for (galena::VertexId v = 0; v < graph.num_vertices(); ++v)
    if (triangles[v] > triangles[best]) best = v;
  std::printf("vertex %llu is in %s triangles\n", static_cast<unsigned long long>(graph.original_id(best)),
              triangles[best].to_string().c_str());
}

void run(int argc, char** argv) {
  const galena::Graph graph = argc > 1 ? galena::load_graph(argv[1]) : galena::generate_rmat(12, 8, 1);
  std::printf("%u vertices, %llu edges\n", graph.num_vertices(), static_cast<unsigned long long>(graph.num_edges()));

  // For one query, a function does. The pattern is a name or is written out.
  std::printf("houses: %s\n", galena::count(graph, "house").to_string().c_str());

  // For several, a Miner keeps what they share.
  galena::Miner miner(graph);
  for (const galena::Query& query : galena::parse_queries("COUNT clique(4)\n"
                                                          "COUNT INDUCED cycle(4)\n"
                                                          "COUNT (a)--(b)--(c), (a)!-(c) WHERE b.degree >= 10\n"))
    std::printf("%s: %s\n", query.text.c_str(), miner.run(query).count.to_string().c_str());
  if (graph.num_vertices() > 0) print_busiest(miner);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(argc, argv);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
