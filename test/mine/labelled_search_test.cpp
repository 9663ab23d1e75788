// Labelled search against brute force over all injective maps, against plans, and known numbers of maps.

#include <algorithm>
#include <bit>
#include <random>
#include <set>

#include "codegen/pattern/automorphism.hpp"
#include "galena/error.hpp"
#include "galena/generate.hpp"
#include "galena/io.hpp"
#include "src/mine/labelled/labelled.hpp"
#include "src/mine/labelled/tail_count.hpp"
#include "test/mine/graphs.hpp"
#include "test/mine/query_graphs.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"

using namespace galena;
using namespace galena::test;

namespace {

using Row = std::vector<std::uint64_t>;
using Rows = std::vector<Row>;
using Random = std::mt19937;

std::uint32_t below(Random& random, std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); }

Graph random_graph(Random& random, std::uint32_t n, std::uint32_t edges, std::uint32_t labels,
                   std::uint32_t edge_labels) {
  EdgeList list;
  for (std::uint32_t i = 0; i < edges; ++i) {
    list.source.push_back(below(random, n));
    list.target.push_back(below(random, n));
    if (edge_labels > 0) list.labels.push_back(below(random, edge_labels));
  }
  BuildOptions options;
  options.num_vertices = n;
  std::vector<Label> of_vertex(n);
  for (Label& label : of_vertex) label = below(random, labels);
  return with_vertex_labels(build_graph(std::move(list), options), std::move(of_vertex));
}

LabelSet random_labels(Random& random, std::uint32_t labels) {
  switch (below(random, 8)) {
    case 0: return {};
    case 1: return {LabelSet::Kind::none_of, {below(random, labels)}};
    case 2: return labels > 1 ? LabelSet{LabelSet::Kind::one_of, {0, labels - 1}} : LabelSet{};
    default: return {LabelSet::Kind::one_of, {below(random, labels)}};
  }
}

/// Connected: a random tree and more edges; some anti-edges, or induced.
Pattern random_pattern(Random& random, int size, std::uint32_t labels, std::uint32_t edge_labels, bool induced) {
  Pattern pattern(size, {});
  for (int v = 0; v < size; ++v) pattern.set_label(v, random_labels(random, labels));
  const auto edge_label = [&] {
    return edge_labels > 0 && below(random, 2) == 0 ? random_labels(random, edge_labels) : LabelSet{};
  };
  for (int v = 1; v < size; ++v)
    pattern.add_edge(static_cast<int>(below(random, static_cast<std::uint32_t>(v))), v, edge_label());
  for (int v = 1; v < size; ++v)
    for (int u = 0; u < v; ++u) {
      const std::uint32_t chance = below(random, 8);
      if (pattern.adjacent(u, v) || chance > 2) continue;
      chance < 2 ? pattern.add_edge(u, v, edge_label()) : pattern.add_anti_edge(u, v);
    }
  if (induced) pattern.make_induced();
  return pattern;
}

Label label_of_edge(const Graph& graph, VertexId u, VertexId v) {
  const auto around = graph.neighbors(u);
  const auto place = std::lower_bound(around.begin(), around.end(), v) - around.begin();
  return graph.edge_labels()[graph.indptr()[u] + static_cast<std::uint64_t>(place)];
}

bool fits(const Graph& graph, const Pattern& pattern, const Row& row, int u) {
  const auto image = [&](int v) { return static_cast<VertexId>(row[static_cast<std::size_t>(v)]); };
  if (!pattern.vertex(u).label.contains(graph.vertex_labels()[image(u)])) return false;
  for (int v = 0; v < u; ++v) {
    if (image(v) == image(u)) return false;
    const bool joined = graph.has_edge(image(u), image(v));
    if (pattern.separated(u, v) && joined) return false;
    if (!pattern.adjacent(u, v)) continue;
    if (!joined) return false;
    const LabelSet& wanted = pattern.edge_label(u, v);
    if (wanted.kind != LabelSet::Kind::any && !wanted.contains(label_of_edge(graph, image(u), image(v)))) return false;
  }
  return true;
}

void extend(const Graph& graph, const Pattern& pattern, Row& row, Rows& found) {
  const auto u = static_cast<int>(row.size());
  if (u == pattern.size()) {
    found.push_back(row);
    return;
  }
  for (VertexId v = 0; v < graph.num_vertices(); ++v) {
    row.push_back(v);
    if (fits(graph, pattern, row, u)) extend(graph, pattern, row, found);
    row.pop_back();
  }
}

/// Every map, vertex after vertex in the pattern's own order.
std::set<Row> all_maps(const Graph& graph, const Pattern& pattern) {
  Rows found;
  Row row;
  extend(graph, pattern, row, found);
  return {found.begin(), found.end()};
}

