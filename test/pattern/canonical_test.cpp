// Canonical codes against brute-force isomorphism; motif lists against published counts.
#include "codegen/pattern/canonical.hpp"

#include <algorithm>
#include <random>
#include <set>

#include "codegen/pattern/automorphism.hpp"
#include "codegen/pattern/families.hpp"
#include "galena/error.hpp"
#include "test/pattern/oracle.hpp"
#include "test/support/catch.hpp"

using namespace galena;
using codegen::canonical_code;

namespace {

Pattern shuffled(const Pattern& pattern, std::mt19937& random) {
  std::vector<int> order = test::identity(pattern.size());
  std::shuffle(order.begin(), order.end(), random);
  return pattern.permuted(order);
}

}  // namespace

TEST_CASE("codes agree with brute-force isomorphism") {
  std::mt19937 random(11);
  const test::RandomPattern makers[] = {
      {0.5, 0, 0, 0}, {0.5, 0.3, 0, 0}, {0.6, 0, 0.3, 0}, {0.7, 0, 0, 0.3}, {0.5, 0.2, 0.2, 0.2}};
  int alike = 0;
  for (int round = 0; round < 3000; ++round) {
    const auto& make = makers[round % 5];
    const int size = 1 + round % 5;
    const Pattern a = make(size, random), b = make(size, random);
    const bool expected = test::isomorphic_by_brute_force(a, b);
    alike += expected ? 1 : 0;
    if ((canonical_code(a) == canonical_code(b)) != expected) {
      FAIL(a.to_string() << " and " << b.to_string() << " isomorphic: " << expected);
    }
  }
  CHECK(alike > 100);
}

TEST_CASE("all graphs of five vertices fall into 34 classes") {
  std::set<std::string> codes;
  for (unsigned chosen = 0; chosen < 1024; ++chosen) {
    Pattern pattern(5, {});
    unsigned rest = chosen;
    for (int v = 0; v < 5; ++v) {
      for (int u = 0; u < v; ++u, rest >>= 1) {
        if ((rest & 1U) != 0) pattern.add_edge(u, v);
      }
    }
    codes.insert(canonical_code(pattern));
  }
  CHECK(codes.size() == 34);
}

TEST_CASE("renumbering changes neither the code nor the canonical pattern") {
  std::mt19937 random(12);
  std::vector<Pattern> patterns = {named_pattern("petersen"),        named_pattern("clique", {32}),
                                   named_pattern("star", {31}),      named_pattern("hypercube", {5}),
                                   named_pattern("grid", {4, 8}),    named_pattern("K", {10, 11, 11}),
                                   named_pattern("friendship", {15})};
  for (int round = 0; round < 40; ++round) patterns.push_back(test::RandomPattern{0.4, 0.3, 0.2, 0.2}(12, random));
  for (int round = 0; round < 10; ++round) patterns.push_back(test::RandomPattern{0.2}(32, random));
  for (const Pattern& pattern : patterns) {
    const Pattern other = shuffled(pattern, random);
    const codegen::CanonicalForm a = codegen::canonical_form(pattern), b = codegen::canonical_form(other);
    CHECK(a.code == b.code);
    CHECK(test::maps_structure(pattern.permuted(a.order), other.permuted(b.order), test::identity(pattern.size())));
  }
}

TEST_CASE("graphs that refinement cannot tell apart have different codes") {
  const Pattern hexagon = named_pattern("hexagon");
  const Pattern triangles(6, {{0, 1}, {1, 2}, {2, 0}, {3, 4}, {4, 5}, {5, 3}});
  CHECK(canonical_code(hexagon) != canonical_code(triangles));
  Pattern rook(16, {}), shrikhande(16, {});
  for (int u = 0; u < 16; ++u) {
    for (int v = u + 1; v < 16; ++v) {
      const int x = (u / 4 - v / 4 + 4) % 4, y = (u % 4 - v % 4 + 4) % 4;
      if (x == 0 || y == 0) rook.add_edge(u, v);
      if ((x == 0 && y % 2 == 1) || (y == 0 && x % 2 == 1) || (x == y && x % 2 == 1)) shrikhande.add_edge(u, v);
    }
  }
  std::mt19937 random(13);
  CHECK(canonical_code(rook) != canonical_code(shrikhande));
  CHECK(canonical_code(rook) == canonical_code(shuffled(rook, random)));
  CHECK(canonical_code(shrikhande) == canonical_code(shuffled(shrikhande, random)));
  CHECK_FALSE(codegen::isomorphic(rook, shrikhande));
}

