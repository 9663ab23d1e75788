// FREQUENT against brute force over all maps, known results, and what its options promise.

#include <algorithm>
#include <bit>
#include <map>
#include <random>
#include <set>
#include <tuple>

#include "codegen/pattern/automorphism.hpp"
#include "codegen/pattern/canonical.hpp"
#include "galena/error.hpp"
#include "galena/generate.hpp"
#include "galena/io.hpp"
#include "galena/mine.hpp"
#include "src/mine/frequent/images.hpp"
#include "src/mine/prepared.hpp"
#include "test/mine/command.hpp"
#include "test/mine/frequent_oracle.hpp"
#include "test/mine/graphs.hpp"
#include "test/support/data.hpp"

using namespace galena;
using namespace galena::test;
using namespace mine::frequent;

namespace {

QueryResult frequent(const Graph& graph, const std::string& clauses, int threads = 1) {
  return Miner(graph, quick(Engine::automatic, threads)).run(parse_queries("FREQUENT " + clauses).front());
}

std::vector<std::uint64_t> support_list(const QueryResult& result) {
  std::vector<std::uint64_t> all;
  for (const FrequentPattern& each : result.frequent) all.push_back(each.support);
  return all;
}

/// Labels are the numbers that the shape has, or what they stand for in `graph`.
Pattern pattern_of(const Shape& shape, const LabelledGraph* graph = nullptr) {
  Pattern pattern(shape.size, {});
  for (int v = 0; v < shape.size; ++v) {
    const std::uint32_t label = shape.label[Shape::at(v)];
    pattern.set_label(v, {LabelSet::Kind::one_of, {graph == nullptr ? label : graph->vertex_labels().value(label)}});
    for (int u = 0; u < v; ++u) {
      if (!shape.adjacent(u, v)) continue;
      const std::uint32_t edge = shape.edge[Shape::at(u)][Shape::at(v)] - 1;
      pattern.add_edge(u, v, {LabelSet::Kind::one_of, {graph == nullptr ? edge : graph->edge_labels().value(edge)}});
    }
  }
  return pattern;
}

}  // namespace

TEST_CASE("supports against all injective maps") {
  std::mt19937 random(5);
  for (int round = 0; round < 24; ++round) {
    const auto labels = static_cast<std::uint32_t>(round % 4), edge_labels = static_cast<std::uint32_t>(round / 4 % 3);
    const Graph graph = random_graph(random, 8, 11, labels, edge_labels);
    for (const std::uint64_t support : {1, 2, 4}) {
      CAPTURE(round, labels, edge_labels, support);
      const std::string clauses = "EDGES <= 4 SUPPORT >= " + std::to_string(support);
      const Supports expected = brute_force(graph, 4, support);
      CHECK(supports(frequent(graph, clauses)) == expected);
      Supports reached = supports(frequent(graph, "EXISTS " + clauses));
      CHECK(reached.size() == expected.size());
      for (const auto& [code, least] : reached) {
        CHECK(expected.contains(code));
        CHECK(least == support);
      }
    }
  }
}

TEST_CASE("thousands of kinds of edges") {
  std::mt19937 random(11);
  const Graph graph = random_graph(random, 160, 240, 70, 70);
  const mine::Prepared prepared(graph);
  REQUIRE(LabelledGraph(prepared.view(), true, true).kinds() > 4096);
  std::map<std::tuple<Label, Label, Label>, std::map<Label, std::set<VertexId>>> images;  // by label of an end
  for (VertexId u = 0; u < graph.num_vertices(); ++u) {
    for (const VertexId v : graph.neighbors(u)) {
      const Label low = graph.vertex_labels()[u], high = graph.vertex_labels()[v];
      auto& ends = images[{std::min(low, high), edge_label(graph, u, v), std::max(low, high)}];
      ends[low].insert(u);
    }
  }
  for (const std::uint64_t support : {1, 2}) {
    std::vector<std::uint64_t> expected;
    for (const auto& [labels, ends] : images) {
      std::uint64_t least = graph.num_vertices();
      for (const auto& [label, vertices] : ends) least = std::min<std::uint64_t>(least, vertices.size());
      if (least >= support) expected.push_back(least);
    }
    std::sort(expected.rbegin(), expected.rend());
    REQUIRE_FALSE(expected.empty());
    CHECK(support_list(frequent(graph, "EDGES <= 1 SUPPORT >= " + std::to_string(support))) == expected);
  }
}

