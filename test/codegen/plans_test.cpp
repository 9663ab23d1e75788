// Every plan of every pattern against brute force, by the interpreter.

#include <algorithm>
#include <bit>
#include <map>
#include <set>

#include "codegen/passes/assist.hpp"
#include "codegen/passes/images.hpp"
#include "codegen/passes/planner.hpp"
#include "test/codegen/oracle.hpp"
#include "test/codegen/run_plan.hpp"
#include "test/support/catch.hpp"

using namespace galena;
using namespace galena::codegen;
using namespace galena::test;

namespace {

constexpr int kAllPlans = 1000;

SmallGraph random_graph(int most, std::mt19937& random) {
  const int least = std::min(most, 4);
  return {least + static_cast<int>(random() % static_cast<unsigned>(most - least + 1)),
          0.3 + 0.12 * static_cast<double>(random() % 5), random};
}

std::vector<RankedPlan> plans_of(const Pattern& pattern, const SmallGraph& graph, Output::Kind kind, int by = -1,
                                 bool embeddings = false) {
  PlanRequest request;
  request.kind = kind;
  request.name = "tested";
  request.by = by;
  request.embeddings = embeddings;
  request.keep = kAllPlans;
  return make_plans(pattern, graph.size() % 2 == 0 ? GraphStatistics::typical() : GraphStatistics::of(graph.view()),
                    request);
}

/// How much a case has really tried.
struct Coverage {
  int plans = 0, matched = 0;
};

/// Every plan of the pattern counts what brute force counts.
void check_counts(const Pattern& pattern, const SmallGraph& graph, std::mt19937& random, Coverage* coverage = nullptr) {
  const BruteForce truth(pattern, graph);
  for (const RankedPlan& ranked : plans_of(pattern, graph, Output::Kind::count)) {
    const PlanOutcome outcome = interpret(ranked.plan, graph, random);
    const auto expected = static_cast<rt::i128>(ranked.plan.outputs.front().divisor) * truth.instances();
    if (coverage != nullptr) {
      ++coverage->plans;
      coverage->matched += expected != 0 ? 1 : 0;
    }
    if (outcome.clean && outcome.sums.front() == expected) continue;
    INFO(pattern.to_string() << "\n" << print(ranked.plan));
    CHECK(outcome.clean);
    CHECK(static_cast<std::int64_t>(outcome.sums.front()) == static_cast<std::int64_t>(expected));
  }
}

struct Decorated {
  const char* name;
  Decoration decoration;
};

const Decorated kDecorations[] = {
    {"anti-edges", {.anti_edge = 0.5}},
    {"vertex labels", {.vertex_label = 0.5}},
    {"edge labels", {.anti_edge = 0.2, .edge_label = 0.5}},
    {"conditions", {.condition = 0.6}},
    {"everything", {.anti_edge = 0.3, .vertex_label = 0.3, .edge_label = 0.3, .condition = 0.4}},
};

/// All numberings of all connected patterns of up to 5 vertices, each on so many graphs.
template <class F>
void check_every_numbering(int graphs, const F& decorate) {
  std::mt19937 random(static_cast<unsigned>(graphs));
  Coverage coverage;
  for (int repeat = 0; repeat < graphs; ++repeat)
    for (int k = 2; k <= 5; ++k)
      for (const Pattern& pattern : numbered_patterns(k))
        check_counts(decorate(pattern, random), random_graph(9, random), random, &coverage);
  CHECK(coverage.plans > 5000 * graphs);
  CHECK(coverage.matched > 2000 * graphs);
}

Pattern as_it_is(const Pattern& pattern, std::mt19937&) { return pattern; }

Pattern induced(Pattern pattern, std::mt19937&) {
  pattern.make_induced();
  return pattern;
}

}  // namespace

TEST_CASE("numbered patterns are all the numberings of all motifs") {
  for (int k = 2; k <= 5; ++k) {
    std::size_t expected = 0, factorial = 1;
    for (int i = 2; i <= k; ++i) factorial *= static_cast<std::size_t>(i);
    for (const Motif& motif : connected_motifs(k))
      expected += factorial / static_cast<std::size_t>(Automorphisms(motif.pattern).size());
    CHECK(numbered_patterns(k).size() == expected);
  }
}

