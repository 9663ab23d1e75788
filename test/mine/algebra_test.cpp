// Counts by algebra: every small pattern in every numbering against brute force, whichever way its quotients are
// taken apart; closed forms; what is known of real graphs.

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <random>

#include "codegen/passes/decompose.hpp"
#include "codegen/pattern/canonical.hpp"
#include "galena/error.hpp"
#include "galena/generate.hpp"
#include "galena/io.hpp"
#include "src/mine/algebra/bit_rows.hpp"
#include "src/mine/algebra/bounds.hpp"
#include "src/mine/algebra/costs.hpp"
#include "src/mine/algebra/evaluate.hpp"
#include "src/mine/algebra/plan.hpp"
#include "test/codegen/oracle.hpp"
#include "test/mine/graphs.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"

using namespace galena;
using namespace galena::test;
using codegen::RowCosts;
using rt::i128;

namespace {

/// A clique of five with two vertices joined to the same two, or to two and to three, of its vertices.
constexpr const char* kCliqueAndTwo = "1-0 2-0 2-1 3-0 3-1 3-2 4-0 4-1 4-2 4-3 5-0 5-1 6-0 6-1";
constexpr const char* kCliqueAndThree = "1-0 2-0 2-1 3-0 3-1 3-2 4-0 4-1 4-2 4-3 5-0 5-1 5-2 6-0 6-1";

/// Prices under which the three ways of taking a pattern apart win in turn, and under which cliques are enumerated.
std::vector<RowCosts> price_lists() {
  RowCosts plain{1, 1, 1, 1, 1, 1, 1, 1, 1};
  RowCosts ordered{100, 100, 100, 1e6, 100, 100, 1, 1, 1};
  RowCosts local{1e6, 1e6, 1e6, 1e6, 1, 1, 1e6, 1e6, 1e6};
  RowCosts dense = plain;
  dense.fours = 1e9;
  return {plain, ordered, local, dense};
}

Graph graph_like(const SmallGraph& small) {
  std::vector<std::pair<int, int>> edges;
  for (int u = 0; u < small.size(); ++u)
    for (int v = 0; v < u; ++v)
      if (small.joined(static_cast<rt::vid>(u), static_cast<rt::vid>(v))) edges.emplace_back(u, v);
  return graph_of(edges, static_cast<std::uint64_t>(small.size()));
}

/// Counts by the algebra at hand; what it leaves to enumeration is counted by brute force.
std::vector<i128> by_algebra(const mine::AlgebraPlan& plan, const SmallGraph& small, int threads = 1) {
  const mine::Prepared graph(graph_like(small));
  std::vector<i128> enumerated, counts;
  for (const Pattern& pattern : plan.enumerated) enumerated.push_back(BruteForce(pattern, small).instances());
  const auto rows = mine::evaluate(graph, plan.program, quick(Engine::automatic, threads));
  for (const mine::Combination& sum : plan.counts) counts.push_back(mine::combine(sum, rows.homomorphisms, enumerated));
  return counts;
}

bool is_complete(const Pattern& p) { return 2 * static_cast<int>(p.edges().size()) == p.size() * (p.size() - 1); }

/// Every pattern of k vertices in `patterns` by algebra and by brute force on a few graphs.
void check_patterns(const std::vector<Pattern>& patterns, int vertices) {
  std::mt19937 random(5);
  std::vector<std::unique_ptr<SmallGraph>> graphs;
  for (const double density : {0.3, 0.6, 0.9})
    graphs.push_back(std::make_unique<SmallGraph>(vertices, density, random));
  for (const Pattern& pattern : patterns)
    for (const RowCosts& costs : price_lists()) {
      const auto plan = mine::plan_algebra({pattern}, costs);
      INFO(pattern.to_string());
      REQUIRE((plan.has_value() || (is_complete(pattern) && pattern.size() > 3)));
      if (!plan) continue;
      for (const auto& small : graphs)
        CHECK(static_cast<std::int64_t>(by_algebra(*plan, *small).front()) == BruteForce(pattern, *small).instances());
    }
}

/// MOTIFS k in this graph through the engine given.
std::vector<std::string> motifs(const Graph& graph, int k, bool induced, const MineOptions& options) {
  const std::string text = "MOTIFS " + std::to_string(k) + (induced ? " INDUCED" : "");
  std::vector<std::string> counts;
  for (const MotifCount& motif : Miner(graph, options).run(parse_queries(text).front()).motifs)
    counts.push_back(motif.count.to_string());
  return counts;
}

/// Edge-induced counts by algebra, whatever the planner prefers; what that leaves to plans is counted by them.
std::vector<i128> counted(const Graph& graph, const std::vector<Pattern>& patterns, int threads) {
  const mine::Prepared prepared(graph);
  const auto plan = mine::plan_algebra(patterns, prepared.row_costs());
  REQUIRE(plan.has_value());
  REQUIRE(mine::rows_fit(plan->program, prepared.view()));
  Miner miner(graph, quick());
  std::vector<i128> enumerated, counts;
  for (const Pattern& pattern : plan->enumerated) {
    Query query;
    query.pattern = pattern;
    enumerated.push_back(static_cast<i128>(miner.run(query).count.wide()));
  }
  const auto rows = mine::evaluate(prepared, plan->program, quick(Engine::automatic, threads));
  for (const mine::Combination& sum : plan->counts)
    counts.push_back(mine::combine(sum, rows.homomorphisms, enumerated));
  return counts;
}

/// Those of all patterns of k vertices.
std::vector<i128> all_by_algebra(const Graph& graph, int k, int threads) {
  std::vector<Pattern> patterns;
  for (const Motif& motif : connected_motifs(k)) patterns.push_back(motif.pattern);
  return counted(graph, patterns, threads);
}

std::string text_of(i128 n) { return Count(static_cast<Count::Wide>(n)).to_string(); }

/// The count of one pattern by algebra alone.
std::string alone(const Graph& graph, const std::string& name) {
  const mine::Prepared prepared(graph);
  const auto plan = mine::plan_algebra({Pattern::parse(name)}, prepared.row_costs());
  REQUIRE(plan.has_value());
  REQUIRE(plan->enumerated.empty());
  REQUIRE(mine::rows_fit(plan->program, prepared.view()));
  const auto rows = mine::evaluate(prepared, plan->program, quick(Engine::automatic));
  return text_of(mine::combine(plan->counts.front(), rows.homomorphisms, {}));
}

}  // namespace

