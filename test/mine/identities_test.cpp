// What must hold whatever the plan: invariances, closed forms, and counts known from elsewhere.

#include <algorithm>
#include <bit>
#include <numeric>
#include <random>
#include <set>

#include "codegen/jit/jit.hpp"
#include "codegen/pattern/automorphism.hpp"
#include "galena/generate.hpp"
#include "galena/io.hpp"
#include "test/codegen/private_cache.hpp"
#include "test/mine/graphs.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"

using namespace galena;
using namespace galena::test;

namespace {

using Rows = std::multiset<std::vector<std::uint64_t>>;

/// All that a query says, rows of a LIST included.
struct Answer {
  std::vector<std::string> counts;
  Rows rows;
  bool operator==(const Answer&) const = default;
};

Answer ask(Miner& miner, const std::string& text) {
  Answer answer;
  const QueryResult result = miner.run(parse_queries(text).front(), [&](std::span<const std::uint64_t> row) {
    std::vector<std::uint64_t> sorted(row.begin(), row.end());
    std::sort(sorted.begin(), sorted.end());  // which automorphic image is reported is free
    answer.rows.insert(sorted);
    return true;
  });
  answer.counts.push_back(result.count.to_string());
  for (const MotifCount& motif : result.motifs) answer.counts.push_back(motif.count.to_string());
  for (const Count& local : result.local) answer.counts.push_back(local.to_string());
  return answer;
}

const char* const kQueries[] = {
    "COUNT triangle",
    "COUNT INDUCED cycle(4)",
    "COUNT house",
    "COUNT EMBEDDINGS bowtie",
    "COUNT INDUCED cycle(5)",
    "COUNT (a:1)--(b:!1)--(c), (a)!-(c)",
    "COUNT (a)--(b)--(c) WHERE a.degree > b.degree AND b.label <> c.label",
    "COUNT (a)--(b), (c:2)",
    "LIST clique(4)",
    "LIST INDUCED star(3) LIMIT 1000000",
    "EXISTS clique(5)",
    "EXISTS clique(20)",
    "LOCAL cycle(4) BY a",
    "LOCAL tailed_triangle BY d",
    "MOTIFS 4",
    "MOTIFS 4 INDUCED",
    "MOTIFS 5 INDUCED",
};

Graph labelled_graph() { return with_random_labels(generate_rmat(7, 5, 11), 3, 12); }

Count::Wide falling(std::uint64_t n, int k) {
  Count::Wide product = 1;
  for (int i = 0; i < k; ++i) product *= n - static_cast<std::uint64_t>(i);
  return product;
}

}  // namespace

TEST_CASE("every engine and thread count gives one answer") {
  const PrivateCache cache;
  const Graph graph = labelled_graph();
  Miner reference(graph, quick(Engine::interpreter, 1));
  const bool compiler = jit::compiler_available();
  for (const char* query : kQueries) {
    const Answer expected = ask(reference, query);
    for (const Engine engine : {Engine::interpreter, Engine::automatic, Engine::jit})
      for (const int threads : {1, 2, 16}) {
        if (engine == Engine::jit && !compiler) continue;
        Miner miner(graph, quick(engine, threads));
        INFO(query << ", engine " << static_cast<int>(engine) << ", threads " << threads);
        CHECK(ask(miner, query) == expected);
      }
  }
}

