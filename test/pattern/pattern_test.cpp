// The Pattern class itself: invariants, errors, permutation.
#include "galena/pattern.hpp"
#include "galena/error.hpp"
#include "test/pattern/oracle.hpp"
#include "test/support/catch.hpp"

using namespace galena;
using galena::test::contains;

TEST_CASE("vertices are named a to z, then aa") {
  const Pattern pattern(28, {});
  CHECK(pattern.vertex(0).name == "a");
  CHECK(pattern.vertex(25).name == "z");
  CHECK(pattern.vertex(26).name == "aa");
  CHECK(pattern.vertex(27).name == "ab");
}

TEST_CASE("a pattern has at most 32 vertices, all with usable names") {
  Pattern pattern(31, {});
  CHECK(pattern.add_vertex("last") == 31);
  CHECK_THROWS_WITH(pattern.add_vertex("more"), contains("at most 32"));
  CHECK(pattern.size() == 32);
  CHECK_THROWS_AS(Pattern(33, {}), InputError);
  CHECK_THROWS_AS(Pattern(-1, {}), InputError);

  Pattern small(2, {{0, 1}});
  for (const char* name : {"a", "", "1a", "x y", "x)", "\xc3\xa9"}) CHECK_THROWS_AS(small.add_vertex(name), InputError);
  CHECK_THROWS_AS(small.add_vertex(std::string(65, 'x')), InputError);
  CHECK(small.size() == 2);
  CHECK_NOTHROW(small.set_name(0, "a"));
  CHECK_THROWS_AS(small.set_name(0, "b"), InputError);
}

TEST_CASE("edges are kept sorted and looked up either way") {
  Pattern pattern(4, {{3, 2}, {0, 1}});
  pattern.add_edge(2, 0, {LabelSet::Kind::one_of, {7, 3, 7}});
  REQUIRE(pattern.edges().size() == 3);
  CHECK(pattern.edges()[0].v == 1);
  CHECK(pattern.edges()[1].v == 2);
  CHECK(pattern.edges()[2].u == 2);
  CHECK(pattern.edge_label(0, 2).labels == std::vector<Label>{3, 7});
  CHECK(pattern.edge_label(2, 0) == pattern.edge_label(0, 2));
  CHECK(pattern.edge_label(1, 3).kind == LabelSet::Kind::any);
  CHECK(pattern.neighbors(2) == 0b1001);
  CHECK(pattern.adjacent(3, 2));
  CHECK_FALSE(pattern.adjacent(1, 3));
}

TEST_CASE("impossible pairs are errors") {
  Pattern pattern(3, {{0, 1}});
  pattern.add_anti_edge(1, 2);
  CHECK_THROWS_WITH(pattern.add_edge(2, 2), contains("itself"));
  CHECK_THROWS_WITH(pattern.add_edge(1, 0), contains("already joined"));
  CHECK_THROWS_WITH(pattern.add_anti_edge(0, 1), contains("already joined"));
  CHECK_THROWS_WITH(pattern.add_edge(2, 1), contains("already separated"));
  CHECK_THROWS_WITH(pattern.add_edge(0, 3), contains("3 vertices"));
  CHECK_THROWS_AS(pattern.add_edge(-1, 0), InputError);
  CHECK(pattern.edges().size() == 1);
}

TEST_CASE("label sets") {
  const LabelSet some{LabelSet::Kind::one_of, {1, 7}}, not_two{LabelSet::Kind::none_of, {2}};
  CHECK(some.contains(7));
  CHECK_FALSE(some.contains(2));
  CHECK(not_two.contains(1));
  CHECK_FALSE(not_two.contains(2));
  CHECK(LabelSet{}.contains(0));
  Pattern pattern(1, {});
  pattern.set_label(0, {LabelSet::Kind::none_of, {}});
  CHECK(pattern.vertex(0).label == LabelSet{});
  CHECK_THROWS_AS(pattern.set_label(0, {LabelSet::Kind::one_of, {}}), InputError);
}

