#pragma once
// One thread's search through a candidate space.

#include <array>
#include <functional>
#include <vector>

#include "codegen/runtime/set_ops.h"
#include "src/mine/labelled/space.hpp"
#include "src/mine/labelled/tail_count.hpp"

namespace galena::mine::labelled {

/// The first choices of a search: pattern vertices and their candidates.
struct Prefix {
  static constexpr int kMost = 3;
  int length = 0;
  std::array<int, kMost> vertex{};
  std::array<rt::vid, kMost> candidate{};
};

/// Backtracking with forward checking: every unmatched vertex next to a matched one has a domain, the candidates
/// adjacent to all matched neighbours; the vertex with the least domain is matched next, leaves last. A subtree
/// without a match says which vertices' images are to blame (a conflict set, or failing set), and the search goes
/// back to the latest of these (Prosser, "Hybrid algorithms for the constraint satisfaction problem", Computational
/// Intelligence 9, 1993; Han et al., "Efficient subgraph matching", SIGMOD 2019).
class Search {
 public:
  /// Takes a match, matched[u] the image of pattern vertex u; false ends the search.
  using MatchFn = std::function<bool(const rt::vid* matched)>;

  /// Counts where `on_match` is empty.
  Search(const Shape& shape, const Space& space, const rt::GraphView& graph, const volatile int* stop,
         MatchFn on_match = {});

  /// What there is below a prefix.
  struct Outcome {
    rt::i128 count = 0;     ///< of matches
    bool whole = true;      ///< false: ended early, by the stop flag or by on_match
    Mask conflict = 0;      ///< where whole and there is none: with these images of the prefix there never is
    bool overflow = false;  ///< the count left 127 bits
  };
  Outcome run(const Prefix& prefix);
  /// About how many nanoseconds run() would take, from running it for `budget` of them at the most.
  double estimate(const Prefix& prefix, double budget);

  /// Puts the prefixes of one choice more into `out`, without those that fail at once; false where this one is
  /// better left whole.
  bool split(const Prefix& prefix, std::vector<Prefix>& out);

  [[nodiscard]] bool ended() const { return ended_; }  ///< by on_match
  [[nodiscard]] std::uint64_t bytes() const;

 private:
  /// Conflict sets; kFound stands for a subtree with matches, where nothing is skipped.
  using Conflict = std::uint64_t;
  static constexpr Conflict kFound = Conflict{1} << 63;

  struct Frame {
    std::array<rt::Span, kMaxPatternVertices> domain{};
    std::size_t arena = 0;
    rt::vid position = 0, width = 1;  ///< of the candidate that is tried, among so many
  };

  Mask assign_all(const Prefix& prefix);
  void begin();
  Conflict search(int depth);
  Conflict branch(int depth, int u);
  Conflict match();
  Conflict count_tail(Mask rest);
  bool choices(int u, Mask& blame);
  rt::i128 choices_of_one(int u, Mask& blame);
  rt::i128 ways_of(Mask group, Mask& blame);
  [[nodiscard]] bool countable(Mask rest) const;
  [[nodiscard]] Mask group_of(Mask member, Mask rest) const;
  [[nodiscard]] int select(int depth) const;
  [[nodiscard]] Mask refused(int u, rt::vid v) const;
  Mask assign(int depth, int u, rt::vid candidate);
  void withdraw(int u);
  [[nodiscard]] bool adjacent(rt::vid v, rt::vid w) const;
  bool halted(int depth);
  [[nodiscard]] double progress(int depth) const;

  const Shape& shape_;
  const Space& space_;
  const rt::GraphView& graph_;
  const rt::SetOps& sets_;
  const volatile int* stop_;
  MatchFn on_match_;
  Mask matched_ = 0;
  std::array<rt::vid, kMaxPatternVertices> image_{};
  std::vector<std::uint8_t> taken_;  ///< by vertex of the graph: 1 + the pattern vertex matched with it, or 0
  std::array<std::vector<rt::vid>, kMaxPatternVertices>
      all_;  ///< 0, 1, 2, ...: the domain where no neighbour is matched
  std::vector<Frame> frames_;
  std::vector<rt::vid> arena_;
  std::vector<std::vector<rt::vid>> tail_;
  DistinctChoices distinct_;
  std::uint64_t steps_ = 0, work_ = 0;       ///< work: some nanoseconds, counted and not measured
  std::uint64_t limit_ = ~std::uint64_t{0};  ///< of work
  int halted_at_ = 0;                        ///< depth
  Outcome outcome_;
  bool ended_ = false;
};

}  // namespace galena::mine::labelled
