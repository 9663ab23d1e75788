// The grammar:
//   body      = edge-list | part { "," part }
//   edge-list = number "-" number { number "-" number }
//   part      = path | name [ "(" numbers ")" ] [ "(" vertex-names ")" ]
//   path      = vertex { ( "--" | "-[" [ ":" labels ] "]-" | "!-" ) vertex }
//   vertex    = "(" [ name ] [ ":" labels ] ")"
//   labels    = "*" | [ "!" ] number { "|" number }
#include "codegen/parse/pattern_parser.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <set>
#include <utility>

#include "codegen/parse/condition_parser.hpp"
#include "codegen/pattern/families.hpp"
#include "codegen/pattern/names.hpp"
#include "galena/error.hpp"
#include "src/base/suggest.hpp"

namespace galena::codegen {
namespace {

class PatternParser {
 public:
  PatternParser(Cursor& cursor, Definitions& definitions, Draft& draft)
      : cursor_(cursor), definitions_(definitions), draft_(draft) {}

  void body() {
    cursor_.skip_lines();
    if (cursor_.at(TokenKind::number)) return edge_list();
    do {
      cursor_.skip_lines();
      part();
    } while (cursor_.continues_over_lines(TokenKind::comma) && cursor_.accept(TokenKind::comma));
  }

 private:
  void part() {
    if (cursor_.at(TokenKind::open_paren)) return path();
    if (cursor_.at(TokenKind::word)) return reference();
    cursor_.fail_expected("a pattern: a vertex such as (a), or a name such as house");
  }

  // ----- edge lists -----

  void edge_list() {
    const Token start = cursor_.peek();
    std::vector<std::pair<int, int>> edges;
    std::vector<Token> places;
    int largest = 0;
    while (cursor_.at(TokenKind::number)) {
      places.push_back(cursor_.peek());
      const int u = vertex_number();
      cursor_.expect(TokenKind::minus, "'-' and the edge's other vertex, as in 0-1");
      const int v = vertex_number();
      places.back() = cursor_.through_last(places.back());
      edges.emplace_back(u, v);
      largest = std::max({largest, u, v});
      if (edges.size() > kMaxPatternVertices * kMaxPatternVertices) cursor_.fail(start, "too many edges");
    }
    check_dense(edges, largest, start);
    for (int v = 0; v <= largest; ++v) draft_.vertex(default_name(v), {}, start);
    for (std::size_t i = 0; i < edges.size(); ++i) draft_.edge(edges[i].first, edges[i].second, {}, places[i]);
  }

  int vertex_number() {
    const Token token = cursor_.expect(TokenKind::number, "a vertex number");
    if (token.too_large || token.value >= kMaxPatternVertices) {
      cursor_.fail(token, "vertices of an edge list are numbered from 0 to " + std::to_string(kMaxPatternVertices - 1));
    }
    return static_cast<int>(token.value);
  }

  void check_dense(const std::vector<std::pair<int, int>>& edges, int largest, const Token& start) const {
    Mask seen = 0;
    for (const auto& [u, v] : edges) seen |= (Mask{1} << u) | (Mask{1} << v);
    const int first_missing = std::countr_one(seen);
    if (first_missing <= largest) {
      cursor_.fail(start, "vertex " + std::to_string(first_missing) +
                              " has no edge; the vertices of an edge list are " +
                              "numbered 0, 1, 2, ... without a gap");
    }
  }

  // ----- paths -----

  void path() {
    int from = vertex();
    for (;;) {
      if (cursor_.continues_over_lines(TokenKind::edge)) {
        from = edge_to(from);
      } else if (cursor_.continues_over_lines(TokenKind::minus)) {
        from = bracketed_edge_to(from);
      } else if (cursor_.continues_over_lines(TokenKind::anti_edge)) {
        from = anti_edge_to(from);
      } else {
        if (cursor_.at(TokenKind::less)) cursor_.fail(cursor_.peek(), "patterns have no directions; write '--'");
        return;
      }
    }
  }

  int edge_to(int from) {
    cursor_.take();
    if (cursor_.at(TokenKind::greater)) cursor_.fail(cursor_.peek(), "patterns have no directions; write '--'");
    return join(from, {});
  }

  int bracketed_edge_to(int from) {
    const Token dash = cursor_.take();
    if (!cursor_.at(TokenKind::open_bracket)) cursor_.fail(dash, "expected '--', or '-[' and an edge label");
    const Token open = cursor_.take();
    LabelSet label;
    if (cursor_.accept(TokenKind::colon)) label = labels();
    if (!cursor_.at(TokenKind::close_bracket)) {
      if (cursor_.at(TokenKind::word))
        cursor_.fail(cursor_.peek(), "edges have no names; expected ':' and a label, or ']'");
      cursor_.fail_expected("']' to close the '[' of line " + std::to_string(cursor_.source().line(open.begin)));
    }
    cursor_.take();
    cursor_.expect(TokenKind::minus, "'-' after ']'");
    if (cursor_.at(TokenKind::greater)) cursor_.fail(cursor_.peek(), "patterns have no directions; write ']-'");
    return join(from, std::move(label));
  }

  int join(int from, LabelSet label) {
    cursor_.skip_lines();
    const Token at = cursor_.peek();
    const int to = vertex();
    draft_.edge(from, to, std::move(label), cursor_.through_last(at));
    return to;
  }

  int anti_edge_to(int from) {
    cursor_.take();
    if (cursor_.at(TokenKind::open_bracket))
      cursor_.fail(cursor_.peek(), "an anti-edge has no label; expected a vertex");
    cursor_.skip_lines();
    const Token at = cursor_.peek();
    const int to = vertex();
    draft_.anti_edge(from, to, cursor_.through_last(at));
    return to;
  }

