// After the global refinement of GraphQL (He and Singh, "Graphs-at-a-time", SIGMOD 2008) and the label counts of
// CFL-Match (Bi et al., SIGMOD 2016). A vertex of the graph holds a mask of the pattern vertices that it may stand for.

#include "src/mine/labelled/candidates.hpp"

#include <algorithm>
#include <bit>
#include <map>
#include <unordered_map>

namespace galena::mine::labelled {

namespace {

constexpr int kMatchingRounds = 3;

/// The distinct label sets of a pattern's vertices, and which of them a label is in.
class LabelClasses {
 public:
  explicit LabelClasses(const Pattern& pattern) {
    std::map<LabelSet, int> number;
    for (int v = 0; v < pattern.size(); ++v) {
      const auto [it, fresh] = number.try_emplace(pattern.vertex(v).label, static_cast<int>(sets_.size()));
      if (fresh) sets_.push_back(&it->first);
      of_vertex_.push_back(it->second);
    }
    owned_ = std::move(number);
  }

  [[nodiscard]] int size() const { return static_cast<int>(sets_.size()); }
  [[nodiscard]] int of(int v) const { return of_vertex_[at(v)]; }
  Mask holding(Label label) {
    const auto [it, fresh] = known_.try_emplace(label, 0);
    for (int c = 0; fresh && c < size(); ++c)
      if (sets_[at(c)]->contains(label)) it->second |= bit(c);
    return it->second;
  }

 private:
  std::map<LabelSet, int> owned_;
  std::vector<const LabelSet*> sets_;
  std::vector<int> of_vertex_;
  std::unordered_map<Label, Mask> known_;
};

/// Whether the vertices in `wanted` can be given one neighbour each, where so many neighbours have each mask.
class Assignment {
 public:
  void clear() { groups_.clear(); }
  void add(Mask mask) {
    for (Group& group : groups_) {
      if (group.mask != mask) continue;
      ++group.room;
      return;
    }
    groups_.push_back({mask, 1, 0});
  }

  bool saturates(Mask wanted) {
    bool whole = true;
    for_bits(wanted, [&](int w) {
      seen_.assign(groups_.size(), 0);
      whole = whole && place(w);
    });
    return whole;
  }

 private:
  struct Group {
    Mask mask;
    int room;
    Mask taken;
  };

  bool place(int w) {
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      if (seen_[g] != 0 || (groups_[g].mask & bit(w)) == 0) continue;
      seen_[g] = 1;
      if (std::popcount(groups_[g].taken) < groups_[g].room) {
        groups_[g].taken |= bit(w);
        return true;
      }
      for (Mask rest = groups_[g].taken; rest != 0; rest &= rest - 1) {
        const int other = __builtin_ctz(rest);
        if (!place(other)) continue;
        groups_[g].taken = (groups_[g].taken & ~bit(other)) | bit(w);
        return true;
      }
    }
    return false;
  }

  std::vector<Group> groups_;
  std::vector<char> seen_;
};

class Filter {
 public:
  Filter(const Shape& shape, const rt::GraphView& graph, const volatile int* stop)
      : shape_(shape), graph_(graph), stop_(stop), fits_(graph.n, 0) {
    for (const Pattern::Edge& edge : shape.pattern->edges())
      if (edge.label.kind != LabelSet::Kind::any) edges_.push_back(&edge);
  }

  Candidates run(std::vector<std::size_t>* first) {
    start();
    if (first != nullptr) *first = sizes();
    while (neighbors_round()) {
    }
    for (int round = 0; round < kMatchingRounds && matching_round(); ++round) {
      while (neighbors_round()) {
      }
    }
    return gather();
  }

 private:
  [[nodiscard]] rt::Span row(rt::vid v) const {
    return {graph_.indices + graph_.indptr[v], static_cast<rt::vid>(graph_.indptr[v + 1] - graph_.indptr[v])};
  }
  [[nodiscard]] Label label(rt::vid v) const { return graph_.vlabels == nullptr ? 0 : graph_.vlabels[v]; }

  void start() {
    LabelClasses classes(*shape_.pattern);
    std::vector<Mask> classes_of(graph_.n);
    for (rt::vid v = 0; v < graph_.n; ++v) classes_of[v] = classes.holding(label(v));
    std::vector<rt::vid> around(at(classes.size()));
    const auto needs = needed(classes);
    for (rt::vid v = 0; v < graph_.n; ++v) {
      if (classes_of[v] == 0) continue;
      const rt::Span near = row(v);
      std::fill(around.begin(), around.end(), 0);
      for (rt::vid i = 0; i < near.n; ++i) for_bits(classes_of[near.p[i]], [&](int c) { ++around[at(c)]; });
      for (int u = 0; u < shape_.size; ++u) {
        if ((classes_of[v] & bit(classes.of(u))) == 0 ||
            near.n < static_cast<rt::vid>(std::popcount(shape_.neighbors[at(u)])))
          continue;
        bool enough = true;
        for (int c = 0; c < classes.size() && enough; ++c) enough = around[at(c)] >= needs[at(u)][at(c)];
        if (enough) fits_[v] |= bit(u);
      }
      if (fits_[v] != 0) active_.push_back(v);
    }
  }

