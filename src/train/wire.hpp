#pragma once
// Coded rows as they travel: for the rows of at most 8 bits first all zeros, then all scales, as bf16; then the elements
// of all rows as src/ops/quantize.hpp packs them.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "src/ops/quantize.hpp"

namespace galena::train {

/// Bytes of the parameters of rows of these widths.
std::uint64_t wire_parameter_bytes(std::span<const std::uint8_t> bits);
/// Bytes of rows [begin, end).
std::uint64_t wire_bytes(const ops::PackedRows& packed, std::int64_t begin, std::int64_t end);
std::vector<std::byte> to_wire(const ops::PackedRows& packed);
/// Fills rows [bounds[r], bounds[r + 1]) of `packed`, which is laid out, from wires[number[r]], for each r.
void unwrap(std::span<const std::vector<std::byte>> wires, std::span<const std::size_t> number,
            std::span<const std::int64_t> bounds, ops::PackedRows& packed);

}  // namespace galena::train
