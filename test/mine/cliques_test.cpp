// Cliques counted by pivoting and by enumeration over bits, against plans, brute force and closed forms.

#include <set>

#include "galena/error.hpp"
#include "galena/mine.hpp"
#include "src/base/random.hpp"
#include "src/mine/cliques/clique_kernels.hpp"
#include "src/mine/cliques/core_order.hpp"
#include "src/mine/cliques/joined_to_all.hpp"
#include "src/mine/prepared.hpp"
#include "test/mine/graphs.hpp"
#include "test/support/catch.hpp"

using namespace galena;
using test::contains;

namespace {

Query one(const std::string& text) { return parse_queries(text).front(); }

MineOptions with(Engine engine, int threads = 2) {
  MineOptions options;
  options.engine = engine;
  options.threads = threads;
  return options;
}

/// By the size of the clique; 0 where none was counted.
std::vector<std::string> by_size(const Graph& graph, std::size_t largest, int threads = 2) {
  const QueryResult result = Miner(graph, with(Engine::automatic, threads)).run(one("CLIQUES"));
  CHECK(result.engine == "cliques");
  std::vector<std::string> counts(largest + 1, "0");
  for (const MotifCount& each : result.motifs) {
    const auto size = static_cast<std::size_t>(std::stoi(each.name.substr(7)));
    REQUIRE(size <= largest);
    counts[size] = each.count.to_string();
  }
  return counts;
}

/// Cliques by size, by trying all subsets of up to 16 vertices.
std::vector<std::uint64_t> all_subsets(const Graph& graph) {
  const VertexId n = graph.num_vertices();
  std::vector<std::uint32_t> near(n, 0);
  for (VertexId v = 0; v < n; ++v)
    for (const VertexId u : graph.neighbors(v)) near[v] |= 1U << u;
  std::vector<std::uint64_t> counts(n + 1, 0);
  for (std::uint32_t set = 1; set < (1U << n); ++set) {
    bool clique = true;
    for (VertexId v = 0; v < n && clique; ++v) {
      if ((set >> v & 1U) != 0) clique = (set & ~(1U << v) & ~near[v]) == 0;
    }
    if (clique) ++counts[static_cast<std::size_t>(__builtin_popcount(set))];
  }
  return counts;
}

Graph random_graph(int n, double density, std::uint64_t seed) {
  base::RandomStream random(seed, 7);
  std::vector<std::pair<int, int>> edges;
  for (int u = 0; u < n; ++u)
    for (int v = u + 1; v < n; ++v)
      if (random.uniform() < density) edges.emplace_back(u, v);
  return test::graph_of(edges, static_cast<std::uint64_t>(n));
}

Graph complete(int n) { return random_graph(n, 1.1, 1); }

}  // namespace

TEST_CASE("cliques of all sizes are those among all subsets") {
  const double density = GENERATE(0.0, 0.2, 0.5, 0.8, 0.95, 1.0);
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const Graph graph = random_graph(13, density, seed);
    CAPTURE(density, seed);
    const auto expected = all_subsets(graph);
    const auto found = by_size(graph, 13);
    for (std::size_t k = 3; k <= 13; ++k) CHECK(found[k] == std::to_string(expected[k]));
    for (int k = 4; k <= 13; ++k)
      CHECK(count(graph, "clique(" + std::to_string(k) + ")").to_string() ==
            std::to_string(expected[static_cast<std::size_t>(k)]));
  }
}

TEST_CASE("cliques in sets of several words, as plans count them, on any number of threads") {
  const int n = GENERATE(70, 130, 300, 700);
  const double density = n <= 130 ? 0.5 : n == 300 ? 0.3 : 0.12;
  const Graph graph = random_graph(n, density, static_cast<std::uint64_t>(n));
  CAPTURE(n);
  const auto pivoted = by_size(graph, 40);
  CHECK(by_size(graph, 40, 1) == pivoted);
  for (int k = 3; k <= 6; ++k) {
    const std::string query = "clique(" + std::to_string(k) + ")";
    CAPTURE(k);
    CHECK(count(graph, query, with(Engine::interpreter)).to_string() == pivoted[static_cast<std::size_t>(k)]);
    CHECK(count(graph, query).to_string() == pivoted[static_cast<std::size_t>(k)]);
  }
}

TEST_CASE("cliques of complete and complete multipartite graphs are binomials") {
  const auto whole = by_size(complete(100), 100);
  CHECK(whole[3] == "161700");
  CHECK(whole[50] == "100891344545564193334812497256");  // C(100, 50), 97 bits
  CHECK(whole[99] == "100");
  CHECK(whole[100] == "1");
  CHECK(count(complete(100), "EMBEDDINGS clique(4)").to_string() == "94109400");
  // Three from each of ten parts: C(10, k) 3^k.
  std::vector<std::pair<int, int>> edges;
  for (int u = 0; u < 30; ++u)
    for (int v = u + 1; v < 30; ++v)
      if (u / 3 != v / 3) edges.emplace_back(u, v);
  const auto parts = by_size(test::graph_of(edges), 30);
  CHECK(parts[4] == "17010");
  CHECK(parts[10] == "59049");
  CHECK(parts[11] == "0");
}

