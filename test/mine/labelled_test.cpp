// Labelled query graphs with known numbers of maps (RapidMatch's and its kin's collections), by plans.

#include "codegen/jit/jit.hpp"
#include "galena/io.hpp"
#include "galena/mine.hpp"
#include "test/codegen/private_cache.hpp"
#include "test/mine/query_graphs.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"

using namespace galena;
using namespace galena::test;

namespace {

void check_collection(const std::string& name, std::size_t expected_rows, Engine engine) {
  const auto folder = data_set(name);
  if (!folder) GALENA_SKIP("no data set " + name + " (set GALENA_DATA_DIR)");
  const auto patterns = read_query_graphs(*folder / "queries.txt.gz");
  const auto rows = read_exact_counts(*folder / "expected_counts.tsv");
  CHECK(rows.size() == expected_rows);
  const PrivateCache cache;
  MineOptions options;
  options.engine = engine;
  Miner miner(load_graph(*folder), options);
  for (const auto& [query_name, count] : rows) {
    Query query;
    query.text = query_name;
    query.embeddings = true;
    query.pattern = patterns.at(query_name);
    INFO(query_name << " " << query.pattern.to_string());
    CHECK(miner.run(query).count.to_string() == count);
  }
}

}  // namespace

TEST_CASE("labelled queries of sm-hprd, interpreted") {
  GALENA_LONG_TEST("labelled queries of sm-human, interpreted");
  check_collection("sm-hprd", 200, Engine::interpreter);
}
TEST_CASE("labelled queries of sm-human, interpreted") { check_collection("sm-human", 12, Engine::interpreter); }
TEST_CASE("labelled queries of sm-human, compiled") {
  std::string why;
  if (!jit::compiler_available(&why)) GALENA_SKIP(why);
  check_collection("sm-human", 12, Engine::jit);
}
