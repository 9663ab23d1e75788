// Named patterns: shapes, limits, suggestions.
#include <algorithm>
#include <numeric>
#include <set>
#include <sstream>

#include "codegen/pattern/families.hpp"
#include "galena/error.hpp"
#include "test/pattern/oracle.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"

using namespace galena;
using galena::test::contains;
using galena::test::isomorphic_by_brute_force;

namespace {

std::vector<int> degrees(const Pattern& pattern) {
  std::vector<int> result;
  for (int v = 0; v < pattern.size(); ++v) result.push_back(std::popcount(pattern.neighbors(v)));
  std::sort(result.rbegin(), result.rend());
  return result;
}

struct Call {
  std::string name;
  std::vector<int> arguments;
};

Call parse_call(std::string text) {
  Call call;
  std::replace(text.begin(), text.end(), '(', ' ');
  std::replace(text.begin(), text.end(), ')', ' ');
  std::replace(text.begin(), text.end(), ',', ' ');
  std::istringstream in(text);
  in >> call.name;
  for (int number; in >> number;) call.arguments.push_back(number);
  return call;
}

}  // namespace

TEST_CASE("every name of the published counts has the shape of its edges") {
  const std::vector<test::Truth> truths = test::read_truths();
  if (truths.empty()) GALENA_SKIP("no truths.tsv");
  std::set<std::string> seen;
  for (const test::Truth& truth : truths) {
    if (!seen.insert(truth.pattern).second) continue;
    CAPTURE(truth.pattern);
    const Call call = parse_call(truth.pattern);
    const Pattern named = named_pattern(call.name, call.arguments);
    CHECK(named.size() == truth.vertices);
    CHECK(isomorphic_by_brute_force(named, codegen::from_shape(truth.edges)));
  }
  CHECK(seen.size() == 32);
}

TEST_CASE("named shapes by their degrees") {
  struct Case {
    std::string call;
    std::vector<int> degrees;
  };
  const auto fives = std::vector<int>(6, 5);
  for (const Case& c : {Case{"vertex", {0}},
                        Case{"edge", {1, 1}},
                        Case{"claw", {3, 1, 1, 1}},
                        Case{"paw", {3, 2, 2, 1}},
                        Case{"wheel(5)", {5, 3, 3, 3, 3, 3}},
                        Case{"K(2,2,2)", {4, 4, 4, 4, 4, 4}},
                        Case{"K(3)", {2, 2, 2}},
                        Case{"octahedron", {4, 4, 4, 4, 4, 4}},
                        Case{"prism", {3, 3, 3, 3, 3, 3}},
                        Case{"prism(4)", std::vector<int>(8, 3)},
                        Case{"cube", std::vector<int>(8, 3)},
                        Case{"petersen", std::vector<int>(10, 3)},
                        Case{"theta(2,2,2)", {3, 3, 2, 2, 2}},
                        Case{"theta(1,2,2)", {3, 3, 2, 2}},
                        Case{"grid(2,3)", {3, 3, 2, 2, 2, 2}},
                        Case{"ladder(3)", {3, 3, 2, 2, 2, 2}},
                        Case{"domino", {3, 3, 2, 2, 2, 2}},
                        Case{"lollipop(4,2)", {4, 3, 3, 3, 2, 1}},
                        Case{"barbell(3)", {3, 3, 2, 2, 2, 2}},
                        Case{"friendship(3)", {6, 2, 2, 2, 2, 2, 2}},
                        Case{"book(2)", {3, 3, 2, 2}},
                        Case{"fan(4)", {4, 3, 3, 2, 2}},
                        Case{"pan(5)", {3, 2, 2, 2, 2, 1}},
                        Case{"net", {3, 3, 3, 1, 1, 1}},
                        Case{"sun", {4, 4, 4, 2, 2, 2}},
                        Case{"clique(6)", fives},
                        Case{"almost_clique(4)", {3, 3, 2, 2}},
                        Case{"hypercube(5)", std::vector<int>(32, 5)},
                        Case{"path(1)", {0}},
                        Case{"star(1)", {1, 1}}}) {
    CAPTURE(c.call);
    const Call call = parse_call(c.call);
    const Pattern pattern = named_pattern(call.name, call.arguments);
    CHECK(degrees(pattern) == c.degrees);
    CHECK(pattern.connected());
    CHECK(pattern.plain());
  }
}