TEST_CASE("every plan of every numbering counts edge-induced matches") { check_every_numbering(1, as_it_is); }
TEST_CASE("every plan of every numbering counts vertex-induced matches") { check_every_numbering(1, induced); }
TEST_CASE("every plan of every numbering counts decorated matches") {
  for (const Decorated& decorated : kDecorations) SECTION(decorated.name) {
      check_every_numbering(1, decorated.decoration);
    }
}

TEST_CASE("every plan of every numbering, on more graphs") {
  GALENA_LONG_TEST("every plan of every numbering counts edge-induced, vertex-induced and decorated matches");
  SECTION("edge-induced") { check_every_numbering(3, as_it_is); }
  SECTION("vertex-induced") { check_every_numbering(3, induced); }
  for (const Decorated& decorated : kDecorations) SECTION(decorated.name) {
      check_every_numbering(3, decorated.decoration);
    }
}

TEST_CASE("edges that are walked once, for both ends, count what brute force counts") {
  std::mt19937 random(17);
  PlanRequest request;
  request.name = "tested";
  request.keep = kAllPlans;
  request.lanes = true;
  int walked = 0, matched = 0;
  for (int k = 3; k <= 5; ++k)
    for (const Pattern& pattern : numbered_patterns(k)) {
      const SmallGraph graph(9, 0.6, random);
      const BruteForce truth(pattern, graph);
      for (const RankedPlan& ranked : make_plans(pattern, GraphStatistics::typical(), request)) {
        const Output& output = ranked.plan.outputs.front();
        if (std::ranges::find(output.restrictions, "v1 > v0 for both ends") == output.restrictions.end()) continue;
        INFO(pattern.to_string() << "\n" << print(ranked.plan));
        const PlanOutcome outcome = interpret(ranked.plan, graph, random);
        const auto expected = static_cast<rt::i128>(output.divisor) * truth.instances();
        CHECK(outcome.clean);
        CHECK(static_cast<std::int64_t>(outcome.sums.front()) == static_cast<std::int64_t>(expected));
        ++walked;
        matched += expected > 0 ? 1 : 0;
      }
    }
  CHECK(walked > 20);
  CHECK(matched > 10);
}

TEST_CASE("tables wherever there can be one, whether they pay or not") {
  std::mt19937 random(13);
  PlanRequest request;
  request.keep = kAllPlans;
  int counters = 0, marks = 0;
  for (int k = 4; k <= 6; ++k)
    for (const Motif& motif : connected_motifs(k)) {
      const Pattern pattern = Decoration{.anti_edge = 0.2}(motif.pattern, random);
      const SmallGraph graph(k == 6 ? 7 : 8, 0.6, random);
      const BruteForce truth(pattern, graph);
      for (RankedPlan& ranked : make_plans(pattern, GraphStatistics::typical(), request)) {
        Plan& plan = ranked.bare;
        add_marks(plan);
        add_counters(plan, [](int, int) { return true; });
        assign_slots(plan);
        verify(plan);
        counters += static_cast<int>(plan.counters.size());
        marks += static_cast<int>(plan.marks.size());
        const PlanOutcome outcome = interpret(plan, graph, random);
        INFO(pattern.to_string() << "\n" << print(plan));
        CHECK(outcome.clean);
        REQUIRE(static_cast<std::int64_t>(outcome.sums.front()) ==
                static_cast<std::int64_t>(plan.outputs.front().divisor) * truth.instances());
      }
    }
  CHECK(counters > 100);
  CHECK(marks > 100);
}

TEST_CASE("induced patterns with labels and conditions") {
  std::mt19937 random(4);
  for (const Pattern& pattern : numbered_patterns(4)) {
    Pattern decorated = Decoration{.vertex_label = 0.4, .edge_label = 0.3, .condition = 0.3}(pattern, random);
    decorated.make_induced();
    for (int repeat = 0; repeat < 4; ++repeat) check_counts(decorated, random_graph(9, random), random);
  }
}

TEST_CASE("disconnected patterns") {
  const Decoration decoration{.anti_edge = 0.3, .vertex_label = 0.2, .edge_label = 0.2, .condition = 0.2};
  std::mt19937 random(5);
  for (int repeat = 0; repeat < 120; ++repeat) {
    const int size = 2 + repeat % 4;
    Pattern pattern(size, {});
    for (int u = 0; u < size; ++u)
      for (int v = u + 1; v < size; ++v)
        if (random() % 4 == 0) pattern.add_edge(u, v);
    check_counts(pattern, random_graph(7, random), random);
    check_counts(decoration(pattern, random), random_graph(7, random), random);
  }
}

