// Labelled query graphs with known numbers of maps (RapidMatch's and its kin's collections).

#include <fstream>
#include <map>
#include <sstream>

#include "codegen/jit/jit.hpp"
#include "galena/io.hpp"
#include "galena/mine.hpp"
#include "src/base/inflate.hpp"
#include "test/codegen/private_cache.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"

using namespace galena;
using namespace galena::test;

namespace {

/// "q name n m", then "v id label" and "e u v" lines, query after query.
std::map<std::string, Pattern> read_patterns(const std::filesystem::path& file) {
  std::ostringstream packed;
  packed << std::ifstream(file, std::ios::binary).rdbuf();
  const std::string bytes = packed.str();
  std::istringstream text(base::inflate_all(std::as_bytes(std::span(bytes)), file.string()));
  std::map<std::string, Pattern> patterns;
  Pattern* current = nullptr;
  for (std::string line; std::getline(text, line);) {
    std::istringstream fields(line);
    std::string kind, name;
    int a = 0, b = 0;
    fields >> kind;
    if (kind == "q") {
      fields >> name >> a;
      current = &patterns.emplace(name, Pattern(a, {})).first->second;
    } else if (kind == "v" && fields >> a >> b) {
      current->set_label(a, {LabelSet::Kind::one_of, {static_cast<Label>(b)}});
    } else if (kind == "e" && fields >> a >> b) {
      current->add_edge(a, b);
    }
  }
  return patterns;
}

/// Query and count of each row that is a full count.
std::vector<std::pair<std::string, std::string>> read_exact(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::vector<std::pair<std::string, std::string>> rows;
  for (std::string line; std::getline(stream, line);) {
    std::istringstream fields(line);
    std::string query, count, status;
    if (fields >> query >> count >> status && status.starts_with("exact")) rows.emplace_back(query, count);
  }
  return rows;
}

void check_collection(const std::string& name, std::size_t expected_rows, Engine engine) {
  const auto folder = data_set(name);
  if (!folder) GALENA_SKIP("no data set " + name + " (set GALENA_DATA_DIR)");
  const auto patterns = read_patterns(*folder / "queries.txt.gz");
  const auto rows = read_exact(*folder / "expected_counts.tsv");
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
TEST_CASE("labelled queries of sm-hprd") {
  GALENA_LONG_TEST("labelled queries of sm-human, interpreted and compiled");
  check_collection("sm-hprd", 200, Engine::automatic);
}