TEST_CASE("algebra: cliques are enumerated unless neighbourhoods hold next to nothing") {
  RowCosts sparse;
  sparse.triangles = sparse.squares = 1e4;
  RowCosts dense = sparse;
  dense.fours = 1e8;
  for (const int k : {4, 5, 6}) {
    const auto cut = mine::plan_algebra({named_pattern("clique", {k})}, sparse);
    REQUIRE(cut.has_value());
    CHECK(cut->enumerated.empty());
    CHECK_FALSE(mine::plan_algebra({named_pattern("clique", {k})}, dense).has_value());
  }
}

TEST_CASE("where lists of triangles would be too long, nothing that needs them has a price") {
  RowCosts costs = price_lists().back();
  costs.triangles = costs.squares = costs.fours = std::numeric_limits<double>::infinity();
  const RowCosts within = codegen::inside(codegen::inside(costs));
  for (const double price : {within.vertices, within.arcs, within.wedges, within.triangles, within.squares,
                             within.fours, within.reach, within.far})
    CHECK(!std::isnan(price));
  for (const char* name : {"almost_clique(5)", "K(1,1,4)", "house"}) {
    const auto plan = mine::plan_algebra({Pattern::parse(name)}, costs);
    INFO(name);
    if (plan) CHECK(!std::isnan(plan->estimate));
  }
}

TEST_CASE("every pattern of up to 4 vertices, in every numbering, each way of taking it apart") {
  for (int k = 2; k <= 4; ++k) check_patterns(numbered_patterns(k), 8);
}

TEST_CASE("patterns of 5 vertices in several numberings, each way of taking them apart") {
  std::mt19937 random(7);
  std::map<std::string, int> seen;
  std::vector<Pattern> chosen;
  std::vector<Pattern> all = numbered_patterns(5);
  std::shuffle(all.begin(), all.end(), random);
  for (const Pattern& pattern : all)
    if (++seen[codegen::canonical_code(pattern)] <= 4) chosen.push_back(pattern);
  CHECK(seen.size() == 21);
  check_patterns(chosen, 7);
}

