// Two steps. The filter takes vertices out that lack a neighbour which could be the image of a
// neighbour, until nothing changes: arc consistency, with as many neighbours as there are equal
// ones. For many trees that decides all (decided_by_needs). Else the search looks for one match
// through each vertex left that no match so far has gone through: matches are never enumerated. A
// match is recorded for all of its vertices, each in the domain of its orbit; a vertex without one
// is out. A failing branch of the search is left for the place that its failure is due to
// (conflict-directed backjumping; P. Prosser, Computational Intelligence 9(3), 1993).

#include "src/mine/frequent/images.hpp"

#include <algorithm>
#include <bit>

#include "src/base/threads.hpp"

namespace galena::mine::frequent {

namespace {
constexpr std::size_t kPiece = 16;            ///< words a thread takes at a time
constexpr std::uint32_t kPatience = 1 << 12;  ///< steps between questions whether to stop
constexpr std::size_t at(int v) { return Shape::at(v); }
}  // namespace

/// Looks for matches through a vertex, for one thread.
class Images::Matcher {
 public:
  Matcher(Images& images, const std::vector<Step>& steps) : images_(images), steps_(steps) {}

  /// Whether some match maps the root to v; matched() is that.
  bool exists(vid v) {
    matched_[0] = v;
    std::uint32_t blame = 0;
    return extend(1, blame);
  }
  [[nodiscard]] vid matched(std::size_t position) const { return matched_[position]; }

 private:
  using Span = std::span<const vid>;

  /// False: no way on, because of what stands at the positions in `blame`.
  bool extend(std::size_t i, std::uint32_t& blame) {
    if (i == steps_.size()) return true;
    const Step& step = steps_[i];
    std::array<Span, kMaxVertices> around;
    std::size_t shortest = 0;
    for (std::size_t a = 0; a < step.anchors.size(); ++a) {
      around[a] = images_.request_.graph->neighbors(matched_[step.anchors[a].position], step.anchors[a].kind);
      if (around[a].size() < around[shortest].size()) shortest = a;
      blame |= 1U << step.anchors[a].position;
    }
    const Domain& domain = images_.possible_[step.orbit];
    const vid first = images_.first(step.vertex);
    for (const vid x : around[shortest]) {
      if (++steps_taken_ % kPatience == 0 && images_.request_.stop()) images_.stopped_ = true;
      if (images_.stopped()) return false;
      if (!domain.test(x - first) || !in_all(x, around, step.anchors.size(), shortest)) continue;
      if (const std::uint32_t same = position_of(x, step.alike); same != 0) {
        blame |= same;
        continue;
      }
      matched_[i] = x;
      std::uint32_t beyond = 0;
      if (extend(i + 1, beyond)) return true;
      if (((beyond >> i) & 1U) == 0) {  // no other choice here would help
        blame = beyond;
        return false;
      }
      blame |= beyond & ~(1U << i);
    }
    return false;
  }

  [[nodiscard]] static bool in_all(vid x, const std::array<Span, kMaxVertices>& around, std::size_t count,
                                   std::size_t but) {
    for (std::size_t a = 0; a < count; ++a)
      if (a != but && !std::binary_search(around[a].begin(), around[a].end(), x)) return false;
    return true;
  }

  /// The bit of the position among `positions` that holds x, or 0.
  [[nodiscard]] std::uint32_t position_of(vid x, std::uint32_t positions) const {
    for (; positions != 0; positions &= positions - 1) {
      const auto position = static_cast<std::size_t>(std::countr_zero(positions));
      if (matched_[position] == x) return 1U << position;
    }
    return 0;
  }

