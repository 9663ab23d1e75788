// Automorphism groups against closed forms and against all permutations.
#include "codegen/pattern/automorphism.hpp"

#include <algorithm>
#include <bit>
#include <random>
#include <set>

#include "codegen/pattern/canonical.hpp"
#include "galena/error.hpp"
#include "test/pattern/oracle.hpp"
#include "test/support/catch.hpp"

using namespace galena;
using codegen::Automorphisms;
using codegen::Mask;
using codegen::u128;

namespace {

u128 factorial(int k) { return k <= 1 ? u128{1} : static_cast<unsigned>(k) * factorial(k - 1); }

// Catch prints no 128-bit numbers.
std::string text(u128 value) {
  std::string digits;
  do {
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(value % 10)));
    value /= 10;
  } while (value != 0);
  return digits;
}

std::string size_of(const Pattern& pattern) { return text(Automorphisms(pattern).size()); }

std::vector<std::vector<int>> all_automorphisms(const Pattern& pattern, Mask fixed = 0) {
  std::vector<std::vector<int>> result;
  std::vector<int> p = test::identity(pattern.size());
  do {
    bool keeps = true;
    for (int v = 0; v < pattern.size(); ++v) {
      if (((fixed >> v) & 1U) != 0 && p[static_cast<std::size_t>(v)] != v) keeps = false;
    }
    if (keeps && test::maps_structure(pattern, pattern, p)) result.push_back(p);
  } while (std::next_permutation(p.begin(), p.end()));
  return result;
}

std::vector<Mask> chain_by_scan(std::vector<std::vector<int>> group, const std::vector<int>& order) {
  std::vector<Mask> chain;
  for (const int v : order) {
    const auto at = static_cast<std::size_t>(v);
    Mask orbit = 0;
    for (const auto& p : group) orbit |= Mask{1} << p[at];
    chain.push_back(orbit);
    std::erase_if(group, [&](const auto& p) { return p[at] != v; });
  }
  return chain;
}

u128 product(const std::vector<Mask>& chain) {
  u128 result = 1;
  for (const Mask orbit : chain) result *= static_cast<unsigned>(std::popcount(orbit));
  return result;
}

void check_against_brute_force(const Pattern& pattern, Mask fixed, std::mt19937& random) {
  const auto group = all_automorphisms(pattern, fixed);
  const Automorphisms automorphisms(pattern, fixed);
  if (text(automorphisms.size()) != std::to_string(group.size())) {
    CAPTURE(pattern.to_string(), fixed);
    REQUIRE(text(automorphisms.size()) == std::to_string(group.size()));
  }
  std::vector<int> order = test::identity(pattern.size());
  for (int round = 0; round < 3; ++round) {
    std::shuffle(order.begin(), order.end(), random);
    if (automorphisms.chain(order) != chain_by_scan(group, order)) {
      CAPTURE(pattern.to_string(), fixed, order);
      REQUIRE(automorphisms.chain(order) == chain_by_scan(group, order));
    }
  }
  std::set<std::vector<int>> expected(group.begin(), group.end()), listed;
  for (const codegen::Permutation& p : automorphisms.elements()) listed.emplace(p.begin(), p.begin() + pattern.size());
  if (expected != listed) FAIL("wrong elements for " << pattern.to_string());
}

Pattern relabelled(const Pattern& pattern, std::mt19937& random) {
  std::vector<int> order = test::identity(pattern.size());
  std::shuffle(order.begin(), order.end(), random);
  return pattern.permuted(order);
}

// The union of two patterns, not joined.
Pattern side_by_side(const Pattern& a, const Pattern& b) {
  Pattern both(a.size() + b.size(), {});
  for (const auto& edge : a.edges()) both.add_edge(edge.u, edge.v);
  for (const auto& edge : b.edges()) both.add_edge(a.size() + edge.u, a.size() + edge.v);
  return both;
}

Condition compare(Condition::Term left, Condition::Operator op, Condition::Term right) {
  Condition c;
  c.left = left;
  c.op = op;
  c.right = right;
  return c;
}
Condition::Term degree(int v) { return {Condition::Term::Kind::degree, v, 0}; }
Condition::Term number(std::int64_t value) { return {Condition::Term::Kind::constant, -1, value}; }
Condition group_of(Condition::Kind kind, std::vector<Condition> children) {
  Condition c;
  c.kind = kind;
  c.children = std::move(children);
  return c;
}

}  // namespace

