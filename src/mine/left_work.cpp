#include "src/mine/left_work.hpp"

#include <algorithm>

namespace galena::mine {

void LeftWork::give(const std::vector<LeftChunk>& chunks) {
  const std::scoped_lock lock(mutex_);
  chunks_.insert(chunks_.end(), chunks.begin(), chunks.end());
  changed_.notify_all();
}

void LeftWork::leave() {
  const std::scoped_lock lock(mutex_);
  --givers_;
  changed_.notify_all();
}

std::optional<LeftChunk> LeftWork::take(const Crew& crew) {
  std::unique_lock lock(mutex_);
  while (chunks_.empty() && givers_ > 0 && !crew.halted()) changed_.wait_for(lock, Crew::kTick);
  if (chunks_.empty() || crew.halted()) return std::nullopt;
  const LeftChunk next = chunks_.front();
  chunks_.pop_front();
  return next;
}

std::vector<rt::Chunk> parts_of(const rt::Chunk& chunk) {
  constexpr std::uint64_t kMostRanges = 64;
  constexpr std::uint32_t kParts = 32;
  std::vector<rt::Chunk> parts;
  const std::uint64_t units = chunk.end - chunk.begin, ranges = std::min(units, kMostRanges);
  if (units > 1) {
    for (std::uint64_t r = 0; r < ranges; ++r)
      parts.push_back({chunk.begin + units * r / ranges, chunk.begin + units * (r + 1) / ranges, 0, 1});
    return parts;
  }
  for (std::uint32_t p = 0; p < kParts; ++p)
    parts.push_back({chunk.begin, chunk.end, chunk.part * kParts + p, chunk.parts * kParts});
  return parts;
}

}  // namespace galena::mine