TEST_CASE("every vertex of an orbit counts") {
  // One triangle has one instance, but each of its vertices stands for each of the pattern's.
  CHECK(support_list(frequent(graph_of({{0, 1}, {1, 2}, {2, 0}}), "EDGES <= 3 SUPPORT >= 1")) ==
        std::vector<std::uint64_t>{3, 3, 3});
  // A star: its edges' ends are alike to the pattern, its wedge's centre is one vertex.
  CHECK(support_list(frequent(graph_of({{0, 1}, {0, 2}, {0, 3}, {0, 4}}), "EDGES <= 2 SUPPORT >= 1")) ==
        std::vector<std::uint64_t>{5, 1});
  // The path of three edges can be laid both ways.
  CHECK(support_list(frequent(graph_of({{0, 1}, {1, 2}, {2, 3}}), "EDGES = 3 SUPPORT >= 2")) ==
        std::vector<std::uint64_t>{2});
}

TEST_CASE("graphs and supports at the edges") {
  CHECK(frequent(Graph(), "EDGES <= 3 SUPPORT >= 1").frequent.empty());
  CHECK(frequent(graph_of({}, 5), "EDGES <= 3 SUPPORT >= 1").frequent.empty());
  CHECK(frequent(petersen(), "EDGES <= 3 SUPPORT >= 11").frequent.empty());
  CHECK(frequent(petersen(), "EDGES <= 3 SUPPORT >= 18446744073709551615").frequent.empty());
  CHECK(support_list(frequent(petersen(), "EDGES <= 3 SUPPORT >= 10")) == std::vector<std::uint64_t>{10, 10, 10, 10});
  // The only pattern of 12 edges in a cycle of 12 is the cycle; no other has all vertices.
  CHECK(support_list(frequent(generate_cycle(12), "EDGES = 12 SUPPORT >= 12")) == std::vector<std::uint64_t>{12});
  const Graph looped = graph_of({{0, 0}, {0, 1}, {1, 1}});
  CHECK(support_list(frequent(looped, "EDGES <= 2 SUPPORT >= 1")) == std::vector<std::uint64_t>{2});
}

TEST_CASE("labels that are not asked for are all alike") {
  std::mt19937 random(11);
  const Graph graph = random_graph(random, 8, 11, 2, 2);
  GraphArrays plain;
  plain.indptr.assign(graph.indptr().begin(), graph.indptr().end());
  plain.indices.assign(graph.indices().begin(), graph.indices().end());
  GraphArrays only_edges = plain;
  only_edges.edge_labels.assign(graph.edge_labels().begin(), graph.edge_labels().end());
  const Graph none = Graph::from_arrays(plain);
  const std::vector<Label> labels(graph.vertex_labels().begin(), graph.vertex_labels().end());
  const std::string clauses = "EDGES <= 3 SUPPORT >= 2";
  CHECK(supports(frequent(graph, clauses + " LABELS NONE")) == brute_force(none, 3, 2));
  CHECK(supports(frequent(graph, clauses + " LABELS EDGES")) == brute_force(Graph::from_arrays(only_edges), 3, 2));
  CHECK(supports(frequent(graph, "LABELS VERTICES " + clauses)) == brute_force(with_vertex_labels(none, labels), 3, 2));
}

TEST_CASE("queries of a session, whichever labels they ask for") {
  std::mt19937 random(12);
  const Graph graph = random_graph(random, 20, 40, 3, 2);
  Miner miner(graph, quick());
  for (int round = 0; round < 2; ++round) {
    for (const char* labels : {"", " LABELS NONE", " LABELS VERTICES", " LABELS EDGES"}) {
      const std::string clauses = std::string("EDGES <= 3 SUPPORT >= 3") + labels;
      CAPTURE(round, clauses);
      CHECK(supports(miner.run(parse_queries("FREQUENT " + clauses).front())) == supports(frequent(graph, clauses)));
    }
  }
}

TEST_CASE("canonical codes and orbits agree with the compiler's") {
  std::mt19937 random(3);
  std::map<std::string, std::u32string> code_of;
  std::set<std::u32string> codes;
  for (int round = 0; round < 2000; ++round) {
    Shape shape;
    shape.add_vertex(0);
    while (shape.edges() < 1 + round % 8) {
      const int u = static_cast<int>(random() % static_cast<unsigned>(shape.size));
      const int v = static_cast<int>(random() % static_cast<unsigned>(shape.size));
      const bool fresh = random() % 2 == 0 || shape.size < 3;
      if (fresh)
        shape.join(u, shape.add_vertex(random() % 2), random() % 2);
      else if (u != v && !shape.adjacent(u, v))
        shape.join(u, v, random() % 2);
    }
    const Canonical form = canonical(shape);
    const Shape sorted = shape.permuted(form.order, shape.size);
    const Pattern pattern = pattern_of(sorted);
    const auto [place, fresh] = code_of.emplace(codegen::canonical_code(pattern), form.code);
    CHECK(place->second == form.code);
    CHECK(codes.insert(form.code).second == fresh);
    const auto orbits = codegen::Automorphisms(pattern).orbits();
    for (int v = 0; v < sorted.size; ++v)
      CHECK(static_cast<int>(form.orbit[Shape::at(v)]) == std::countr_zero(orbits[Shape::at(v)]));
  }
}

