#include "src/mine/labelled/search.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

#include "codegen/runtime/dispatch.hpp"

namespace galena::mine::labelled {

namespace {
constexpr std::size_t kSlack = 16;  ///< what set operations may write past a result
constexpr std::uint64_t kStepsBetweenLooks = 256;
// Nanoseconds, about.
constexpr std::uint64_t kNodeWork = 60, kSetWork = 25;
}  // namespace

Search::Search(const Shape& shape, const Space& space, const rt::GraphView& graph, const volatile int* stop,
               MatchFn on_match)
    : shape_(shape),
      space_(space),
      graph_(graph),
      sets_(rt::set_ops()),
      stop_(stop),
      on_match_(std::move(on_match)),
      taken_(graph.n, 0),
      frames_(at(shape.size) + 1) {
  // A domain is intersected once for every matched neighbour but the first, and these lists live side by side.
  std::size_t room = kSlack;
  for (int u = 0; u < shape.size; ++u) {
    room += static_cast<std::size_t>(std::popcount(shape.neighbors[at(u)])) * (space.longest(u) + kSlack);
    all_[at(u)].resize(space.candidates(u).size());
    std::iota(all_[at(u)].begin(), all_[at(u)].end(), rt::vid{0});
  }
  arena_.resize(room);
}

std::uint64_t Search::bytes() const {
  std::uint64_t sum = taken_.size() + arena_.size() * sizeof(rt::vid) + frames_.size() * sizeof(Frame);
  for (const auto& list : all_) sum += list.size() * sizeof(rt::vid);
  return sum;
}

void Search::begin() {
  for (int u = 0; u < shape_.size; ++u)
    frames_[0].domain[at(u)] = {all_[at(u)].data(), static_cast<rt::vid>(all_[at(u)].size())};
  frames_[0].arena = 0;
  outcome_ = {};
}

/// The conflict set where the prefix fails, else 0.
Mask Search::assign_all(const Prefix& prefix) {
  for (int i = 0; i < prefix.length; ++i) {
    const int u = prefix.vertex[at(i)];
    Mask conflict = refused(u, space_.candidates(u)[prefix.candidate[at(i)]]);
    if (conflict == 0) conflict = assign(i, u, prefix.candidate[at(i)]);
    if (conflict != 0) return conflict;
  }
  return 0;
}

Search::Outcome Search::run(const Prefix& prefix) {
  begin();
  Conflict conflict = assign_all(prefix);
  if (conflict == 0) conflict = search(prefix.length);
  for_bits(matched_, [this](int u) { withdraw(u); });
  outcome_.conflict = static_cast<Mask>(conflict);
  return outcome_;
}

bool Search::split(const Prefix& prefix, std::vector<Prefix>& out) {
  begin();
  const bool possible = assign_all(prefix) == 0;
  const Mask rest = shape_.all & ~matched_;
  const bool small = std::popcount(rest) <= 2 || (!on_match_ && countable(rest));
  if (possible && !small) {
    const int u = select(prefix.length);
    Prefix longer = prefix;
    longer.vertex[at(longer.length++)] = u;
    const rt::Span domain = frames_[at(prefix.length)].domain[at(u)];
    for (rt::vid i = 0; i < domain.n; ++i) {
      longer.candidate[at(prefix.length)] = domain.p[i];
      if (refused(u, space_.candidates(u)[domain.p[i]]) != 0) continue;
      if (assign(prefix.length, u, domain.p[i]) == 0) out.push_back(longer);
      withdraw(u);
    }
  }
  for_bits(matched_, [this](int u) { withdraw(u); });
  return !possible || !small;
}

bool Search::halted(int depth) {
  if ((++steps_ % kStepsBetweenLooks == 0 && rt::raised(stop_)) || work_ > limit_) {
    outcome_.whole = false;
    halted_at_ = depth;
  }
  return !outcome_.whole;
}

/// The share of a search below `depth` that was done when it was halted, as if all subtrees took alike.
double Search::progress(int depth) const {
  double share = 0, unit = 1;
  for (; depth < halted_at_; ++depth) {
    unit /= frames_[at(depth)].width;
    share += unit * frames_[at(depth)].position;
  }
  return std::max(share, unit / 2);
}

double Search::estimate(const Prefix& prefix, double budget) {
  work_ = 0;
  limit_ = static_cast<std::uint64_t>(budget);
  const bool whole = run(prefix).whole;
  limit_ = ~std::uint64_t{0};
  return static_cast<double>(work_) / (whole ? 1 : progress(prefix.length));
}

bool Search::adjacent(rt::vid v, rt::vid w) const {
  return std::binary_search(graph_.indices + graph_.indptr[v], graph_.indices + graph_.indptr[v + 1], w);
}

/// The matched vertices (one at least is among them) because of which u cannot be matched with v; 0: none.
Mask Search::refused(int u, rt::vid v) const {
  if (taken_[v] != 0) return bit(taken_[v] - 1) | bit(u);
  for (Mask rest = shape_.below[at(u)] & matched_; rest != 0; rest &= rest - 1)
    if (image_[at(std::countr_zero(rest))] > v) return (rest & -rest) | bit(u);
  for (Mask rest = shape_.above[at(u)] & matched_; rest != 0; rest &= rest - 1)
    if (image_[at(std::countr_zero(rest))] < v) return (rest & -rest) | bit(u);
  for (Mask rest = shape_.anti[at(u)] & matched_; rest != 0; rest &= rest - 1)
    if (adjacent(image_[at(std::countr_zero(rest))], v)) return (rest & -rest) | bit(u);
  return 0;
}

/// Matches u and narrows its neighbours' domains, in the frame after `depth`. Where one becomes empty: those to
/// blame, else 0. Either way the match stands until it is withdrawn.
Mask Search::assign(int depth, int u, rt::vid candidate) {
  const Frame& now = frames_[at(depth)];
  Frame& next = frames_[at(depth) + 1];
  std::copy_n(now.domain.begin(), shape_.size, next.domain.begin());
  next.arena = now.arena;
  const rt::vid v = space_.candidates(u)[candidate];
  const Mask before = matched_;
  matched_ |= bit(u);
  image_[at(u)] = v;
  taken_[v] = static_cast<std::uint8_t>(u + 1);
  for (Mask rest = shape_.neighbors[at(u)] & ~before; rest != 0; rest &= rest - 1) {
    const int w = std::countr_zero(rest);
    const rt::Span near = space_.next(u, w, candidate);
    if ((shape_.neighbors[at(w)] & before) == 0) {
      next.domain[at(w)] = near;
    } else {
      rt::vid* const out = arena_.data() + next.arena;
      next.domain[at(w)] = {out, sets_.isect(out, now.domain[at(w)], near)};
      work_ += kSetWork + (now.domain[at(w)].n + near.n) / 4;
      next.arena += next.domain[at(w)].n;
    }
    if (next.domain[at(w)].n == 0) return (shape_.neighbors[at(w)] & matched_) | bit(u);
  }
  return 0;
}

void Search::withdraw(int u) {
  matched_ &= ~bit(u);
  taken_[image_[at(u)]] = 0;
}

/// The unmatched vertex of the least domain next to a matched one; leaves after all others, unless only one
/// candidate is left.
int Search::select(int depth) const {
  const auto& domain = frames_[at(depth)].domain;
  int best = -1;
  std::uint64_t best_score = ~std::uint64_t{0};
  for (Mask rest = shape_.all & ~matched_; rest != 0; rest &= rest - 1) {
    const int u = std::countr_zero(rest);
    const Mask near = shape_.neighbors[at(u)];
    if (matched_ != 0 && (near & matched_) == 0) continue;
    const std::uint64_t size = domain[at(u)].n;
    const bool last = (shape_.leaves & bit(u)) != 0 && size > 1;
    const auto ahead = static_cast<std::uint64_t>(std::popcount(near & ~matched_));
    const std::uint64_t score = (std::uint64_t{last} << 60) | (size << 8) | (63 - ahead);
    if (score < best_score) {
      best_score = score;
      best = u;
    }
  }
  return best;
}

Search::Conflict Search::search(int depth) {
  if (halted(depth)) return kFound;
  const Mask rest = shape_.all & ~matched_;
  if (rest == 0) return match();
  if (!on_match_ && countable(rest)) return count_tail(rest);
  return branch(depth, select(depth));
}

Search::Conflict Search::branch(int depth, int u) {
  const rt::Span domain = frames_[at(depth)].domain[at(u)];
  // The domain is what the images of u's neighbours leave.
  Conflict blame = shape_.neighbors[at(u)] & matched_;
  frames_[at(depth)].width = domain.n;
  work_ += kNodeWork;
  for (rt::vid i = 0; i < domain.n; ++i) {
    frames_[at(depth)].position = i;
    Conflict conflict = refused(u, space_.candidates(u)[domain.p[i]]);
    if (conflict == 0) {
      conflict = assign(depth, u, domain.p[i]);
      if (conflict == 0) conflict = search(depth + 1);
      withdraw(u);
      if (!outcome_.whole) return kFound;
    }
    if ((conflict & (kFound | bit(u))) == 0) return conflict;  // whatever u is matched with
    blame |= conflict;
  }
  return blame & ~Conflict{bit(u)};
}

Search::Conflict Search::match() {
  ++outcome_.count;
  if (on_match_ && !on_match_(image_.data())) {
    ended_ = true;
    outcome_.whole = false;
  }
  return kFound;
}

}  // namespace galena::mine::labelled
