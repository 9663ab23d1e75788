#include "src/train/device_wire.hpp"

#include <utility>

#include "src/ops/device_csr.hpp"
#include "src/train/wire.hpp"

namespace galena::train {
namespace {

constexpr std::uint64_t kAligned = 16;

/// Where things of one route stand, from its first byte on.
struct Places {
  std::vector<std::int64_t> offset, zero, scale;

  std::uint64_t add_route(std::uint64_t begin, std::int64_t cols, std::span<const std::uint8_t> bits) {
    std::uint64_t coded = 0;
    for (const std::uint8_t b : bits) coded += b <= 8 ? 1 : 0;
    std::uint64_t parameter = begin, element = begin + wire_parameter_bytes(bits);
    for (const std::uint8_t b : bits) {
      offset.push_back(static_cast<std::int64_t>(element));
      element += ops::packed_bytes(cols, b);
      zero.push_back(b <= 8 ? static_cast<std::int64_t>(parameter) : -1);
      scale.push_back(b <= 8 ? static_cast<std::int64_t>(parameter + 2 * coded) : -1);
      parameter += b <= 8 ? 2 : 0;
    }
    return element;
  }
};

}  // namespace

ops::DevicePacked DeviceWire::over(const Tensor& wire) const {
  const OnDevice there(Device::cuda);
  return {rows, cols, device_bits, device_offset, wire, Tensor::empty(rows, 1), Tensor::empty(rows, 1)};
}

Tensor DeviceWire::make() const {
  const OnDevice there(Device::cuda);
  return Tensor::empty(static_cast<std::int64_t>(bytes), 1, DType::u8);
}

DeviceWire make_device_wire(std::int64_t cols, std::vector<std::uint8_t> bits, std::span<const std::int64_t> first) {
  DeviceWire wire;
  wire.rows = static_cast<std::int64_t>(bits.size());
  wire.cols = cols;
  Places places;
  for (std::size_t r = 0; r + 1 < first.size(); ++r) {
    const auto of_route =
        std::span(bits).subspan(static_cast<std::size_t>(first[r]), static_cast<std::size_t>(first[r + 1] - first[r]));
    wire.begin.push_back((wire.bytes + kAligned - 1) / kAligned * kAligned);
    wire.bytes = places.add_route(wire.begin.back(), cols, of_route);
    wire.size.push_back(wire.bytes - wire.begin.back());
    wire.parameters.push_back(wire_parameter_bytes(of_route));
  }
  wire.device_bits = ops::to_device(bits.data(), bits.size());
  wire.device_offset = ops::to_device(places.offset.data(), places.offset.size());
  wire.places = {ops::to_device(places.zero.data(), places.zero.size()),
                 ops::to_device(places.scale.data(), places.scale.size())};
  wire.bits = std::move(bits);
  return wire;
}

ops::PackedRows to_host(const DeviceWire& layout, const Tensor& wire, std::span<const std::int64_t> first) {
  ops::PackedRows packed = ops::layout_rows(layout.cols, layout.bits);
  const Tensor all = wire.to(Device::cpu);
  std::vector<std::vector<std::byte>> wires;
  std::vector<std::size_t> number;
  for (std::size_t r = 0; r < layout.begin.size(); ++r) {
    number.push_back(r);
    const std::byte* const begin = all.raw() + layout.begin[r];
    wires.emplace_back(begin, begin + layout.size[r]);
  }
  unwrap(wires, number, first, packed);
  return packed;
}

}  // namespace galena::train
