#include "galena/hypergraph.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>
#include <set>

#include "galena/error.hpp"
#include "src/base/npy.hpp"
#include "src/hypergraph/readers.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"

using namespace galena;

namespace {

Hypergraph parse(const std::string& text) { return detail::read_hyperedges(detail::TextSource(text, "h.txt"), {}); }

std::vector<std::vector<std::uint64_t>> lists(const Hypergraph& h) {
  std::vector<std::vector<std::uint64_t>> all(h.num_hyperedges());
  for (HyperedgeId e = 0; e < h.num_hyperedges(); ++e) {
    for (const VertexId v : h.members(e)) all[e].push_back(h.original_id(v));
  }
  return all;
}

void check_both_directions(const Hypergraph& h) {
  std::uint64_t found = 0;
  for (VertexId v = 0; v < h.num_vertices(); ++v) {
    REQUIRE(std::is_sorted(h.edges_of(v).begin(), h.edges_of(v).end()));
    for (const HyperedgeId e : h.edges_of(v)) {
      REQUIRE(std::binary_search(h.members(e).begin(), h.members(e).end(), v));
      ++found;
    }
  }
  CHECK(found == h.num_incidences());
}

}  // namespace

TEST_CASE("hyperedge list: order kept, members sorted, repeats dropped") {
  const Hypergraph h = parse("# Vertices: 6 Hyperedges: 3\n3 1,2\r\n\n4\n0 4 0 # comment\n");
  CHECK(h.num_vertices() == 6);
  CHECK(lists(h) == std::vector<std::vector<std::uint64_t>>{{1, 2, 3}, {4}, {0, 4}});
  CHECK(h.repeated_members() == 1);
  CHECK(h.edges_of(5).empty());
  check_both_directions(h);
}

TEST_CASE("hyperedge list: sparse and 64-bit ids are renumbered") {
  const Hypergraph h = parse("18446744073709551615 5\n5 1000000\n");
  CHECK(h.num_vertices() == 3);
  CHECK(lists(h) == std::vector<std::vector<std::uint64_t>>{{5, 18446744073709551615U}, {5, 1000000}});
}

TEST_CASE("hyperedge list: errors name the place") {
  CHECK_THROWS_WITH(parse("0 1\r2 3\r"), test::contains("h.txt:1:4: a carriage return within a line"));
  CHECK_THROWS_WITH(parse("# a\r0 1\r2 3\r"), test::contains("h.txt:1:4: a carriage return within a line"));
  CHECK(parse("# a\r\n0 1\r\r\n2 3 \r\n").num_hyperedges() == 2);
  CHECK_THROWS_WITH(parse("1 2\n3 -4\n"), test::contains("h.txt:2:3: '-4' is negative"));
  CHECK_THROWS_WITH(parse("1 2\n\n3 x\n"), test::contains("h.txt:3:3: expected a vertex id, found 'x'"));
  CHECK_THROWS_WITH(parse("1 18446744073709551616\n"), test::contains("does not fit 64 bits"));
  CHECK_THROWS_WITH(parse("1 2.5\n"), test::contains("h.txt:1:3"));
  CHECK_THROWS_AS(parse(""), InputError);
  CHECK_THROWS_AS(parse("# nothing\n"), InputError);
  CHECK_THROWS_WITH(parse("# Vertices: 4000000000\n0 1\n"), test::contains("the header declares 4000000000 vertices"));
}

TEST_CASE("hypergraph arrays are checked") {
  HypergraphArrays arrays;
  arrays.num_vertices = 2;
  arrays.indptr = {0, 2};
  arrays.members = {0, 2};
  CHECK_THROWS_WITH(Hypergraph::from_arrays(arrays), test::contains("out of range"));
  arrays.members = {1, 0};
  CHECK_THROWS_WITH(Hypergraph::from_arrays(arrays), test::contains("not strictly increasing"));
  arrays.indptr = {0, 3};
  CHECK_THROWS_AS(Hypergraph::from_arrays(arrays), InputError);
  CHECK(Hypergraph().num_vertices() == 0);
}

TEST_CASE("hypergraph: lists and incidence matrices are read back") {
  const test::TemporaryFolder folder;
  const Hypergraph davis = resolve_hypergraph("davis");
  for (const char* name : {"a.hg", "a.txt.gz", "a.mtx"}) {
    save_hypergraph(davis, folder.path() / name);
    const Hypergraph again = load_hypergraph(folder.path() / name);
    CHECK(again.num_vertices() == 18);
    CHECK(lists(again) == lists(davis));
  }
}

TEST_CASE("incidence matrix: errors") {
  const auto read = [](const std::string& text) {
    return detail::read_incidence_matrix(detail::TextSource(text, "m.mtx"));
  };
  const std::string head = "%%MatrixMarket matrix coordinate pattern general\n";
  CHECK(read(head + "2 3 2\n1 1\n2 1\n").num_hyperedges() == 3);
  CHECK_THROWS_WITH(read(head + "2 3 2\n1 1\n"), test::contains("1 entries, but the header says 2"));
  CHECK_THROWS_WITH(read(head + "2 3 1\n3 1\n"), test::contains("m.mtx:3:1"));
  CHECK_THROWS_WITH(read(head + "2 3 1\n0 1\n"), test::contains("numbered from 1"));
  CHECK_THROWS_AS(read("1 1 1\n"), InputError);
}