  Images& images_;
  const std::vector<Step>& steps_;
  std::array<vid, kMaxVertices> matched_{};
  std::uint32_t steps_taken_ = 0;
};

Images::Images(const ImageRequest& request, Domains& possible) : request_(request), possible_(possible) {
  for (int v = 0; v < request.shape->size; ++v)
    if (request.orbit[at(v)] == v) orbits_.push_back(at(v));
}

std::uint64_t Images::find() {
  std::uint64_t least = ~std::uint64_t{0};
  for (const std::size_t orbit : orbits_) {
    left_[orbit] = possible_[orbit].count();
    if (!enough(orbit)) return 0;
  }
  find_needs();
  if (!filter() || (!decided_by_needs() && !search())) return 0;
  if (!request_.exact) return request_.support;
  for (const std::size_t orbit : orbits_) least = std::min(least, left_[orbit].load());
  return least;
}

void Images::find_needs() {
  const Shape& shape = *request_.shape;
  for (const std::size_t orbit : orbits_) {
    std::vector<Need>& needs = needs_[orbit];
    const auto v = static_cast<int>(orbit);
    for (int w = 0; w < shape.size; ++w) {
      if (!shape.adjacent(v, w)) continue;
      const Kind kind = request_.graph->kind(shape.edge[orbit][at(w)] - 1, shape.label[at(w)]);
      const auto same = [&](const Need& need) { return need.kind == kind && need.orbit == request_.orbit[at(w)]; };
      const auto place = std::find_if(needs.begin(), needs.end(), same);
      if (place != needs.end())
        ++place->count;
      else
        needs.push_back({kind, request_.orbit[at(w)], 1, 0});
    }
    for (Need& need : needs)
      for (const Need& other : needs) need.all += other.kind == need.kind ? other.count : 0;
  }
}

/// Whether every vertex that has the neighbours it needs is an image: in a tree, where two vertices
/// could have the same image only if both are neighbours of a third and of one orbit. Their images are
/// chosen from the root on: needs leave enough different ones for each vertex's neighbours.
bool Images::decided_by_needs() const {
  const Shape& shape = *request_.shape;
  if (shape.edges() != shape.size - 1) return false;
  for (int u = 0; u < shape.size; ++u) {
    for (int v = u + 1; v < shape.size; ++v) {
      if (shape.label[at(u)] != shape.label[at(v)] || shape.adjacent(u, v)) continue;
      bool apart = false;
      for (int w = 0; w < shape.size; ++w) {
        if (!shape.adjacent(u, w) || !shape.adjacent(v, w)) continue;
        apart = shape.edge[at(u)][at(w)] != shape.edge[at(v)][at(w)] || request_.orbit[at(u)] == request_.orbit[at(v)];
      }
      if (!apart) return false;
    }
  }
  return true;
}

void Images::for_pieces(std::size_t words, const std::function<void(std::size_t, std::size_t)>& work) {
  if (request_.threads == 1 || words <= kPiece) return work(0, words);
  base::ErrorTrap trap;
#pragma omp parallel for schedule(dynamic) num_threads(request_.threads)
  for (std::size_t begin = 0; begin < words; begin += kPiece)
    trap.run(begin, [&] { work(begin, std::min(words, begin + kPiece)); });
  trap.rethrow();
}

bool Images::meets(vid v, const Need& need) const {
  const auto around = request_.graph->neighbors(v, need.kind);
  if (around.size() < need.all) return false;
  const Domain& domain = possible_[need.orbit];
  const vid begin = first(need.orbit);
  std::uint32_t missing = need.count;
  for (const vid x : around)
    if (domain.test(x - begin) && --missing == 0) return true;
  return false;
}

/// Takes out the vertices that lack a neighbour they need. Returns which needs of the orbit's some lacked.
std::uint32_t Images::revise(std::size_t orbit) {
  const vid begin = first(static_cast<int>(orbit));
  Domain& domain = possible_[orbit];
  const std::vector<Need>& needs = needs_[orbit];
  std::atomic<std::uint32_t> lacked{0};
  for_pieces(domain.words(), [&](std::size_t word, std::size_t last) {
    if (request_.stop()) stopped_ = true;
    std::uint32_t lacked_here = 0;
    for (; word < last && !stopped() && enough(orbit); ++word) {
      std::uint64_t out = 0;
      for (std::uint64_t bits = domain.word(word); bits != 0; bits &= bits - 1) {
        const auto v = static_cast<vid>(begin + 64 * word + static_cast<std::uint64_t>(std::countr_zero(bits)));
        std::size_t i = 0;
        while (i < needs.size() && meets(v, needs[i])) ++i;
        if (i == needs.size()) continue;
        lacked_here |= 1U << i;
        out |= bits & -bits;
      }
      if (out == 0) continue;
      domain.clear_bits(word, out);
      left_[orbit] -= static_cast<std::uint64_t>(std::popcount(out));
    }
    lacked |= lacked_here;
  });
  return lacked;
}

/// Whether a vertex of `orbit` may lack this need now that `changed` lost vertices, which lacked those needs of theirs.
/// Not where all that went had not one neighbour in `orbit` by such an edge.
bool Images::concerned(std::size_t orbit, const Need& need, std::size_t changed, std::uint32_t lacked) const {
  if (need.orbit != changed) return false;
  if (!std::has_single_bit(lacked)) return true;
  const Need& reason = needs_[changed][static_cast<std::size_t>(std::countr_zero(lacked))];
  const LabelledGraph& graph = *request_.graph;
  return reason.orbit != orbit || reason.all > 1 || graph.edge_label(reason.kind) != graph.edge_label(need.kind);
}

/// To the greatest set of vertices that meet their needs by one another. False: too few are left.
bool Images::filter() {
  std::uint32_t due = 0;
  for (const std::size_t orbit : orbits_) due |= 1U << orbit;
  while (due != 0) {
    std::size_t next = static_cast<std::size_t>(std::countr_zero(due));
    for (const std::size_t orbit : orbits_)
      if (((due >> orbit) & 1U) != 0 && left_[orbit] < left_[next]) next = orbit;
    due &= ~(1U << next);
    const std::uint64_t before = left_[next];
    const std::uint32_t lacked = revise(next);
    if (stopped() || !enough(next)) return false;
    if (left_[next] == before) continue;
    for (const std::size_t orbit : orbits_)
      for (const Need& need : needs_[orbit]) due |= concerned(orbit, need, next, lacked) ? 1U << orbit : 0U;
  }
  return true;
}

/// Next comes the vertex with the most neighbours before it, then that with the smallest domain.
std::vector<Images::Step> Images::steps_from(int root) const {
  const Shape& shape = *request_.shape;
  std::vector<Step> steps;
  std::array<int, kMaxVertices> anchors{};
  std::uint32_t placed = 0;
  for (int v = root; v >= 0;) {
    Step step;
    step.vertex = static_cast<std::uint8_t>(v);
    step.orbit = request_.orbit[at(v)];
    for (std::size_t p = 0; p < steps.size(); ++p) {
      const std::uint32_t edge = shape.edge[steps[p].vertex][at(v)];
      if (edge != 0)
        step.anchors.push_back({static_cast<std::uint8_t>(p), request_.graph->kind(edge - 1, shape.label[at(v)])});
      else if (shape.label[steps[p].vertex] == shape.label[at(v)])
        step.alike |= 1U << p;
    }
    steps.push_back(std::move(step));
    placed |= 1U << v;
    for (int w = 0; w < shape.size; ++w) anchors[at(w)] += shape.adjacent(v, w) ? 1 : 0;
    v = -1;
    for (int w = 0; w < shape.size; ++w) {
      if (((placed >> w) & 1U) != 0 || anchors[at(w)] == 0) continue;
      const auto rank = [&](int x) { return std::pair(-anchors[at(x)], left_[request_.orbit[at(x)]].load()); };
      if (v < 0 || rank(w) < rank(v)) v = w;
    }
  }
  return steps;
}

/// False: some orbit has too few images.
bool Images::search() {
  std::vector<std::size_t> order = orbits_;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(left_[a].load(), a) < std::pair(left_[b].load(), b);
  });
  for (const std::size_t orbit : orbits_) found_[orbit] = Domain(64 * possible_[orbit].words());
  for (const std::size_t orbit : order) {
    search_orbit(orbit);
    if (stopped() || !enough(orbit)) return false;
  }
  return true;
}