Query query_of(const Pattern& pattern, QueryKind kind, bool embeddings = false) {
  Query query;
  query.kind = kind;
  query.pattern = pattern;
  query.embeddings = embeddings;
  return query;
}

QueryResult searched(const mine::Prepared& graph, const Query& query, int threads, Rows* rows = nullptr) {
  const RowSink sink = [rows](std::span<const std::uint64_t> row) {
    if (rows != nullptr) rows->emplace_back(row.begin(), row.end());
    return true;
  };
  const MineOptions options = quick(Engine::automatic, threads);
  QueryResult result = mine::LabelledSearch(graph, query, options).run(sink);
  CHECK(!result.partial);
  return result;
}

/// Every row and all that symmetry makes of it.
std::set<Row> spread(const Rows& rows, const codegen::Automorphisms& group) {
  std::set<Row> all;
  for (const Row& row : rows)
    for (const codegen::Permutation& p : group.elements()) {
      Row image(row.size());
      for (std::size_t v = 0; v < row.size(); ++v) image[p[v]] = row[v];
      all.insert(std::move(image));
    }
  return all;
}

void check_against_all_maps(const Graph& graph, const Pattern& pattern) {
  INFO(pattern.to_string());
  const std::set<Row> maps = all_maps(graph, pattern);
  const codegen::Automorphisms group(pattern);
  const auto instances = maps.size() / static_cast<std::size_t>(group.size());
  const mine::Prepared prepared(graph);
  for (const int threads : {1, 2}) {
    CHECK(searched(prepared, query_of(pattern, QueryKind::count, true), threads).count.low() == maps.size());
    CHECK(searched(prepared, query_of(pattern, QueryKind::count), threads).count.low() == instances);
    CHECK((searched(prepared, query_of(pattern, QueryKind::exists), threads).count.low() == 1) == !maps.empty());
    Rows rows;
    CHECK(searched(prepared, query_of(pattern, QueryKind::list), threads, &rows).count.low() == instances);
    CHECK(rows.size() == instances);
    CHECK(spread(rows, group) == maps);
  }
}

Pattern star(int leaves, Label first, Label step) {
  std::vector<std::pair<int, int>> edges;
  for (int v = 1; v <= leaves; ++v) edges.emplace_back(0, v);
  Pattern pattern(leaves + 1, edges);
  pattern.set_label(0, {LabelSet::Kind::one_of, {0}});
  for (int v = 1; v <= leaves; ++v)
    pattern.set_label(v, {LabelSet::Kind::one_of, {first + step * static_cast<Label>(v - 1)}});
  return pattern;
}

/// A vertex of label 0 with `times` neighbours of each label 1..labels.
Graph labelled_star(int labels, int times) {
  std::vector<std::pair<int, int>> edges;
  std::vector<Label> of_vertex{0};
  for (int v = 1; v <= labels * times; ++v) {
    edges.emplace_back(0, v);
    of_vertex.push_back(static_cast<Label>((v - 1) % labels + 1));
  }
  return with_vertex_labels(graph_of(edges), of_vertex);
}

/// Two labels; more matches of a path of ten vertices than anyone enumerates.
Graph endless() {
  std::vector<Label> labels(60);
  for (std::size_t v = 0; v < labels.size(); ++v) labels[v] = static_cast<Label>(v % 2);
  return with_vertex_labels(generate_complete(60), labels);
}
constexpr const char* kEndless =
    "(a:0)--(b:1)--(c:0)--(d:1)--(e:0)--(f:1)--(g:0)--(h:1)--(i:0)--(j:1), (a)--(c)--(e), (b)--(d)--(f)--(h)--(j)";

}  // namespace

TEST_CASE("labelled search: all injective maps of random patterns") {
  Random random(7);
  std::size_t matched = 0;
  for (int trial = 0; trial < 400; ++trial) {
    const std::uint32_t edge_labels = trial % 3 == 0 ? 2 : 0;
    const std::uint32_t labels = 1 + below(random, 3), n = 6 + below(random, 6);
    const Graph graph = random_graph(random, n, 2 * n + below(random, 2 * n), labels, edge_labels);
    const int size = 3 + static_cast<int>(below(random, 5));
    const Pattern pattern = random_pattern(random, size, labels, edge_labels, trial % 4 == 1);
    check_against_all_maps(graph, pattern);
    matched += searched(mine::Prepared(graph), query_of(pattern, QueryKind::exists), 1).count.low();
  }
  CHECK(matched > 100);  // not all of them empty
  CHECK(matched < 390);
}

