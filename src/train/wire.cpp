#include "src/train/wire.hpp"

#include <bit>
#include <cstring>

namespace galena::train {
namespace {

// Parameters have been rounded to bf16 before: these bits say it all.
std::uint16_t upper_half(float value) { return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16); }
float from_upper_half(std::uint16_t half) { return std::bit_cast<float>(static_cast<std::uint32_t>(half) << 16); }

// Reads parameters of rows [begin, end) one after the other, then moves on.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}
  float parameter() {
    std::uint16_t half = 0;
    std::memcpy(&half, bytes_.data(), sizeof half);
    bytes_ = bytes_.subspan(sizeof half);
    return from_upper_half(half);
  }
  [[nodiscard]] std::span<const std::byte> rest() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

void unwrap_run(std::span<const std::byte> wire, std::int64_t begin, std::int64_t end, ops::PackedRows& packed) {
  Reader reader(wire);
  for (auto* values : {&packed.zero, &packed.scale})
    for (std::int64_t r = begin; r < end; ++r)
      if (packed.bits[r] <= 8) (*values)[r] = reader.parameter();
  const auto rest = reader.rest();
  std::memcpy(packed.bytes.data() + packed.offset[begin], rest.data(), rest.size());
}

}  // namespace

std::uint64_t wire_parameter_bytes(std::span<const std::uint8_t> bits) {
  std::uint64_t bytes = 0;
  for (const std::uint8_t b : bits) bytes += ops::parameter_bytes(b);
  return bytes;
}

std::uint64_t wire_bytes(const ops::PackedRows& packed, std::int64_t begin, std::int64_t end) {
  const auto rows = static_cast<std::size_t>(end - begin);
  return packed.offset[end] - packed.offset[begin] +
         wire_parameter_bytes(std::span(packed.bits).subspan(static_cast<std::size_t>(begin), rows));
}

std::vector<std::byte> to_wire(const ops::PackedRows& packed) {
  std::vector<std::byte> wire(wire_bytes(packed, 0, packed.rows));
  std::byte* out = wire.data();
  for (const auto* values : {&packed.zero, &packed.scale})
    for (std::int64_t r = 0; r < packed.rows; ++r)
      if (packed.bits[r] <= 8) {
        const std::uint16_t half = upper_half((*values)[r]);
        std::memcpy(out, &half, sizeof half);
        out += sizeof half;
      }
  std::memcpy(out, packed.bytes.data(), packed.offset[packed.rows]);
  return wire;
}

void unwrap(std::span<const std::vector<std::byte>> wires, std::span<const std::size_t> number,
            std::span<const std::int64_t> bounds, ops::PackedRows& packed) {
  for (std::size_t r = 0; r + 1 < bounds.size(); ++r)
    if (bounds[r] < bounds[r + 1]) unwrap_run(wires[number[r]], bounds[r], bounds[r + 1], packed);
}

}  // namespace galena::train