TEST_CASE("patterns of 6 and 7 vertices that algebra takes apart, or leaves whole") {
  std::mt19937 random(9);
  const SmallGraph small(8, 0.6, random);
  int taken = 0;
  for (const char* text : {"cycle(6)",
                           "K(2,4)",
                           "prism(3)",
                           "barbell(3)",
                           "theta(2,2,3)",
                           "0-1 1-2 2-0 0-3 1-4 2-5",
                           "ladder(3)",
                           "0-1 1-2 2-3 3-4 4-5 5-0 0-3",
                           "star(6)",
                           "path(7)",
                           "cycle(7)",
                           "fan(5)",
                           "wheel(5)",
                           "tailed_clique(5)",
                           "0-1 1-2 2-0 2-3 3-4 4-5 5-3",
                           "K(1,1,4)",
                           "almost_clique(6)",
                           "0-1 1-2 2-3 3-0 0-4 4-5 5-6 6-0",
                           "theta(2,3,3)",
                           "0-1 0-2 1-2 0-3 2-3 0-4 2-4 3-4 0-5 2-5 4-5",
                           "K(1,1,1,3)",
                           kCliqueAndTwo,
                           kCliqueAndThree,
                           "almost_clique(7)"}) {
    INFO(text);
    const Pattern pattern = Pattern::parse(text);
    const std::int64_t expected = BruteForce(pattern, small).instances();
    for (const RowCosts& costs : price_lists()) {
      const auto plan = mine::plan_algebra({pattern}, costs);
      if (!plan) continue;
      ++taken;
      CHECK(static_cast<std::int64_t>(by_algebra(*plan, small, 2).front()) == expected);
    }
  }
  CHECK(taken >= 30);
}

TEST_CASE("all motifs at once, edge-induced and induced, against enumeration") {
  for (const Graph& graph : {generate_er(40, 150, 3), generate_ba(300, 4, 5), generate_star(30), generate_grid(5, 6),
                             generate_complete(9), petersen()})
    for (int k = 3; k <= 5; ++k) {
      const auto expected = motifs(graph, k, false, quick());
      std::vector<Pattern> patterns;
      for (const Motif& motif : connected_motifs(k)) patterns.push_back(motif.pattern);
      for (const int threads : {1, 2}) {
        const std::vector<i128> counts = all_by_algebra(graph, k, threads);
        REQUIRE(counts.size() == expected.size());
        for (std::size_t i = 0; i < counts.size(); ++i) {
          INFO(patterns[i].to_string());
          CHECK(text_of(counts[i]) == expected[i]);
        }
      }
      CHECK(motifs(graph, k, true, quick(Engine::automatic)) == motifs(graph, k, true, quick()));
    }
}

TEST_CASE("closed forms by algebra") {
  const std::uint64_t n = 60;
  const Graph complete = generate_complete(n);
  CHECK(alone(complete, "triangle") == choose(n, 3));
  CHECK(alone(complete, "star(4)") == text_of(static_cast<i128>(n) * 455126));  // 59 over 4
  CHECK(alone(complete, "path(5)") == text_of(static_cast<i128>(60) * 59 * 58 * 57 * 56 / 2));
  CHECK(alone(complete, "cycle(5)") == text_of(static_cast<i128>(60) * 59 * 58 * 57 * 56 / 10));
  CHECK(alone(complete, "K(2,3)") == text_of(static_cast<i128>(60) * 59 * 58 * 57 * 56 / 12));
  CHECK(alone(complete, "cycle(7)") == text_of(static_cast<i128>(60) * 59 * 58 * 57 * 56 * 55 * 54 / 14));
  const Graph bipartite = generate_complete_bipartite(7, 9);
  CHECK(alone(bipartite, "cycle(5)") == "0");
  CHECK(alone(bipartite, "house") == "0");
  CHECK(alone(bipartite, "K(2,3)") == std::to_string(21 * 84 + 36 * 35));
  CHECK(alone(bipartite, "cycle(6)") == std::to_string(35 * 84 * 6));
  const Graph ring = generate_cycle(50);
  CHECK(alone(ring, "path(5)") == "50");
  CHECK(alone(ring, "cycle(5)") == "0");
  CHECK(alone(generate_cycle(5), "cycle(5)") == "1");
  CHECK(alone(petersen(), "cycle(5)") == "12");
  CHECK(alone(petersen(), "cycle(6)") == "10");
}

TEST_CASE("graphs with next to nothing") {
  for (const Graph& graph :
       {graph_of({}, 0), graph_of({}, 7), graph_of({{0, 1}}), graph_of({{0, 1}}, 40), graph_of({{2, 3}, {3, 9}}, 12)}) {
    for (const char* name : {"cycle(5)", "house", "bull", "K(1,1,3)", "K(2,3)", "cycle(4)", "star(3)"})
      CHECK(alone(graph, name) == "0");
    CHECK(alone(graph, "(a)--(b)") == std::to_string(graph.num_edges()));
    for (const i128 count : all_by_algebra(graph, 5, 2)) CHECK(count == 0);
  }
}