TEST_CASE("one vertex") {
  std::mt19937 random(6);
  for (int repeat = 0; repeat < 20; ++repeat) {
    check_counts(Pattern(1, {}), random_graph(9, random), random);
    check_counts(Decoration{.vertex_label = 1, .condition = 0.5}(Pattern(1, {}), random), random_graph(9, random),
                 random);
  }
}

TEST_CASE("patterns larger than the graph, and the empty graph") {
  std::mt19937 random(7);
  for (int n = 0; n <= 3; ++n)
    for (int k = 1; k <= 4; ++k)
      for (const Pattern& pattern : numbered_patterns(k)) check_counts(pattern, {n, 1, random}, random);
}

TEST_CASE("graphs without edges, and stars whose hub is last or first") {
  std::mt19937 random(8);
  for (const Pattern& pattern : numbered_patterns(4)) {
    check_counts(pattern, {9, 0, random}, random);
    check_counts(pattern, {8, 1, random}, random);
  }
}

TEST_CASE("LOCAL sums to the orbit size times COUNT, and is right at each vertex") {
  std::mt19937 random(9);
  for (int k = 2; k <= 6; ++k)
    for (const Motif& motif : connected_motifs(k)) {
      Pattern pattern =
          k <= 4 ? Decoration{.anti_edge = 0.3, .vertex_label = 0.2}(motif.pattern, random) : motif.pattern;
      if (random() % 3 == 0) pattern.make_induced();
      const int by = static_cast<int>(random() % static_cast<unsigned>(k));
      const SmallGraph graph(k == 6 ? 7 : 8, 0.55, random);
      const BruteForce truth(pattern, graph);
      const Automorphisms group(pattern), fixing(pattern, bit(by));
      std::vector<std::int64_t> expected(graph.view().n);
      for (const Image& image : truth.embeddings()) ++expected[image[static_cast<std::size_t>(by)]];
      const auto orbit = std::popcount(group.orbits()[static_cast<std::size_t>(by)]);
      const auto plans = plans_of(pattern, graph, Output::Kind::local, by);
      for (std::size_t i = 0; i < plans.size(); i += k == 6 ? 5 : 1) {
        const Plan& plan = plans[i].plan;
        const PlanOutcome outcome = interpret(plan, graph, random);
        INFO(pattern.to_string() << " by " << by << "\n" << print(plan));
        const auto divisor = static_cast<std::int64_t>(plan.outputs.front().divisor);
        std::vector<std::int64_t> found;
        for (const rt::i128 n : outcome.local)
          found.push_back(static_cast<std::int64_t>(n) / divisor * static_cast<std::int64_t>(fixing.size()));
        REQUIRE(found == expected);
        rt::i128 total = 0;
        for (const rt::i128 n : outcome.local) total += n;
        CHECK(static_cast<std::int64_t>(total) == divisor * orbit * truth.instances());
      }
    }
}

namespace {

/// The shape with the labels that a run is given.
Pattern with_labels(const Pattern& shape, const GivenLabels& given, const std::vector<std::uint32_t>& labels) {
  const auto chosen = [&](bool any, int number) {
    return any ? LabelSet{LabelSet::Kind::one_of, {labels[static_cast<std::size_t>(number)]}} : LabelSet{};
  };
  Pattern pattern(shape.size(), {});
  for (int v = 0; v < shape.size(); ++v) pattern.set_label(v, chosen(given.vertices, v));
  for (std::size_t e = 0; e < shape.edges().size(); ++e)
    pattern.add_edge(shape.edges()[e].u, shape.edges()[e].v, chosen(given.edges, edge_label_number(shape, e)));
  return pattern;
}

std::vector<rt::vid> images_of(const Pattern& pattern, int v, const SmallGraph& graph) {
  const BruteForce truth(pattern, graph);
  std::set<rt::vid> images;
  for (const Image& image : truth.embeddings()) images.insert(image[static_cast<std::size_t>(v)]);
  std::erase_if(images, [](rt::vid x) { return !PlanRun::asked(x); });
  return {images.begin(), images.end()};
}

}  // namespace

