#pragma once
// Coded rows as they travel from and to a device's memory, where they are coded and decoded in place: of each route what
// wire.hpp says, the routes one behind the other at multiples of 16 bytes.

#include <vector>

#include "src/ops/device_packed.hpp"

namespace galena::train {

struct DeviceWire {
  std::int64_t rows = 0, cols = 0;
  std::vector<std::uint8_t> bits;          ///< [rows]
  std::vector<std::uint64_t> begin, size;  ///< by route, bytes
  std::vector<std::uint64_t> parameters;   ///< of which are parameters
  std::uint64_t bytes = 0;                 ///< of all
  Tensor device_bits, device_offset;       ///< as of DevicePacked
  ops::WirePlaces places;

  /// Rows of this layout among these bytes [bytes x 1 u8], their parameters uninitialised.
  [[nodiscard]] ops::DevicePacked over(const Tensor& wire) const;
  /// Uninitialised bytes, on the device.
  [[nodiscard]] Tensor make() const;
};

/// Of routes that have room for more rows than they have.
struct WireRoom {
  std::vector<std::uint32_t> rows;   ///< how many there are: the first of a route's places
  std::vector<std::uint8_t> widest;  ///< most bits of any row that may take a place
};

/// Of rows of these widths, route after route; `first[r]` is the first place of route r. Where there is room, its places
/// have bits each, and `wire` may be a layout of as much room, whose place this one takes.
void lay_out(std::int64_t cols, std::vector<std::uint8_t> bits, std::span<const std::int64_t> first,
             const WireRoom* room, DeviceWire& wire);

/// Rows that lie on the device, in the layout of the CPU.
ops::PackedRows to_host(const DeviceWire& layout, const Tensor& wire, std::span<const std::int64_t> first);

}  // namespace galena::train