TEST_CASE("group sizes of the families") {
  for (int k = 3; k <= 32; ++k) {
    CAPTURE(k);
    CHECK(size_of(named_pattern("clique", {k})) == text(factorial(k)));
    CHECK(size_of(named_pattern("path", {k})) == "2");
    CHECK(size_of(named_pattern("cycle", {k})) == std::to_string(2 * k));
    CHECK(size_of(named_pattern("almost_clique", {k})) == text(2 * factorial(k - 2)));
    if (k < 32) {
      CHECK(size_of(named_pattern("star", {k})) == text(factorial(k)));
      CHECK(size_of(named_pattern("wheel", {k})) == (k == 3 ? "24" : std::to_string(2 * k)));
      CHECK(size_of(named_pattern("tailed_clique", {k})) == text(factorial(k - 1)));
    }
  }
  CHECK(size_of(Pattern()) == "1");
  CHECK(size_of(named_pattern("vertex")) == "1");
  CHECK(size_of(named_pattern("edge")) == "2");
  CHECK(size_of(named_pattern("petersen")) == "120");
  CHECK(size_of(named_pattern("cube")) == "48");
  CHECK(size_of(named_pattern("hypercube", {5})) == "3840");
  CHECK(size_of(named_pattern("octahedron")) == "48");
  CHECK(size_of(named_pattern("prism")) == "12");
  CHECK(size_of(named_pattern("grid", {5, 6})) == "4");
  CHECK(size_of(named_pattern("theta", {3, 3, 3})) == "12");
  CHECK(size_of(named_pattern("K", {3, 4})) == "144");
  CHECK(size_of(named_pattern("K", {16, 16})) == text(2 * factorial(16) * factorial(16)));
  CHECK(size_of(named_pattern("K", {4, 4, 4, 4, 4, 4, 4, 4})) == text(factorial(8) * u128{110075314176}));
  CHECK(size_of(named_pattern("friendship", {15})) == text(factorial(15) << 15));
}

TEST_CASE("vertices that look alike to refinement but are not") {
  const Pattern triangle = named_pattern("triangle"), hexagon = named_pattern("hexagon");
  const Pattern mixed = side_by_side(side_by_side(triangle, hexagon), triangle);
  CHECK(size_of(mixed) == std::to_string(6 * 6 * 2 * 12));
  CHECK(Automorphisms(mixed).orbits()[0] == 0b111000000111U);
  // The rook's graph and the Shrikhande graph: 16 vertices, same parameters, 1152 and 192 automorphisms.
  Pattern rook(16, {}), shrikhande(16, {});
  for (int u = 0; u < 16; ++u) {
    for (int v = u + 1; v < 16; ++v) {
      const int x = (u / 4 - v / 4 + 4) % 4, y = (u % 4 - v % 4 + 4) % 4;
      if (x == 0 || y == 0) rook.add_edge(u, v);
      if ((x == 0 && y % 2 == 1) || (y == 0 && x % 2 == 1) || (x == y && x % 2 == 1)) shrikhande.add_edge(u, v);
    }
  }
  CHECK(size_of(rook) == "1152");
  CHECK(size_of(shrikhande) == "192");
  const Pattern pair = side_by_side(rook, shrikhande);
  CHECK(size_of(pair) == std::to_string(1152 * 192));
  CHECK(Automorphisms(pair).orbits()[0] == 0xffffU);
}

TEST_CASE("every pattern of up to five vertices against all permutations") {
  std::mt19937 random(2);
  for (int size = 1; size <= 5; ++size) {
    std::vector<std::pair<int, int>> pairs;
    for (int v = 0; v < size; ++v) {
      for (int u = 0; u < v; ++u) pairs.emplace_back(u, v);
    }
    for (unsigned chosen = 0; chosen < 1U << pairs.size(); ++chosen) {
      Pattern pattern(size, {});
      for (std::size_t i = 0; i < pairs.size(); ++i) {
        if (((chosen >> i) & 1U) != 0) pattern.add_edge(pairs[i].first, pairs[i].second);
      }
      check_against_brute_force(pattern, 0, random);
    }
  }
}

TEST_CASE("labels, anti-edges and fixed vertices against all permutations") {
  std::mt19937 random(3);
  const test::RandomPattern makers[] = {{0.5, 0.5, 0, 0},     {0.5, 0, 0.3, 0}, {0.7, 0, 0, 0.3},
                                        {0.6, 0.2, 0.2, 0.2}, {0.1, 0.1, 0, 0}, {0.9, 0, 0, 0.05}};
  for (int round = 0; round < 1200; ++round) {
    const Pattern pattern = makers[round % 6](1 + round % 6, random);
    check_against_brute_force(pattern, 0, random);
    const Mask fixed = static_cast<Mask>(random()) & ((Mask{1} << pattern.size()) - 1);
    check_against_brute_force(pattern, fixed, random);
  }
  for (int round = 0; round < 15; ++round) check_against_brute_force(makers[round % 6](7, random), 0, random);
}

TEST_CASE("orbit sizes along any order multiply to the group") {
  std::mt19937 random(4);
  for (const Pattern& pattern :
       {named_pattern("star", {31}), named_pattern("petersen"), named_pattern("K", {5, 6, 7}),
        named_pattern("hypercube", {4}), named_pattern("friendship", {10}), named_pattern("clique", {32}),
        named_pattern("grid", {4, 4}), side_by_side(named_pattern("petersen"), named_pattern("petersen"))}) {
    const Pattern shuffled = relabelled(pattern, random);
    const Automorphisms automorphisms(shuffled);
    CHECK(text(automorphisms.size()) == size_of(pattern));
    std::vector<int> order = test::identity(pattern.size());
    for (int round = 0; round < 20; ++round) {
      std::shuffle(order.begin(), order.end(), random);
      CHECK(text(product(automorphisms.chain(order))) == text(automorphisms.size()));
    }
  }
}

