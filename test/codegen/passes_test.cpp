// The passes one by one: order relation, tail, merge, algebra, verifier.

#include <algorithm>
#include <map>
#include <numeric>

#include "codegen/emit/cpp.hpp"
#include "codegen/passes/assist.hpp"
#include "codegen/passes/estimate.hpp"
#include "codegen/passes/images.hpp"
#include "codegen/passes/merge.hpp"
#include "codegen/passes/order_relation.hpp"
#include "codegen/passes/planner.hpp"
#include "codegen/passes/spanning.hpp"
#include "codegen/passes/tail.hpp"
#include "galena/error.hpp"
#include "test/codegen/run_plan.hpp"
#include "test/support/catch.hpp"

using namespace galena;
using namespace galena::codegen;
using namespace galena::test;

namespace {

std::vector<int> iota(int n) {
  std::vector<int> numbers(static_cast<std::size_t>(n));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

/// How many images of the assignment under the group meet every restriction.
std::uint64_t survivors(const std::vector<int>& ids, const Automorphisms& group, const OrderRelation& order) {
  const int k = static_cast<int>(ids.size());
  const auto meets = [&](const Permutation& p) {
    for (int i = 0; i < k; ++i)
      for (int j = 0; j < k; ++j)
        if (order.less(i, j) && ids[static_cast<std::size_t>(p[static_cast<std::size_t>(i)])] >=
                                    ids[static_cast<std::size_t>(p[static_cast<std::size_t>(j)])])
          return false;
    return true;
  };
  return static_cast<std::uint64_t>(std::count_if(group.elements().begin(), group.elements().end(), meets));
}

void check_every_assignment(const Automorphisms& group, const OrderRelation& order, int k) {
  std::vector<int> ids = iota(k);
  do {
    if (const auto left = survivors(ids, group, order); left != order.divisor()) {
      CHECK(left == order.divisor());
      return;
    }
  } while (std::next_permutation(ids.begin(), ids.end()));
}

Plan bare_plan(const Pattern& pattern, const std::string& name) {
  PlanRequest request;
  request.name = name;
  request.keep = 1;
  return make_plans(pattern, GraphStatistics::typical(), request).front().bare;
}

Plan plan_of(const Pattern& pattern) {
  PlanRequest request;
  request.name = pattern.to_string();
  return make_plans(pattern, GraphStatistics::typical(), request).front().plan;
}

std::size_t set_steps(const Plan& plan) { return plan.sets.size() + plan.sizes.size(); }

}  // namespace

TEST_CASE("exactly one image of each match survives the restrictions") {
  std::mt19937 random(31);
  for (int k = 2; k <= 5; ++k)
    for (const Pattern& pattern : numbered_patterns(k)) {
      const Automorphisms group(pattern);
      const std::vector<Mask> chain = group.chain(iota(k));
      INFO(pattern.to_string());
      for (const Mask largest : {Mask{0}, ~Mask{0}, static_cast<Mask>(random())}) {
        const OrderRelation order(chain, k, largest);
        CHECK(order.divisor() == 1);
        check_every_assignment(group, order, k);
      }
    }
}

TEST_CASE("dropped levels overcount every match alike") {
  for (int k = 2; k <= 5; ++k)
    for (const Pattern& pattern : numbered_patterns(k)) {
      const Automorphisms group(pattern);
      const std::vector<Mask> chain = group.chain(iota(k));
      INFO(pattern.to_string());
      for (int prefix = 0; prefix < k; ++prefix) check_every_assignment(group, OrderRelation(chain, prefix, 0), k);
      CHECK(OrderRelation(chain, 0, 0).divisor() == static_cast<std::uint64_t>(group.size()));
    }
}

TEST_CASE("reduced bounds say as much as all bounds") {
  const Automorphisms group(named_pattern("clique", {5}));
  const OrderRelation order(group.chain(iota(5)), 5, 0);
  const Bounds all = order.bounds(4, first(4));
  CHECK(all.above == first(4));
  CHECK(order.reduce(all) == Bounds{0, bit(3)});
}

TEST_CASE("partitions of a tail have Moebius coefficients") {
  const std::size_t bell[] = {1, 1, 2, 5, 15, 52};
  for (int t = 1; t <= 5; ++t) {
    const auto partitions = injective_partitions(t);
    CHECK(partitions.size() == bell[t]);
    for (const std::int64_t n : {0, 1, 2, 5, 9}) {  // equal sets of n: the falling factorial
      std::int64_t sum = 0, falling = 1;
      for (const Partition& p : partitions) {
        std::int64_t product = p.coefficient;
        for (std::size_t b = 0; b < p.blocks.size(); ++b) product *= n;
        sum += product;
      }
      for (int i = 0; i < t; ++i) falling *= n - i;
      CHECK(sum == falling);
    }
  }
}

TEST_CASE("a tail of different sets is counted injectively") {
  const std::vector<std::vector<int>> sets = {{1, 2, 3}, {2, 3, 4, 5}, {3, 5}};
  int expected = 0;
  for (const int a : sets[0])
    for (const int b : sets[1])
      for (const int c : sets[2]) expected += a != b && b != c && a != c ? 1 : 0;
  std::int64_t found = 0;
  for (const Partition& p : injective_partitions(3)) {
    std::int64_t product = p.coefficient;
    for (const std::vector<int>& block : p.blocks) {
      const auto in_all = [&](int x) {
        return std::all_of(block.begin(), block.end(), [&](int i) {
          const auto& set = sets[static_cast<std::size_t>(i)];
          return std::find(set.begin(), set.end(), x) != set.end();
        });
      };
      const std::vector<int> universe = iota(6);
      product *= std::count_if(universe.begin(), universe.end(), in_all);
    }
    found += product;
  }
  CHECK(found == expected);
}

TEST_CASE("merged plans sum what separate ones do, with fewer steps") {
  std::mt19937 random(32);
  for (const int k : {3, 4, 5})
    for (const bool counters : {false, true}) {
      std::vector<Plan> separate;
      std::size_t steps = 0;
      for (const Motif& motif : connected_motifs(k)) {
        separate.push_back(bare_plan(motif.pattern, motif.name));
        steps += set_steps(separate.back());
      }
      Plan merged = merge(separate);
      if (k > 3) CHECK(set_steps(merged) < steps);

      REQUIRE(merged.outputs.size() == separate.size());
      finish_plan(merged, GraphStatistics::typical(), {.counters = counters});
      for (int repeat = 0; repeat < 5; ++repeat) {
        const SmallGraph graph(10, 0.5, random);
        const PlanOutcome together = interpret(merged, graph, random);
        CHECK(together.clean);
        for (std::size_t i = 0; i < separate.size(); ++i) {
          Plan alone = separate[i];
          finish_plan(alone, GraphStatistics::typical(), {.counters = counters});
          INFO(merged.outputs[i].name);
          CHECK(merged.outputs[i].divisor == alone.outputs.front().divisor);
          REQUIRE(together.sums[i] == interpret(alone, graph, random).sums.front());
        }
      }
    }
}

TEST_CASE("plans share a loop where one walk could do for both") {
  const auto plan = [](const std::string& name) {
    for (const Motif& motif : connected_motifs(4))
      if (motif.name == name) return bare_plan(motif.pattern, name);
    throw InternalError("no motif of 4 vertices is " + name);
  };
  CHECK(share_a_loop(plan("diamond"), plan("diamond")));
  CHECK(share_a_loop(plan("path(4)"), plan("diamond")));
  CHECK_FALSE(share_a_loop(plan("star(3)"), plan("clique(4)")));
  CHECK_FALSE(share_a_loop(plan("clique(4)"), plan("star(3)")));
}

TEST_CASE("a plan merged with itself shares everything") {
  const Plan plan = bare_plan(named_pattern("house"), "house");
  const Plan twice = merge({plan, plan});
  CHECK(twice.sets.size() == plan.sets.size());
  CHECK(twice.sizes.size() == plan.sizes.size());
  CHECK(twice.outputs.size() == 2);
}

TEST_CASE("a set has as many elements as a match takes of it") {
  const auto most = [](const char* query) {
    const Plan plan = make_plans(Pattern::parse(query), GraphStatistics::typical(), {}).front().plan;
    std::vector<int> at(static_cast<std::size_t>(plan.max_depth) + 1);  // by depth
    for (const SetDef& set : plan.sets) {
      int& here = at[static_cast<std::size_t>(set.depth)];
      here = std::max(here, set.least);
    }
    return at;
  };
  CHECK(most("triangle") == std::vector{2, 0});
  CHECK(most("clique(6)") == std::vector{5, 4, 3, 2, 1, 0});
  CHECK(most("star(5)") == std::vector{5});
  CHECK(most("diamond")[0] == 3);
}

TEST_CASE("no match is lost by what sets need") {
  std::mt19937 random(34);
  int raised = 0;
  for (const int k : {3, 4, 5})
    for (const Motif& motif : connected_motifs(k))
      for (const bool induced : {false, true}) {
        Pattern pattern = motif.pattern;
        if (induced) pattern.make_induced();
        PlanRequest request;
        request.keep = 12;
        std::vector<Plan> plans;
        for (const RankedPlan& ranked : make_plans(pattern, GraphStatistics::typical(), request)) {
          plans.push_back(ranked.plan);
          plans.push_back(ranked.bare);
          finish_plan(plans.back(), GraphStatistics::typical(), {.locals_from = 1});
        }
        for (const Plan& plan : plans) {
          Plan plain = plan;
          for (SetDef& set : plain.sets) {
            raised += set.least > 1 ? 1 : 0;
            set.least = 0;
          }
          const SmallGraph graph(9, 0.6, random);
          INFO(motif.name << (induced ? ", induced" : "") << "\n" << print(plan));
          REQUIRE(interpret(plan, graph, random).sums == interpret(plain, graph, random).sums);
        }
      }
  CHECK(raised > 500);
}

TEST_CASE("the algebra of 4-vertex counts") {
  const std::vector<std::string> names = {"star(3)", "path(4)", "tailed_triangle", "cycle(4)", "diamond", "clique(4)"};
  std::vector<Pattern> patterns;
  for (const std::string& name : names) patterns.push_back(Pattern::parse(name));
  const std::vector<std::vector<std::uint64_t>> expected = {
      {1, 0, 1, 0, 2, 4},   // S3e = S3 + TT + 2D + 4K4
      {0, 1, 2, 4, 6, 12},  // P4e = P4 + 2TT + 4C4 + 6D + 12K4
      {0, 0, 1, 0, 4, 12},  // TTe = TT + 4D + 12K4
      {0, 0, 0, 1, 1, 3},   // C4e = C4 + D + 3K4
      {0, 0, 0, 0, 1, 6},   // De = D + 6K4
      {0, 0, 0, 0, 0, 1},
  };
  CHECK(spanning_matrix(patterns) == expected);
}

TEST_CASE("induced counts as sums of edge-induced ones") {
  std::mt19937 random(33);
  const SmallGraph graph(8, 0.5, random);
  for (int k = 3; k <= 5; ++k)
    for (const Motif& motif : connected_motifs(k)) {
      const auto sum = induced_as_sum(motif.pattern);
      REQUIRE(sum.has_value());
      std::int64_t total = 0;
      for (std::size_t i = 0; i < sum->patterns.size(); ++i)
        total += sum->coefficients[i] * BruteForce(sum->patterns[i], graph).instances();
      Pattern induced = motif.pattern;
      induced.make_induced();
      INFO(motif.name);
      CHECK(total == BruteForce(induced, graph).instances());
    }
}

TEST_CASE("lists are marked for the sizes asked in their loop, and only there") {
  const auto marked = [](const Plan& plan) {
    return std::count_if(plan.sizes.begin(), plan.sizes.end(), [](const SizeDef& size) { return size.mark >= 0; });
  };
  for (const char* name : {"triangle", "diamond"}) CHECK(marked(plan_of(named_pattern(name))) == 1);
  CHECK(marked(plan_of(named_pattern("clique", {4}))) == 0);  // asked in a loop over what is no list of the graph
  CHECK(marked(plan_of(named_pattern("cycle", {4}))) == 0);   // read from counters
}

TEST_CASE("marks for sizes are taken away again, marks for tests are kept") {
  for (const char* text : {"COUNT triangle", "COUNT diamond", "COUNT (a)--(b)--(c)--(a), (b)--(d), (a)!-(d)",
                           "COUNT INDUCED house", "LIST INDUCED cycle(5)"}) {
    const Query query = parse_queries(text).front();
    PlanRequest request;
    if (query.kind == QueryKind::list) request.kind = Output::Kind::list;
    for (const RankedPlan& ranked : make_plans(query.pattern, GraphStatistics::typical(), request)) {
      const Plan plan = without_marked_sizes(ranked.plan);
      INFO(print(plan));
      CHECK_NOTHROW(verify(plan));
      CHECK(std::all_of(plan.sizes.begin(), plan.sizes.end(), [](const SizeDef& size) { return size.mark < 0; }));
      const std::string printed = print(plan);
      for (std::size_t m = 0; m < plan.marks.size(); ++m) CHECK_THAT(printed, contains("[mark " + std::to_string(m)));
    }
  }
  CHECK(without_marked_sizes(plan_of(named_pattern("triangle"))).marks.empty());
}

TEST_CASE("the verifier refuses a size by the marks of another set") {
  Plan plan = plan_of(named_pattern("triangle"));
  REQUIRE_NOTHROW(verify(plan));
  plan.marks.front().set.bounds.above = bit(0);
  CHECK_THROWS_WITH(verify(plan), contains("mark of another set"));
}

TEST_CASE("the verifier refuses a set used before its definition") {
  Plan plan = plan_of(named_pattern("clique", {5}));
  REQUIRE_NOTHROW(verify(plan));
  Block* block = &plan.root.body;
  while (block->sets.empty()) block = &block->loops.front().body;
  block->sets.erase(block->sets.begin());
  CHECK_THROWS_WITH(verify(plan), contains("used before its definition"));
}

TEST_CASE("the verifier refuses two sets in one buffer") {
  Plan plan = plan_of(named_pattern("clique", {6}));
  REQUIRE(plan.slots >= 2);
  for (SetDef& set : plan.sets)
    if (set.slot >= 0) set.slot = 0;
  CHECK_THROWS_WITH(verify(plan), contains("buffer written while in use"));
}

TEST_CASE("the verifier refuses a bound by a vertex not yet matched") {
  Plan plan = plan_of(named_pattern("house"));
  plan.sets.front().bounds.below |= bit(plan.max_depth + 1);
  CHECK_THROWS_WITH(verify(plan), contains("not yet matched"));
}

TEST_CASE("the verifier refuses indices out of range") {
  Plan plan = plan_of(named_pattern("diamond"));
  Plan sums = plan, loops = plan;
  plan.slots = 0;
  plan.outputs.clear();
  CHECK_THROWS_AS(verify(plan), InternalError);
  loops.root.body.loops.front().from.set = 99;
  CHECK_THROWS_WITH(verify(loops), contains("out of range"));
}

TEST_CASE("the verifier refuses images beside what a nest left early would spoil") {
  const Plan plan = image_plan(named_pattern("path", {3}), 0, {true, false}, GraphStatistics::typical());
  REQUIRE_NOTHROW(verify(plan));
  Plan two = plan, marked = plan, counted = plan, several = plan;
  two.outputs.push_back({});
  CHECK_THROWS_WITH(verify(two), contains("beside another output"));
  std::swap(two.outputs.front(), two.outputs.back());
  two.labels_given = false;
  CHECK_THROWS_WITH(verify(two), contains("beside another output"));
  marked.marks.push_back({0, {0, {}}});
  CHECK_THROWS_WITH(verify(marked), contains("images and a table"));
  counted.root.body.sums.push_back({});
  CHECK_THROWS_WITH(verify(counted), contains("a sum of images"));
  several.labels.front().labels.push_back(7);
  CHECK_THROWS_WITH(verify(several), contains("not one number"));
  several = plan_of(named_pattern("diamond"));
  several.labels_given = true;
  CHECK_THROWS_WITH(verify(several), contains("not of images"));
}

namespace {

void check_bounded_plans(int k) {
  for (const Motif& motif : connected_motifs(k)) {
    PlanRequest request;
    request.name = motif.name;
    request.keep = 1;
    const Plan plan = make_plans(motif.pattern, GraphStatistics::typical(), request).front().plan;
    INFO(print(plan));
    CHECK(plan.max_depth < k);
    CHECK(set_steps(plan) <= 200);
    CHECK(emit_cpp(plan).size() < 60000);
  }
}

}  // namespace

TEST_CASE("every connected pattern of 6 vertices has a plan of bounded size") { check_bounded_plans(6); }
TEST_CASE("every connected pattern of 7 vertices has a plan of bounded size") {
  GALENA_LONG_TEST("every connected pattern of 6 vertices has a plan of bounded size");
  check_bounded_plans(7);
}

TEST_CASE("long queries are offered plans with local graphs besides") {
  const auto plans = [](const char* query, bool locals, const GraphStatistics& graph = GraphStatistics::typical()) {
    PlanRequest request;
    request.locals = locals;
    return make_plans(parse_queries(query).front().pattern, graph, request);
  };
  const auto local = [](const RankedPlan& ranked) { return !ranked.plan.locals.empty(); };
  for (const char* query : {"COUNT INDUCED wheel(5)", "COUNT prism(3)", "COUNT K(3,3)"}) {
    INFO(query);
    const auto plain = plans(query, false), offered = plans(query, true);
    CHECK(std::none_of(plain.begin(), plain.end(), local));
    const auto found = static_cast<std::size_t>(std::count_if(offered.begin(), offered.end(), local));
    CHECK(found > 0);
    CHECK(offered.size() == plain.size() + found);
    CHECK(std::is_sorted(offered.begin(), offered.end(),
                         [](const RankedPlan& a, const RankedPlan& b) { return a.estimate < b.estimate; }));
    for (const RankedPlan& ranked : offered)
      CHECK(ranked.estimate == Estimate(ranked.plan, GraphStatistics::typical()).total());
  }
  GraphStatistics small = GraphStatistics::typical();
  small.vertices = 20;
  small.mean_degree = small.biased_degree = small.biased_below = small.biased_above = 3;
  const auto brief = plans("COUNT prism(3)", true, small);
  CHECK(std::none_of(brief.begin(), brief.end(), local));
}

TEST_CASE("a cost model that knows of hubs prefers rows of bits where they are asked for again") {
  GraphStatistics hubs = GraphStatistics::typical();
  hubs.mean_degree = hubs.biased_degree = 400;
  hubs.biased_below = hubs.biased_above = 200;
  hubs.closure = 0.3;
  Plan plain = make_plans(parse_queries("COUNT INDUCED wheel(5)").front().pattern, hubs, {}).front().bare;
  Plan local = plain;
  finish_plan(plain, hubs, {});
  finish_plan(local, hubs, {.locals_from = 1});
  CHECK(3 * Estimate(local, hubs).total() < Estimate(plain, hubs).total());
}

TEST_CASE("large patterns have plans") {
  for (const char* name : {"path(12)", "cycle(11)", "clique(20)", "star(31)", "K(5,5)", "wheel(12)"}) {
    INFO(name);
    const Pattern pattern = Pattern::parse(name);
    const Plan plan = plan_of(pattern);
    CHECK(plan.outputs.front().order.size() == static_cast<std::size_t>(pattern.size()));
  }
}