TEST_CASE("two names of one graph agree") {
  CHECK(isomorphic_by_brute_force(named_pattern("cube"), named_pattern("prism", {4})));
  CHECK(isomorphic_by_brute_force(named_pattern("fan", {4}), named_pattern("gem")));
  CHECK(isomorphic_by_brute_force(named_pattern("book", {3}), named_pattern("K", {1, 1, 3})));
  CHECK(isomorphic_by_brute_force(named_pattern("theta", {1, 2, 3}), named_pattern("house")));
  CHECK(isomorphic_by_brute_force(named_pattern("wheel", {3}), named_pattern("clique", {4})));
  CHECK_FALSE(isomorphic_by_brute_force(named_pattern("kite"), named_pattern("dart")));
}

TEST_CASE("numbers outside a family's range are errors that name the limits") {
  CHECK(named_pattern("clique", {32}).size() == 32);
  CHECK(named_pattern("star", {31}).size() == 32);
  CHECK(named_pattern("wheel", {31}).size() == 32);
  CHECK(named_pattern("K", {16, 16}).edges().size() == 256);
  for (const Call& c : {Call{"clique", {33}}, Call{"star", {32}}, Call{"wheel", {32}}, Call{"K", {16, 17}},
                        Call{"grid", {6, 6}}, Call{"theta", {20, 20, 20}}, Call{"lollipop", {31, 31}},
                        Call{"K", {32, 32, 32}}, Call{"path", {1 << 30}}, Call{"K", std::vector<int>(32, 32)}}) {
    CAPTURE(c.name);
    CHECK_THROWS_WITH(named_pattern(c.name, c.arguments), contains("at most 32"));
  }
  CHECK_THROWS_AS(named_pattern("cycle", {2}), InputError);
  CHECK_THROWS_AS(named_pattern("clique", {0}), InputError);
  CHECK_THROWS_AS(named_pattern("clique", {-1}), InputError);
  CHECK_THROWS_AS(named_pattern("K", {2, 0}), InputError);
  CHECK_THROWS_AS(named_pattern("hypercube", {6}), InputError);
  CHECK_THROWS_WITH(named_pattern("theta", {1, 1, 3}), contains("at most one"));
}

TEST_CASE("a wrong count of numbers is an error that says how many") {
  CHECK_THROWS_WITH(named_pattern("clique"), contains("one number (k vertices)"));
  CHECK_THROWS_WITH(named_pattern("clique", {3, 4}), contains("one number"));
  CHECK_THROWS_WITH(named_pattern("house", {5}), contains("no number"));
  CHECK_THROWS_WITH(named_pattern("grid", {2}), contains("2 numbers"));
  CHECK_THROWS_WITH(named_pattern("K"), contains("at least one number"));
  CHECK_THROWS_AS(named_pattern("K", std::vector<int>(33, 1)), InputError);
}

TEST_CASE("an unknown name is an error with a suggestion") {
  CHECK_THROWS_WITH(named_pattern("hosue"), contains("unknown pattern 'hosue'; did you mean 'house'?"));
  CHECK_THROWS_WITH(named_pattern("House"), contains("did you mean 'house'?"));
  CHECK_THROWS_AS(named_pattern(""), InputError);
  CHECK_THROWS_AS(named_pattern(std::string(100000, 'x')), InputError);
}

TEST_CASE("every listed family can be built and is described") {
  std::set<std::string> names;
  for (const PatternFamily& family : pattern_families()) {
    CAPTURE(family.name);
    CHECK(names.insert(family.name).second);
    CHECK_FALSE(family.description.empty());
    std::vector<int> arguments(family.parameter.empty() ? 0 : 1, 3);
    if (family.name == "theta") arguments = {2, 2, 2};
    if (family.name == "grid" || family.name == "lollipop") arguments = {3, 3};
    CHECK(named_pattern(family.name, arguments).size() > 0);
  }
}