TEST_CASE("induced and plain") {
  Pattern path(3, {{0, 1}, {1, 2}});
  CHECK(path.plain());
  CHECK_FALSE(path.plain_induced());
  path.make_induced();
  CHECK(path.separated(0, 2));
  CHECK_FALSE(path.separated(0, 0));
  CHECK_FALSE(path.plain());
  CHECK(path.plain_induced());
  path.set_label(0, {LabelSet::Kind::one_of, {1}});
  CHECK_FALSE(path.plain_induced());
  Pattern large(32, {});
  large.make_induced();
  CHECK(large.anti_neighbors(31) == 0x7fffffffU);
  CHECK(Pattern(3, {{0, 1}, {1, 2}, {2, 0}}).plain_induced());
}

TEST_CASE("connected") {
  CHECK(Pattern(1, {}).connected());
  CHECK(Pattern(32,
                [] {
                  std::vector<std::pair<int, int>> edges;
                  for (int v = 31; v > 0; --v) edges.emplace_back(v, v - 1);
                  return edges;
                }())
            .connected());
  CHECK_FALSE(Pattern(2, {}).connected());
  CHECK_FALSE(Pattern(4, {{0, 1}, {2, 3}}).connected());
}

TEST_CASE("a permutation moves names, labels, anti-edges and conditions") {
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    Pattern pattern = test::RandomPattern{0.5, 0.5, 0.5, 0.5}(6, random);
    Condition condition;
    condition.left = {Condition::Term::Kind::degree, 2, 0};
    condition.right = {Condition::Term::Kind::label, 5, 0};
    pattern.add_condition(condition);
    std::vector<int> order = test::identity(6);
    std::shuffle(order.begin(), order.end(), random);
    const Pattern moved = pattern.permuted(order);
    CHECK(test::maps_structure(moved, pattern, order));
    for (int i = 0; i < 6; ++i) CHECK(moved.vertex(i).name == pattern.vertex(order[static_cast<std::size_t>(i)]).name);
    CHECK(moved.vertex(moved.conditions()[0].left.vertex).name == "c");
    CHECK(moved.vertex(moved.conditions()[0].right.vertex).name == "f");
  }
  CHECK_THROWS_AS(Pattern(2, {}).permuted({0, 0}), InputError);
  CHECK_THROWS_AS(Pattern(2, {}).permuted({0}), InputError);
}

TEST_CASE("conditions are checked and flattened") {
  const auto degree_is = [](int vertex, std::int64_t value) {
    Condition c;
    c.left = {Condition::Term::Kind::degree, vertex, 0};
    c.right = {Condition::Term::Kind::constant, -1, value};
    return c;
  };
  const auto group = [](Condition::Kind kind, std::vector<Condition> children) {
    Condition c;
    c.kind = kind;
    c.children = std::move(children);
    return c;
  };
  using Kind = Condition::Kind;
  Pattern pattern(3, {{0, 1}, {1, 2}});
  pattern.add_condition(group(Kind::all, {degree_is(0, 1), group(Kind::all, {degree_is(1, 2), degree_is(2, 3)})}));
  REQUIRE(pattern.conditions().size() == 3);
  CHECK(pattern.conditions()[2].vertices() == 0b100);
  CHECK_FALSE(pattern.conditions()[2].uses_labels());
  pattern.add_condition(group(Kind::any, {degree_is(0, 1), group(Kind::any, {degree_is(1, 1)})}));
  CHECK(pattern.conditions()[3].children.size() == 2);
  CHECK(pattern.conditions()[3].vertices() == 0b011);

  CHECK_THROWS_AS(pattern.add_condition(degree_is(3, 1)), InputError);
  CHECK_THROWS_AS(pattern.add_condition(group(Kind::any, {})), InputError);
  CHECK_THROWS_AS(pattern.add_condition(group(Kind::negation, {degree_is(0, 1), degree_is(0, 2)})), InputError);
  CHECK_THROWS_AS(pattern.add_condition(group(Kind::all, {group(Kind::any, {degree_is(7, 1)})})), InputError);
  CHECK_THROWS_AS(pattern.add_condition(Condition{}), InputError);
  CHECK(pattern.conditions().size() == 4);
}