  int vertex() {
    const Token open = cursor_.expect(TokenKind::open_paren, "a vertex such as (a)");
    std::optional<Token> name;
    if (cursor_.at(TokenKind::word)) name = cursor_.take();
    std::optional<LabelSet> label;
    if (cursor_.accept(TokenKind::colon)) label = labels();
    if (!cursor_.at(TokenKind::close_paren)) {
      cursor_.fail_expected(std::string(name || label ? "" : "a vertex name, ") + (label ? "'|' or " : "':' or ") +
                            "')' to close the '(' of column " + column(open));
    }
    cursor_.take();
    return name ? draft_.vertex(cursor_.text(*name), label, *name) : draft_.anonymous_vertex(label, open);
  }

  [[nodiscard]] std::string column(const Token& token) const {
    const std::string_view before = cursor_.source().text().substr(0, token.begin);
    const std::size_t newline = before.rfind('\n');
    return std::to_string(token.begin - (newline == std::string_view::npos ? 0 : newline + 1) + 1);
  }

  LabelSet labels() {
    LabelSet set;
    if (cursor_.accept(TokenKind::star)) return set;
    set.kind = cursor_.accept(TokenKind::bang) ? LabelSet::Kind::none_of : LabelSet::Kind::one_of;
    do {
      if (cursor_.at(TokenKind::word)) cursor_.fail_expected("a label; labels are numbers");
      set.labels.push_back(
          static_cast<Label>(cursor_.expect_number("a label", std::numeric_limits<Label>::max()).value));
    } while (cursor_.accept(TokenKind::bar));
    return set;
  }

  // ----- references -----

  void reference() {
    const Token name = cursor_.take();
    const Definition meant = resolve(name);
    definitions_.charge(cursor_, meant.pattern, name);
    draft_.include(meant, vertex_names(meant.pattern, name), name);
  }

  Definition resolve(const Token& name) {
    const std::string word = cursor_.text(name);
    const bool numbers = cursor_.at(TokenKind::open_paren) && cursor_.peek(1).kind != TokenKind::word;
    if (const Definition* defined = definitions_.find(word)) {
      if (numbers) {
        cursor_.fail(cursor_.peek(1), "'" + word + "' is defined in line " +
                                          std::to_string(cursor_.source().line(defined->at)) + " and takes no number");
      }
      return *defined;
    }
    if (!is_family(word)) fail_unknown(name);
    std::vector<int> arguments;
    if (numbers) arguments = numbers_in_parentheses();
    std::string message;
    try {
      return {named_pattern(word, arguments), 0, name.begin};
    } catch (const InputError& error) {
      message = error.what();
    }
    cursor_.fail(name, message);
  }

  std::vector<int> numbers_in_parentheses() {
    std::vector<int> numbers;
    cursor_.take();
    do {
      const Token token = cursor_.expect(TokenKind::number, "a number");
      constexpr std::uint64_t kAbsurd = 1'000'000'000;  // is refused later, with the family's limits
      numbers.push_back(static_cast<int>(token.too_large ? kAbsurd : std::min(token.value, kAbsurd)));
    } while (cursor_.accept(TokenKind::comma));
    if (!cursor_.at(TokenKind::close_paren)) cursor_.fail_expected("',' or ')' after a number");
    cursor_.take();
    return numbers;
  }

  [[noreturn]] void fail_unknown(const Token& name) const {
    const std::string word = cursor_.text(name);
    if (is_keyword(word)) {
      cursor_.fail(
          name, "expected a pattern: a vertex such as (a), or a name such as house, found the keyword '" + word + "'");
    }
    std::vector<std::string> candidates = definitions_.names();
    for (std::string& family : family_names()) candidates.push_back(std::move(family));
    candidates.insert(candidates.end(), keywords().begin(), keywords().end());
    // Any two names of one letter are near; only k for K is a likely slip.
    if (word != "k") std::erase_if(candidates, [](const std::string& other) { return other.size() == 1; });
    cursor_.fail(name, "unknown pattern '" + word + "'" + base::did_you_mean(word, candidates));
  }

  // Those of the pattern, or those given in parentheses behind its name.
  std::vector<std::string> vertex_names(const Pattern& pattern, const Token& name) {
    std::vector<std::string> names;
    if (!cursor_.at(TokenKind::open_paren)) {
      for (int v = 0; v < pattern.size(); ++v) names.push_back(pattern.vertex(v).name);
      return names;
    }
    cursor_.take();
    std::set<std::string> seen;
    do {
      const Token given = cursor_.expect(TokenKind::word, "a number or a vertex name");
      if (!seen.insert(cursor_.text(given)).second)
        cursor_.fail(given, "vertex " + cursor_.describe(given) + " is named twice");
      names.push_back(cursor_.text(given));
    } while (cursor_.accept(TokenKind::comma));
    if (!cursor_.at(TokenKind::close_paren)) cursor_.fail_expected("',' or ')' after a vertex name");
    cursor_.take();
    if (names.size() != static_cast<std::size_t>(pattern.size())) {
      cursor_.fail(name, "'" + cursor_.text(name) + "' has " + std::to_string(pattern.size()) + " vertices, but " +
                             std::to_string(names.size()) + " were named");
    }
    return names;
  }

  Cursor& cursor_;
  Definitions& definitions_;
  Draft& draft_;
};

}  // namespace

void parse_pattern_body(Cursor& cursor, Definitions& definitions, Draft& draft) {
  PatternParser(cursor, definitions, draft).body();
}

bool parse_where(Cursor& cursor, Draft& draft) {
  if (!cursor.continues_over_lines("WHERE")) return false;
  cursor.take();
  cursor.skip_lines();
  const Token at = cursor.peek();
  draft.condition(parse_condition(cursor, draft), at);
  return true;
}

}  // namespace galena::codegen
