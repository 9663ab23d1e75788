// The end of a count: the last vertices, which are not adjacent, are counted without being matched.

#include <algorithm>
#include <bit>

#include "src/mine/labelled/search.hpp"

namespace galena::mine::labelled {

namespace {
constexpr std::uint64_t kTailWork = 60;  ///< nanoseconds, about
}

/// Whether no two of these say anything of each other but that they are distinct, and few at a time even that.
bool Search::countable(Mask rest) const {
  for (Mask left = rest; left != 0; left &= left - 1)
    if ((shape_.related[at(std::countr_zero(left))] & rest) != 0) return false;
  for (Mask left = rest; left != 0;) {
    const Mask group = group_of(left & -left, rest);
    if (std::popcount(group) > static_cast<int>(kMostTogether)) return false;
    left &= ~group;
  }
  return true;
}

/// Those of `rest` that share candidates with a member, or with one that does, and so on.
Mask Search::group_of(Mask member, Mask rest) const {
  Mask group = member;
  for (Mask old = 0; old != group;) {
    old = group;
    for_bits(old, [&](int u) { group |= space_.sharing(u) & rest; });
  }
  return group;
}

/// Fills the next of tail_ with the images that u may have, given all that is matched; false where there are none.
bool Search::choices(int u, Mask& blame) {
  std::vector<rt::vid>& list = tail_.emplace_back();
  const rt::Span domain = frames_[at(std::popcount(matched_))].domain[at(u)];
  blame |= shape_.neighbors[at(u)] & matched_;
  work_ += 4 * std::uint64_t{domain.n};
  for (rt::vid i = 0; i < domain.n; ++i) {
    const rt::vid v = space_.candidates(u)[domain.p[i]];
    const Mask conflict = refused(u, v);
    if (conflict == 0) list.push_back(v);
    blame |= conflict & ~bit(u);
  }
  return !list.empty();
}

/// As many as choices() finds, without writing them down.
rt::i128 Search::choices_of_one(int u, Mask& blame) {
  const rt::Span domain = frames_[at(std::popcount(matched_))].domain[at(u)];
  if ((shape_.anti[at(u)] | shape_.below[at(u)] | shape_.above[at(u)]) != 0) {
    tail_.clear();
    choices(u, blame);
    return static_cast<rt::i128>(tail_.back().size());
  }
  const std::vector<rt::vid>& candidates = space_.candidates(u);
  blame |= shape_.neighbors[at(u)] & matched_;
  rt::i128 number = domain.n;
  for_bits(space_.sharing(u) & matched_, [&](int other) {
    const rt::vid v = image_[at(other)];
    const rt::vid* const place = std::lower_bound(domain.p, domain.p + domain.n, v,
                                                  [&](rt::vid i, rt::vid image) { return candidates[i] < image; });
    if (place == domain.p + domain.n || candidates[*place] != v) return;
    --number;
    blame |= bit(other);
  });
  work_ += kTailWork;
  return number;
}

/// The ways to match those of a group, all different.
rt::i128 Search::ways_of(Mask group, Mask& blame) {
  if (std::has_single_bit(group)) return choices_of_one(std::countr_zero(group), blame);
  tail_.clear();
  bool some = true;
  for_bits(group, [&](int u) { some = some && choices(u, blame); });
  return some ? distinct_.count(tail_, outcome_.overflow) : 0;
}

/// The matches of vertices that are independent: a product over those groups that share candidates.
Search::Conflict Search::count_tail(Mask rest) {
  rt::i128 product = 1;
  while (rest != 0) {
    const Mask group = group_of(rest & -rest, rest);
    rest &= ~group;
    Mask blame = 0;
    const rt::i128 ways = ways_of(group, blame);
    if (ways == 0) return blame;
    if (__builtin_mul_overflow(product, ways, &product)) outcome_.overflow = true;
  }
  if (__builtin_add_overflow(outcome_.count, product, &outcome_.count)) outcome_.overflow = true;
  return kFound;
}

}  // namespace galena::mine::labelled
