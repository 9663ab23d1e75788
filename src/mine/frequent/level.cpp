#include "src/mine/frequent/level.hpp"

#include <algorithm>
#include <span>
#include <unordered_set>
#include <utility>

namespace galena::mine::frequent {

namespace {

constexpr std::size_t at(int v) { return Shape::at(v); }

Shape edge_shape(std::uint32_t from, std::uint32_t edge_label, std::uint32_t to) {
  Shape shape;
  shape.add_vertex(from);
  shape.add_vertex(to);
  shape.join(0, 1, edge_label);
  return shape;
}

/// By vertex label, the vertices that have an edge of a kind, for the kinds that enough have. Edges of a kind stand near
/// each other, so what counts them takes turns, lest each addition wait for the one before.
class Ends {
 public:
  using Row = std::vector<std::pair<Kind, Domain>>;

  Ends(const LabelledGraph& graph, std::uint64_t support)
      : rows_(graph.vertex_labels().size()),
        turns_(graph.kinds() <= kFewKinds ? kTurns : 1),
        count_(turns_ * graph.kinds()),
        domain_(graph.kinds()) {
    for (std::uint32_t label = 0; label < rows_.size(); ++label) rows_[label] = row(graph, label, support);
  }

  /// In increasing order.
  [[nodiscard]] const Row& of(std::uint32_t label) const { return rows_[label]; }
  /// Null where not enough have such an edge.
  [[nodiscard]] const Domain* find(std::uint32_t label, Kind kind) const {
    const Row& row = rows_[label];
    const auto found = std::lower_bound(row.begin(), row.end(), kind,
                                        [](const auto& entry, Kind wanted) { return entry.first < wanted; });
    return found == row.end() || found->first != kind ? nullptr : &found->second;
  }

 private:
  using Groups = std::span<const LabelledGraph::Group>;
  static constexpr std::size_t kTurns = 4;
  static constexpr std::uint32_t kFewKinds = 1U << 12;

  Row row(const LabelledGraph& graph, std::uint32_t label, std::uint64_t support) {
    const vid begin = graph.begin(label), end = graph.end(label);
    const Groups groups = graph.groups(begin, end);
    const std::vector<Kind> kinds = count(groups, graph.kinds());
    const auto frequent = [&](Kind kind) { return count_[kind] >= support; };
    Row row(static_cast<std::size_t>(std::count_if(kinds.begin(), kinds.end(), frequent)));
    Domain others(row.empty() ? 0 : end - begin);
    auto next = row.begin();
    for (const Kind kind : kinds) {
      domain_[kind] = &others;
      if (frequent(kind)) {
        *next = {kind, Domain(end - begin)};
        domain_[kind] = &next++->second;
      }
      count_[kind] = 0;
    }
    if (!row.empty()) fill(groups, begin);
    return row;
  }

  /// The kinds there are, in increasing order; of how many vertices, in count_.
  std::vector<Kind> count(Groups groups, std::size_t kinds) {
    std::vector<Kind> seen;
    for (std::size_t i = 0; i < groups.size(); ++i)
      if (count_[(i & (turns_ - 1)) * kinds + groups[i].kind]++ == 0) seen.push_back(groups[i].kind);
    std::sort(seen.begin(), seen.end());
    seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
    for (const Kind kind : seen)
      for (std::size_t turn = 1; turn < turns_; ++turn) count_[kind] += std::exchange(count_[turn * kinds + kind], 0U);
    return seen;
  }

  /// Without asking which kinds are frequent: that is hard to foresee.
  void fill(Groups groups, vid begin) const {
    const std::size_t part = (groups.size() + kTurns - 1) / kTurns;
    for (std::size_t i = 0; i < part; ++i)
      for (std::size_t at = i; at < groups.size(); at += part) domain_[groups[at].kind]->add(groups[at].of - begin);
  }