void Images::search_orbit(std::size_t orbit) {
  const std::vector<Step> steps = steps_from(static_cast<int>(orbit));
  const vid begin = first(static_cast<int>(orbit));
  const auto done = [&] {
    return stopped() || !enough(orbit) ||
           (!request_.exact && seen_[orbit].load(std::memory_order_relaxed) >= request_.support);
  };
  for_pieces(possible_[orbit].words(), [&](std::size_t word, std::size_t last) {
    Matcher matcher(*this, steps);
    if (request_.stop()) stopped_ = true;
    for (; word < last; ++word) {
      for (std::uint64_t bits = possible_[orbit].word(word); bits != 0 && !done(); bits &= bits - 1) {
        const std::uint64_t rank = 64 * word + static_cast<std::uint64_t>(std::countr_zero(bits));
        if (found_[orbit].test(rank)) continue;
        if (matcher.exists(static_cast<vid>(begin + rank))) {
          for (std::size_t i = 0; i < steps.size(); ++i)
            if (found_[steps[i].orbit].set(matcher.matched(i) - first(steps[i].vertex))) ++seen_[steps[i].orbit];
        } else if (!stopped()) {
          possible_[orbit].clear(rank);
          --left_[orbit];
        }
      }
    }
  });
}

}  // namespace galena::mine::frequent
