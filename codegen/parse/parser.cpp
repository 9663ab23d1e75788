// Statements. The grammar (keywords in any case; see pattern_parser.cpp for `body`):
//   text       = { statement ( newline | ";" ) }
//   statement  = "PATTERN" name "=" body [ where ]
//              | [ "COUNT" | "LIST" | "EXISTS" | "LOCAL" ] { "INDUCED" | "EMBEDDINGS" } body { clause }
//              | "MOTIFS" [ "INDUCED" ] k [ "INDUCED" ]
//              | "CLIQUES" [ "<=" k ]
//              | "FREQUENT" { "EDGES" ( "<=" | "=" ) k | "SUPPORT" [ "MNI" ] ">=" n | "EXISTS"
//                             | "LABELS" ( "VERTICES" | "EDGES" | "NONE" ) }
//   clause     = where | "AS" "(" names ")" | "LIMIT" n | "ORDERED" | "BY" name | "APPROX" percent
//   percent    = n [ "." n ] "%"
//   where      = "WHERE" condition
// A statement goes on in the next line where it is not complete, or where that line starts
// with something no statement starts with (a comma, an edge, WHERE, AND, LIMIT, ...).
// The parser looks no further than the pattern's shape: symmetry and connectedness are
// questions for the planner, so parsing takes time linear in the text.
#include <string>
#include <utility>

#include "codegen/parse/frequent_parser.hpp"
#include "codegen/parse/pattern_parser.hpp"
#include "codegen/parse/texts.hpp"
#include "galena/error.hpp"
#include "galena/pattern.hpp"
#include "src/base/suggest.hpp"

namespace galena {
namespace codegen {
namespace {

class Parser {
 public:
  explicit Parser(const SourceText& source, Definitions known = {}) : cursor_(source), definitions_(std::move(known)) {}

  /// `may_only_define`: there need be none.
  std::vector<Query> queries(bool may_only_define = false) {
    std::vector<Query> result;
    bool defined = false;
    while (!at_end()) {
      if (cursor_.accept_keyword("PATTERN")) {
        definition();
        defined = true;
      } else {
        result.push_back(query());
      }
      finish_statement();
    }
    if (!result.empty() || (defined && may_only_define)) return result;
    cursor_.fail(cursor_.peek(), defined
                                     ? "the text defines patterns but asks nothing; add, for example, COUNT and a name"
                                     : "expected a query such as COUNT triangle, found nothing");
  }

  /// For the texts that follow.
  Definitions take_definitions() {
    definitions_.leave_text();
    return std::move(definitions_);
  }

  Pattern only_pattern() {
    if (at_end())
      cursor_.fail(cursor_.peek(), "expected a pattern such as (a)--(b), or a name such as house, found nothing");
    Draft draft(cursor_);
    parse_pattern_body(cursor_, definitions_, draft);
    parse_where(cursor_, draft);
    if (!at_end()) fail_trailing("',', WHERE or the end of the pattern");
    return std::move(draft).finish().pattern;
  }

 private:
  // Passes what separates statements.
  bool at_end() {
    while (cursor_.at(TokenKind::newline) || cursor_.at(TokenKind::semicolon)) cursor_.take();
    return cursor_.at(TokenKind::end);
  }

  void finish_statement() const {
    if (cursor_.at(TokenKind::newline) || cursor_.at(TokenKind::semicolon) || cursor_.at(TokenKind::end)) return;
    fail_trailing("the end of the statement");
  }

  [[noreturn]] void fail_trailing(const std::string& expected) const {
    const Token& token = cursor_.peek();
    std::string suggestion;
    if (token.kind == TokenKind::word) {
      static const std::string kClauses[] = {"WHERE", "AS", "LIMIT", "ORDERED", "BY", "APPROX", "AND", "OR"};
      if (!is_keyword(cursor_.text(token))) suggestion = base::did_you_mean(cursor_.text(token), kClauses);
    }
    cursor_.fail(token, "expected " + expected + ", found " + cursor_.describe(token) + suggestion);
  }

  // ----- PATTERN name = ... -----

