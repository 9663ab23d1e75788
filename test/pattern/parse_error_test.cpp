// What the language refuses, and how it says so.
#include <ctime>

#include "galena/error.hpp"
#include "galena/pattern.hpp"
#include "test/support/catch.hpp"

using namespace galena;
using galena::test::contains;

namespace {

std::string message(std::string_view text) {
  try {
    parse_queries(text, "q.gpm");
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

struct Case {
  std::string text;
  std::string expected;  ///< how the message begins after "q.gpm:"
};

void check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const std::string found = message(c.text);
    CHECK(found.substr(0, found.find('\n')) == "q.gpm:" + c.expected);
  }
}

}  // namespace

TEST_CASE("an error shows the line and points at the place") {
  CHECK(message("triangle\n  COUNT hosue  // here\nwedge") ==
        "q.gpm:2:9: unknown pattern 'hosue'; did you mean 'house'?\n"
        "    COUNT hosue  // here\n"
        "          ^^^^^");
  CHECK(message("COUNT (a)--(b\r\n") ==
        "q.gpm:1:14: expected ':' or ')' to close the '(' of column 12, found the end of the text\n"
        "  COUNT (a)--(b\n"
        "               ^");
  CHECK(message("COUNT\t(\xC3\xA9)") ==
        "q.gpm:1:8: a character outside ASCII (0xC3 0xA9); only comments may have them. Edges are written '--', "
        "comparisons '<=', '>=' and '<>'\n"
        "  COUNT (?\?)\n"
        "         ^^");
}

TEST_CASE("an error about an edge points at its end") {
  CHECK_THAT(message("(a)--(b:3)--(a)"), contains("1:13: (b) and (a)") && contains("              ^^^"));
  CHECK_THAT(message("0-1 12-11"), contains("1:1: vertex 2 has no edge"));
  CHECK_THAT(message("0-1 1-2 1 - 0"), contains("1:9: (b)") && contains("          ^^^^^"));
}

TEST_CASE("a long line is shown in part") {
  const std::string text = "COUNT " + std::string(1000, ' ') + "hosue" + std::string(1000, ' ') + "house";
  CHECK(message(text) == "q.gpm:1:1007: unknown pattern 'hosue'; did you mean 'house'?\n  ..." + std::string(60, ' ') +
                             "hosue" + std::string(35, ' ') + "...\n  " + std::string(63, ' ') + "^^^^^");
}

TEST_CASE("unknown names come with a suggestion") {
  check({
      {"hosue", "1:1: unknown pattern 'hosue'; did you mean 'house'?"},
      {"COUNT cliqe(4)", "1:7: unknown pattern 'cliqe'; did you mean 'clique'?"},
      {"CUONT house", "1:1: unknown pattern 'CUONT'; did you mean 'COUNT'?"},
      {"PATTERN roof = wedge\nCOUNT rof", "2:7: unknown pattern 'rof'; did you mean 'roof'?"},
      {"COUNT zzzzzz", "1:7: unknown pattern 'zzzzzz'"},
      {"COUNT later\nPATTERN later = wedge", "1:7: unknown pattern 'later'"},
      {"wedge WEHRE a.degree > 1", "1:7: expected the end of the statement, found 'WEHRE'; did you mean 'WHERE'?"},
      {"LIST wedge LIMT 3", "1:12: expected the end of the statement, found 'LIMT'; did you mean 'LIMIT'?"},
      {"(left)--(right) WHERE lefft.degree > 1", "1:23: the pattern has no vertex 'lefft'; did you mean 'left'?"},
      {"wedge WHERE z9.degree > 1", "1:13: the pattern has no vertex 'z9'; its vertices are a, b, c"},
      {"wedge WHERE a.degre > 1", "1:15: vertices have no attribute 'degre'; did you mean 'degree'?"},
      {"wedge WHERE a.colour > 1", "1:15: vertices have no attribute 'colour'; there are degree and label"},
      {"LIST wedge AS (a,bb)", "1:18: the pattern has no vertex 'bb'; did you mean 'b'?"},
      {"LOCAL wedge BY q1", "1:16: the pattern has no vertex 'q1'; its vertices are a, b, c"},
  });
}