TEST_CASE("labelled search: symmetric patterns, and leaves counted together") {
  Random random(11);
  for (const char* text : {"clique(4)", "cycle(6)", "star(4)", "K(2,3)", "house", "path(6)", "wheel(4)"}) {
    Pattern pattern = Pattern::parse(text);
    for (int v = 0; v < pattern.size(); ++v) pattern.set_label(v, {LabelSet::Kind::one_of, {1}});
    std::vector<Label> ones(9, 1);
    for (int trial = 0; trial < 4; ++trial)
      check_against_all_maps(with_vertex_labels(random_graph(random, 9, 24, 1, 0), ones), pattern);
  }
}

TEST_CASE("labelled search: as many as plans count on graphs of thousands of edges") {
  Random random(3);
  for (int trial = 0; trial < 24; ++trial) {
    const Graph graph = random_graph(random, 600, 3000, 6, trial % 2 == 0 ? 2 : 0);
    const Pattern pattern = random_pattern(random, 4 + trial % 3, 6, trial % 2 == 0 ? 2 : 0, trial % 5 == 0);
    Query query = query_of(pattern, QueryKind::count);
    INFO(pattern.to_string());
    const Count planned = Miner(graph, quick()).run(query).count;
    for (const int threads : {1, 2}) CHECK(searched(mine::Prepared(graph), query, threads).count == planned);
  }
}

TEST_CASE("labelled search: distinct choices from sets, by inclusion and exclusion") {
  Random random(5);
  mine::labelled::DistinctChoices choices;
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<std::vector<rt::vid>> sets(1 + below(random, mine::labelled::kMostTogether));
    for (auto& set : sets)
      for (rt::vid v = 0; v < 7; ++v)
        if (below(random, 2) == 0) set.push_back(v);
    std::vector<std::uint64_t> ways(1U << 7, 0);  // by which are chosen
    ways[0] = 1;
    for (const auto& set : sets) {
      std::vector<std::uint64_t> next(ways.size(), 0);
      for (std::size_t used = 0; used < ways.size(); ++used)
        for (const rt::vid v : set)
          if (((used >> v) & 1U) == 0) next[used | (std::size_t{1} << v)] += ways[used];
      ways = next;
    }
    std::uint64_t expected = 0;
    for (const std::uint64_t n : ways) expected += n;
    bool overflow = false;
    CHECK(choices.count(sets, overflow) == static_cast<rt::i128>(expected));
    CHECK(!overflow);
  }
}

TEST_CASE("labelled search: counts up to 127 bits, and no wrong ones beyond") {
  const Graph graph = labelled_star(20, 100);
  const auto counted_star = [&](int leaves) {
    return searched(mine::Prepared(graph), query_of(star(leaves, 1, 1), QueryKind::count), 2).count.to_string();
  };
  CHECK(counted_star(19) == "1" + std::string(38, '0'));
  CHECK_THROWS_AS(counted_star(20), InputError);
  // More alike leaves than are counted together.
  const mine::Prepared alike(labelled_star(1, 14));
  CHECK(searched(alike, query_of(star(9, 1, 0), QueryKind::count), 2).count.to_string() == choose(14, 9));
}

TEST_CASE("labelled search: which queries take this way, and what --engine changes") {
  Random random(13);
  const Graph graph = random_graph(random, 200, 900, 4, 0);
  const std::string long_path = "(a:0)--(b:1)--(c:2)--(d:3)--(e:0)--(f:1)--(g:2)";
  const auto engine = [&](const std::string& query, Engine how = Engine::automatic) {
    return Miner(graph, quick(how)).run(parse_queries(query).front(), [](auto) { return true; }).engine;
  };
  for (const char* verb : {"COUNT ", "COUNT INDUCED ", "COUNT EMBEDDINGS ", "LIST ", "EXISTS "})
    CHECK(engine(verb + long_path) == "labelled search");
  CHECK(engine("COUNT " + long_path, Engine::interpreter) == "interpreter");
  CHECK(engine("COUNT " + long_path + " WHERE a.degree > 2") != "labelled search");
  CHECK(engine("COUNT (a:0)--(b:1)--(c:2)") != "labelled search");
  CHECK(engine("LOCAL " + long_path + " BY a") != "labelled search");
  CHECK_THAT(Miner(graph).explain(parse_queries(long_path).front()), contains("labelled search"));
  CHECK(count(graph, long_path) == count(graph, long_path, quick(Engine::interpreter)));
  CHECK(count(graph, "INDUCED " + long_path) == count(graph, "INDUCED " + long_path, quick(Engine::interpreter)));
  CHECK_THROWS_AS(engine("(a:9)--(b:1)--(c:2)--(d:3)--(e:0)--(f:1)--(g:2)"), InputError);
}