  void definition() {
    const Token name = cursor_.expect(TokenKind::word, "a name for the pattern");
    const std::string word = cursor_.text(name);
    if (is_keyword(word)) cursor_.fail(name, "'" + word + "' is a keyword; choose another name for the pattern");
    if (const Definition* before = definitions_.find(word)) {
      cursor_.fail(name, "pattern '" + word + "' is already defined" +
                             (before->at == Definitions::kElsewhere
                                  ? " in the file"
                                  : " in line " + std::to_string(cursor_.source().line(before->at))));
    }
    cursor_.expect(TokenKind::equal, "'=' and the pattern");
    Draft draft(cursor_);
    parse_pattern_body(cursor_, definitions_, draft);
    parse_where(cursor_, draft);
    definitions_.charge(cursor_, draft.pattern(), name);
    Definition definition = std::move(draft).finish();
    definition.at = name.begin;
    definitions_.add(word, std::move(definition));
  }

  // ----- queries -----

  Query query() {
    const std::size_t begin = cursor_.index();
    const Token start = cursor_.peek();
    Query result;
    if (cursor_.accept_keyword("FREQUENT")) {
      result.kind = QueryKind::frequent;
      result.frequent = parse_frequent(cursor_);
    } else if (cursor_.accept_keyword("CLIQUES")) {
      cliques(result);
    } else if (cursor_.accept_keyword("MOTIFS")) {
      motifs(result);
    } else {
      result.kind = verb();
      modifiers(result);
      matching(result, start);
    }
    definitions_.charge(cursor_, result.pattern, start);
    result.text = cursor_.text_since(begin);
    return result;
  }

  QueryKind verb() {
    if (cursor_.accept_keyword("LIST")) return QueryKind::list;
    if (cursor_.accept_keyword("EXISTS")) return QueryKind::exists;
    if (cursor_.accept_keyword("LOCAL")) return QueryKind::local;
    cursor_.accept_keyword("COUNT");
    return QueryKind::count;
  }

  void modifiers(Query& query) {
    for (;;) {
      if (cursor_.continues_over_lines("INDUCED")) {
        set_once(query.induced, cursor_.take(), "INDUCED");
      } else if (cursor_.continues_over_lines("EMBEDDINGS")) {
        if (query.kind != QueryKind::count && query.kind != QueryKind::local) {
          cursor_.fail(cursor_.peek(), "EMBEDDINGS goes with COUNT and LOCAL only");
        }
        set_once(query.embeddings, cursor_.take(), "EMBEDDINGS");
      } else {
        return;
      }
    }
  }

  void set_once(bool& flag, const Token& at, const std::string& name) const {
    if (flag) cursor_.fail(at, name + " is given twice");
    flag = true;
  }

  void matching(Query& query, const Token& start) {
    Draft draft(cursor_);
    parse_pattern_body(cursor_, definitions_, draft);
    bool where = false;
    while (clause(query, draft, where)) {
    }
    if (query.kind == QueryKind::local && query.by < 0) {
      cursor_.fail(cursor_.peek(),
                   "LOCAL needs BY and the vertex to count for, found " + cursor_.describe(cursor_.peek()));
    }
    query.pattern = std::move(draft).finish().pattern;
    if (query.pattern.size() == 0) cursor_.fail(start, "the pattern is empty");
    if (query.induced) query.pattern.make_induced();
    if (query.kind != QueryKind::list || !query.columns.empty()) return;
    for (int v = 0; v < query.pattern.size(); ++v) query.columns.push_back(v);
  }

  // Takes a clause if there is one.
  bool clause(Query& query, Draft& draft, bool& where) {
    if (cursor_.continues_over_lines("WHERE")) {
      set_once(where, cursor_.peek(), "WHERE");
      return parse_where(cursor_, draft);
    }
    for (const char* keyword : {"AS", "LIMIT", "ORDERED"}) {
      if (!cursor_.continues_over_lines(keyword)) continue;
      if (query.kind != QueryKind::list) cursor_.fail(cursor_.peek(), std::string(keyword) + " goes with LIST only");
      const Token at = cursor_.take();
      *keyword == 'A'   ? columns(query, draft, at)
      : *keyword == 'L' ? limit(query, at)
                        : set_once(query.ordered, at, keyword);
      return true;
    }
    if (cursor_.continues_over_lines("APPROX")) {
      approx(query);
      return true;
    }
    if (!cursor_.continues_over_lines("BY")) return false;
    if (query.kind != QueryKind::local) cursor_.fail(cursor_.peek(), "BY goes with LOCAL only");
    const Token at = cursor_.take();
    if (query.by >= 0) cursor_.fail(at, "BY is given twice");
    query.by = draft.find(cursor_.expect(TokenKind::word, "a vertex name after BY"));
    return true;
  }