TEST_CASE("a cut around two adjacent vertices looks into a neighbourhood inside a neighbourhood") {
  const Graph graph = generate_er(60, 600, 4);
  const mine::Prepared prepared(graph);
  for (const char* text : {kCliqueAndTwo, kCliqueAndThree}) {
    const auto plan = mine::plan_algebra({Pattern::parse(text)}, prepared.row_costs());
    REQUIRE(plan.has_value());
    REQUIRE(plan->program.local.size() == 1);
    CHECK(plan->program.local.front().local.size() == 1);
    CHECK(mine::describe(*plan).find("    in each neighbourhood:") != std::string::npos);
    for (const int threads : {1, 3})
      CHECK(text_of(counted(graph, {Pattern::parse(text)}, threads).front()) ==
            count(graph, text, quick()).to_string());
  }
}

TEST_CASE("rows of bits share what lists share") {
  // The last is too large for bits, and merges lists.
  for (const Graph& graph : {generate_er(1, 0, 1), generate_complete(65), generate_er(63, 400, 2),
                             generate_er(64, 900, 2), generate_er(500, 9000, 3), generate_ba(17000, 4, 1)}) {
    const mine::Prepared prepared(graph);
    const rt::GraphView& view = prepared.view();
    mine::BitRows bits;
    bits.make(view);
    std::vector<std::uint64_t> found(view.max_degree + 1);
    for (rt::vid x = 0; x < view.n; ++x) {
      bits.common(x, found.data());
      const rt::vid *begin = view.indices + view.indptr[x], *end = view.indices + view.indptr[x + 1];
      for (const rt::vid* y = begin; y != end; ++y) {
        std::vector<rt::vid> shared;
        std::set_intersection(begin, end, view.indices + view.indptr[*y], view.indices + view.indptr[*y + 1],
                              std::back_inserter(shared));
        REQUIRE(found[static_cast<std::size_t>(y - begin)] == shared.size());
      }
    }
  }
}

TEST_CASE("rows are refused only where walks are too many") {
  // A product of three rows, by max_degree^5 = 2^65 too large; but no two vertices have so many walks between them.
  const Graph star = generate_star(8191);
  const auto plan = mine::plan_algebra({Pattern::parse("theta(2,3,3)")}, mine::Prepared(star).row_costs());
  REQUIRE(plan.has_value());
  CHECK(mine::rows_fit(plan->program, mine::Prepared(star).view()));
  CHECK(counted(star, {Pattern::parse("theta(2,3,3)")}, 1).front() == 0);
  const Graph complete = generate_complete(70);
  i128 maps = 1;
  for (int i = 0; i < 7; ++i) maps *= 70 - i;
  CHECK(text_of(counted(complete, {Pattern::parse("theta(2,3,3)")}, 2).front()) == text_of(maps / 4));
  // degree^3, kept for each vertex, reaches 2^66 at the centre of this one.
  const Graph large = generate_star(std::uint64_t{1} << 22);
  const auto forks = mine::plan_algebra({Pattern::parse("0-1 0-2 0-3 0-4 4-5 4-6")}, mine::Prepared(large).row_costs());
  REQUIRE(forks.has_value());
  CHECK_FALSE(mine::rows_fit(forks->program, mine::Prepared(large).view()));
}

TEST_CASE("counts beyond 64 bits") {
  const std::uint64_t leaves = 300000;
  const Graph star = generate_star(leaves);
  CHECK(alone(star, "star(4)") == choose(leaves, 4));
  CHECK(choose(leaves, 4).size() > 20);
  CHECK(alone(star, "fork") == "0");
  // Where sums might not fit 127 bits the planner does without.
  CHECK(count(star, "cycle(7)", quick(Engine::automatic)).to_string() == "0");
}

TEST_CASE("where triangles must not be listed, what needs them is enumerated") {
  RowCosts costs = price_lists().front();
  costs.triangles = costs.squares = std::numeric_limits<double>::infinity();
  CHECK_FALSE(mine::plan_algebra({Pattern::parse("wheel(4)")}, costs).has_value());
  CHECK_FALSE(mine::plan_algebra({Pattern::parse("tailed_clique(4)")}, costs).has_value());
  const auto plan = mine::plan_algebra({Pattern::parse("gem"), Pattern::parse("wheel(4)")}, costs);
  REQUIRE(plan.has_value());
  CHECK(plan->enumerated.size() == 2);  // clique(4), a quotient of the gem, and the wheel
  std::mt19937 random(3);
  const SmallGraph small(8, 0.7, random);
  const std::vector<i128> counts = by_algebra(*plan, small);
  CHECK(static_cast<std::int64_t>(counts[0]) == BruteForce(Pattern::parse("gem"), small).instances());
  CHECK(static_cast<std::int64_t>(counts[1]) == BruteForce(Pattern::parse("wheel(4)"), small).instances());
}

