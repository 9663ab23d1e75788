#pragma once
// What threads share: prefixes to search below, and what is known to fail.

#include <array>
#include <cstdint>
#include <mutex>
#include <set>
#include <vector>

#include "src/mine/labelled/search.hpp"

namespace galena::mine::labelled {

/// A prefix, and which one it is.
struct Task {
  std::size_t number = 0;
  Prefix prefix;
};

/// Prefixes that are searched once each. The same for any number of threads, and of processes.
class Tasks {
 public:
  /// Splits the search until there are enough.
  Tasks(Search& search, const volatile int* stop);

  /// About how many nanoseconds all take on one core, from a few of them.
  double estimate(Search& search) const;

  [[nodiscard]] std::size_t count() const { return prefixes_.size(); }
  /// Each number is to be taken once, by anyone. False: it is done already, because it is known to fail.
  bool take(std::size_t number, Task& task);
  /// The next that is not known to fail; false: there is none.
  bool take_next(Task& task);
  /// Takes note that a prefix was searched to the end, and of its conflict set where it has no match.
  void finish(const Task& task, const Search::Outcome& outcome);
  /// By number, whether it is finished.
  [[nodiscard]] std::vector<std::uint8_t> finished();
  [[nodiscard]] double share_finished();

 private:
  /// Some of a prefix's choices, each as one number, increasing; 0 where there are fewer.
  using Choices = std::array<std::uint64_t, Prefix::kMost>;
  static Choices choices(const Prefix& prefix, unsigned positions);
  [[nodiscard]] bool fails(const Prefix& prefix) const;

  std::vector<Prefix> prefixes_;
  std::mutex mutex_;  ///< guards what follows
  std::size_t next_ = 0, finished_count_ = 0;
  std::vector<std::uint8_t> finished_;
  std::set<Choices> failing_;
};

}  // namespace galena::mine::labelled