  void approx(Query& query) {
    if (query.kind != QueryKind::count) cursor_.fail(cursor_.peek(), "APPROX goes with COUNT only");
    if (query.approx > 0) cursor_.fail(cursor_.peek(), "APPROX is given twice");
    cursor_.take();
    Token number = cursor_.expect(TokenKind::number, "a percentage after APPROX, such as 1%");
    double value = number.too_large ? 100 : static_cast<double>(number.value);
    if (cursor_.accept(TokenKind::dot)) {
      const Token fraction = cursor_.expect(TokenKind::number, "digits after the decimal point");
      double unit = 1;
      for (std::size_t i = fraction.begin; i < fraction.end; ++i) unit /= 10;
      value += static_cast<double>(fraction.value) * unit;
    }
    cursor_.expect(TokenKind::percent, "'%' after the number");
    number = cursor_.through_last(number);
    if (value <= 0 || value > 50) cursor_.fail(number, "APPROX takes a percentage above 0, up to 50%");
    query.approx = value / 100;
  }

  void columns(Query& query, const Draft& draft, const Token& at) {
    if (!query.columns.empty()) cursor_.fail(at, "AS is given twice");
    cursor_.expect(TokenKind::open_paren, "'(' and vertex names after AS");
    Mask seen = 0;
    do {
      cursor_.skip_lines();
      const Token name = cursor_.expect(TokenKind::word, "a vertex name");
      const int v = draft.find(name);
      if (((seen >> v) & 1U) != 0) cursor_.fail(name, "vertex " + cursor_.describe(name) + " is listed twice");
      seen |= Mask{1} << v;
      query.columns.push_back(v);
    } while (cursor_.accept(TokenKind::comma));
    cursor_.expect(TokenKind::close_paren, "',' or ')' after a vertex name");
  }

  void limit(Query& query, const Token& at) {
    if (query.limit) cursor_.fail(at, "LIMIT is given twice");
    const Token number = cursor_.expect_number("a number of matches", ~std::uint64_t{0});
    if (number.value == 0) cursor_.fail(number, "LIMIT takes a number of at least 1");
    query.limit = number.value;
  }

  void cliques(Query& query) {
    constexpr std::uint64_t kSmallest = 3, kLargest = 1'000'000;
    query.kind = QueryKind::cliques;
    if (!cursor_.accept(TokenKind::less_equal)) return;
    const Token size = cursor_.expect_number("a number of vertices", kLargest);
    if (size.value < kSmallest) cursor_.fail(size, "CLIQUES takes a number of vertices of at least 3");
    query.motif_size = static_cast<int>(size.value);
  }

  void motifs(Query& query) {
    constexpr std::uint64_t kSmallest = 2, kLargest = 7;
    query.kind = QueryKind::motifs;
    if (cursor_.at_keyword("INDUCED")) set_once(query.induced, cursor_.take(), "INDUCED");
    const Token size = cursor_.expect(TokenKind::number, "a number of vertices after MOTIFS");
    if (size.too_large || size.value < kSmallest || size.value > kLargest) {
      cursor_.fail(size, "MOTIFS takes a number of vertices from 2 to 7");
    }
    query.motif_size = static_cast<int>(size.value);
    while (cursor_.at_keyword("INDUCED")) set_once(query.induced, cursor_.take(), "INDUCED");
  }

  Cursor cursor_;
  Definitions definitions_;
};

}  // namespace

std::vector<Query> Texts::read(std::string_view text, std::string_view source, bool may_only_define) {
  const SourceText named(text, source);
  Parser parser(named, std::move(definitions_));
  std::vector<Query> queries = parser.queries(may_only_define);
  definitions_ = parser.take_definitions();
  return queries;
}

}  // namespace codegen

Pattern Pattern::parse(std::string_view text) {
  const codegen::SourceText source(text, "pattern");
  return codegen::Parser(source).only_pattern();
}

std::vector<Query> parse_queries(std::string_view text, std::string_view source) {
  const codegen::SourceText named(text, source);
  return codegen::Parser(named).queries();
}

}  // namespace galena
