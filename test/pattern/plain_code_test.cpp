// Plain codes against canonical ones: both tell the same graphs apart.

#include <algorithm>
#include <bit>
#include <map>
#include <numeric>
#include <random>

#include "codegen/pattern/canonical.hpp"
#include "codegen/pattern/plain_code.hpp"
#include "galena/error.hpp"
#include "test/support/catch.hpp"

using namespace galena;
using codegen::plain_code;

namespace {

/// The graph of k vertices whose pairs (u, v), v < u, are joined where the bits of `pairs` say so.
Pattern graph_of(int k, std::uint32_t pairs) {
  std::vector<std::pair<int, int>> edges;
  for (int u = 1, i = 0; u < k; ++u)
    for (int v = 0; v < u; ++v, ++i)
      if ((pairs >> i & 1U) != 0) edges.emplace_back(v, u);
  return {k, edges};
}

}  // namespace

TEST_CASE("plain codes and canonical codes tell the same graphs apart") {
  std::map<std::uint64_t, std::string> canonical;
  for (int k = 1; k <= 5; ++k)
    for (std::uint32_t pairs = 0; pairs < 1U << (k * (k - 1) / 2); ++pairs) {
      const Pattern graph = graph_of(k, pairs);
      const std::string code = codegen::canonical_code(graph);
      REQUIRE(canonical.try_emplace(plain_code(graph), code).first->second == code);
    }
  CHECK(canonical.size() == 1 + 2 + 4 + 11 + 34);  // all graphs of so many vertices
}

TEST_CASE("plain codes do not depend on names") {
  std::mt19937 random(3);
  for (const Motif& motif : connected_motifs(7)) {
    std::vector<int> order(7);
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), random);
    REQUIRE(plain_code(motif.pattern) == plain_code(motif.pattern.permuted(order)));
  }
  // Regular and equally full of triangles, but not isomorphic.
  CHECK(plain_code(Pattern::parse("cycle(6)")) != plain_code(Pattern::parse("0-1 1-2 2-0 3-4 4-5 5-3")));
  CHECK(plain_code(Pattern::parse("cycle(10)")) !=
        plain_code(Pattern::parse("0-1 1-2 2-3 3-4 4-0 5-6 6-7 7-8 8-9 9-5")));
  CHECK(plain_code(Pattern::parse("clique(10)")) == plain_code(Pattern::parse("clique(10)")));
}

TEST_CASE("plain codes have an end") {
  CHECK_THROWS_AS(plain_code(Pattern::parse("path(11)")), InternalError);
  std::map<std::uint64_t, int> seen;
  for (const Motif& motif : connected_motifs(7)) ++seen[plain_code(motif.pattern)];
  CHECK(seen.size() == 853);
}