TEST_CASE("impossible patterns") {
  check({
      {"(a)--(a)", "1:6: vertex (a) is joined to itself; a pattern's edges join two different vertices"},
      {"(a)--(b)--(a)", "1:11: (b) and (a) are already joined by an edge"},
      {"(a)--(b), (a)!-(b)", "1:16: (a) and (b) are already joined by an edge"},
      {"(a)!-(b), (b)--(a)", "1:16: (b) and (a) are already separated by an anti-edge"},
      {"triangle, (a)--(b)", "1:16: (a) and (b) are already joined by an edge"},
      {"(a:1)--(b), (a:2)--(c)", "1:14: vertex (a) already has another label; write it in one place"},
      {"(a:1)--(b), (a:*)--(c)", "1:14: vertex (a) already has another label; write it in one place"},
      {"(a:1)--(b), (a:!1)--(c)", "1:14: vertex (a) already has another label; write it in one place"},
      {"clique(33)", "1:1: clique takes numbers from 1 to 32 (k vertices), not 33; a pattern has at most 32 vertices"},
      {"clique(99999999999999999999999)",
       "1:1: clique takes numbers from 1 to 32 (k vertices), not 1000000000; a pattern has at most 32 vertices"},
      {"clique(32), (a)--(q1)", "1:19: too many vertices; a pattern has at most 32"},
      {"K(16,17)", "1:1: K(16,17) has 33 vertices; a pattern has at most 32"},
      {"clique", "1:1: clique takes one number (k vertices), not none"},
      {"house(5)", "1:1: house takes no number, not 1"},
      {"house(a,b)", "1:1: 'house' has 5 vertices, but 2 were named"},
      {"wedge(a,b,a)", "1:11: vertex 'a' is named twice"},
      {"PATTERN p = wedge; p(3)", "1:22: 'p' is defined in line 1 and takes no number"},
      {"0-1 1-1", "1:5: vertex (b) is joined to itself; a pattern's edges join two different vertices"},
      {"0-1 1-0", "1:5: (b) and (a) are already joined by an edge"},
      {"0-1 1-3", "1:1: vertex 2 has no edge; the vertices of an edge list are numbered 0, 1, 2, ... without a gap"},
      {"0-32", "1:3: vertices of an edge list are numbered from 0 to 31"},
      {"0-99999999999999999999", "1:3: vertices of an edge list are numbered from 0 to 31"},
  });
  std::string chain = "(v0)";
  for (int v = 1; v < 32; ++v) chain += "--(v" + std::to_string(v) + ")";
  CHECK(message(chain) == "no error");
  CHECK_THAT(message(chain + "--(one_more)"), contains("at most 32") && contains("^^^^^^^^"));
  CHECK_THAT(message(chain + "--()"), contains("at most 32"));
}

