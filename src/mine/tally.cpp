#include "src/mine/tally.hpp"

#include <algorithm>
#include <utility>

namespace galena::mine {

using rt::i128;

Tally::Tally(const ChunkPlan& chunks, std::size_t outputs, std::size_t vertices) : chunks_(chunks) {
  content_.done.assign(chunks.chunks.size(), 0);
  content_.sums.assign(outputs, 0);
  content_.local.assign(vertices, 0);
}

Tally::Content Tally::content() const {
  const std::scoped_lock lock(mutex_);
  return content_;
}

Tally::Content Tally::take() {
  const std::scoped_lock lock(mutex_);
  return std::move(content_);
}

void Tally::replace(Content content) {
  const std::scoped_lock lock(mutex_);
  content_ = std::move(content);
  share_ = share_of(content_.done);
}

bool Tally::fits(const Content& content) const {
  const std::scoped_lock lock(mutex_);
  return content.done.size() == content_.done.size() && content.sums.size() == content_.sums.size() &&
         content.local.size() == content_.local.size();
}

bool Tally::done(std::size_t chunk) const {
  const std::scoped_lock lock(mutex_);
  return content_.done[chunk] != 0;
}

bool Tally::whole() const {
  const std::scoped_lock lock(mutex_);
  return std::ranges::all_of(content_.done, [](std::uint8_t d) { return d != 0; });
}

std::vector<std::size_t> Tally::undone(std::size_t& next, std::size_t most) const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::size_t> chunks;
  for (; next < content_.done.size() && chunks.size() < most; ++next)
    if (content_.done[next] == 0) chunks.push_back(next);
  return chunks;
}

double Tally::share() const {
  const std::scoped_lock lock(mutex_);
  return share_;
}

double Tally::share_of(const std::vector<std::uint8_t>& marked) const {
  double total = 0;
  for (std::size_t i = 0; i < marked.size(); ++i)
    if (marked[i] != 0) total += chunks_.weight[i];
  return total;
}

void Tally::add(std::span<const Found> found, const Local& local, const std::function<void(std::span<i128>)>& more) {
  const std::scoped_lock lock(mutex_);
  for (const Found& chunk : found) add_chunk(chunk);
  for (const auto& [v, count] : local) content_.local[v] += count;
  if (more) more(content_.local);
}

void Tally::split(std::size_t chunk, std::size_t parts) {
  const std::scoped_lock lock(mutex_);
  in_parts_[chunk] = {parts, std::vector<i128>(content_.sums.size())};
}

/// The chunk, or a part of it where it comes in parts. Under the lock, as what follows.
void Tally::add_chunk(const Found& found) {
  const auto parts = in_parts_.find(found.of);
  if (parts == in_parts_.end()) return add_whole(found);
  add_to(parts->second.sums, found.sums);
  if (--parts->second.left > 0) return;
  add_whole({found.of, parts->second.sums.data()});
  in_parts_.erase(parts);
}

void Tally::add_whole(const Found& found) {
  content_.done[found.of] = 1;
  share_ += chunks_.weight[found.of];
  add_to(content_.sums, found.sums);
}

void Tally::add_to(std::vector<i128>& to, const i128* sums) {
  for (std::size_t o = 0; o < to.size(); ++o)
    if (__builtin_add_overflow(to[o], sums[o], &to[o])) overflow_ = true;
}

void Tally::overflow() {
  const std::scoped_lock lock(mutex_);
  overflow_ = true;
}

bool Tally::overflowed() const {
  const std::scoped_lock lock(mutex_);
  return overflow_;
}

}  // namespace galena::mine
