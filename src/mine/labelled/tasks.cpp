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
  finished_.resize(prefixes_.size());
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

bool Tasks::take(std::size_t number, Task& task) {
  const std::scoped_lock lock(mutex_);
  if (fails(prefixes_[number])) {
    finished_[number] = 1;
    ++finished_count_;
    return false;
  }
  task = {number, prefixes_[number]};
  return true;
}

bool Tasks::take_next(Task& task) {
  for (;;) {
    std::size_t number = 0;
    {
      const std::scoped_lock lock(mutex_);
      if (next_ == prefixes_.size()) return false;
      number = next_++;
    }
    if (take(number, task)) return true;
  }
}

void Tasks::finish(const Task& task, const Search::Outcome& outcome) {
  const Prefix& prefix = task.prefix;
  const std::scoped_lock lock(mutex_);
  finished_[task.number] = 1;
  ++finished_count_;
  if (outcome.count != 0 || outcome.overflow) return;
  unsigned to_blame = 0;
  for (int i = 0; i < prefix.length; ++i)
    if ((outcome.conflict & bit(prefix.vertex[at(i)])) != 0) to_blame |= 1U << i;
  if (to_blame + 1 != 1U << prefix.length) failing_.insert(choices(prefix, to_blame));
}

std::vector<std::uint8_t> Tasks::finished() {
  const std::scoped_lock lock(mutex_);
  return finished_;
}

double Tasks::share_finished() {
  const std::scoped_lock lock(mutex_);
  return prefixes_.empty() ? 1 : static_cast<double>(finished_count_) / static_cast<double>(prefixes_.size());
}

}  // namespace galena::mine::labelled