TEST_CASE("labelled search: labels that are there but never meet") {
  std::vector<Label> labels(50);
  for (std::size_t v = 0; v < 50; ++v) labels[v] = v < 25 ? 0 : 1;
  std::vector<std::pair<int, int>> edges;
  for (int v = 0; v < 49; ++v)
    if (v != 24) edges.emplace_back(v, v + 1);
  const mine::Prepared graph(with_vertex_labels(graph_of(edges), labels));
  const Pattern pattern = Pattern::parse("(a:0)--(b:0)--(c:0)--(d:1)--(e:1)--(f:1)--(g:1)");
  CHECK(searched(graph, query_of(pattern, QueryKind::count), 2).count.low() == 0);
  CHECK(searched(graph, query_of(pattern, QueryKind::exists), 2).count.low() == 0);
  CHECK(searched(graph, query_of(pattern, QueryKind::list), 2).count.low() == 0);
}

TEST_CASE("labelled search: LIMIT is exact, and every row a match") {
  const Graph graph = endless();
  const Query parsed = parse_queries(std::string("LIST ") + kEndless).front();
  for (const int threads : {1, 2})
    for (const std::uint64_t limit : {1, 100, 20000}) {
      Query query = parsed;
      query.limit = limit;
      Rows rows;
      CHECK(searched(mine::Prepared(graph), query, threads, &rows).count.low() == limit);
      CHECK(rows.size() == limit);
      CHECK(std::set<Row>(rows.begin(), rows.end()).size() == limit);
      bool all = true;
      for (const Row& row : rows)
        for (int u = 0; u < query.pattern.size() && all; ++u) all = fits(graph, query.pattern, row, u);
      CHECK(all);
    }
  CHECK(searched(mine::Prepared(graph), query_of(parsed.pattern, QueryKind::exists), 2).count.low() == 1);
}

TEST_CASE("labelled search: a sink ends it, by false or by an exception") {
  std::uint64_t seen = 0;
  const std::string query = std::string("LIST ") + kEndless;
  CHECK(list(
            endless(), query, [&](auto) { return ++seen < 3000; }, quick(Engine::automatic)) == 3000);
  const auto throwing = [](std::span<const std::uint64_t>) -> bool { throw std::runtime_error("enough"); };
  CHECK_THROWS_WITH(list(endless(), query, throwing, quick(Engine::automatic)), "enough");
}

TEST_CASE("labelled search: the stop flag, with progress until then") {
  volatile int stop = 0;
  for (const bool at_once : {false, true}) {
    stop = at_once ? 1 : 0;
    int reports = 0;
    MineOptions options = quick(Engine::automatic);
    options.stop = &stop;
    options.progress = [&](const MineProgress& progress) {
      CHECK(progress.done < 1);
      if (++reports == 3) stop = 1;
    };
    const mine::Prepared graph(endless());
    const Query query = parse_queries(std::string("COUNT ") + kEndless).front();
    const QueryResult result = mine::LabelledSearch(graph, query, options).run({});
    CHECK(result.partial);
    CHECK(result.done < 1);
    CHECK((reports >= 3) == !at_once);
  }
}

namespace {

void check_collection(const std::string& name, std::size_t expected_rows) {
  const auto folder = data_set(name);
  if (!folder) GALENA_SKIP("no data set " + name + " (set GALENA_DATA_DIR)");
  const auto patterns = read_query_graphs(*folder / "queries.txt.gz");
  const auto rows = read_exact_counts(*folder / "expected_counts.tsv");
  CHECK(rows.size() == expected_rows);
  const mine::Prepared graph(load_graph(*folder));
  for (const auto& [query_name, count] : rows)
    for (const int threads : {1, 2}) {
      INFO(query_name << " " << patterns.at(query_name).to_string());
      const Query query = query_of(patterns.at(query_name), QueryKind::count, true);
      CHECK(searched(graph, query, threads).count.to_string() == count);
    }
}

}  // namespace

TEST_CASE("labelled search: the known counts of sm-hprd") { check_collection("sm-hprd", 200); }
TEST_CASE("labelled search: the known counts of sm-human") { check_collection("sm-human", 12); }

TEST_CASE("labelled search: the first 100,000 of every query of sm-human") {
  const auto folder = data_set("sm-human");
  if (!folder) GALENA_SKIP("no data set sm-human (set GALENA_DATA_DIR)");
  const mine::Prepared graph(load_graph(*folder));
  for (const auto& [name, pattern] : read_query_graphs(*folder / "queries.txt.gz")) {
    INFO(name);
    Query query = query_of(pattern, QueryKind::list);
    query.limit = 100000;
    std::uint64_t rows = 0;
    const MineOptions options = quick(Engine::automatic);
    const RowSink sink = [&](std::span<const std::uint64_t> row) {
      ++rows;
      return row.size() == static_cast<std::size_t>(pattern.size());
    };
    const QueryResult result = mine::LabelledSearch(graph, query, options).run(sink);
    CHECK(!result.partial);
    CHECK(result.count.low() == rows);
    CHECK(rows > 0);
  }
}