TEST_CASE("what a program gained is taken back to the last row") {
  codegen::RowProgram program;
  const RowCosts costs = price_lists().front();
  codegen::Decomposer some(costs);
  for (const char* text : {"cycle(5)", "house", "K(2,3)", "tailed_clique(4)", kCliqueAndTwo}) {
    const Pattern pattern = Pattern::parse(text);
    const std::string before = codegen::print(some.program());
    const int made = some.add(pattern);
    CHECK((made >= 0) == (codegen::print(some.program()) != before));
    // A prism is left whole: nothing of what was tried stays.
    const std::string known = codegen::print(some.program());
    CHECK(some.add(Pattern::parse("prism(3)")) < 0);
    CHECK(codegen::print(some.program()) == known);
  }
  program = some.program();
  const codegen::RowMark mark = codegen::mark_of(program);
  const double cost = codegen::row_cost(program, costs);
  program.rows.push_back({});
  program.sums.push_back({});
  ++program.results;
  CHECK(codegen::row_cost(program, costs) == Approx(cost + codegen::added_cost(program, mark, {}, costs, 0)));
  codegen::take_back(program, mark);
  CHECK(codegen::print(program) == codegen::print(some.program()));
  CHECK(program.results == some.program().results);
}

TEST_CASE("rows multiplied where they are summed") {
  // K(2,3) is a sum of three equal rows; a house walks only where its edge lies in a triangle.
  const Graph graph = generate_ba(400, 5, 2);
  const mine::Prepared prepared(graph);
  const auto plan = mine::plan_algebra({Pattern::parse("K(2,3)"), Pattern::parse("house")}, prepared.row_costs());
  REQUIRE(plan.has_value());
  std::size_t of_three = 0, pulled = 0;
  for (const codegen::RowSum& sum : plan->program.sums)
    for (const codegen::RowFactor& factor : sum.factors) {
      of_three += factor.c >= 0 ? 1 : 0;
      pulled += factor.kind == codegen::RowFactor::Kind::pull_dot ? 1 : 0;
    }
  CHECK(of_three == 1);
  CHECK(pulled == 1);
  const auto counts = counted(graph, {Pattern::parse("K(2,3)"), Pattern::parse("house")}, 2);
  CHECK(text_of(counts[0]) == count(graph, "K(2,3)", quick()).to_string());
  CHECK(text_of(counts[1]) == count(graph, "house", quick()).to_string());
}

TEST_CASE("diamonds are summed as they are found where one sum asks for them") {
  using codegen::Row;
  using codegen::RowFactor;
  enum { neighbors, common, diamonds, weighed, both };
  codegen::RowProgram rows;
  rows.rows = {{Row::Kind::neighbors},
               {Row::Kind::push, neighbors, -1, -1, true},
               {Row::Kind::diamonds, -1, -1, -1, true},
               {Row::Kind::weigh, common, -1, 0, true},
               {Row::Kind::product, common, common, -1, true}};
  rows.tables = {{}};  // degrees
  rows.results = 1;
  const RowFactor degree{RowFactor::Kind::table, 0, -1, {}, -1};
  const auto sum = [](int a, int b) { return RowFactor{RowFactor::Kind::dot, a, b, {}, -1}; };
  struct Case {
    std::vector<std::vector<RowFactor>> sums;
    bool summed, twice;
  };
  const std::vector<Case> cases = {
      {{{sum(common, diamonds)}}, true, true},
      {{{sum(diamonds, both)}}, true, true},
      {{{sum(diamonds, weighed)}}, true, false},         // a degree at one end alone
      {{{degree, sum(common, diamonds)}}, true, false},  // and at the other
      {{{sum(common, diamonds)}, {sum(diamonds, weighed)}}, false, false},
      {{{sum(diamonds, diamonds)}}, false, false},
  };
  const mine::Prepared graph(generate_ba(150, 6, 4));
  for (const Case& each : cases) {
    CAPTURE(&each - cases.data());
    codegen::RowProgram made = rows;
    for (const auto& factors : each.sums) made.sums.push_back({factors, 1, 0});
    codegen::RowProgram fused = made;
    codegen::sum_diamonds(fused);
    CHECK(fused.uses(RowFactor::Kind::diamond_dot) == each.summed);
    CHECK(fused.uses(Row::Kind::diamonds) == !each.summed);
    CHECK((codegen::print(fused).find("twice") != std::string::npos) == each.twice);
    const i128 found = mine::evaluate(graph, fused, quick(Engine::automatic, 2)).homomorphisms.front();
    CHECK(found == mine::evaluate(graph, made, quick(Engine::automatic)).homomorphisms.front());
    CHECK(found > 0);
    CHECK(mine::rows_fit(fused, graph.view()));
  }
}