TEST_CASE("broken punctuation") {
  check({
      {"(a", "1:3: expected ':' or ')' to close the '(' of column 1, found the end of the text"},
      {"(", "1:2: expected a vertex name, ':' or ')' to close the '(' of column 1, found the end of the text"},
      {"(a:", "1:4: expected a label, found the end of the text"},
      {"(a:1|", "1:6: expected a label, found the end of the text"},
      {"(a:1", "1:5: expected '|' or ')' to close the '(' of column 1, found the end of the text"},
      {"(a:person)", "1:4: expected a label; labels are numbers, found 'person'"},
      {"(a:4294967296)", "1:4: the number is too large; expected a label of at most 4294967295"},
      {"(a:1|!2)", "1:6: expected a label, found '!'"},
      {"(a)-[:3-(b)", "1:8: expected ']' to close the '[' of line 1, found '-'"},
      {"(a)-[:3](b)", "1:9: expected '-' after ']', found '('"},
      {"(a)-[knows]-(b)", "1:6: edges have no names; expected ':' and a label, or ']'"},
      {"(a)-(b)", "1:4: expected '--', or '-[' and an edge label"},
      {"(a)-->(b)", "1:6: patterns have no directions; write '--'"},
      {"(a)<--(b)", "1:4: patterns have no directions; write '--'"},
      {"(a)-[:1]->(b)", "1:10: patterns have no directions; write ']-'"},
      {"(a)---(b)", "1:6: expected a vertex such as (a), found '-'"},
      {"(a)!-[:1]-(b)", "1:6: an anti-edge has no label; expected a vertex"},
      {"(a)--", "1:6: expected a vertex such as (a), found the end of the text"},
      {"(a)--(b),",
       "1:10: expected a pattern: a vertex such as (a), or a name such as house, found the end of the text"},
      {"(a)--(b) (c)", "1:10: expected the end of the statement, found '('"},
      {"COUNT", "1:6: expected a pattern: a vertex such as (a), or a name such as house, found the end of the text"},
      {"COUNT COUNT",
       "1:7: expected a pattern: a vertex such as (a), or a name such as house, found the keyword 'COUNT'"},
      {"clique(-1)", "1:8: expected a number, found '-'"},
      {"clique(3", "1:9: expected ',' or ')' after a number, found the end of the text"},
      {"clique()", "1:8: expected a number, found ')'"},
      {"0--1", "1:2: expected '-' and the edge's other vertex, as in 0-1, found '--'"},
      {"0", "1:2: expected '-' and the edge's other vertex, as in 0-1, found the end of the text"},
      {"1a", "1:1: a name starts with a letter or '_'; or put a space after the number"},
      {"(a)@(b)", "1:4: unexpected '@'; it is no part of the pattern language"},
      {"\"a\"", "1:1: unexpected '\"'; it is no part of the pattern language"},
      {std::string("(a)\0(b)", 7), "1:4: a NUL byte; expected text"},
      {std::string("triangle // \0", 13), "1:13: a NUL byte; expected text"},
      {"\x01", "1:1: unexpected byte 0x01; it is no part of the pattern language"},
      {"\xFF",
       "1:1: a character outside ASCII (0xFF); only comments may have them. Edges are written '--', "
       "comparisons '<=', '>=' and '<>'"},
      {"(" + std::string(65, 'x') + ")", "1:2: a name of 65 characters; the longest allowed is 64"},
  });
}

TEST_CASE("empty texts") {
  const std::string nothing = "1:1: expected a query such as COUNT triangle, found nothing";
  check(
      {{"", nothing},
       {" \n\t\r\n", nothing},
       {"// only a comment", nothing},
       {";;", "1:3: expected a query such as COUNT triangle, found nothing"},
       {"PATTERN p = wedge", "1:18: the text defines patterns but asks nothing; add, for example, COUNT and a name"}});
  CHECK_THROWS_WITH(Pattern::parse(""), contains("pattern:1:1: expected a pattern"));
}

TEST_CASE("conditions") {
  const std::string attribute = "expected a vertex attribute such as a.degree, or a number, found ";
  check({
      {"wedge WHERE", "1:12: " + attribute + "the end of the text"},
      {"wedge WHERE a.degree", "1:21: expected a comparison: =, <>, <, <=, > or >=, found the end of the text"},
      {"wedge WHERE a.degree >", "1:23: " + attribute + "the end of the text"},
      {"wedge WHERE a > 3", "1:13: " + attribute + "'a'"},
      {"wedge WHERE a.", "1:15: expected an attribute: degree or label, found the end of the text"},
      {"wedge WHERE 1 < 2", "1:13: a comparison of two numbers; expected an attribute such as a.degree on one side"},
      {"wedge WHERE 1 < a.degree < 5", "1:26: expected the end of the statement, found '<'"},
      {"wedge WHERE (a.degree > 1",
       "1:26: expected ')' to close the '(' of line 1, AND or OR, found the end of the text"},
      {"wedge WHERE a.degree > 1)", "1:25: expected the end of the statement, found ')'"},
      {"wedge WHERE a.degree > 1 AND", "1:29: " + attribute + "the end of the text"},
      {"wedge WHERE a.degree > 9223372036854775808",
       "1:24: the number is too large; expected a number of at most 9223372036854775807"},
      {"wedge WHERE a.degree > 1 WHERE a.degree > 2", "1:26: WHERE is given twice"},
      {"wedge WHERE a.degree => 1", "1:23: " + attribute + "'>'"},
  });
  CHECK(message("wedge WHERE " + std::string(150, '(') + "a.degree>1" + std::string(150, ')')) == "no error");
  CHECK_THAT(message("wedge WHERE " + std::string(100000, '(')), contains("nested deeper than 200"));
  std::string nots = "wedge WHERE ";
  for (int i = 0; i < 100000; ++i) nots += "NOT ";
  CHECK_THAT(message(nots), contains("nested deeper than 200"));
}

