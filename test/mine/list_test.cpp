// LIST, EXISTS and LOCAL: rows in files, on stdout and through callbacks.

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <set>
#include <sstream>

#include "galena/generate.hpp"
#include "galena/io.hpp"
#include "galena/mine.hpp"
#include "test/mine/command.hpp"
#include "test/support/data.hpp"

using namespace galena;
using test::contains;
using test::mine;

namespace {

using Row = std::vector<std::uint64_t>;
using Table = std::vector<Row>;

constexpr std::uint64_t kFar = std::uint64_t{1} << 63;

/// Two triangles with a common edge, on ids that no 32 bits hold.
const char* const kSparse =
    "9223372036854775808 7\n7 1000000000000\n1000000000000 9223372036854775808\n"
    "1000000000000 5\n5 7\n";

/// What the text and CSV writers made: a header, then ids.
std::pair<std::string, Table> parse(std::string text) {
  std::replace(text.begin(), text.end(), ',', ' ');
  std::istringstream lines(text);
  std::string header, line;
  std::getline(lines, header);
  Table table;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    Row row;
    for (std::uint64_t id = 0; words >> id;) row.push_back(id);
    table.push_back(row);
  }
  return {header, table};
}

/// Rows in any order, each in any order: what symmetric matches are compared by.
std::multiset<std::multiset<std::uint64_t>> as_sets(const Table& table) {
  std::multiset<std::multiset<std::uint64_t>> sets;
  for (const Row& row : table) sets.emplace(row.begin(), row.end());
  return sets;
}

Table listed(const Graph& graph, const std::string& query, int threads) {
  Table table;
  MineOptions options;
  options.threads = threads;
  const std::uint64_t rows = list(
      graph, query,
      [&table](std::span<const std::uint64_t> row) {
        table.emplace_back(row.begin(), row.end());
        return true;
      },
      options);
  CHECK(rows == table.size());
  return table;
}

}  // namespace

TEST_CASE("list: text, CSV and binary hold the same rows, by original id") {
  const test::TemporaryFolder folder;
  const std::string graph = folder.write("g.txt", kSparse);
  const std::multiset<std::multiset<std::uint64_t>> expected{{7, 1000000000000, kFar}, {5, 7, 1000000000000}};
  const auto output = [&](const char* name) {
    const std::string path = folder.path() / name;
    const test::Outcome outcome = mine({graph, "LIST triangle", "--output", path});
    CHECK(outcome.code == 0);
    return test::read_file(path);
  };
  const auto [text_header, text] = parse(output("rows.txt"));
  CHECK(text_header == "# a\tb\tc");
  CHECK(as_sets(text) == expected);
  const auto [csv_header, csv] = parse(output("rows.csv"));
  CHECK(csv_header == "a b c");
  CHECK(as_sets(csv) == expected);
  const std::string bytes = output("rows.bin");
  REQUIRE(bytes.size() == 2 * 3 * 8);
  Table binary(2, Row(3));
  for (std::size_t i = 0; i < 6; ++i) std::memcpy(&binary[i / 3][i % 3], bytes.data() + i * 8, 8);
  CHECK(as_sets(binary) == expected);
  const auto [out_header, out] = parse(mine({graph, "LIST triangle"}).out);
  CHECK(out_header == "# a\tb\tc");
  CHECK(as_sets(out) == expected);
}

TEST_CASE("list: the chosen columns, in the order asked for") {
  const test::TemporaryFolder folder;
  const std::string graph = folder.write("g.txt", "10 20\n20 30\n30 40\n40 50\n20 60\n");
  const auto [header, table] = parse(mine({graph, "LIST (x)--(y)--(z) WHERE y.degree = 3 AS (y,x) ORDERED"}).out);
  CHECK(header == "# y\tx");
  CHECK(table.size() == 3);  // three pairs among the neighbours of 20
  for (const Row& row : table) {
    REQUIRE(row.size() == 2);
    CHECK(row[0] == 20);
    CHECK((row[1] == 10 || row[1] == 30 || row[1] == 60));
  }
}

TEST_CASE("list: as many rows as COUNT says, every one a match, none twice") {
  const Graph graph = generate_rmat(8, 6, 5);
  for (const char* pattern : {"triangle", "(a)--(b)--(c), (a)!-(c)", "cycle(4)", "tailed_triangle"}) {
    for (const int threads : {1, 2}) {
      const Table table = listed(graph, std::string("LIST ") + pattern, threads);
      CAPTURE(pattern, threads);
      CHECK(Count(table.size()) == count(graph, std::string("COUNT ") + pattern));
      CHECK(std::set<Row>(table.begin(), table.end()).size() == table.size());
    }
  }
  for (const Row& row : listed(graph, "LIST (a)--(b)--(c), (a)!-(c)", 2)) {
    const auto id = [&](std::size_t i) { return static_cast<VertexId>(row[i]); };
    if (graph.has_edge(id(0), id(1)) && graph.has_edge(id(1), id(2)) && !graph.has_edge(id(0), id(2))) continue;
    FAIL("no match: " << row[0] << " " << row[1] << " " << row[2]);
  }
}

