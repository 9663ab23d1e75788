#include "src/mine/labelled/tail_count.hpp"

#include <algorithm>
#include <bit>
#include <iterator>

namespace galena::mine::labelled {

namespace {
constexpr rt::i128 kBlockWeight[kMostTogether + 1] = {0, 1, -1, 2, -6, 24, -120};  // by size
}

rt::i128 DistinctChoices::count(const std::vector<std::vector<rt::vid>>& sets, bool& overflow) {
  const unsigned all = (1U << sets.size()) - 1;
  common_.resize(all + 1);
  ways_.assign(all + 1, 0);
  ways_[0] = 1;
  for (unsigned mask = 1; mask <= all; ++mask) {
    const auto low = static_cast<std::size_t>(std::countr_zero(mask));
    const unsigned rest = mask & (mask - 1);
    common_[mask].clear();
    if (rest == 0) {
      common_[mask] = sets[low];
    } else {
      std::set_intersection(sets[low].begin(), sets[low].end(), common_[rest].begin(), common_[rest].end(),
                            std::back_inserter(common_[mask]));
    }
    // The block of the lowest set, then what is left.
    for (unsigned others = rest;; others = (others - 1) & rest) {
      const unsigned block = (mask ^ rest) | others;
      const rt::i128 weight = kBlockWeight[std::popcount(block)] * static_cast<rt::i128>(common_[block].size());
      rt::i128 product = 0;
      overflow = overflow || __builtin_mul_overflow(weight, ways_[mask ^ block], &product) ||
                 __builtin_add_overflow(ways_[mask], product, &ways_[mask]);
      if (others == 0) break;
    }
  }
  return ways_[all];
}

}  // namespace galena::mine::labelled