TEST_CASE("clauses where they do not belong") {
  check({
      {"COUNT wedge LIMIT 3", "1:13: LIMIT goes with LIST only"},
      {"COUNT wedge AS (a)", "1:13: AS goes with LIST only"},
      {"EXISTS wedge ORDERED", "1:14: ORDERED goes with LIST only"},
      {"COUNT wedge BY a", "1:13: BY goes with LOCAL only"},
      {"LOCAL wedge", "1:12: LOCAL needs BY and the vertex to count for, found the end of the text"},
      {"LOCAL wedge BY", "1:15: expected a vertex name after BY, found the end of the text"},
      {"LOCAL wedge BY a BY b", "1:18: BY is given twice"},
      {"LIST EMBEDDINGS wedge", "1:6: EMBEDDINGS goes with COUNT and LOCAL only"},
      {"COUNT INDUCED INDUCED wedge", "1:15: INDUCED is given twice"},
      {"LIST wedge LIMIT 18446744073709551616",
       "1:18: the number is too large; expected a number of matches of at most 18446744073709551615"},
      {"LIST wedge LIMIT 0", "1:18: LIMIT takes a number of at least 1"},
      {"LIST wedge LIMIT -1", "1:18: expected a number of matches, found '-'"},
      {"LIST wedge LIMIT 1 LIMIT 2", "1:20: LIMIT is given twice"},
      {"LIST wedge AS (a) AS (b)", "1:19: AS is given twice"},
      {"LIST wedge AS (a,a)", "1:18: vertex 'a' is listed twice"},
      {"LIST wedge AS a", "1:15: expected '(' and vertex names after AS, found 'a'"},
      {"LIST wedge AS ()", "1:16: expected a vertex name, found ')'"},
      {"LIST wedge ORDERED ORDERED", "1:20: ORDERED is given twice"},
      {"MOTIFS 1", "1:8: MOTIFS takes a number of vertices from 2 to 7"},
      {"MOTIFS 8", "1:8: MOTIFS takes a number of vertices from 2 to 7"},
      {"MOTIFS 9 INDUCED", "1:8: MOTIFS takes a number of vertices from 2 to 7"},
      {"MOTIFS 99999999999999999999", "1:8: MOTIFS takes a number of vertices from 2 to 7"},
      {"MOTIFS", "1:7: expected a number of vertices after MOTIFS, found the end of the text"},
      {"MOTIFS INDUCED 3 INDUCED", "1:18: INDUCED is given twice"},
  });
}