TEST_CASE("a query that is asked again, or one that differs from it a little, is answered as if it were the first") {
  const Graph graph = generate_ba(60, 5, 3);
  std::vector<std::string> asked{"COUNT house",
                                 "COUNT INDUCED house",
                                 "COUNT EMBEDDINGS house",
                                 "EXISTS house",
                                 "LOCAL house BY a",
                                 "LOCAL house BY e",
                                 "LIST house LIMIT 7",
                                 "LIST house",
                                 "LIST house AS (a,b)",
                                 "COUNT INDUCED diamond",
                                 "MOTIFS 4",
                                 "MOTIFS 4 INDUCED",
                                 "COUNT house APPROX 5%"};
  for (int k = 3; k < 9; ++k) asked.push_back("COUNT star(" + std::to_string(k) + ")");  // more than are kept
  const auto answer = [](Miner& miner, const std::string& text) {
    std::vector<std::vector<std::uint64_t>> rows;
    const auto sink = [&](std::span<const std::uint64_t> row) {
      rows.emplace_back(row.begin(), row.end());
      return true;
    };
    const QueryResult result = miner.run(parse_queries(text).front(), sink);
    std::vector<std::string> counts{result.count.to_string(), std::to_string(rows.size())};
    std::sort(rows.begin(), rows.end());
    if (!result.query.limit)  // else any of them
      for (const auto& row : rows)
        for (const std::uint64_t v : row) counts.push_back(std::to_string(v));
    for (const MotifCount& motif : result.motifs) counts.push_back(motif.name + " " + motif.count.to_string());
    for (const Count& local : result.local) counts.push_back(local.to_string());
    return counts;
  };
  for (const Engine engine : {Engine::automatic, Engine::interpreter}) {
    Miner one(graph, quick(engine));
    for (const int round : {0, 1, 2}) {
      if (round > 0) std::reverse(asked.begin(), asked.end());
      for (const std::string& text : asked) {
        CAPTURE(round, text);
        Miner fresh(graph, quick(engine));
        CHECK(answer(one, text) == answer(fresh, text));
        CHECK(answer(one, text) == answer(fresh, text));
      }
    }
  }
}

TEST_CASE("what was planned while a stop was asked for is planned again") {
  volatile int stop = 1;
  MineOptions options = quick();
  options.stop = &stop;
  const Graph graph = generate_ba(60, 5, 3);
  Miner miner(graph, options), fresh(graph, quick());
  const Query query = parse_queries("MOTIFS 4 INDUCED").front();
  CHECK(miner.run(query).partial);
  stop = 0;
  const QueryResult got = miner.run(query), want = fresh.run(query);
  CHECK(!got.partial);
  REQUIRE(got.motifs.size() == want.motifs.size());
  for (std::size_t k = 0; k < got.motifs.size(); ++k)
    CHECK(got.motifs[k].count.to_string() == want.motifs[k].count.to_string());
}

TEST_CASE("renumbering the graph changes no count") {
  const Graph graph = labelled_graph();
  std::vector<VertexId> order(graph.num_vertices());
  std::iota(order.begin(), order.end(), 0U);
  std::shuffle(order.begin(), order.end(), std::mt19937(13));
  Miner before(graph, quick()), after(permute(graph, order), quick());
  for (const std::string query : kQueries) {
    INFO(query);
    Answer expected = ask(before, query);
    if (query.starts_with("LOCAL")) {  // by vertex of the graph given: [0] is the total
      const Answer original = expected;
      for (std::size_t v = 0; v < order.size(); ++v) expected.counts[v + 1] = original.counts[order[v] + 1];
    }
    CHECK(ask(after, query) == expected);
  }
}

TEST_CASE("EMBEDDINGS are instances times automorphisms, LOCAL sums to the orbit") {
  Miner miner(labelled_graph(), quick());
  for (int k = 2; k <= 5; ++k)
    for (const Motif& motif : connected_motifs(k)) {
      Query query;
      query.pattern = motif.pattern;
      const Count::Wide instances = miner.run(query).count.wide();
      const codegen::Automorphisms group(motif.pattern);
      query.embeddings = true;
      INFO(motif.name);
      CHECK(miner.run(query).count == Count(instances * group.size()));
      query.embeddings = false;
      query.kind = QueryKind::local;
      query.by = k - 1;
      Count::Wide total = 0;
      for (const Count& local : miner.run(query).local) total += local.wide();
      const auto orbit = group.orbits()[static_cast<std::size_t>(query.by)];
      CHECK(Count(total) == Count(instances * static_cast<unsigned>(std::popcount(orbit))));
    }
}

