#include "src/mine/labelled/tasks.hpp"

#include <algorithm>

namespace galena::mine::labelled {

namespace {
constexpr std::size_t kEnough = 256;
constexpr std::size_t kSampled = 24;   ///< prefixes
constexpr double kSampleBudget = 2e6;  ///< nanoseconds each
}  // namespace

Tasks::Tasks(Search& search, const volatile int* stop) : prefixes_{Prefix{}} {
  for (int round = 0; round < Prefix::kMost && prefixes_.size() < kEnough; ++round) {
    std::vector<Prefix> longer;
    for (const Prefix& prefix : prefixes_)
      if (rt::raised(stop) || !search.split(prefix, longer)) longer.push_back(prefix);
    prefixes_ = std::move(longer);
  }
}

double Tasks::estimate(Search& search) const {
  const std::size_t samples = std::min(kSampled, prefixes_.size());
  double sum = 0;
  // Spread over all, each from the middle of its stretch.
  for (std::size_t i = 0; i < samples; ++i)
    sum += search.estimate(prefixes_[(2 * i + 1) * prefixes_.size() / (2 * samples)], kSampleBudget);
  return samples == 0 ? 0 : sum * static_cast<double>(prefixes_.size()) / static_cast<double>(samples);
}

Tasks::Choices Tasks::choices(const Prefix& prefix, unsigned positions) {
  Choices result{};
  std::size_t n = 0;
  for (int i = 0; i < prefix.length; ++i) {
    if (((positions >> i) & 1U) == 0) continue;
    result[n++] = (static_cast<std::uint64_t>(prefix.vertex[at(i)] + 1) << 32) | prefix.candidate[at(i)];
  }
  std::sort(result.begin(), result.begin() + static_cast<std::ptrdiff_t>(n));
  return result;
}

bool Tasks::fails(const Prefix& prefix) const {
  for (unsigned positions = 0; !failing_.empty() && positions < 1U << prefix.length; ++positions)
    if (failing_.contains(choices(prefix, positions))) return true;
  return false;
}

bool Tasks::take(Prefix& prefix) {
  const std::scoped_lock lock(mutex_);
  for (; next_ < prefixes_.size(); ++next_, ++finished_) {
    if (fails(prefixes_[next_])) continue;
    prefix = prefixes_[next_++];
    return true;
  }
  return false;
}

void Tasks::finish(const Prefix& prefix, const Search::Outcome& outcome) {
  const std::scoped_lock lock(mutex_);
  ++finished_;
  if (outcome.count != 0 || outcome.overflow) return;
  unsigned to_blame = 0;
  for (int i = 0; i < prefix.length; ++i)
    if ((outcome.conflict & bit(prefix.vertex[at(i)])) != 0) to_blame |= 1U << i;
  if (to_blame + 1 != 1U << prefix.length) failing_.insert(choices(prefix, to_blame));
}

double Tasks::done() {
  const std::scoped_lock lock(mutex_);
  return prefixes_.empty() ? 1 : static_cast<double>(finished_) / static_cast<double>(prefixes_.size());
}

bool Tasks::all_done() {
  const std::scoped_lock lock(mutex_);
  return finished_ == prefixes_.size();
}

}  // namespace galena::mine::labelled
