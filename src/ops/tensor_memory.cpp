#include "src/ops/tensor_memory.hpp"

#include <algorithm>
#include <list>
#include <mutex>
#include <new>

#include "src/base/memory.hpp"

namespace galena::ops {
namespace {

// Smaller ones are left to malloc, which keeps them itself.
constexpr std::uint64_t kLarge = std::uint64_t{1} << 20;

class Pool {
 public:
  void* allocate(std::uint64_t bytes) {
    {
      const std::scoped_lock lock(mutex_);
      if (void* const data = take(bytes)) return data;
      make_room(bytes);
      add_live(bytes);
    }
    try {
      return base::allocate_pages(bytes);
    } catch (const std::bad_alloc&) {
      release();  // what is kept may be what is missing
    }
    try {
      return base::allocate_pages(bytes);
    } catch (const std::bad_alloc&) {
      const std::scoped_lock lock(mutex_);
      use_.live -= bytes;
      throw;
    }
  }

  /// `bytes`: of the block, as allocate() was asked for it.
  void free(void* data, std::uint64_t bytes) {
    const std::scoped_lock lock(mutex_);
    use_.live -= bytes;
    use_.kept += bytes;
    blocks_.push_back({data, bytes});
    make_room(0);
  }

  void release() {
    const std::scoped_lock lock(mutex_);
    while (!blocks_.empty()) drop_oldest();
    use_.peak = use_.live;
  }

  TensorMemoryUse use() {
    const std::scoped_lock lock(mutex_);
    return use_;
  }

 private:
  struct Block {
    void* data;
    std::uint64_t bytes;
  };

  /// The latest kept block of this size: its pages are the likeliest to be in a cache.
  void* take(std::uint64_t bytes) {
    const auto found = std::find_if(blocks_.rbegin(), blocks_.rend(), [=](const Block& b) { return b.bytes == bytes; });
    if (found == blocks_.rend()) return nullptr;
    void* const data = found->data;
    blocks_.erase(std::next(found).base());
    use_.kept -= bytes;
    add_live(bytes);
    return data;
  }
  /// Drops the oldest blocks until there is room for a new one of so many bytes.
  void make_room(std::uint64_t bytes) {
    const std::uint64_t live = use_.live + bytes;
    const auto most = static_cast<std::uint64_t>(kMostHeld * static_cast<double>(std::max(use_.peak, live)));
    while (!blocks_.empty() && live + use_.kept > most) drop_oldest();
  }
  void drop_oldest() {
    base::free_pages(blocks_.front().data);
    use_.kept -= blocks_.front().bytes;
    blocks_.pop_front();
  }
  void add_live(std::uint64_t bytes) {
    use_.live += bytes;
    use_.peak = std::max(use_.peak, use_.live);
  }

  std::mutex mutex_;
  std::list<Block> blocks_;  ///< by the time they were freed
  TensorMemoryUse use_;
};

Pool& pool() {
  static Pool& pool = *new Pool;  // never destroyed: static tensors may outlive it
  return pool;
}

/// Sizes are rounded, so that tensors of about one size share blocks.
std::uint64_t rounded(std::uint64_t bytes) {
  std::uint64_t unit = kLarge / 8;
  while (unit * 16 < bytes) unit *= 2;  // a 16th at most is lost
  return (bytes + unit - 1) / unit * unit;
}

}  // namespace

void* take_tensor_memory(std::uint64_t bytes) {
  return bytes < kLarge ? base::allocate_pages(bytes) : pool().allocate(rounded(bytes));
}

void give_tensor_memory(void* data, std::uint64_t bytes) noexcept {
  if (bytes < kLarge) return base::free_pages(data);
  pool().free(data, rounded(bytes));
}

std::shared_ptr<std::byte[]> tensor_memory(std::uint64_t bytes) {
  return {static_cast<std::byte*>(take_tensor_memory(bytes)), [bytes](std::byte* p) { give_tensor_memory(p, bytes); }};
}

TensorMemoryUse tensor_memory_use() { return pool().use(); }
void release_tensor_memory() { pool().release(); }

}  // namespace galena::ops