TEST_CASE("a raised flag ends the passes") {
  const int raised = 1;
  MineOptions options = quick(Engine::automatic);
  options.stop = &raised;
  const mine::Prepared prepared(generate_ba(2000, 8, 1));
  const auto plan = mine::plan_algebra({Pattern::parse("cycle(5)")}, prepared.row_costs());
  REQUIRE(plan.has_value());
  const auto result = mine::evaluate(prepared, plan->program, options);
  CHECK(result.partial);
  CHECK(result.done < 1);
}

TEST_CASE("the planner says what it chose and why") {
  Miner miner(generate_ba(20000, 12, 1), quick(Engine::automatic));
  const std::string text = miner.explain(parse_queries("MOTIFS 5").front());
  CHECK(text.find("chosen: algebra") != std::string::npos);
  CHECK(miner.emit(parse_queries("MOTIFS 5").front(), "plan").find("chosen: algebra") != std::string::npos);
  // Where there is little to choose too.
  Miner small(generate_er(30, 60, 1), quick(Engine::automatic));
  for (const char* asked : {"COUNT house", "COUNT INDUCED cycle(5)", "MOTIFS 3"}) {
    const Query query = parse_queries(asked).front();
    CHECK(small.explain(query).find("chosen: enumeration") != std::string::npos);
    CHECK(small.emit(query, "plan").find("chosen: enumeration") != std::string::npos);
  }
  // Whoever names an engine gets plans for it.
  Miner other(generate_ba(2000, 12, 1), quick(Engine::interpreter));
  CHECK(other.explain(parse_queries("MOTIFS 5").front()).find("algebra") == std::string::npos);
}

TEST_CASE("induced counts of 7 vertices are no edge-induced ones") {
  const Graph graph = generate_er(150, 500, 1);
  for (const char* pattern : {"path(7)", "cycle(7)", "0-1 1-2 2-3 3-4 4-5 2-6"}) {
    INFO(pattern);
    const std::string induced = std::string("COUNT INDUCED ") + pattern;
    const auto automatic = count(graph, induced, quick(Engine::automatic));
    CHECK(automatic == count(graph, induced, quick(Engine::interpreter)));
    CHECK(automatic != count(graph, pattern, quick(Engine::automatic)));
  }
  Pattern induced = Pattern::parse("path(7)");
  induced.make_induced();
  CHECK_FALSE(mine::plan_algebra({induced}, mine::Prepared(graph).row_costs()).has_value());
}

TEST_CASE("known 5-vertex counts by algebra") {
  for (const char* name : {"fsm-citeseer", "ca-grqc", "p2p-gnutella31"}) {
    const auto folder = data_set(name);
    if (!folder) GALENA_SKIP(std::string("no data set ") + name + " (set GALENA_DATA_DIR)");
    const Graph graph = load_graph(*folder);
    const std::vector<Motif> all = connected_motifs(5);
    std::map<std::string, std::size_t> place;
    for (std::size_t i = 0; i < all.size(); ++i) place[codegen::canonical_code(all[i].pattern)] = i;
    const std::vector<i128> counts = all_by_algebra(graph, 5, 2);
    const std::vector<std::string> induced = motifs(graph, 5, true, quick(Engine::automatic));
    std::size_t compared = 0;
    for (const Truth& truth : read_truths()) {
      if (truth.graph != name || truth.vertices != 5) continue;
      const std::size_t i = place.at(codegen::canonical_code(Pattern::parse(truth.edges)));
      INFO(name << " " << truth.pattern << (truth.induced ? " induced" : ""));
      CHECK((truth.induced ? induced[i] : text_of(counts[i])) == truth.count);
      ++compared;
    }
    CHECK(compared == 42);
  }
}
