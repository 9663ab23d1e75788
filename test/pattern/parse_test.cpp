// The language: what each statement means.
#include <algorithm>
#include <functional>
#include <limits>
#include <random>

#include "codegen/pattern/canonical.hpp"
#include "galena/error.hpp"
#include "galena/pattern.hpp"
#include "test/pattern/oracle.hpp"
#include "test/support/catch.hpp"

using namespace galena;
using codegen::isomorphic;

namespace {

Query one(const std::string& text) {
  const std::vector<Query> queries = parse_queries(text);
  REQUIRE(queries.size() == 1);
  return queries.front();
}

std::string names(const Pattern& pattern) {
  std::string result;
  for (int v = 0; v < pattern.size(); ++v) result += (v > 0 ? " " : "") + pattern.vertex(v).name;
  return result;
}

LabelSet one_of(std::vector<Label> labels) { return {LabelSet::Kind::one_of, std::move(labels)}; }
LabelSet none_of(std::vector<Label> labels) { return {LabelSet::Kind::none_of, std::move(labels)}; }

}  // namespace

TEST_CASE("the contract's example file") {
  const std::vector<Query> queries = parse_queries(R"(
// a house: a square with a roof
PATTERN house = (a)--(b)--(c)--(d)--(a), (a)--(e)--(b)
COUNT house
COUNT INDUCED house                       // pairs not named must not be joined
COUNT (a)--(b)--(c), (a)!-(c)             // an anti-edge
COUNT (a:1|7)-[:3]-(b)-[:*]-(c:!2) WHERE a.degree >= 10 AND a.label <> c.label
LIST  clique(5) AS (a,b,c,d,e) LIMIT 1000000
EXISTS clique(14)
LOCAL cycle(4) BY a                       // a count for every vertex
MOTIFS 4 INDUCED
)");
  REQUIRE(queries.size() == 8);
  CHECK(queries[0].kind == QueryKind::count);
  CHECK(queries[0].text == "COUNT house");
  CHECK(isomorphic(queries[0].pattern, named_pattern("house")));
  CHECK_FALSE(queries[0].induced);
  CHECK(queries[1].induced);
  CHECK(queries[1].pattern.plain_induced());
  CHECK(queries[2].pattern.separated(0, 2));
  const Pattern& labelled = queries[3].pattern;
  CHECK(labelled.vertex(0).label == one_of({1, 7}));
  CHECK(labelled.vertex(2).label == none_of({2}));
  CHECK(labelled.edge_label(0, 1) == one_of({3}));
  CHECK(labelled.edge_label(1, 2) == LabelSet{});
  CHECK(labelled.conditions().size() == 2);
  CHECK(labelled.conditions()[1].uses_labels());
  CHECK(queries[4].kind == QueryKind::list);
  CHECK(queries[4].columns == std::vector<int>{0, 1, 2, 3, 4});
  CHECK(queries[4].limit == 1000000U);
  CHECK(queries[5].kind == QueryKind::exists);
  CHECK(queries[5].pattern.size() == 14);
  CHECK(queries[6].kind == QueryKind::local);
  CHECK(queries[6].by == 0);
  CHECK(queries[7].kind == QueryKind::motifs);
  CHECK(queries[7].motif_size == 4);
  CHECK(queries[7].induced);
}

TEST_CASE("a statement without a verb counts") {
  CHECK(one("triangle").kind == QueryKind::count);
  CHECK(one("(a)--(b)").pattern.edges().size() == 1);
  CHECK(one("INDUCED wedge").induced);
  CHECK(one("0-1 1-2 2-0").pattern == named_pattern("triangle"));
}

TEST_CASE("keywords in any case, names in theirs") {
  const Query query = one("count embeddings Induced cycle(5) where a.DEG > 1 Or b.Degree > 1");
  CHECK(query.induced);
  CHECK(query.embeddings);
  REQUIRE(query.pattern.conditions().size() == 1);
  CHECK(query.pattern.conditions()[0].kind == Condition::Kind::any);
  CHECK(parse_queries("PATTERN x = wedge; PATTERN X = triangle; x; X")[1].pattern.edges().size() == 3);
}

