#pragma once
// The named patterns of a text.

#include <map>
#include <string>
#include <vector>

#include "codegen/parse/cursor.hpp"
#include "codegen/parse/draft.hpp"

namespace galena::codegen {

/// The patterns a text has defined so far, and how much it may still expand to.
class Definitions {
 public:
  [[nodiscard]] const Definition* find(const std::string& name) const;
  void add(const std::string& name, Definition definition);
  [[nodiscard]] std::vector<std::string> names() const;
  /// Counts the parts of a pattern that is copied; fails at the token when a text expands to
  /// more than is sane (a short text can repeat a large pattern many times).
  void charge(const Cursor& cursor, const Pattern& pattern, const Token& at);
  /// What is defined so far was so in another text than what follows.
  void leave_text();
  static constexpr std::size_t kElsewhere = ~std::size_t{0};  ///< Definition::at then

 private:
  std::map<std::string, Definition> by_name_;
  std::size_t spent_ = 0;
};

}  // namespace galena::codegen