TEST_CASE("images of each vertex, from all that have its label") {
  std::mt19937 random(9);
  const auto below = [&random](std::uint64_t bound) { return static_cast<std::uint32_t>(random() % bound); };
  std::uint64_t lost = 0;
  for (int round = 0; round < 1000; ++round) {
    const Graph given = random_graph(random, 9, 9 + below(12), 1 + below(5), 1 + below(2));
    const mine::Prepared prepared(given);
    const LabelledGraph graph(prepared.view(), true, true);
    const auto edge = [&] { return below(graph.edge_labels().size()); };
    const auto label = [&] { return below(graph.vertex_labels().size()); };
    Shape any;
    for (any.add_vertex(label()); any.size < 3 + round % 3;) {
      const auto v = static_cast<int>(below(static_cast<std::uint64_t>(any.size)));
      any.join(v, any.add_vertex(label()), edge());
    }
    if (below(4) == 0 && !any.adjacent(0, any.size - 1)) any.join(0, any.size - 1, edge());
    const Canonical form = canonical(any);
    const Shape shape = any.permuted(form.order, any.size);
    const auto size = static_cast<std::size_t>(shape.size);
    Domains possible;
    for (std::size_t v = 0; v < size; ++v) {
      if (form.orbit[v] != v) continue;
      possible[v] = Domain(graph.count(shape.label[v]));
      for (std::uint64_t rank = 0; rank < graph.count(shape.label[v]); ++rank) possible[v].add(rank);
    }
    const Pattern pattern = pattern_of(shape, &graph);
    const AllMaps all(given, pattern);
    const ImageRequest request{&graph, &shape, form.orbit, 1, true, 1 + round % 2, [] { return false; }};
    CAPTURE(round, pattern.to_string());
    CHECK(Images(request, possible).find() == all.support());
    for (std::size_t v = 0; v < size && all.support() > 0; ++v) {
      const std::uint64_t images = possible[form.orbit[v]].count();
      CHECK(images == all.images()[v].size());
      lost += graph.count(shape.label[v]) - images;
    }
  }
  CHECK(lost > 100);
}

TEST_CASE("one thread or two, patterns or vertices shared") {
  const Graph few = generate_er(20000, 60000, 3);  // large, without labels: threads share vertices
  CHECK(support_list(frequent(few, "EDGES <= 3 SUPPORT >= 50", 1)) ==
        support_list(frequent(few, "EDGES <= 3 SUPPORT >= 50", 2)));
  const Graph many = with_random_labels(generate_rmat(11, 8, 1), 6, 1);
  const auto text = [](const QueryResult& result) {
    std::string all;
    for (const FrequentPattern& each : result.frequent)
      all += each.pattern.to_string() + " " + std::to_string(each.support) + "\n";
    return all;
  };
  for (const char* clauses : {"EDGES <= 2 SUPPORT >= 40", "EXISTS EDGES <= 3 SUPPORT >= 90"}) {
    const QueryResult one = frequent(many, clauses, 1);
    CHECK(one.frequent.size() > 50);
    CHECK(text(one) == text(frequent(many, clauses, 2)));
  }
}

TEST_CASE("a pattern's support is how many vertices LOCAL counts matches for, at its rarest vertex") {
  const Graph graph = with_random_labels(generate_rmat(8, 6, 1), 3, 2);
  const QueryResult result = frequent(graph, "EDGES <= 3 SUPPORT >= 15");
  REQUIRE(result.frequent.size() > 20);
  Miner miner(graph, quick());
  for (const FrequentPattern& each : result.frequent) {
    CAPTURE(each.pattern.to_string());
    std::uint64_t least = graph.num_vertices();
    for (int v = 0; v < each.pattern.size(); ++v) {
      const std::string query = "LOCAL " + each.pattern.to_string() + " BY " + each.pattern.vertex(v).name;
      const std::vector<Count> matches = miner.run(parse_queries(query).front()).local;
      const auto images = std::count_if(matches.begin(), matches.end(), [](Count count) { return count > Count(); });
      least = std::min(least, static_cast<std::uint64_t>(images));
    }
    CHECK(least == each.support);
  }
}