  std::vector<Row> rows_;
  std::size_t turns_;
  std::vector<std::uint32_t> count_;  ///< by turn and kind, of the label at hand
  std::vector<Domain*> domain_;       ///< by kind: in the row of the label at hand
};

}  // namespace

void Level::add(FrequentShape pattern, std::u32string code) {
  index_.emplace(std::move(code), patterns_.size());
  patterns_.push_back(std::move(pattern));
}

const FrequentShape* Level::find(const std::u32string& code) const {
  const auto found = index_.find(code);
  return found == index_.end() ? nullptr : &patterns_[found->second];
}

std::uint64_t Level::bytes() const {
  std::uint64_t sum = 0;
  for (const FrequentShape& pattern : patterns_)
    for (const Domain& domain : pattern.images) sum += domain.bytes();
  return sum + patterns_.size() * sizeof(FrequentShape);
}

Level frequent_edges(const LabelledGraph& graph, std::uint64_t support) {
  const Ends ends(graph, support);
  Level level;
  for (std::uint32_t from = 0; from < graph.vertex_labels().size(); ++from) {
    for (const auto& [kind, images] : ends.of(from)) {
      const std::uint32_t to = graph.label(kind);
      if (to < from) continue;
      const Domain* const back = ends.find(to, graph.kind(graph.edge_label(kind), from));
      if (back == nullptr) continue;
      const Domain* domain[] = {&images, back};
      const Shape shape = edge_shape(from, graph.edge_label(kind), to);
      Canonical form = canonical(shape);
      FrequentShape pattern;
      pattern.shape = shape.permuted(form.order, 2);
      pattern.orbit = form.orbit;
      pattern.support = std::min(domain[0]->count(), domain[1]->count());
      for (int i = 0; i < 2; ++i)
        if (form.orbit[at(i)] == i) pattern.images[at(i)] = *domain[form.order[at(i)]];
      level.add(std::move(pattern), std::move(form.code));
    }
  }
  return level;
}

Grower::Grower(const LabelledGraph& graph, const Level& edges) : extensions_(graph.vertex_labels().size()) {
  for (const FrequentShape& pattern : edges.patterns()) {
    const std::uint32_t edge = pattern.shape.edge[0][1] - 1;
    const auto& label = pattern.shape.label;
    extensions_[label[0]].push_back({edge, label[1]});
    if (label[0] != label[1]) extensions_[label[1]].push_back({edge, label[0]});
  }
}

std::vector<Candidate> Grower::grow(const Level& level) const {
  std::vector<Candidate> candidates;
  std::unordered_set<std::u32string> seen;
  const auto consider = [&](const Shape& shape) {
    Canonical form = canonical(shape);
    if (seen.insert(std::move(form.code)).second)
      candidates.push_back({shape.permuted(form.order, shape.size), form.orbit});
  };
  for (const FrequentShape& pattern : level.patterns()) {
    for (int v = 0; v < pattern.shape.size; ++v) {
      if (pattern.orbit[at(v)] != v) continue;
      for (const Extension& extension : extensions_[pattern.shape.label[at(v)]]) {
        Shape shape = pattern.shape;
        shape.join(v, shape.add_vertex(extension.vertex_label), extension.edge_label);
        consider(shape);
        for (int w = 0; w < pattern.shape.size; ++w) {
          if (w == v || pattern.shape.adjacent(v, w)) continue;
          if (pattern.shape.label[at(w)] != extension.vertex_label) continue;
          shape = pattern.shape;
          shape.join(v, w, extension.edge_label);
          consider(shape);
        }
      }
    }
  }
  return candidates;
}

bool Grower::restrict(const Candidate& candidate, const Level& parts, Domains& possible) {
  for (int u = 0; u < candidate.shape.size; ++u) {
    for (int v = 0; v < u; ++v) {
      if (!candidate.shape.adjacent(u, v)) continue;
      Shape part = candidate.shape;
      part.cut(u, v);
      Orbits kept{};
      int count = 0;
      for (int w = 0; w < part.size; ++w)
        if (part.degree(w) > 0) kept[at(count++)] = static_cast<std::uint8_t>(w);
      part = part.permuted(kept, count);
      if (!part.connected()) continue;
      const Canonical form = canonical(part);
      const FrequentShape* frequent = parts.find(form.code);
      if (frequent == nullptr) return false;
      for (int i = 0; i < count; ++i) {
        const Domain& images = frequent->images[frequent->orbit[at(i)]];
        Domain& domain = possible[candidate.orbit[kept[form.order[at(i)]]]];
        if (domain.words() == 0)
          domain = images;
        else
          domain.intersect(images);
      }
    }
  }
  return true;
}

}  // namespace galena::mine::frequent
