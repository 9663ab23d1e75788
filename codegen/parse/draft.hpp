#pragma once
// A pattern as it is being read: vertices by name, with the place of each error.

#include <optional>
#include <string>
#include <vector>

#include "codegen/parse/cursor.hpp"
#include "codegen/pattern/structure.hpp"
#include "galena/pattern.hpp"

namespace galena::codegen {

/// A pattern with a name of its own.
struct Definition {
  Pattern pattern;
  Mask anonymous = 0;  ///< vertices written (): each use of the pattern has its own
  std::size_t at = 0;  ///< offset of the definition
};

class Draft {
 public:
  explicit Draft(const Cursor& cursor) : cursor_(cursor) {}

  /// The vertex called so, made where it is new. A vertex may be given its label once, or the same again.
  int vertex(const std::string& name, const std::optional<LabelSet>& label, const Token& at);
  /// A new vertex without a name.
  int anonymous_vertex(const std::optional<LabelSet>& label, const Token& at);
  void edge(int u, int v, LabelSet label, const Token& at);
  void anti_edge(int u, int v, const Token& at);
  /// A condition on vertices of the draft.
  void condition(Condition condition, const Token& at);
  /// All of another pattern, its vertices under `names`: those called alike become one.
  void include(const Definition& other, const std::vector<std::string>& names, const Token& at);

  /// The vertex with the name at the token, else an error that suggests one.
  [[nodiscard]] int find(const Token& name) const;
  [[nodiscard]] const Pattern& pattern() const { return pattern_; }
  [[nodiscard]] Definition finish() && { return {std::move(pattern_), anonymous_, 0}; }

 private:
  [[nodiscard]] int lookup(const std::string& name) const;
  int add(const std::string& name, const std::optional<LabelSet>& label, const Token& at);
  [[nodiscard]] std::string unused_name();
  void give_label(int v, const LabelSet& label, const Token& at);

  const Cursor& cursor_;
  Pattern pattern_;
  Mask anonymous_ = 0;
  Mask labelled_ = 0;    // vertices whose label was written, be it '*'
  int names_tried_ = 0;  // for vertices without a name
};

}  // namespace galena::codegen