// Counted by hand from the published table: 89 attendances, 139 pairs of women who met.
TEST_CASE("davis: statistics and expansions") {
  const Hypergraph davis = resolve_hypergraph("davis");
  const HypergraphStats stats = hypergraph_stats(davis);
  CHECK(stats.vertices == 18);
  CHECK(stats.hyperedges == 14);
  CHECK(stats.incidences == 89);
  CHECK(stats.max_hyperedge == 14);
  CHECK(stats.max_degree == 8);
  CHECK(stats.distinct_hyperedges == 13);  // the events of November 21 and August 3 had the same guests
  CHECK(stats.isolated == 0);
  std::set<std::pair<VertexId, VertexId>> pairs;
  for (HyperedgeId e = 0; e < davis.num_hyperedges(); ++e) {
    for (const VertexId u : davis.members(e)) {
      for (const VertexId v : davis.members(e)) {
        if (u < v) pairs.emplace(u, v);
      }
    }
  }
  const Graph clique = clique_expansion(davis);
  CHECK(clique.num_vertices() == 18);
  CHECK(clique.num_edges() == pairs.size());
  CHECK(std::ranges::all_of(pairs, [&](const auto& p) { return clique.has_edge(p.first, p.second); }));
  const Graph star = star_expansion(davis);
  CHECK(star.num_vertices() == 32);
  CHECK(star.num_edges() == 89);
  CHECK(star.degree(18 + 7) == 14);
}

TEST_CASE("hypergraph: real data have the counts of their READMEs") {
  struct Expected {
    const char* name;
    std::uint64_t vertices, hyperedges, incidences;
  };
  const auto root = test::data_dir();
  if (!root) GALENA_SKIP("no data sets here");
  for (const Expected& e :
       {Expected{"hg-zoo", 101, 43, 1717}, Expected{"hg-congress-bills", 1718, 84799, 733994},
        Expected{"hg-mathoverflow-answers", 73851, 5446, 131714}, Expected{"hg-mag10", 80198, 51889, 180726}}) {
    if (!std::filesystem::exists(*root / e.name)) continue;
    const Hypergraph h = load_hypergraph(*root / e.name);
    CHECK(h.num_vertices() == e.vertices);
    CHECK(h.num_hyperedges() == e.hyperedges);
    CHECK(h.num_incidences() == e.incidences);
    check_both_directions(h);
  }
}

TEST_CASE("hypergraph: weights of hyperedges come from hyperedge_weights.npy") {
  const test::TemporaryFolder folder;
  const auto write = [&](std::vector<float> weights) {
    base::write_npy<float>(folder.path() / "hyperedge_weights.npy", std::array<std::uint64_t, 1>{weights.size()},
                           weights);
  };
  std::ofstream(folder.path() / "hyperedges.txt") << "0 1\n1 2 3\n";
  const std::uint64_t plain = load_hypergraph(folder.path()).digest();
  CHECK(load_hypergraph(folder.path()).edge_weights().empty());
  write({0.5F, 2});
  const Hypergraph weighted = load_hypergraph(folder.path());
  CHECK(std::ranges::equal(weighted.edge_weights(), std::vector<float>{0.5F, 2}));
  CHECK(weighted.digest() != plain);
  write({1});
  const auto refused = [&](const std::string& why) {
    CHECK_THROWS_AS(load_hypergraph(folder.path()), InputError);
    CHECK_THROWS_WITH(load_hypergraph(folder.path()), test::contains("hyperedge_weights.npy: " + why));
  };
  refused("1 weights for 2 hyperedges of ");
  write({});
  refused("0 weights for 2 hyperedges of ");
  write({1, -1});
  refused("the weight of hyperedge 1 is -1");
  write({std::numeric_limits<float>::quiet_NaN(), 1});
  refused("the weight of hyperedge 0 is nan");
  base::write_npy<float>(folder.path() / "hyperedge_weights.npy", std::array<std::uint64_t, 2>{1, 2},
                         std::vector<float>{1, 1});
  refused("shape (1, 2); expected (hyperedges,)");
}

TEST_CASE("hypergraph: one hyperedge of a million vertices, listed backwards") {
  std::string text;
  for (int v = 999'999; v >= 0; --v) text += std::to_string(v) + ' ';
  const Hypergraph h = parse(text + "\n7 7 7\n");
  CHECK(h.num_vertices() == 1'000'000);
  CHECK(h.members(0).size() == 1'000'000);
  CHECK(h.members(0)[12'345] == 12'345);
  CHECK(h.members(1).size() == 1);
  CHECK(h.repeated_members() == 2);
  CHECK(h.edges_of(7).size() == 2);
  const HypergraphStats stats = hypergraph_stats(h);
  CHECK(stats.max_hyperedge == 1'000'000);
  CHECK(stats.isolated == 0);
  CHECK_THROWS_WITH(clique_expansion(h), test::contains("the star expansion is smaller"));
  CHECK(star_expansion(h).num_edges() == 1'000'001);
}