TEST_CASE("cliques over 127 bits are an error that says how far one gets") {
  const Graph graph = complete(140);
  CHECK_THROWS_WITH(by_size(graph, 140), contains("over 127 bits") && contains("CLIQUES <= "));
  const QueryResult few = Miner(graph).run(one("CLIQUES <= 5"));
  REQUIRE(few.motifs.size() == 3);
  CHECK(few.motifs[2].count.to_string() == "416965528");
  CHECK_THROWS_WITH(count(complete(400), "clique(32)"), contains("over 127 bits"));
}

TEST_CASE("CLIQUES: what it takes, and graphs without any") {
  CHECK(one("cliques <= 7").motif_size == 7);
  CHECK_THROWS_WITH(parse_queries("CLIQUES <= 2"), contains("at least 3"));
  for (const std::uint64_t n : {0, 1, 5}) {
    const QueryResult result = Miner(test::graph_of({}, n)).run(one("CLIQUES"));
    CHECK(result.motifs.empty());
    CHECK(result.count == Count());
    CHECK(count(test::graph_of({}, n), "clique(4)") == Count());
  }
  CHECK_THROWS_WITH(Miner(complete(4)).emit(one("CLIQUES"), "plan"), contains("no plan"));
  CHECK_THAT(Miner(complete(9)).explain(one("CLIQUES")), contains("pivoting"));
  CHECK_THAT(Miner(complete(9)).explain(one("clique(4)")), contains("one by one"));
}

TEST_CASE("cliques: a raised stop flag leaves a part of the count") {
  volatile int stop = 1;
  MineOptions options;
  options.stop = &stop;
  const QueryResult result = Miner(random_graph(300, 0.5, 3), options).run(one("CLIQUES <= 30"));
  CHECK(result.partial);
  CHECK(result.done < 1);
}

TEST_CASE("a degeneracy order: successors come later, and no more than the largest core") {
  const Graph graph = random_graph(200, 0.1, 11);
  const mine::Prepared prepared(graph);
  const mine::CoreOrder order = mine::core_order(prepared.view());
  REQUIRE(order.vertices() == 200);
  CHECK(order.successor.size() == graph.num_edges());
  std::set<std::pair<std::uint32_t, std::uint32_t>> seen;
  for (std::uint32_t v = 0; v < 200; ++v) {
    CHECK(order.start[v + 1] - order.start[v] <= order.degeneracy);
    for (std::uint64_t k = order.start[v]; k < order.start[v + 1]; ++k) {
      CHECK(order.successor[k] > v);
      seen.emplace(v, order.successor[k]);
    }
  }
  CHECK(seen.size() == graph.num_edges());
  // The largest core, by taking away vertices of too few neighbours until none is left.
  std::uint32_t core = 0;
  for (std::uint32_t k = 1;; ++k) {
    std::vector<bool> out(200, false);
    for (bool again = true; again;) {
      again = false;
      for (VertexId v = 0; v < 200; ++v) {
        std::uint32_t left = 0;
        for (const VertexId u : graph.neighbors(v)) left += out[u] ? 0 : 1;
        if (!out[v] && left < k) again = out[v] = true;
      }
    }
    if (std::find(out.begin(), out.end(), false) == out.end()) break;
    core = k;
  }
  CHECK(order.degeneracy == core);
}

TEST_CASE("vertices joined to all others are chosen, not enumerated: of a complete graph nothing is left") {
  for (const std::uint32_t n : {16U, 64U, 65U, 200U, 2000U}) {
    for (const std::uint32_t others : {0U, 2U, 7U, n / 2, n - 1}) {  // the first of them are an independent set
      mine::CliqueTask task;
      task.n = n;
      task.words = mine::clique_words(n);
      std::vector<std::uint64_t> rows(std::uint64_t{n} * task.words, 0);
      for (std::uint32_t i = 0; i < n; ++i)
        for (std::uint32_t j = 0; j < n; ++j)
          if (i != j && (i >= others || j >= others))
            rows[std::uint64_t{i} * task.words + j / 64] |= std::uint64_t{1} << (j % 64);
      task.rows = rows.data();
      const std::vector<std::uint64_t> before = rows;
      CAPTURE(n, others);
      const std::uint32_t taken = mine::take_joined_to_all(task, rows.data());
      if (4 * (n - others) < n) {
        CHECK(taken == 0);
        CHECK(task.n == n);
        CHECK(rows == before);
        continue;
      }
      CHECK(taken == n - others);
      CHECK(task.n == others);
      CHECK(task.words == mine::clique_words(others));
      for (std::uint64_t at = 0; at < std::uint64_t{task.n} * task.words; ++at) REQUIRE(rows[at] == 0);
    }
  }
}

TEST_CASE("cliques where some vertices are joined to all others, as plans count them") {
  const int n = GENERATE(20, 70, 150);
  for (const int joined : {1, n / 4, n / 2, n - 3}) {
    base::RandomStream random(static_cast<std::uint64_t>(n + joined), 7);
    std::vector<std::pair<int, int>> edges;
    for (int u = 0; u < n; ++u)
      for (int v = u + 1; v < n; ++v)
        if (u < joined || random.uniform() < 0.4) edges.emplace_back((u * 11) % n, (v * 11) % n);
    const Graph graph = test::graph_of(edges, static_cast<std::uint64_t>(n));
    for (const char* const query : {"clique(4)", "clique(5)"}) {
      CAPTURE(n, joined, query);
      CHECK(count(graph, query) == count(graph, query, with(Engine::interpreter)));
    }
  }
}