TEST_CASE("frequent patterns") {
  check({
      {"FREQUENT", "1:9: FREQUENT needs EDGES <= and the largest number of edges, found the end of the text"},
      {"FREQUENT EDGES <= 3", "1:20: FREQUENT needs SUPPORT >= and the least support, found the end of the text"},
      {"FREQUENT SUPPORT >= 3",
       "1:22: FREQUENT needs EDGES <= and the largest number of edges, found the end of the text"},
      {"FREQUENT EDGE <= 3",
       "1:10: FREQUENT needs EDGES <= and the largest number of edges, found 'EDGE'; did you mean 'EDGES'?"},
      {"FREQUENT EDGES < 3 SUPPORT >= 1", "1:16: expected '<=' or '=' after EDGES, found '<'"},
      {"FREQUENT EDGES <= 0 SUPPORT >= 1", "1:19: FREQUENT takes a number of edges from 1 to 12"},
      {"FREQUENT EDGES <= 13 SUPPORT >= 1", "1:19: FREQUENT takes a number of edges from 1 to 12"},
      {"FREQUENT EDGES <= 99999999999999999999 SUPPORT >= 1", "1:19: FREQUENT takes a number of edges from 1 to 12"},
      {"FREQUENT EDGES <= 3 SUPPORT > 300", "1:29: expected '>=' after SUPPORT, found '>'"},
      {"FREQUENT EDGES <= 3 SUPPORT >= 0", "1:32: SUPPORT takes a number of at least 1"},
      {"FREQUENT EDGES <= 3 SUPPORT >= 99999999999999999999",
       "1:32: the number is too large; expected a support of at most 18446744073709551615"},
      {"FREQUENT EDGES <= 3 EDGES <= 4", "1:21: EDGES is given twice"},
      {"FREQUENT EDGES <= 3 SUPPORT >= 1 LABELS ALL",
       "1:41: expected VERTICES, EDGES or NONE after LABELS: the labels to tell apart, found 'ALL'"},
      {"FREQUENT EDGES <= 3 SUPPORT >= 1 WHERE", "1:34: expected the end of the statement, found 'WHERE'"},
  });
}

TEST_CASE("definitions") {
  check({
      {"PATTERN", "1:8: expected a name for the pattern, found the end of the text"},
      {"PATTERN p", "1:10: expected '=' and the pattern, found the end of the text"},
      {"PATTERN count = wedge", "1:9: 'count' is a keyword; choose another name for the pattern"},
      {"PATTERN p = wedge\n\nPATTERN p = wedge", "3:9: pattern 'p' is already defined in line 1"},
      {"k(2,3)", "1:1: unknown pattern 'k'; did you mean 'K'?"},
      {"PATTERN p = p", "1:13: unknown pattern 'p'"},
      {"PATTERN p = wedge LIMIT 3", "1:19: expected the end of the statement, found 'LIMIT'"},
  });
}

TEST_CASE("Pattern::parse takes one pattern and nothing else") {
  CHECK_THROWS_WITH(Pattern::parse("triangle wedge"),
                    contains("pattern:1:10: expected ',', WHERE or the end of the pattern"));
  CHECK_THROWS_WITH(Pattern::parse("triangle\nwedge"), contains("pattern:2:1"));
  CHECK_THROWS_WITH(Pattern::parse("COUNT triangle"), contains("found the keyword 'COUNT'"));
  CHECK_THROWS_AS(Pattern::parse("MOTIFS 3"), InputError);
}

TEST_CASE("hostile texts are refused or read in linear time") {
  const std::clock_t start = std::clock();  // of this process alone: a busy machine does not count
  std::string doubling = "PATTERN p0 = (a) WHERE a.degree > 1\n";
  for (int i = 1; i < 60; ++i) {
    const std::string before = "p" + std::to_string(i - 1);
    doubling += "PATTERN p" + std::to_string(i) + " = " + before + "(a), " + before + "(a)\n";
  }
  CHECK_THAT(message(doubling + "COUNT p59"), contains("expands to too many"));
  std::string cliques;
  for (int i = 0; i < 100000; ++i) cliques += "clique(32)\n";
  CHECK_THAT(message(cliques), contains("expands to too many"));
  std::string conditions = "wedge WHERE a.degree > 0";
  for (int i = 0; i < 20000; ++i) conditions += " OR a.degree > 0 AND b.degree > 1";
  CHECK(message(conditions) == "no error");
  CHECK_THAT(message(std::string(1 << 20, '\n') + "@"), contains("q.gpm:1048577:1:"));
  CHECK_THAT(message(std::string(1 << 20, '9')), contains("numbered from 0 to 31"));
  CHECK_THAT(message(std::string(1 << 20, 'x')), contains("1048576 characters"));
  CHECK((std::clock() - start) / CLOCKS_PER_SEC < 20);
}