  /// By pattern vertex and class: how many neighbours it has there.
  [[nodiscard]] std::vector<std::vector<rt::vid>> needed(const LabelClasses& classes) const {
    std::vector needs(at(shape_.size), std::vector<rt::vid>(at(classes.size())));
    for (int u = 0; u < shape_.size; ++u)
      for_bits(shape_.neighbors[at(u)], [&](int w) { ++needs[at(u)][at(classes.of(w))]; });
    return needs;
  }

  /// Drops what `lost(v)` says of every vertex that is still one's candidate; whether anything went.
  template <class F>
  bool sweep(const F& lost) {
    bool changed = false;
    std::size_t left = 0;
    for (const rt::vid v : active_) {
      if (rt::raised(stop_)) return false;
      const Mask gone = lost(v);
      changed = changed || gone != 0;
      fits_[v] &= ~gone;
      if (fits_[v] != 0) active_[left++] = v;
    }
    active_.resize(left);
    return changed;
  }

  bool neighbors_round() {
    return sweep([this](rt::vid v) {
      const rt::Span near = row(v);
      Mask seen = 0, gone = 0;
      for (rt::vid i = 0; i < near.n; ++i) seen |= fits_[near.p[i]];
      for_bits(fits_[v], [&](int u) {
        if ((shape_.neighbors[at(u)] & ~seen) != 0) gone |= bit(u);
      });
      for (const Pattern::Edge* edge : edges_) {
        if ((fits_[v] & ~gone & bit(edge->u)) != 0 && !reaches(v, edge->v, edge->label)) gone |= bit(edge->u);
        if ((fits_[v] & ~gone & bit(edge->v)) != 0 && !reaches(v, edge->u, edge->label)) gone |= bit(edge->v);
      }
      return gone;
    });
  }

  /// Whether v has a candidate for w at the end of an edge with a label of the set.
  [[nodiscard]] bool reaches(rt::vid v, int w, const LabelSet& allowed) const {
    for (std::uint64_t arc = graph_.indptr[v]; arc < graph_.indptr[v + 1]; ++arc)
      if ((fits_[graph_.indices[arc]] & bit(w)) != 0 && allowed.contains(graph_.elabels[arc])) return true;
    return false;
  }

  bool matching_round() {
    return sweep([this](rt::vid v) {
      const rt::Span near = row(v);
      Mask gone = 0;
      for_bits(fits_[v], [&](int u) {
        assignment_.clear();
        for (rt::vid i = 0; i < near.n; ++i) {
          const Mask useful = fits_[near.p[i]] & shape_.neighbors[at(u)];
          if (useful != 0) assignment_.add(useful);
        }
        if (!assignment_.saturates(shape_.neighbors[at(u)])) gone |= bit(u);
      });
      return gone;
    });
  }

  [[nodiscard]] std::vector<std::size_t> sizes() const {
    std::vector<std::size_t> result(at(shape_.size));
    for (const rt::vid v : active_) for_bits(fits_[v], [&](int u) { ++result[at(u)]; });
    return result;
  }

  [[nodiscard]] Candidates gather() const {
    Candidates result(at(shape_.size));
    const std::vector<std::size_t> numbers = sizes();
    if (rt::raised(stop_) || std::count(numbers.begin(), numbers.end(), 0U) > 0) return result;
    for (int u = 0; u < shape_.size; ++u) result[at(u)].reserve(numbers[at(u)]);
    for (const rt::vid v : active_) for_bits(fits_[v], [&](int u) { result[at(u)].push_back(v); });
    return result;
  }

  const Shape& shape_;
  const rt::GraphView& graph_;
  const volatile int* stop_;
  std::vector<const Pattern::Edge*> edges_;  ///< with labels
  std::vector<Mask> fits_;                   ///< by vertex of the graph
  std::vector<rt::vid> active_;              ///< those that fit anything, increasing
  Assignment assignment_;
};

}  // namespace

Candidates find_candidates(const Shape& shape, const rt::GraphView& graph, const volatile int* stop,
                           std::vector<std::size_t>* first) {
  return Filter(shape, graph, stop).run(first);
}

}  // namespace galena::mine::labelled