TEST_CASE("images of each vertex of every shape, for labels given when the plan runs") {
  std::mt19937 random(12);
  std::size_t found = 0, asked = 0;
  for (int round = 0; round < 12; ++round)
    for (int k = 2; k <= 5; ++k)
      for (const Motif& motif : connected_motifs(k)) {
        const GivenLabels given{round % 2 == 0, round % 3 == 0};
        const int root = static_cast<int>(random() % static_cast<unsigned>(k));
        const SmallGraph graph(9, 0.45, random);
        const Plan plan = image_plan(motif.pattern, root, given, GraphStatistics::typical());
        const Pattern labelled = with_labels(motif.pattern, given, PlanRun::given(random));
        const std::vector<rt::vid> expected = images_of(labelled, root, graph);
        INFO(labelled.to_string() << " of " << root << "\n" << print(plan));
        std::mt19937 again = random;
        CHECK(interpret(plan, graph, again).images == expected);
        PlanRun until(plan, graph);
        until.enough(2);
        const codegen::Interpreter interpreter(plan);
        const PlanOutcome enough =
            until.over_random_chunks([&](rt::Worker& w, const rt::Chunk& c) { interpreter.run(w, c); }, random);
        CHECK((enough.emits > 0) == (expected.size() >= 2));
        CHECK(enough.image_count == enough.images.size());
        found += expected.size();
        asked += 7;
      }
  CHECK(found > asked / 5);
  CHECK(found < asked * 4 / 5);
}

TEST_CASE("EXISTS tells whether there is a match") {
  std::mt19937 random(10);
  int present = 0, absent = 0;
  for (int k = 2; k <= 6; ++k)
    for (const Motif& motif : connected_motifs(k)) {
      Pattern pattern = Decoration{.anti_edge = 0.3, .vertex_label = 0.3}(motif.pattern, random);
      const SmallGraph graph(7, 0.5, random);
      const bool expected = !BruteForce(pattern, graph).embeddings().empty();
      ++(expected ? present : absent);
      for (const RankedPlan& ranked : plans_of(pattern, graph, Output::Kind::exists)) {
        const PlanOutcome outcome = interpret(ranked.plan, graph, random, 1000);
        INFO(pattern.to_string() << "\n" << print(ranked.plan));
        REQUIRE((outcome.emits > 0) == expected);
      }
    }
  CHECK(present > 10);
  CHECK(absent > 10);
}

TEST_CASE("LIST reports each instance once") {
  std::mt19937 random(11);
  for (int k = 1; k <= 6; ++k)
    for (const Motif& motif : k == 1 ? std::vector<Motif>{{"vertex", Pattern(1, {})}} : connected_motifs(k)) {
      Pattern pattern = random() % 2 == 0
                            ? motif.pattern
                            : Decoration{.anti_edge = 0.3, .vertex_label = 0.2, .edge_label = 0.2, .condition = 0.2}(
                                  motif.pattern, random);
      const SmallGraph graph(7, 0.6, random);
      const Automorphisms group(pattern);
      const BruteForce truth(pattern, graph);
      std::map<Image, int> expected;
      for (const Image& image : truth.embeddings()) expected[representative(image, group)] = 1;
      for (const RankedPlan& ranked : plans_of(pattern, graph, Output::Kind::list)) {
        std::map<Image, int> found;
        for (const Image& row : interpret(ranked.plan, graph, random).rows) ++found[representative(row, group)];
        INFO(pattern.to_string() << "\n" << print(ranked.plan));
        REQUIRE(found == expected);
      }
    }
}

TEST_CASE("LIST EMBEDDINGS reports each injective map once") {
  std::mt19937 random(12);
  for (int k = 1; k <= 5; ++k)
    for (const Motif& motif : k == 1 ? std::vector<Motif>{{"vertex", Pattern(1, {})}} : connected_motifs(k)) {
      const SmallGraph graph(7, 0.6, random);
      const BruteForce truth(motif.pattern, graph);
      CHECK(static_cast<std::int64_t>(truth.embeddings().size()) ==
            truth.instances() * static_cast<std::int64_t>(Automorphisms(motif.pattern).size()));
      for (const RankedPlan& ranked : plans_of(motif.pattern, graph, Output::Kind::list, -1, true)) {
        std::vector<Image> rows = interpret(ranked.plan, graph, random).rows;
        std::sort(rows.begin(), rows.end());
        INFO(print(ranked.plan));
        REQUIRE(rows == truth.embeddings());
      }
    }
}
