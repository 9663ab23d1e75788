// A round counts the pairs of all lists, lets each list take disjoint ones of its own, most frequent first, forgets
// those that too few took, and asks again before it makes the rest items of their own.

#include "src/hypergraph/shared_sums.hpp"

#include <algorithm>
#include <span>
#include <unordered_map>

namespace galena::hyper {
namespace {

using Counts = std::unordered_map<std::uint64_t, std::uint32_t>;

constexpr int kRounds = 8;
/// An item is paired with so many that follow it, or long lists would take a time that grows with their square.
constexpr std::size_t kWindow = 48;
/// Of the pairs of neighbours in lists, so many are to be in others too.
constexpr double kPromising = 0.3;

std::uint64_t key_of(std::uint32_t a, std::uint32_t b) { return (std::uint64_t{a} << 32) | b; }

std::span<const std::uint32_t> list_of(const Lists& lists, std::size_t i) {
  return std::span(lists.items).subspan(lists.start[i], lists.start[i + 1] - lists.start[i]);
}

template <class F>
void for_pairs(std::span<const std::uint32_t> list, const F& f) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    for (std::size_t j = i + 1; j < list.size() && j <= i + kWindow; ++j) f(i, j);
  }
}

Counts count_pairs(const Lists& lists) {
  Counts counts;
  for (std::size_t l = 0; l < lists.count(); ++l) {
    const auto list = list_of(lists, l);
    for_pairs(list, [&](std::size_t i, std::size_t j) { ++counts[key_of(list[i], list[j])]; });
  }
  return counts;
}

/// Chooses disjoint pairs of one list.
class Matcher {
 public:
  struct Pair {
    std::uint32_t count, first, second;  ///< positions in the list
  };

  const std::vector<Pair>& match(std::span<const std::uint32_t> list, const Counts& counts) {
    candidates_.clear();
    matched_.clear();
    for_pairs(list, [&](std::size_t i, std::size_t j) {
      const auto found = counts.find(key_of(list[i], list[j]));
      if (found == counts.end()) return;
      candidates_.push_back({found->second, static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(j)});
    });
    std::ranges::stable_sort(candidates_, [](const Pair& a, const Pair& b) { return a.count > b.count; });
    taken_.assign(list.size(), 0);
    for (const Pair& pair : candidates_) {
      if (taken_[pair.first] || taken_[pair.second]) continue;
      taken_[pair.first] = taken_[pair.second] = 1;
      matched_.push_back(pair);
    }
    return matched_;
  }
  [[nodiscard]] bool taken(std::size_t position) const { return taken_[position] != 0; }

 private:
  std::vector<Pair> candidates_, matched_;
  std::vector<std::uint8_t> taken_;
};

Counts count_taken(const Lists& lists, const Counts& counts, std::uint32_t least) {
  Counts taken;
  Matcher matcher;
  for (std::size_t l = 0; l < lists.count(); ++l) {
    const auto list = list_of(lists, l);
    for (const auto& pair : matcher.match(list, counts)) ++taken[key_of(list[pair.first], list[pair.second])];
  }
  std::erase_if(taken, [=](const auto& entry) { return entry.second < least; });
  return taken;
}

void replace_pairs(SharedSums& shared, const Counts& counts, std::uint32_t items) {
  Matcher matcher;
  Counts number;
  Lists next;
  for (std::size_t l = 0; l < shared.lists.count(); ++l) {
    const auto list = list_of(shared.lists, l);
    const auto& pairs = matcher.match(list, counts);
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (!matcher.taken(i)) next.items.push_back(list[i]);
    }
    const std::size_t kept = next.items.size();
    for (const auto& pair : pairs) {
      const std::uint32_t fresh = items + static_cast<std::uint32_t>(shared.sums.size());
      const auto [entry, is_new] = number.emplace(key_of(list[pair.first], list[pair.second]), fresh);
      if (is_new) shared.sums.push_back({list[pair.first], list[pair.second]});
      next.items.push_back(entry->second);
    }
    std::sort(next.items.begin() + static_cast<std::ptrdiff_t>(kept), next.items.end());
    next.start.push_back(next.items.size());
  }
  shared.lists = std::move(next);
}

/// Whether it is worth the while: neighbours in lists, which are quickly counted, are often the same.
bool promising(const Lists& lists, std::uint32_t least) {
  std::vector<std::uint64_t> pairs;
  for (std::size_t l = 0; l < lists.count(); ++l) {
    const auto list = list_of(lists, l);
    for (std::size_t i = 1; i < list.size(); ++i) pairs.push_back(key_of(list[i - 1], list[i]));
  }
  std::ranges::sort(pairs);
  std::size_t frequent = 0;
  for (std::size_t i = 0, end = 0; i < pairs.size(); i = end) {
    while (end < pairs.size() && pairs[end] == pairs[i]) ++end;
    if (end - i >= least) frequent += end - i;
  }
  return kPromising * static_cast<double>(pairs.size()) < static_cast<double>(frequent);
}

}  // namespace

SharedSums share_sums(Lists lists, std::uint32_t items, std::uint32_t least) {
  SharedSums shared;
  shared.lists = std::move(lists);
  if (!promising(shared.lists, least)) return shared;
  for (int round = 0; round < kRounds; ++round) {
    Counts counts = count_pairs(shared.lists);
    std::erase_if(counts, [=](const auto& entry) { return entry.second < least; });
    for (int again = 0; again < 3 && !counts.empty(); ++again) counts = count_taken(shared.lists, counts, least);
    const std::size_t before = shared.sums.size();
    replace_pairs(shared, counts, items);
    if (shared.sums.size() == before) break;
    shared.ends.push_back(static_cast<std::uint32_t>(shared.sums.size()));
  }
  return shared;
}

}  // namespace galena::hyper