TEST_CASE("complete graphs") {
  const std::uint64_t n = 30;
  Miner miner(generate_complete(n), quick(Engine::automatic));
  for (int k = 2; k <= 5; ++k)
    for (const Motif& motif : connected_motifs(k)) {
      Query query;
      query.pattern = motif.pattern;
      const bool clique = motif.pattern.edges().size() == static_cast<std::size_t>(k * (k - 1) / 2);
      const Count expected(falling(n, k) / codegen::Automorphisms(motif.pattern).size());
      INFO(motif.name);
      CHECK(miner.run(query).count == expected);
      query.pattern.make_induced();
      CHECK(miner.run(query).count == (clique ? expected : Count()));
    }
  CHECK(counted(generate_complete(16), "clique(16)") == "1");
  CHECK(counted(generate_complete(16), "clique(9)") == choose(16, 9));
  CHECK(counted(generate_complete(16), "clique(17)") == "0");
}

TEST_CASE("complete bipartite graphs") {
  const Graph graph = generate_complete_bipartite(7, 9);
  CHECK(counted(graph, "triangle") == "0");
  CHECK(counted(graph, "cycle(5)") == "0");
  CHECK(counted(graph, "wedge") == std::to_string(7 * 36 + 9 * 21));
  CHECK(counted(graph, "star(3)") == std::to_string(7 * 84 + 9 * 35));
  CHECK(counted(graph, "path(4)") == std::to_string(7 * 9 * 6 * 8));
  CHECK(counted(graph, "cycle(4)") == std::to_string(21 * 36));
  CHECK(counted(graph, "COUNT INDUCED cycle(4)") == std::to_string(21 * 36));
  CHECK(counted(graph, "COUNT INDUCED path(4)") == "0");
  CHECK(counted(graph, "K(2,3)") == std::to_string(21 * 84 + 36 * 35));
  CHECK(counted(graph, "cycle(6)") == std::to_string(35 * 84 * 6));
}

TEST_CASE("cycles and stars") {
  const Graph ring = generate_cycle(12);
  for (int k = 2; k <= 11; ++k) {
    CHECK(counted(ring, "path(" + std::to_string(k) + ")") == "12");
    if (k > 2) CHECK(counted(ring, "cycle(" + std::to_string(k) + ")") == "0");
  }
  CHECK(counted(ring, "path(12)") == "12");
  CHECK(counted(ring, "cycle(12)") == "1");
  CHECK(counted(ring, "star(3)") == "0");
  const Graph star = generate_star(50);
  for (unsigned k = 2; k <= 8; ++k) {
    CHECK(counted(star, "star(" + std::to_string(k) + ")") == choose(50, k));
    if (k <= 5) CHECK(counted(star, "COUNT INDUCED star(" + std::to_string(k) + ")") == choose(50, k));
  }
  CHECK(counted(star, "path(4)") == "0");
}

TEST_CASE("wheels, where a list is far longer than the other and where it is not") {
  for (const int rim : {10, 70, 3000}) {
    std::vector<std::pair<int, int>> edges;
    for (int i = 0; i < rim; ++i) {
      edges.emplace_back(i, (i + 1) % rim);
      edges.emplace_back(i, rim);
    }
    const Graph wheel = graph_of(edges);
    for (const Engine engine : {Engine::automatic, Engine::interpreter, Engine::jit}) {
      if (engine == Engine::jit && !jit::compiler_available()) continue;
      const auto number = [&](const char* query) { return count(wheel, query, quick(engine)).to_string(); };
      CAPTURE(rim, static_cast<int>(engine));
      CHECK(number("triangle") == std::to_string(rim));
      CHECK(number("diamond") == std::to_string(rim));  // around each spoke
      CHECK(number("tailed_triangle") == std::to_string(rim * rim));
      CHECK(number("INDUCED wedge") == std::to_string(rim * (rim - 1) / 2));
    }
  }
}

