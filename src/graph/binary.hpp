#pragma once
// The layout of Galena's binary graph files (.gal).
//
//   header, 320 bytes | indptr | indices | vertex labels | edge labels | original ids
//
// Little-endian; each array begins at a multiple of 64 bytes, absent ones have size 0. The header has its
// own checksum, and one of every array. Opening maps the file, checks the header, the file's size and the
// first and last offset: the same few microseconds whatever the size. What a forged or damaged payload may
// do is decided by the caller: LoadOptions::trusted = false reads it once to see that nothing points outside,
// LoadOptions::verify compares the checksums and every invariant as well.

#include <array>
#include <cstdint>

namespace galena::detail {

inline constexpr std::array<char, 8> kBinaryMagic{'G', 'A', 'L',  'E',
                                                  'N', 'A', '\r', '\n'};  // \r\n: text transfers show
inline constexpr std::uint32_t kBinaryVersion = 1;
inline constexpr std::uint32_t kByteOrder = 0x01020304;
inline constexpr std::uint64_t kAlignment = 64;

struct BinaryArray {
  std::uint64_t offset = 0;  ///< in the file
  std::uint64_t bytes = 0;
  std::uint64_t hash = 0;  ///< base::hash_large
};

struct BinaryHeader {
  std::array<char, 8> magic{};
  std::uint32_t version = 0;
  std::uint32_t byte_order = 0;
  std::uint64_t file_bytes = 0;
  std::uint64_t vertices = 0;
  std::uint64_t arcs = 0;
  std::uint32_t directed = 0;    ///< 0 or 1
  std::uint32_t relabelled = 0;  ///< 0 or 1
  std::uint64_t max_degree = 0;
  std::uint64_t input_edges = 0, self_loops = 0, duplicates = 0, label_conflicts = 0;  ///< NormalizeReport
  std::uint64_t digest = 0;                                                            ///< Graph::digest()
  std::array<BinaryArray, 5> arrays;  ///< indptr, indices, vertex labels, edge labels, original ids
  std::array<std::uint64_t, 12> reserved{};
  std::uint64_t header_hash = 0;  ///< of all bytes before it
};
static_assert(sizeof(BinaryHeader) == 320);

}  // namespace galena::detail
