// Lists matches through a callback, and runs one compiled query on several graphs.

#include <cstdio>
#include <exception>

#include "galena/generate.hpp"
#include "galena/mine.hpp"

namespace {

/// Three pages that link to each other in a circle, by ids of 64 bits as a file may have them.
galena::Graph with_large_ids() {
  galena::EdgeList edges;
  edges.source = {9000000000000000001U, 9000000000000000002U, 9000000000000000003U, 7};
  edges.target = {9000000000000000002U, 9000000000000000003U, 9000000000000000001U, 9000000000000000001U};
  return galena::build_graph(edges);
}

void print(std::span<const std::uint64_t> row) {
  for (const std::uint64_t id : row) std::printf("%llu ", static_cast<unsigned long long>(id));
  std::printf("\n");
}

void run() {
  // Rows come one at a time, by the ids of the input; returning false ends the listing.
  galena::list(with_large_ids(), "LIST triangle", [](std::span<const std::uint64_t> row) {
    print(row);
    return true;
  });
  int left = 3;
  const std::uint64_t rows = galena::list(galena::generate_er(1000, 20000, 1), "LIST cycle(4) AS (a, c)",
                                          [&left](std::span<const std::uint64_t> row) {
                                            print(row);
                                            return --left > 0;
                                          });
  std::printf("%llu rows, then enough\n", static_cast<unsigned long long>(rows));

  // Planned and compiled once, run on many graphs.
  const galena::CompiledQuery query("COUNT (a)--(b)--(c)--(d)--(a), (a)--(c)");
  for (std::uint64_t seed = 1; seed <= 3; ++seed)
    std::printf("graph %llu: %s\n", static_cast<unsigned long long>(seed),
                query.run(galena::generate_ba(500, 8, seed)).count.to_string().c_str());
}

}  // namespace

int main() {
  try {
    run();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
