#pragma once
// What all ranks know of the rows of all exchanges: measurements, merged over epochs.

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "src/train/checkpoint.hpp"
#include "src/train/exchange.hpp"

namespace galena::train {

/// What is known of the rows of a route in one direction of one exchange. NaN: never measured.
struct RowState {
  std::int64_t width = 0;
  std::vector<float> energy;  ///< squared norm
  std::vector<float> noise;   ///< variance at one bit: that at b bits is quantizer_noise(b) of it
};

struct RouteState {
  std::int32_t hop = 0;  ///< at which the rows stand
  std::vector<float> importance;
  RowState forward, backward;
};

struct RouteKey {
  std::int32_t call, sender, receiver;  ///< of rows; gradients go the other way
  auto operator<=>(const RouteKey&) const = default;
};

using Table = std::map<RouteKey, RouteState>;

/// Writes what this rank measured, of rows it sent (forward) or of gradients it sent back.
void put_measures(ByteWriter& writer, const Measures& measured, bool forward, const Share& share);
/// Merges what rank `from` wrote: newer measurements replace older ones.
void read_measures(Table& table, std::span<const std::byte> bytes, int from);

/// Whether row `row` was ever measured.
bool known(const RowState& state, std::size_t row);
/// The number of the last exchange; -1 where there is none.
std::int32_t last_call(const Table& table);
/// The variance of an exchange whose rows all go at `bits`.
double variance_at(const Table& table, std::int32_t call, bool forward, int bits);

void put(ByteWriter& writer, const RouteState& state);
RouteState get_route_state(ByteReader& reader);

}  // namespace galena::train
