#include "codegen/parse/frequent_parser.hpp"

#include "src/base/suggest.hpp"

namespace galena::codegen {
namespace {

class FrequentParser {
 public:
  explicit FrequentParser(Cursor& cursor) : cursor_(cursor) {}

  FrequentSearch run() {
    for (;;) {
      if (incomplete()) cursor_.skip_lines();
      if (cursor_.at_word("EDGES"))
        edges();
      else if (cursor_.at_word("SUPPORT"))
        support();
      else if (cursor_.at_word("LABELS"))
        labels();
      else if (cursor_.at_word("EXISTS"))
        once(seen_exists_), search_.exact = false;
      else
        break;
    }
    if (!seen_edges_) missing("EDGES <= and the largest number of edges");
    if (!seen_support_) missing("SUPPORT >= and the least support");
    return search_;
  }

 private:
  [[nodiscard]] bool incomplete() const { return !seen_edges_ || !seen_support_; }

  [[noreturn]] void missing(const std::string& what) const {
    static const std::string kClauses[] = {"EDGES", "SUPPORT", "EXISTS", "LABELS"};
    const Token& token = cursor_.peek();
    const std::string suggestion =
        token.kind == TokenKind::word ? base::did_you_mean(cursor_.text(token), kClauses) : std::string();
    cursor_.fail(token, "FREQUENT needs " + what + ", found " + cursor_.describe(token) + suggestion);
  }

  void once(bool& seen) {
    if (seen) cursor_.fail(cursor_.peek(), cursor_.text(cursor_.peek()) + " is given twice");
    seen = true;
    cursor_.take();
  }

  void edges() {
    once(seen_edges_);
    const bool only = cursor_.accept(TokenKind::equal);
    if (!only) cursor_.expect(TokenKind::less_equal, "'<=' or '=' after EDGES");
    const Token number = cursor_.expect(TokenKind::number, "a number of edges");
    if (number.too_large || number.value < 1 || number.value > FrequentSearch::kMaxEdges)
      cursor_.fail(number, "FREQUENT takes a number of edges from 1 to " + std::to_string(FrequentSearch::kMaxEdges));
    search_.max_edges = static_cast<int>(number.value);
    if (only) search_.min_edges = search_.max_edges;
  }

  void support() {
    once(seen_support_);
    if (cursor_.at_word("MNI")) cursor_.take();
    cursor_.expect(TokenKind::greater_equal, "'>=' after SUPPORT");
    const Token number = cursor_.expect_number("a support", ~std::uint64_t{0});
    if (number.value == 0) cursor_.fail(number, "SUPPORT takes a number of at least 1");
    search_.support = number.value;
  }

  void labels() {
    once(seen_labels_);
    const bool vertices = cursor_.at_word("VERTICES");
    const bool edges = cursor_.at_word("EDGES");
    if (!vertices && !edges && !cursor_.at_word("NONE"))
      cursor_.fail_expected("VERTICES, EDGES or NONE after LABELS: the labels to tell apart");
    cursor_.take();
    search_.vertex_labels = vertices;
    search_.edge_labels = edges;
  }

  Cursor& cursor_;
  FrequentSearch search_;
  bool seen_edges_ = false, seen_support_ = false, seen_exists_ = false, seen_labels_ = false;
};

}  // namespace

FrequentSearch parse_frequent(Cursor& cursor) { return FrequentParser(cursor).run(); }

}  // namespace galena::codegen
