#include "src/train/device_wire.hpp"

#include <utility>

#include "src/ops/device_csr.hpp"
#include "src/train/wire.hpp"

namespace galena::train {
namespace {

constexpr std::uint64_t kAligned = 16;
constexpr std::uint64_t kParameters = 4;  ///< bytes of a row's, at most

/// Where things of one route stand, from its first byte on.
struct Places {
  std::vector<std::int64_t> offset, zero, scale;

  /// The end of the route, of which the first `rows` places travel; what is in the others lies behind it.
  std::uint64_t add_route(std::uint64_t begin, std::int64_t cols, std::span<const std::uint8_t> bits,
                          std::size_t rows) {
    std::uint64_t coded = 0;
    for (const std::uint8_t b : bits.first(rows)) coded += b <= 8 ? 1 : 0;
    std::uint64_t parameter = begin, element = begin + wire_parameter_bytes(bits.first(rows)), end = element;
    for (std::size_t k = 0; k < bits.size(); ++k) {
      const bool has = k < rows && bits[k] <= 8;
      offset.push_back(static_cast<std::int64_t>(element));
      element += ops::packed_bytes(cols, bits[k]);
      if (k < rows) end = element;
      zero.push_back(has ? static_cast<std::int64_t>(parameter) : -1);
      scale.push_back(has ? static_cast<std::int64_t>(parameter + 2 * coded) : -1);
      parameter += has ? 2 : 0;
    }
    return end;
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

void lay_out(std::int64_t cols, std::vector<std::uint8_t> bits, std::span<const std::int64_t> first,
             const WireRoom* room, DeviceWire& wire) {
  wire.rows = static_cast<std::int64_t>(bits.size());
  wire.cols = cols;
  wire.bytes = 0;
  wire.begin.clear();
  wire.size.clear();
  wire.parameters.clear();
  Places places;
  for (std::size_t r = 0; r + 1 < first.size(); ++r) {
    const auto of_route =
        std::span(bits).subspan(static_cast<std::size_t>(first[r]), static_cast<std::size_t>(first[r + 1] - first[r]));
    const std::size_t rows = room != nullptr ? room->rows[r] : of_route.size();
    const std::uint64_t begin = (wire.bytes + kAligned - 1) / kAligned * kAligned;
    const std::uint64_t end = places.add_route(begin, cols, of_route, rows);
    wire.begin.push_back(begin);
    wire.size.push_back(end - begin);
    wire.parameters.push_back(wire_parameter_bytes(of_route.first(rows)));
    wire.bytes =
        room == nullptr ? end : begin + of_route.size() * (kParameters + ops::packed_bytes(cols, room->widest[r]));
  }
  ops::to_device(bits.data(), bits.size(), wire.device_bits);
  ops::to_device(places.offset.data(), places.offset.size(), wire.device_offset);
  ops::to_device(places.zero.data(), places.zero.size(), wire.places.zero);
  ops::to_device(places.scale.data(), places.scale.size(), wire.places.scale);
  wire.bits = std::move(bits);
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
