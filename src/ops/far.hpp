#pragma once
// From which sizes on matrices are far from a core.

#include <cstdint>

namespace galena::ops {

/// Rows of matrices from this size on are fetched before their turn; nearer, the CPU finds them by itself.
inline constexpr std::int64_t kFarBytes = std::int64_t{4} << 20;

/// Results from this size on go past the caches.
inline constexpr std::int64_t kStreamBytes = std::int64_t{16} << 20;

/// A cache line, and the widest vector.
inline constexpr std::int64_t kLineBytes = 64;

/// Whether a matrix is so large that its rows would be gone from the near caches before anybody reads them: then they had
/// better not be fetched to be written. Its rows are whole lines.
inline bool streams(const void* data, std::int64_t rows, std::int64_t row_bytes) {
  return row_bytes % kLineBytes == 0 && reinterpret_cast<std::uintptr_t>(data) % kLineBytes == 0 &&
         row_bytes * rows >= kStreamBytes;
}

}  // namespace galena::ops
