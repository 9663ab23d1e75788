#pragma once
// Canonical codes of small graphs without labels, in a number: far cheaper than canonical_code().

#include <cstdint>
#include <span>

#include "galena/pattern.hpp"

namespace galena::codegen {

/// Graphs have at most this many vertices here: 45 pairs and their number fit 64 bits.
inline constexpr int kMaxPlainVertices = 10;

/// Equal if and only if the graphs are isomorphic; rows[v] is the mask of v's neighbours.
std::uint64_t plain_code(std::span<const std::uint32_t> rows);

/// Of the pattern's edges alone. InternalError beyond kMaxPlainVertices.
std::uint64_t plain_code(const Pattern& pattern);

}  // namespace galena::codegen