TEST_CASE("labels and conditions count, names do not") {
  Pattern a = named_pattern("wedge"), b = a;
  b.set_name(0, "x");
  CHECK(codegen::isomorphic(a, b));
  a.set_label(0, {LabelSet::Kind::one_of, {1}});
  CHECK_FALSE(codegen::isomorphic(a, b));
  b.set_label(2, {LabelSet::Kind::one_of, {1}});
  CHECK(codegen::isomorphic(a, b));
  b.set_label(2, {LabelSet::Kind::one_of, {2}});
  CHECK_FALSE(codegen::isomorphic(a, b));

  const auto less = [](int u, int v) {
    Condition c;
    c.op = Condition::Operator::lt;
    c.left = {Condition::Term::Kind::degree, u, 0};
    c.right = {Condition::Term::Kind::degree, v, 0};
    return c;
  };
  Pattern up = named_pattern("wedge"), down = up, also_up = up;
  up.add_condition(less(0, 1));
  also_up.add_condition(less(2, 1));
  down.add_condition(less(1, 0));
  CHECK(codegen::isomorphic(up, also_up));
  CHECK_FALSE(codegen::isomorphic(up, down));
}

TEST_CASE("connected motifs: as many as there are connected graphs (OEIS A001349)") {
  const std::size_t counts[] = {0, 0, 1, 2, 6, 21, 112, 853};
  for (int k = 2; k <= 7; ++k) {
    const std::vector<Motif> motifs = connected_motifs(k);
    CHECK(motifs.size() == counts[k]);
    std::set<std::string> names, codes;
    std::size_t edges = 0;
    for (const Motif& motif : motifs) {
      names.insert(motif.name);
      codes.insert(canonical_code(motif.pattern));
      CHECK(motif.pattern.edges().size() >= edges);
      edges = motif.pattern.edges().size();
      if (motif.name[0] == '0') CHECK(codegen::from_shape(motif.name) == motif.pattern);
    }
    CHECK(names.size() == motifs.size());
    CHECK(codes.size() == motifs.size());
  }
  CHECK_THROWS_AS(connected_motifs(1), InputError);
  CHECK_THROWS_AS(connected_motifs(8), InputError);
}

TEST_CASE("motifs of up to five vertices have the names of the literature") {
  const auto names = [](int k) {
    std::vector<std::string> result;
    for (const Motif& motif : connected_motifs(k)) result.push_back(motif.name);
    return result;
  };
  CHECK(names(2) == std::vector<std::string>{"edge"});
  CHECK(names(3) == std::vector<std::string>{"wedge", "triangle"});
  CHECK(names(4) ==
        std::vector<std::string>{"star(3)", "path(4)", "tailed_triangle", "cycle(4)", "diamond", "clique(4)"});
  auto five = names(5);
  std::sort(five.begin(), five.end());
  CHECK(five == std::vector<std::string>{"K(1,1,3)",
                                         "K(2,3)",
                                         "almost_clique(5)",
                                         "banner",
                                         "bowtie",
                                         "bull",
                                         "clique(5)",
                                         "cobra",
                                         "cricket",
                                         "cycle(5)",
                                         "diamond_wedge",
                                         "fork",
                                         "gem",
                                         "hatted_clique(4)",
                                         "house",
                                         "long_tailed_triangle",
                                         "path(5)",
                                         "star(4)",
                                         "stingray",
                                         "tailed_clique(4)",
                                         "wheel(4)"});
}

TEST_CASE("larger motifs are named where a family fits") {
  std::set<std::string> names;
  for (const Motif& motif : connected_motifs(6)) names.insert(motif.name);
  for (const char* name : {"star(5)", "path(6)", "cycle(6)", "clique(6)", "K(3,3)", "K(2,2,2)", "K(1,2,3)", "prism",
                           "wheel(5)", "lollipop(4,2)", "theta(1,2,4)", "barbell(3)", "net", "sun", "domino"}) {
    CAPTURE(name);
    CHECK(names.count(name) == 1);
  }
}

TEST_CASE("groups of all connected patterns of six vertices against all permutations") {
  std::mt19937 random(14);
  for (const Motif& motif : connected_motifs(6)) {
    const Pattern pattern = shuffled(motif.pattern, random);
    std::vector<int> p = test::identity(6);
    unsigned count = 0;
    do {
      count += test::maps_structure(pattern, pattern, p) ? 1 : 0;
    } while (std::next_permutation(p.begin(), p.end()));
    CAPTURE(motif.name);
    CHECK((codegen::Automorphisms(pattern).size() == count));
  }
}