TEST_CASE("patterns found can be counted, and raising the flag ends the search") {
  const Graph graph = with_random_labels(generate_rmat(8, 6, 1), 3, 2);
  const QueryResult result = frequent(graph, "EDGES <= 3 SUPPORT >= 20");
  REQUIRE(result.frequent.size() > 10);
  CHECK_FALSE(result.partial);
  for (const FrequentPattern& each : result.frequent) {
    CHECK(Pattern::parse(each.pattern.to_string()) == each.pattern);
    // Each image lies in an instance, and an instance of k vertices gives a vertex at most k images.
    const auto k = static_cast<Count::Wide>(each.pattern.size());
    CHECK(count(graph, "COUNT " + each.pattern.to_string(), quick()).wide() * k >= each.support);
  }
  int stop = 1;
  MineOptions options = quick();
  options.stop = &stop;
  const QueryResult stopped = Miner(graph, options).run(parse_queries("FREQUENT EDGES <= 3 SUPPORT >= 20").front());
  CHECK(stopped.partial);
  CHECK(stopped.done < 1);
  CHECK(stopped.frequent.size() < result.frequent.size());
}

TEST_CASE("fsm-citeseer as GraphSet and Peregrine find it") {
  const auto folder = data_set("fsm-citeseer");
  if (!folder) GALENA_SKIP("no data set fsm-citeseer (set GALENA_DATA_DIR)");
  const Graph graph = load_graph(*folder);
  const auto numbers = [&](int edges, int support) {
    return support_list(frequent(
        graph, "EDGES = " + std::to_string(edges) + " SUPPORT >= " + std::to_string(support) + " LABELS VERTICES"));
  };
  CHECK(numbers(1, 100).size() == 7);
  CHECK(numbers(1, 200).size() == 5);
  CHECK(numbers(1, 300).size() == 5);
  CHECK(numbers(2, 100).size() == 5);
  CHECK(numbers(2, 200).size() == 4);
  CHECK(numbers(2, 300).size() == 2);
  CHECK(numbers(3, 100) == std::vector<std::uint64_t>{335, 303, 272, 235, 224, 202, 187, 173, 168, 162, 157, 109});
  CHECK(numbers(3, 200) == std::vector<std::uint64_t>{335, 303, 272, 235, 224, 202});
  CHECK(numbers(3, 300) == std::vector<std::uint64_t>{335, 303});
  CHECK(numbers(3, 500).empty());
  CHECK(numbers(4, 200) == std::vector<std::uint64_t>{286, 253, 248, 233});
}

TEST_CASE("galena mine FREQUENT") {
  const Outcome json = galena::test::mine({"karate", "FREQUENT EDGES <= 2 SUPPORT MNI >= 20 LABELS NONE", "--json"});
  REQUIRE(json.code == 0);
  const auto found = nlohmann::json::parse(json.out).at("queries").at(0);
  CHECK(found.at("count") == "2");
  CHECK(found.at("patterns").at(0).at("support") == 34);
  CHECK(found.at("patterns").at(0).at("edges") == 1);
  const auto bound = nlohmann::json::parse(
      galena::test::mine({"karate", "FREQUENT EXISTS EDGES = 1 SUPPORT >= 20 LABELS NONE", "--json"}).out);
  CHECK(bound.at("queries").at(0).at("patterns").at(0).at("support_at_least") == 20);
  CHECK_THAT(galena::test::mine({"karate", "FREQUENT EDGES <= 1 SUPPORT >= 20 LABELS NONE"}).out, contains("(a)--(b)"));
  CHECK_THAT(galena::test::mine({"karate", "FREQUENT EDGES <= 1 SUPPORT >= 20 LABELS NONE", "--explain"}).out,
             contains("frequent edges: 1"));
  const std::string query = "FREQUENT EDGES <= 2 SUPPORT >= 20 LABELS NONE";
  CHECK_THAT(galena::test::mine({"karate", query, "--emit", "plan"}).out, contains("output 0: image"));
  CHECK_THAT(galena::test::mine({"karate", query, "--engine", "interpreter", "--explain"}).out,
             contains("--emit plan"));
  CHECK(nlohmann::json::parse(galena::test::mine({"karate", query, "--engine", "interpreter", "--json"}).out)
            .at("queries")
            .at(0)
            .at("engine") == "interpreter");
  check_fails({"karate", "FREQUENT EDGES <= 1 SUPPORT >= 20", "--emit", "plan"}, 2, {"without a plan", "EDGES <= 2"});
  check_fails({"karate", "FREQUENT EDGES <= 7 SUPPORT >= 20", "--emit", "cpp"}, 2, {"too many shapes", "EDGES <= 6"});
}
