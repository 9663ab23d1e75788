// Counts that are known, on real graphs: every row of truths.tsv, by compiled code and by the
// interpreter, on one thread and on two, as single queries and as motif sets.

#include <map>

#include "codegen/jit/jit.hpp"
#include "codegen/pattern/canonical.hpp"
#include "galena/io.hpp"
#include "galena/mine.hpp"
#include "test/codegen/private_cache.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"

using namespace galena;
using namespace galena::test;

namespace {

/// How far a graph's rows are checked: patterns of at most so many vertices.
struct Depth {
  int jit = 4, interpreter = 4;
};

/// MOTIFS k [INDUCED], by pattern.
std::map<std::string, std::string> motif_counts(Miner& miner, int k, bool induced) {
  const std::string text = "MOTIFS " + std::to_string(k) + (induced ? " INDUCED" : "");
  const QueryResult result = miner.run(parse_queries(text).front());
  const std::vector<Motif> motifs = connected_motifs(k);
  std::map<std::string, std::string> counts;
  for (std::size_t i = 0; i < motifs.size(); ++i) {
    CHECK(result.motifs.at(i).name == motifs[i].name);
    counts[codegen::canonical_code(motifs[i].pattern)] = result.motifs.at(i).count.to_string();
  }
  return counts;
}

/// The rows of patterns of k vertices as motif sets.
void check_motifs(Miner& miner, const std::vector<Truth>& truths, int k) {
  for (const bool induced : {false, true}) {
    const auto counts = motif_counts(miner, k, induced);
    std::size_t compared = 0;
    for (const Truth& truth : truths) {
      if (truth.vertices != k || truth.induced != induced) continue;
      const auto found = counts.find(codegen::canonical_code(Pattern::parse(truth.edges)));
      REQUIRE(found != counts.end());
      INFO("MOTIFS " << k << (induced ? " INDUCED: " : ": ") << truth.pattern);
      CHECK(found->second == truth.count);
      ++compared;
    }
    CHECK(compared == counts.size());
  }
}

void check_single(Miner& miner, const Truth& truth) {
  const std::string induced = truth.induced ? "COUNT INDUCED " : "COUNT ";
  INFO(induced << truth.pattern);
  CHECK(miner.run(parse_queries(induced + truth.pattern).front()).count.to_string() == truth.count);
}

std::vector<Truth> truths_of(const std::string& graph, int most) {
  std::vector<Truth> rows;
  for (const Truth& truth : read_truths())
    if (truth.graph == graph && truth.vertices <= most) rows.push_back(truth);
  return rows;
}

void check_engine(const Graph& graph, const std::string& name, Engine engine, int most) {
  const std::vector<Truth> truths = truths_of(name, most);
  for (const int threads : {1, 2}) {
    MineOptions options;
    options.engine = engine;
    options.threads = threads;
    INFO(name << ", " << (engine == Engine::jit ? "jit" : "interpreter") << ", threads " << threads);
    Miner miner(graph, options);
    for (int k = 3; k <= std::min(most, 5); ++k) check_motifs(miner, truths, k);
    for (std::size_t i = 0; i < truths.size(); ++i)  // each of the 5-vertex rows on one of the two
      if (truths[i].vertices <= 4 || i % 2 == static_cast<std::size_t>(threads - 1)) check_single(miner, truths[i]);
  }
}

void check_graph(const std::string& name, const Depth& depth) {
  const auto folder = data_set(name);
  if (!folder) GALENA_SKIP("no data set " + name + " (set GALENA_DATA_DIR)");
  REQUIRE(truths_of(name, 4).size() == 16);
  const PrivateCache cache;
  const Graph graph = load_graph(*folder);
  check_engine(graph, name, Engine::interpreter, depth.interpreter);
  if (jit::compiler_available()) check_engine(graph, name, Engine::jit, depth.jit);
}

/// The code of the smallest graph's case, over more data.
void check_large_graph(const std::string& name, const Depth& depth) {
  GALENA_LONG_TEST("known counts: fsm-citeseer");
  check_graph(name, depth);
}

}  // namespace

TEST_CASE("known counts: fsm-citeseer") { check_graph("fsm-citeseer", {8, 8}); }
TEST_CASE("known counts: ca-grqc") { check_large_graph("ca-grqc", {5, 5}); }
TEST_CASE("known counts: p2p-gnutella31") { check_large_graph("p2p-gnutella31", {5, 5}); }
TEST_CASE("known counts: wiki-vote") { check_large_graph("wiki-vote", {}); }
TEST_CASE("known counts: ca-astroph") { check_large_graph("ca-astroph", {}); }
TEST_CASE("known counts: email-enron") { check_large_graph("email-enron", {}); }
TEST_CASE("known counts: ego-facebook") { check_large_graph("ego-facebook", {}); }
TEST_CASE("known counts: cit-hepph") { check_large_graph("cit-hepph", {}); }
TEST_CASE("known counts: soc-epinions1") { check_large_graph("soc-epinions1", {}); }
TEST_CASE("known counts: dblp-2010") { check_large_graph("dblp-2010", {}); }
