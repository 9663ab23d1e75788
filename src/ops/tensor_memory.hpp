#pragma once
// Memory of tensors. A network makes and frees the same large tensors in every pass, and memory fresh from the system
// is slow: each of its pages is cleared by the kernel. So freed blocks are kept for the next tensor of about their size.
// What is kept is bounded by what was in use: see below.

#include <cstddef>
#include <cstdint>
#include <memory>

namespace galena::ops {

/// Uninitialised memory. Throws std::bad_alloc. From any thread.
std::shared_ptr<std::byte[]> tensor_memory(std::uint64_t bytes);
/// The same for containers: what was taken is given back with as many bytes as it was asked for with.
void* take_tensor_memory(std::uint64_t bytes);
void give_tensor_memory(void* data, std::uint64_t bytes) noexcept;

struct TensorMemoryUse {
  std::uint64_t live = 0;  ///< bytes of large tensors
  std::uint64_t kept = 0;  ///< bytes of freed blocks that wait to be used again
  std::uint64_t peak = 0;  ///< largest `live` since the last release
};
/// Of the process. live + kept is at most kMostHeld * peak.
TensorMemoryUse tensor_memory_use();
inline constexpr double kMostHeld = 1.25;
/// Gives kept blocks back to the system.
void release_tensor_memory();

}  // namespace galena::ops
