#pragma once
// EXISTS by a count.

#include <optional>

#include "galena/mine.hpp"
#include "src/mine/prepared.hpp"
#include "src/mine/recipe.hpp"

namespace galena::mine {

/// Watches the enumeration of an EXISTS. Most find a match at once; where none was found for a while, the pattern's count
/// is planned beside it. If algebra is cheap there, the enumeration is ended when it has taken as long as algebra is
/// estimated to take. So neither a match that is found early nor a graph without any costs much more than the better way.
class CountInstead {
 public:
  CountInstead(const Prepared& graph, const Query& query, const MineOptions& options);

  /// Whether a count may answer, and enumerating all, of so many nanoseconds, is long enough for that.
  [[nodiscard]] bool possible(double estimate) const;
  /// What the enumeration is to be run with, as long as this object lives.
  MineOptions watched();
  /// A match was found, by any thread: nothing is planned any more.
  void found() { __atomic_store_n(&found_, 1, __ATOMIC_RELAXED); }
  /// The count's recipe, by algebra, where the enumeration was ended for it.
  [[nodiscard]] const Recipe* taken_over() const { return taken_over_ ? &*recipe_ : nullptr; }

 private:
  void watch(const MineProgress& progress);

  const Prepared& graph_;
  Query count_;
  const MineOptions& options_;
  std::optional<Recipe> recipe_;  ///< once it was planned
  bool taken_over_ = false;
  volatile int found_ = 0, stop_ = 0;
};

}  // namespace galena::mine
