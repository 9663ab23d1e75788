#include "src/ops/device_memory.hpp"

#include <algorithm>
#include <atomic>
#include <list>
#include <utility>

#include "src/ops/device_ops.hpp"

namespace galena::ops {
namespace {

thread_local std::shared_ptr<GraphMemory> used;

/// Graphs that hold older blocks.
struct Holders {
  std::mutex mutex;
  std::list<GraphMemory*> all;
};
Holders& holders() {
  static Holders* const holders = new Holders;  // blocks may be given back after statics have gone
  return *holders;
}

}  // namespace

struct CountedMemory::Sizes {
  std::mutex mutex;
  std::map<std::uint64_t, std::uint64_t> free;  ///< blocks by size
  std::uint64_t all = 0;                        ///< bytes
};

namespace {
thread_local std::shared_ptr<CountedMemory::Sizes> counted;
}  // namespace

CountedMemory::CountedMemory() : sizes_(std::make_shared<Sizes>()), before_(std::exchange(counted, sizes_)) {}
CountedMemory::~CountedMemory() { counted = std::move(before_); }

std::uint64_t CountedMemory::bytes() const {
  const std::scoped_lock lock(sizes_->mutex);
  return sizes_->all;
}

const std::shared_ptr<CountedMemory::Sizes>& CountedMemory::in_use() { return counted; }

void CountedMemory::take(Sizes& sizes, std::uint64_t bytes) {
  const std::scoped_lock lock(sizes.mutex);
  std::uint64_t& free = sizes.free[bytes];
  if (free > 0)
    --free;
  else
    sizes.all += bytes;
}

void CountedMemory::give(Sizes& sizes, std::uint64_t bytes) noexcept {
  const std::scoped_lock lock(sizes.mutex);
  ++sizes.free.find(bytes)->second;
}

std::uint64_t next_birth() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

GraphMemory::Use::Use(std::shared_ptr<GraphMemory> memory) : before_(std::exchange(used, std::move(memory))) {}
GraphMemory::Use::~Use() { used = std::move(before_); }

GraphMemory* GraphMemory::in_use() { return used.get(); }

GraphMemory::GraphMemory()
    : release_(device_ops().release), device_(current_device()), stream_(device_ops().stream()) {}

GraphMemory::~GraphMemory() {
  end_holding();
  for (const auto& [bytes, block] : free_)
    give_back({block.memory, device_, stream_}, born_.at(block.memory), release_, block.given);
}

void GraphMemory::begin_holding() {
  Holders& h = holders();
  const std::scoped_lock lock(h.mutex);
  holds_before_ = next_birth();
  if (std::ranges::find(h.all, this) == h.all.end()) h.all.push_back(this);
}

void GraphMemory::end_holding() {
  {
    Holders& h = holders();
    const std::scoped_lock lock(h.mutex);
    h.all.remove(this);
  }
  for (const Held& held : std::exchange(held_, {}))  // another graph may hold it too
    give_back(held.block, held.born, release_, held.given);
}

void* GraphMemory::take(std::uint64_t bytes) {
  const std::scoped_lock lock(mutex_);
  const auto [first, last] = free_.equal_range(bytes);
  const auto read_by_others = [&](const auto& block) {
    Holders& h = holders();
    const std::scoped_lock lock_holders(h.mutex);
    return std::ranges::any_of(h.all, [&](const GraphMemory* graph) {
      return graph != this &&
             graph->holds({block.second.memory, device_, stream_}, born_.at(block.second.memory), block.second.given);
    });
  };
  if (const auto found = std::find_if_not(first, last, read_by_others); found != last) {
    void* const block = found->second.memory;
    free_.erase(found);
    born_[block] = next_birth();
    return block;
  }
  void* const block = device_ops().allocate(bytes);
  if (block != nullptr) born_[block] = next_birth();
  return block;
}

void GraphMemory::give(void* block, std::uint64_t bytes) noexcept {
  const std::scoped_lock lock(mutex_);
  free_.emplace(bytes, Free{block, next_birth()});
}

void give_back(const DeviceBlock& block, std::uint64_t born, ReleaseBlock release, std::uint64_t given) noexcept {
  Holders& h = holders();
  const std::scoped_lock lock(h.mutex);
  for (GraphMemory* const graph : h.all) {
    if (!graph->holds(block, born, given)) continue;
    graph->held_.push_back({block, born, std::min(given, next_birth())});
    return;
  }
  release(block);
}

}  // namespace galena::ops
