#pragma once
// What threads share: prefixes to search below, and what is known to fail.

#include <array>
#include <cstdint>
#include <mutex>
#include <set>
#include <vector>

#include "src/mine/labelled/search.hpp"

namespace galena::mine::labelled {

/// Hands out prefixes once each. The same for any number of threads.
class Tasks {
 public:
  /// Splits the search until there are enough.
  Tasks(Search& search, const volatile int* stop);

  /// About how many nanoseconds all take on one core, from a few of them.
  double estimate(Search& search) const;

  /// The next that is not known to fail; false: there is none.
  bool take(Prefix& prefix);
  /// Takes note that a prefix was searched to the end, and of its conflict set where it has no match.
  void finish(const Prefix& prefix, const Search::Outcome& outcome);
  [[nodiscard]] double done();
  [[nodiscard]] bool all_done();

 private:
  /// Some of a prefix's choices, each as one number, increasing; 0 where there are fewer.
  using Choices = std::array<std::uint64_t, Prefix::kMost>;
  static Choices choices(const Prefix& prefix, unsigned positions);
  [[nodiscard]] bool fails(const Prefix& prefix) const;

  std::vector<Prefix> prefixes_;
  std::mutex mutex_;  ///< guards what follows
  std::size_t next_ = 0, finished_ = 0;
  std::set<Choices> failing_;
};

}  // namespace galena::mine::labelled