TEST_CASE("INDUCED and EMBEDDINGS in any order") {
  for (const char* text :
       {"COUNT INDUCED EMBEDDINGS wedge", "COUNT EMBEDDINGS INDUCED wedge", "EMBEDDINGS INDUCED wedge"}) {
    CHECK(one(text).induced);
    CHECK(one(text).embeddings);
  }
  CHECK(one("LOCAL INDUCED wedge BY a").induced);
  CHECK(one("LIST INDUCED wedge").induced);
  CHECK(one("EXISTS INDUCED wedge").induced);
  CHECK(one("MOTIFS INDUCED 3").induced);
  CHECK_FALSE(one("MOTIFS 3").induced);
}

TEST_CASE("vertices and labels") {
  const Pattern p = one("(a)--(b:1)--(c:1|7|1)--(d:!2)--(e:!2|3)--(f:*)--()--(:4)").pattern;
  CHECK(names(p) == "a b c d e f _1 _2");
  CHECK(p.vertex(0).label == LabelSet{});
  CHECK(p.vertex(1).label == one_of({1}));
  CHECK(p.vertex(2).label == one_of({1, 7}));
  CHECK(p.vertex(3).label == none_of({2}));
  CHECK(p.vertex(4).label == none_of({2, 3}));
  CHECK(p.vertex(5).label == LabelSet{});
  CHECK(p.vertex(7).label == one_of({4}));
  CHECK(p.edges().size() == 7);
  CHECK(one("(a)--(b), (a:3)--(c)").pattern.vertex(0).label == one_of({3}));
  CHECK(one("(a:3|1)--(b), (a:1|3)--(c)").pattern.vertex(0).label == one_of({1, 3}));
  CHECK(one("(a:4294967295)").pattern.vertex(0).label == one_of({4294967295U}));
}

TEST_CASE("vertices without a name are all different") {
  CHECK(one("()--(), ()--()").pattern.size() == 4);
  const Pattern p = one("()--(_1)--()").pattern;
  CHECK(p.size() == 3);
  CHECK(p.edges().size() == 2);
  CHECK(p.vertex(1).name == "_1");
  // A named pattern brings its own each time.
  CHECK(parse_queries("PATTERN p = (a)--(); p, (a)--(b); p, p(b,c)")[1].pattern.size() == 4);
  CHECK(parse_queries("PATTERN p = (a)--()\nPATTERN q = (a)--()\np, q")[0].pattern.size() == 3);
}

TEST_CASE("edges") {
  const Pattern p = one("(a)--(b)-[:3]-(c)-[:1|2]-(d)-[:!3]-(e)-[:*]-(f)-[]-(g)!-(a)!--(c)").pattern;
  CHECK(p.edge_label(1, 2) == one_of({3}));
  CHECK(p.edge_label(2, 3) == one_of({1, 2}));
  CHECK(p.edge_label(3, 4) == none_of({3}));
  CHECK(p.edge_label(4, 5) == LabelSet{});
  CHECK(p.edges().size() == 6);
  CHECK(p.separated(6, 0));
  CHECK(p.separated(0, 2));
}

TEST_CASE("named patterns can be parts, their vertices renamed") {
  CHECK(isomorphic(one("triangle, (a)--(d)").pattern, named_pattern("paw")));
  CHECK(isomorphic(one("triangle(x,y,z), triangle(x,v,w)").pattern, named_pattern("bowtie")));
  CHECK(isomorphic(one("clique(3)(a,b,c), (c)--(d)").pattern, named_pattern("paw")));
  CHECK(one("diamond, (c)!-(d)").pattern.plain_induced());
  CHECK(names(one("star(2)(hub,left,right)").pattern) == "hub left right");
  const Query nested =
      parse_queries("PATTERN p = wedge WHERE b.degree > 2\nPATTERN q = p(x,y,z), (x)--(z)\nCOUNT q").front();
  CHECK(isomorphic(nested.pattern, [] {
    Pattern triangle = named_pattern("triangle");
    Condition c;
    c.op = Condition::Operator::ge;
    c.left = {Condition::Term::Kind::degree, 1, 0};
    c.right.value = 3;
    triangle.add_condition(c);
    return triangle;
  }()));
}

