// The coarse model. A prefix of a matching order has about
//   n * product over later vertices of (biased_degree * closure^(j-1) * label share)
// matches, j being the number of earlier neighbours, divided by the symmetry already broken:
// a level whose orbit has c vertices in the prefix leaves one in c of the numberings. The cost
// of an order is the sum over its prefixes of matches times the price of one step. Plans of the
// best orders are then built and estimated in full (estimate.cpp) and, for long queries, sampled.

#include "codegen/passes/orders.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "codegen/passes/lower.hpp"
#include "codegen/passes/step_cost.hpp"

namespace galena::codegen {

namespace {

constexpr int kExhaustive = 7;  ///< vertices
constexpr int kMaxTail = 5;     ///< Bell(5) = 52 partitions
constexpr int kMaxTwins = 20;   ///< of a tail of twins: 20! is the largest symmetry factor below 2^63
constexpr std::size_t kBeam = 48;

struct State {
  std::vector<int> order;
  Mask used = 0;             ///< pattern vertices
  std::vector<Mask> orbits;  ///< by level, pattern vertices
  double matches = 0;        ///< of this prefix
  double spent = 0;          ///< on the prefixes before it
};

class Search {
 public:
  Search(const Pattern& pattern, const Automorphisms& group, const GraphStatistics& statistics,
         const OrderSearch& search)
      : pattern_(pattern), group_(group), stats_(statistics), options_(search), size_(pattern.size()) {
    for (const Condition& condition : pattern.conditions()) named_ |= condition.vertices();
  }

  std::vector<MatchingOrder> run() {
    State root;
    root.matches = 1;
    if (size_ <= kExhaustive)
      descend(root);
    else
      beam(root);
    std::sort(found_.begin(), found_.end(), [](const auto& a, const auto& b) { return a.cost < b.cost; });
    if (found_.size() > static_cast<std::size_t>(options_.keep)) found_.resize(static_cast<std::size_t>(options_.keep));
    for (MatchingOrder& order : found_) order.chain = chain_of(order.order);
    return found_;
  }

 private:
  [[nodiscard]] std::vector<Mask> chain_of(const std::vector<int>& order) const {
    std::vector<Mask> by_depth(order.size());
    const std::vector<std::uint32_t> chain = options_.symmetric ? group_.chain(order) : std::vector<std::uint32_t>{};
    for (std::size_t i = 0; i < order.size(); ++i) {
      by_depth[i] = bit(static_cast<int>(i));
      if (!options_.symmetric) continue;
      for (std::size_t j = 0; j < order.size(); ++j)
        if (chain[i] & bit(order[j])) by_depth[i] |= bit(static_cast<int>(j));
    }
    return by_depth;
  }

  /// The orbit of each vertex once the vertices of `state` are fixed.
  [[nodiscard]] std::vector<Mask> orbits(const State& state) const {
    if (options_.symmetric && group_.size() > 1) return group_.orbits_fixing(state.used);
    std::vector<Mask> alone(static_cast<std::size_t>(size_));
    for (int u = 0; u < size_; ++u) alone[static_cast<std::size_t>(u)] = bit(u);
    return alone;
  }

  [[nodiscard]] bool connected_choice(const State& state) const {
    for (int u = 0; u < size_; ++u)
      if (!(state.used & bit(u)) && (pattern_.neighbors(u) & state.used)) return true;
    return false;
  }

  /// The vertices that may come next: joined to the prefix where any is, one an orbit.
  [[nodiscard]] std::vector<std::pair<int, Mask>> choices(const State& state) const {
    std::vector<std::pair<int, Mask>> result;
    const bool connected = connected_choice(state);
    const std::vector<Mask> orbit = orbits(state);
    Mask covered = 0;
    for (int u = 0; u < size_; ++u) {
      if ((state.used | covered) & bit(u)) continue;
      if (state.order.empty() && options_.first >= 0 && u != options_.first) continue;
      if (connected && (pattern_.neighbors(u) & state.used) == 0) continue;
      const Mask orbit_of_u = orbit[static_cast<std::size_t>(u)];
      covered |= orbit_of_u;
      result.emplace_back(u, orbit_of_u);
    }
    return result;
  }

  /// How many candidates one match of `state` has for `u`, on average.
  [[nodiscard]] double branching(const State& state, int u) const {
    const int joined = std::popcount(pattern_.neighbors(u) & state.used);
    double candidates = stats_.vertices;
    if (joined > 0) {
      const bool from_root = state.order.size() == 1;
      candidates = (from_root ? stats_.mean_degree : stats_.biased_degree) *
                   std::pow(std::max(stats_.closure, 1e-4), joined - 1);
    }
    candidates *= stats_.vertex_share(pattern_.vertex(u).label);
    for (int w = 0; w < size_; ++w)
      if ((pattern_.neighbors(u) & state.used & bit(w))) candidates *= stats_.edge_share(pattern_.edge_label(u, w));
    for (const Condition& condition : pattern_.conditions())
      if ((condition.vertices() & bit(u)) && (condition.vertices() & ~(state.used | bit(u))) == 0) candidates *= 0.5;
    return candidates;
  }

  [[nodiscard]] double step_price(const State& state, int u) const {
    // Each further neighbour of u in the prefix costs an intersection for each match of the
    // prefix that ends in that neighbour; charged here, where u is reached.
    const int joined = std::popcount((pattern_.neighbors(u) | pattern_.anti_neighbors(u)) & state.used);
    return joined <= 1 ? step_cost::kIteration
                       : step_cost::intersect(stats_.biased_degree * std::pow(stats_.closure, joined - 2),
                                              stats_.biased_degree);
  }

