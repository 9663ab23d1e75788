#pragma once
// EXISTS by a count.

#include <future>
#include <optional>

#include "galena/mine.hpp"
#include "src/mine/prepared.hpp"
#include "src/mine/recipe.hpp"

namespace galena::mine {

/// Watches the enumeration of an EXISTS. Most find a match at once; where none was found for a while, the pattern's count
/// is planned beside it, by a thread of its own. If algebra is cheap there, the enumeration is ended when it has taken as
/// long as algebra is estimated to take. So neither a match that is found early nor a graph without any costs much more
/// than the better way.
class CountInstead {
 public:
  /// The graph and the options must outlive it.
  CountInstead(const Prepared& graph, const Query& query, const MineOptions& options);
  CountInstead(const CountInstead&) = delete;
  CountInstead& operator=(const CountInstead&) = delete;
  /// Ends the planning.
  ~CountInstead();

  /// Whether a count may answer, and enumerating all, of so many nanoseconds, is long enough for that.
  [[nodiscard]] bool possible(double estimate) const;
  /// What the enumeration is to be run with, as long as this object lives.
  MineOptions watched();
  /// A match was found, by any thread: nothing is planned any more.
  void found() { raise(give_up_); }
  /// The count's recipe, by algebra, where the enumeration was ended for it.
  [[nodiscard]] const Recipe* taken_over() const { return taken_over_ ? &*recipe_ : nullptr; }

 private:
  static void raise(volatile int& flag) { __atomic_store_n(&flag, 1, __ATOMIC_RELAXED); }
  void watch(const MineProgress& progress);
  std::optional<Recipe> plan();

  const Prepared& graph_;
  Query count_;
  const MineOptions& options_;
  std::optional<Recipe> recipe_;  ///< once it was planned
  bool begun_ = false, taken_over_ = false;
  volatile int give_up_ = 0, stop_ = 0;          ///< the planning, the enumeration
  std::future<std::optional<Recipe>> planning_;  ///< last: it is waited for first
};

}  // namespace galena::mine