TEST_CASE("a definition comes before the family of the same name") {
  CHECK(parse_queries("PATTERN house = (a)--(b); house")[0].pattern.size() == 2);
  CHECK(one("house").pattern.size() == 5);
}

TEST_CASE("conditions: NOT before AND before OR, parentheses, signs") {
  const auto conditions = [](const std::string& where) { return one("(a)--(b) WHERE " + where).pattern.conditions(); };
  const auto c = conditions("a.degree > 1 OR NOT b.label = 2 AND (a.deg <= b.degree OR a.label != b.label)");
  REQUIRE(c.size() == 1);
  CHECK(c[0].kind == Condition::Kind::any);
  REQUIRE(c[0].children.size() == 2);
  CHECK(c[0].children[1].kind == Condition::Kind::all);
  CHECK(c[0].children[1].children[0].kind == Condition::Kind::negation);
  CHECK(c[0].children[1].children[1].kind == Condition::Kind::any);
  CHECK(c[0].vertices() == 0b11);
  CHECK(conditions("a.degree > -3")[0].right.value == -3);
  CHECK(conditions("-9223372036854775808 < a.degree")[0].left.value == std::numeric_limits<std::int64_t>::min());
  CHECK(conditions("a.degree = 1 AND b.degree == 1 AND a.label < b.label").size() == 3);
  CHECK(conditions("(((a.degree = 1)))").size() == 1);
  using Op = Condition::Operator;
  const std::pair<const char*, Op> operators[] = {{"=", Op::eq}, {"==", Op::eq}, {"!=", Op::ne}, {"<>", Op::ne},
                                                  {"<", Op::lt}, {"<=", Op::le}, {">", Op::gt},  {">=", Op::ge}};
  for (const auto& [text, op] : operators) CHECK(conditions("a.degree " + std::string(text) + " 3")[0].op == op);
}

TEST_CASE("keywords can name vertices") {
  const Pattern p = one("(not)--(and)--(by) WHERE not.degree > 1 AND NOT and.degree < by.degree").pattern;
  CHECK(names(p) == "not and by");
  CHECK(p.conditions().size() == 2);
  CHECK(one("LOCAL (by)--(limit) BY by").by == 0);
}

TEST_CASE("LIST") {
  CHECK(one("LIST wedge").columns == std::vector<int>{0, 1, 2});
  CHECK(one("LIST wedge AS (c, a)").columns == std::vector<int>{2, 0});
  const Query query = one("LIST wedge ORDERED LIMIT 18446744073709551615 WHERE a.degree > 1 AS (b)");
  CHECK(query.ordered);
  CHECK(query.limit == ~std::uint64_t{0});
  CHECK(query.columns == std::vector<int>{1});
  CHECK(query.pattern.conditions().size() == 1);
  CHECK(one("COUNT wedge").columns.empty());
}

TEST_CASE("statements end at a line end when complete, or at ';'") {
  CHECK(parse_queries("triangle\nwedge\n\n\nedge").size() == 3);
  CHECK(parse_queries(";;triangle;wedge;;\n;edge;").size() == 3);
  CHECK(parse_queries("(a)--(b)\n(a)--(b)--(c)").size() == 2);
  const Query query =
      one("COUNT\n INDUCED\n (a)--\n(b)\n  --(c),  # why not\n\n (c)--(d)\n, (d)--(e)\nWHERE\na.degree >\n 3\n"
          "AND (b.degree < 3\n OR c.degree = 1\n)");
  CHECK(query.pattern.size() == 5);
  CHECK(query.pattern.conditions().size() == 2);
  CHECK(query.text ==
        "COUNT INDUCED (a)-- (b) --(c), (c)--(d) , (d)--(e) WHERE a.degree > 3 AND (b.degree < 3 OR c.degree = 1 )");
  CHECK(one("LIST triangle\n  AS (a,\n b)\n  LIMIT 3\n  ORDERED").ordered);
  CHECK(one("LOCAL triangle\nBY b\n").by == 1);
}