TEST_CASE("conditions break symmetry, and keep what they do not break") {
  using Op = Condition::Operator;
  using Kind = Condition::Kind;
  const auto with = [](std::vector<Condition> conditions) {
    Pattern triangle = named_pattern("triangle");
    for (Condition& c : conditions) triangle.add_condition(std::move(c));
    return size_of(triangle);
  };
  CHECK(with({}) == "6");
  CHECK(with({compare(degree(0), Op::ge, number(10))}) == "2");
  CHECK(with({compare(degree(0), Op::lt, degree(1))}) == "1");
  CHECK(with({compare(degree(0), Op::eq, degree(1))}) == "2");
  CHECK(with({compare(degree(0), Op::lt, degree(1)), compare(degree(0), Op::lt, degree(2))}) == "2");
  CHECK(with({compare(degree(0), Op::lt, degree(1)), compare(degree(1), Op::lt, degree(2)),
              compare(degree(2), Op::lt, degree(0))}) == "3");
  // The same thing said in two ways.
  CHECK(with({compare(degree(0), Op::gt, number(3)), compare(number(4), Op::le, degree(1)),
              group_of(Kind::negation, {compare(degree(2), Op::lt, number(4))})}) == "6");
  CHECK(with({compare(degree(0), Op::ne, degree(1)), compare(degree(2), Op::ne, degree(1)),
              compare(degree(2), Op::ne, degree(0))}) == "6");
  CHECK(with({compare(degree(0), Op::gt, number(3)), compare(degree(0), Op::gt, number(3))}) == "2");
  // Three vertices in one condition: sorted operands.
  const auto over = [](int v) { return compare(degree(v), Op::gt, number(5)); };
  CHECK(with({group_of(Kind::any, {over(2), over(0), over(1)})}) == "6");
  CHECK(with({group_of(Kind::any, {group_of(Kind::all, {over(0), over(1)}), over(2)})}) == "2");
  CHECK(with({group_of(Kind::negation, {group_of(Kind::any, {over(2), over(0), over(1)})})}) == "6");
}

TEST_CASE("wide conditions against all permutations") {
  using Kind = Condition::Kind;
  std::mt19937 random(5);
  for (int round = 0; round < 100; ++round) {
    // Each condition is an OR over three vertices: symmetric, so an automorphism keeps the set of vertex triples.
    Pattern pattern = test::RandomPattern{0.8}(6, random);
    std::set<Mask> triples;
    for (int i = 0; i < 1 + round % 4; ++i) {
      std::vector<int> order = test::identity(6);
      std::shuffle(order.begin(), order.end(), random);
      std::vector<Condition> parts;
      Mask triple = 0;
      for (int j = 0; j < 3; ++j) {
        parts.push_back(compare(degree(order[static_cast<std::size_t>(j)]), Condition::Operator::gt, number(2)));
        triple |= Mask{1} << order[static_cast<std::size_t>(j)];
      }
      pattern.add_condition(group_of(Kind::any, parts));
      triples.insert(triple);
    }
    auto group = all_automorphisms(pattern);
    std::erase_if(group, [&](const auto& p) {
      std::set<Mask> moved;
      for (const Mask triple : triples) {
        Mask image = 0;
        for (std::size_t v = 0; v < 6; ++v) image |= ((triple >> v) & 1U) << p[v];
        moved.insert(image);
      }
      return moved != triples;
    });
    REQUIRE(size_of(pattern) == std::to_string(group.size()));
  }
}

TEST_CASE("wide conditions whose vertices and pairs all look alike") {
  // The points of a projective plane of order q, a condition for each line: every two points are on one line.
  // The group is PGL(3, q) for a prime q, of (q^3 - 1)(q^3 - q)(q^3 - q^2)/(q - 1) elements.
  struct Plane {
    int points;
    std::vector<int> difference_set;
    const char* size;
  };
  for (const Plane& plane : {Plane{7, {0, 1, 3}, "168"}, Plane{13, {0, 1, 3, 9}, "5616"}}) {
    Pattern pattern = named_pattern("clique", {plane.points});
    for (int shift = 0; shift < plane.points; ++shift) {
      std::vector<Condition> line;
      for (const int d : plane.difference_set) {
        line.push_back(compare(degree((d + shift) % plane.points), Condition::Operator::gt, number(2)));
      }
      pattern.add_condition(group_of(Condition::Kind::any, line));
    }
    CAPTURE(plane.points);
    CHECK(size_of(pattern) == plane.size);
    std::mt19937 random(6);
    const Pattern other = relabelled(pattern, random);
    CHECK(codegen::isomorphic(pattern, other));
  }
}

TEST_CASE("an order that is no permutation is refused") {
  const Automorphisms automorphisms(named_pattern("triangle"));
  CHECK_THROWS_AS(automorphisms.chain(std::vector<int>{0, 1}), InternalError);
  CHECK_THROWS_AS(automorphisms.chain(std::vector<int>{0, 1, 1}), InternalError);
  CHECK_THROWS_AS(automorphisms.chain(std::vector<int>{0, 1, 3}), InternalError);
}