TEST_CASE("grids and tori") {
  const std::uint64_t r = 7, c = 9;
  const Graph grid = generate_grid(r, c), torus = generate_grid(r, c, true);
  CHECK(counted(grid, "cycle(4)") == std::to_string((r - 1) * (c - 1)));
  CHECK(counted(grid, "cycle(6)") == std::to_string((r - 1) * (c - 2) + (r - 2) * (c - 1)));
  CHECK(counted(grid, "star(4)") == std::to_string((r - 2) * (c - 2)));
  CHECK(counted(grid, "wedge") == std::to_string(6 * (r - 2) * (c - 2) + 3 * 2 * (r + c - 4) + 4));
  CHECK(counted(grid, "triangle") == "0");
  CHECK(counted(torus, "cycle(4)") == std::to_string(r * c));
  CHECK(counted(torus, "star(4)") == std::to_string(r * c));
  CHECK(counted(torus, "wedge") == std::to_string(6 * r * c));
}

TEST_CASE("the Petersen graph") {
  const Graph graph = petersen();
  const int cycles[] = {0, 0, 0, 0, 0, 12, 10, 0, 15, 20, 0};
  for (int k = 3; k <= 10; ++k) CHECK(counted(graph, "cycle(" + std::to_string(k) + ")") == std::to_string(cycles[k]));
  CHECK(counted(graph, "wedge") == "30");
  CHECK(counted(graph, "path(4)") == "60");
  CHECK(counted(graph, "COUNT INDUCED path(4)") == "60");
  CHECK(counted(graph, "star(3)") == "10");
  CHECK(counted(graph, "path(10)") == "120");  // Hamiltonian paths
}

TEST_CASE("fsm-citeseer as in the literature") {
  const auto folder = data_set("fsm-citeseer");
  if (!folder) GALENA_SKIP("no data set fsm-citeseer (set GALENA_DATA_DIR)");
  const Graph graph = load_graph(*folder);
  const std::pair<const char*, const char*> known[] = {
      {"COUNT INDUCED wedge", "23380"},
      {"COUNT INDUCED triangle", "1166"},
      {"COUNT INDUCED path(4)", "111153"},
      {"COUNT INDUCED star(3)", "222630"},
      {"COUNT INDUCED cycle(4)", "3094"},
      {"COUNT INDUCED tailed_triangle", "22900"},
      {"COUNT INDUCED diamond", "2200"},
      {"COUNT clique(4)", "255"},
      {"COUNT house", "55359"},
      {"COUNT cycle(5)", "28394"},
  };
  for (const auto& [query, count] : known) {
    INFO(query);
    CHECK(counted(graph, query) == count);
  }
}

namespace {

/// A pattern as the 0/1 string of its adjacency matrix, row by row.
Pattern from_matrix(const std::string& cells) {
  int k = 1;
  while (k * k < static_cast<int>(cells.size())) ++k;
  std::vector<std::pair<int, int>> edges;
  for (int u = 0; u < k; ++u)
    for (int v = u + 1; v < k; ++v)
      if (cells[static_cast<std::size_t>(u * k + v)] == '1') edges.emplace_back(u, v);
  return {k, edges};
}

}  // namespace

TEST_CASE("GraphPi's patterns") {
  const auto folder = data_set("fsm-citeseer");
  if (!folder) GALENA_SKIP("no data set fsm-citeseer (set GALENA_DATA_DIR)");
  Miner miner(load_graph(*folder), quick());
  const std::pair<const char*, const char*> known[] = {
      {"011011101110110101011000110000101000", "26779"},
      {"011111101000110111101010101101101010", "12646"},
      {"011110101101110000110000100001010010", "108400"},
      {"0111111101111111011001110100111100011000001100000", "4297"},
      {"0111111101111111011101110100111100011100001100000", "12276"},
  };
  for (const auto& [cells, count] : known) {
    Query query;
    query.pattern = from_matrix(cells);
    INFO(query.pattern.to_string());
    CHECK(miner.run(query).count.to_string() == count);
  }
}