  [[nodiscard]] State extended(const State& state, int u, Mask orbit_of_u) const {
    State next = state;
    next.spent += state.matches * step_price(state, u);
    next.matches = state.matches * branching(state, u);
    for (const Mask level : state.orbits) {
      if (!(level & bit(u))) continue;
      const double before = std::popcount(level & state.used);
      next.matches *= before / (before + 1);
    }
    next.spent += next.matches * step_cost::kIteration;
    next.order.push_back(u);
    next.used |= bit(u);
    next.orbits.push_back(orbit_of_u);
    return next;
  }

  /// Whether the vertices not yet used can all be counted after this prefix.
  [[nodiscard]] bool can_stop(const State& state) const {
    if (options_.walk_all || state.order.empty()) return false;
    const Mask rest = first(size_) & ~state.used;
    if (rest == 0 || (rest & named_)) return rest == 0;
    if (std::popcount(rest) > (twins(rest) ? kMaxTwins : kMaxTail)) return false;
    for (int u = 0; u < size_; ++u) {
      if (!(rest & bit(u))) continue;
      const Mask related = pattern_.neighbors(u) | pattern_.anti_neighbors(u);
      if ((related & rest) != 0 || (pattern_.neighbors(u) & state.used) == 0) return false;
    }
    return true;
  }

  /// Whether the vertices are alike: equal neighbours, labels and edge labels.
  [[nodiscard]] bool twins(Mask vertices) const {
    const int one = deepest(vertices);
    for (int u = 0; u < one; ++u) {
      if (!(vertices & bit(u))) continue;
      if (pattern_.neighbors(u) != pattern_.neighbors(one) || pattern_.vertex(u).label != pattern_.vertex(one).label)
        return false;
      for (int w = 0; w < size_; ++w)
        if (pattern_.adjacent(u, w) && pattern_.edge_label(u, w) != pattern_.edge_label(one, w)) return false;
    }
    return true;
  }

  /// The price of the sizes that finish one match of the prefix.
  [[nodiscard]] double finish_price(const State& state) const {
    double price = 0;
    Mask joint = 0;
    int rest = 0;
    for (int u = 0; u < size_; ++u) {
      if (state.used & bit(u)) continue;
      ++rest;
      joint |= pattern_.neighbors(u);
      const int last = state.order.back();
      if ((pattern_.neighbors(u) | pattern_.anti_neighbors(u)) & bit(last)) price += step_price(state, u);
    }
    if (rest > 1 && rest <= kMaxTail && (joint & bit(state.order.back())))
      price += (std::pow(2.0, rest) - 1 - rest) * step_cost::intersect(stats_.biased_degree, stats_.biased_degree);
    return price;
  }

  void finish(const State& state) {
    MatchingOrder result;
    result.order = state.order;
    for (int u = 0; u < size_; ++u)
      if (!(state.used & bit(u))) result.order.push_back(u);
    result.tail = size_ - static_cast<int>(state.order.size());
    result.cost = state.spent + state.matches * finish_price(state);
    if (static_cast<int>(found_.size()) >= 4 * options_.keep) {
      const auto worst =
          std::max_element(found_.begin(), found_.end(), [](const auto& a, const auto& b) { return a.cost < b.cost; });
      if (worst->cost <= result.cost) return;
      *worst = result;
      bound_ = std::max_element(found_.begin(), found_.end(), [](const auto& a, const auto& b) {
                 return a.cost < b.cost;
               })->cost;
    } else {
      found_.push_back(result);
      if (static_cast<int>(found_.size()) == 4 * options_.keep) bound_ = result.cost;
    }
  }

  void descend(const State& state) {
    if (can_stop(state) || state.used == first(size_)) finish(state);
    if (state.used == first(size_)) return;
    for (const auto& [u, orbit_of_u] : choices(state)) {
      const State next = extended(state, u, orbit_of_u);
      if (next.spent < bound_) descend(next);
    }
  }

  void beam(const State& root) {
    std::vector<State> layer{root};
    for (int step = 0; step < size_; ++step) {
      std::vector<State> next;
      for (const State& state : layer) {
        if (can_stop(state)) finish(state);
        for (const auto& [u, orbit_of_u] : choices(state)) next.push_back(extended(state, u, orbit_of_u));
      }
      std::sort(next.begin(), next.end(),
                [](const State& a, const State& b) { return a.spent + a.matches < b.spent + b.matches; });
      drop_repeats(next);
      layer = std::move(next);
    }
    for (const State& state : layer) finish(state);
  }

  /// States over the same vertices differ only in how they got there: the cheapest few stay.
  static void drop_repeats(std::vector<State>& states) {
    std::vector<State> kept;
    for (State& state : states) {
      const auto same = std::count_if(kept.begin(), kept.end(), [&](const State& k) { return k.used == state.used; });
      if (same < 2) kept.push_back(std::move(state));
      if (kept.size() == kBeam) break;
    }
    states = std::move(kept);
  }

  const Pattern& pattern_;
  const Automorphisms& group_;
  const GraphStatistics& stats_;
  const OrderSearch& options_;
  int size_;
  Mask named_ = 0;
  double bound_ = std::numeric_limits<double>::infinity();
  std::vector<MatchingOrder> found_;
};

}  // namespace

std::vector<MatchingOrder> search_orders(const Pattern& pattern, const Automorphisms& group,
                                         const GraphStatistics& statistics, const OrderSearch& search) {
  return Search(pattern, group, statistics, search).run();
}

}  // namespace galena::codegen