TEST_CASE("list: LIMIT is exact") {
  const Graph graph = generate_complete(40);  // 9880 triangles
  for (const int threads : {1, 2})
    for (const std::uint64_t limit : {1, 7, 1364, 1366, 5000, 9879, 9880, 20000}) {
      const Table table = listed(graph, "LIST triangle LIMIT " + std::to_string(limit), threads);
      CAPTURE(threads, limit);
      CHECK(table.size() == std::min<std::uint64_t>(limit, 9880));
      CHECK(std::set<Row>(table.begin(), table.end()).size() == table.size());
    }
}

TEST_CASE("list: ORDERED sorts, and with LIMIT keeps the smallest") {
  const Graph graph = generate_er(200, 2500, 3);
  const Table all = listed(graph, "LIST wedge ORDERED", 2);
  REQUIRE(all.size() > 20000);
  CHECK(std::is_sorted(all.begin(), all.end()));
  CHECK(listed(graph, "LIST wedge ORDERED", 1) == all);
  for (const std::size_t limit : {1U, 10U, 5000U}) {
    const Table smallest = listed(graph, "LIST wedge ORDERED LIMIT " + std::to_string(limit), 2);
    CHECK(smallest == Table(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(limit)));
  }
}

TEST_CASE("list: a callback ends it, by false or by an exception") {
  const Graph graph = generate_complete(60);
  for (const int threads : {1, 2}) {
    MineOptions options;
    options.threads = threads;
    std::uint64_t seen = 0;
    CHECK(list(
              graph, "LIST triangle", [&](auto) { return ++seen < 100; }, options) == 100);
    CHECK(seen == 100);
    const auto throwing = [](std::span<const std::uint64_t>) -> bool { throw std::runtime_error("enough"); };
    CHECK_THROWS_WITH(list(graph, "LIST triangle", throwing, options), "enough");
  }
}

TEST_CASE("list: one row at a time, also from several threads") {
  std::mutex busy;
  bool alone = true;
  MineOptions options;
  options.threads = 4;
  list(
      generate_complete(50), "LIST triangle",
      [&](auto) {
        const std::unique_lock lock(busy, std::try_to_lock);
        alone = alone && lock.owns_lock();
        return true;
      },
      options);
  CHECK(alone);
}

TEST_CASE("EXISTS answers yes or no") {
  const test::Outcome both = mine({"karate", "EXISTS clique(5)", "EXISTS clique(6)"});
  CHECK(both.code == 0);
  const std::size_t yes = both.out.find("yes"),
                    no = both.out.find("no\n") == std::string::npos ? both.out.find(" no ") : 0;
  CHECK(yes != std::string::npos);
  CHECK(no != std::string::npos);
  CHECK(yes < no);
  CHECK(test::counts(mine({"karate", "EXISTS clique(5)", "EXISTS clique(6)", "--json"})) ==
        std::vector<std::string>{"1", "0"});
}

TEST_CASE("LOCAL: a count for every vertex, by original id, to a file or stdout") {
  const test::TemporaryFolder folder;
  const std::string graph = folder.write("g.txt", kSparse), output = folder.path() / "local.csv";
  const Table expected{{5, 1}, {7, 2}, {1000000000000, 2}, {kFar, 1}};
  REQUIRE(mine({graph, "LOCAL triangle BY a", "--output", output}).code == 0);
  const auto [header, table] = parse(test::read_file(output));
  CHECK(header == "vertex count");
  CHECK(table == expected);
  CHECK(parse(mine({graph, "LOCAL triangle BY a"}).out).second == expected);
}

TEST_CASE("LOCAL: the sum is the count times the vertices of an orbit") {
  const Graph graph = generate_rmat(9, 8, 2);
  Miner miner(graph);
  const auto sum = [&](const char* query) {
    Count::Wide total = 0;
    for (const Count& n : miner.run(parse_queries(query).front()).local) total += n.wide();
    return total;
  };
  CHECK(sum("LOCAL triangle BY a") == 3 * count(graph, "triangle").wide());
  CHECK(sum("LOCAL cycle(4) BY a") == 4 * count(graph, "cycle(4)").wide());
  CHECK(sum("LOCAL (a)--(b)--(c) BY b") == count(graph, "wedge").wide());
}