TEST_CASE("comments, line ends and a byte order mark") {
  CHECK(parse_queries("\xEF\xBB\xBF# caf\xC3\xA9\r\ntriangle\r\n// end\r\nwedge // last").size() == 2);
  CHECK(one("triangle#c").text == "triangle");
}

TEST_CASE("edge lists") {
  CHECK(Pattern::parse("0-1 1-2 2-0") == named_pattern("triangle"));
  CHECK(Pattern::parse("1 - 0") == named_pattern("edge"));
  CHECK(one("LIST 0-1 1-2 AS (c)").columns == std::vector<int>{2});
  CHECK(one("COUNT 0-1 1-2 WHERE b.degree > 4").pattern.conditions().size() == 1);
}

TEST_CASE("sizes from one vertex to 32, disconnected ones too") {
  CHECK(one("(a)").pattern.size() == 1);
  CHECK(one("vertex").pattern.size() == 1);
  CHECK(one("clique(12)").pattern.edges().size() == 66);
  CHECK(one("INDUCED star(31)").pattern.size() == 32);
  CHECK_FALSE(one("(a)--(b), (c)--(d)").pattern.connected());
}

TEST_CASE("Pattern::parse") {
  CHECK(Pattern::parse("clique(5)") == named_pattern("clique", {5}));
  CHECK(Pattern::parse("\n (a)--(b)\n\n").size() == 2);
  CHECK(Pattern::parse("(a)--(b) WHERE a.degree > b.degree").conditions().size() == 1);
}

TEST_CASE("to_string parses back to an equal pattern") {
  std::mt19937 random(21);
  const auto pick = [&](int count) { return static_cast<int>(random() % static_cast<unsigned>(count)); };
  const std::function<Condition(int, int)> condition = [&](int size, int depth) {
    Condition c;
    if (depth == 0 || pick(3) == 0) {
      using Kind = Condition::Term::Kind;
      c.op = static_cast<Condition::Operator>(pick(6));
      c.left = {pick(2) == 0 ? Kind::degree : Kind::label, pick(size), 0};
      c.right = pick(2) == 0 ? Condition::Term{Kind::constant, -1, pick(100) - 50}
                             : Condition::Term{Kind::label, pick(size), 0};
      if (pick(4) == 0) std::swap(c.left, c.right);
      return c;
    }
    c.kind = static_cast<Condition::Kind>(1 + pick(3));
    const int children = c.kind == Condition::Kind::negation ? 1 : 1 + pick(3);
    for (int i = 0; i < children; ++i) c.children.push_back(condition(size, depth - 1));
    return c;
  };
  for (int round = 0; round < 3000; ++round) {
    const int size = round % 50 == 0 ? 32 : 1 + pick(7);
    Pattern pattern = test::RandomPattern{0.1 * pick(11), 0.4, 0.4, 0.4}(size, random);
    for (int i = pick(4); i > 0; --i) pattern.add_condition(condition(size, 3));
    if (pick(3) == 0) pattern.set_name(pick(size), "not");
    if (pick(3) == 0) pattern.set_name(pick(size), "_1");
    const std::string text = pattern.to_string();
    if (!(Pattern::parse(text) == pattern)) FAIL(text << " became " << Pattern::parse(text).to_string());
    if (!(one("COUNT " + text).pattern == pattern)) FAIL(text);
  }
}

TEST_CASE("to_string draws long paths") {
  CHECK(named_pattern("triangle").to_string() == "(a)--(b)--(c)--(a)");
  CHECK(Pattern(3, {}).to_string() == "(a), (b), (c)");
  CHECK(one("INDUCED (a:1)-[:!2|3]-(b)--(c:!4)").pattern.to_string() == "(a:1)-[:!2|3]-(b)--(c:!4), (a)!-(c)");
}
