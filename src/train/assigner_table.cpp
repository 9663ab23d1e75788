#include "src/train/assigner_table.hpp"

#include <cmath>
#include <limits>

#include "src/train/allocate.hpp"

namespace galena::train {
namespace {

constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();

void merge(RowState& state, std::int64_t width, std::span<const float> energy, std::span<const float> noise) {
  state.width = width;
  state.energy.resize(energy.size(), kUnknown);
  state.noise.resize(noise.size(), kUnknown);
  for (std::size_t k = 0; k < energy.size(); ++k) {
    if (!std::isnan(energy[k])) state.energy[k] = energy[k];
    if (!std::isnan(noise[k])) state.noise[k] = noise[k];
  }
}

// Means of what was measured.
void put_measure(ByteWriter& writer, std::int32_t call, int hop, bool forward, const Route& route,
                 const RouteMeasure& measure) {
  std::vector<float> energy, noise;
  for (const RowMeasure& row : measure.rows) {
    const double times = row.times;
    energy.push_back(row.times == 0 ? kUnknown : static_cast<float>(row.energy / times));
    const bool coded = row.times > 0 && row.bits <= 8;
    noise.push_back(coded ? static_cast<float>(row.variance / times / quantizer_noise(row.bits)) : kUnknown);
  }
  writer.put(call);
  writer.put(static_cast<std::int32_t>(hop));
  writer.put(static_cast<std::uint8_t>(forward));
  writer.put(static_cast<std::int32_t>(route.peer));
  writer.put(measure.width);
  writer.put_array(energy);
  writer.put_array(noise);
  writer.put_array(forward ? route.importance : std::vector<float>{});
}

void put_rows(ByteWriter& writer, const RowState& rows) {
  writer.put(rows.width);
  writer.put_array(rows.energy);
  writer.put_array(rows.noise);
}

RowState get_rows(ByteReader& reader) {
  RowState rows;
  rows.width = reader.get<std::int64_t>();
  rows.energy = reader.get_array<float>();
  rows.noise = reader.get_array<float>();
  return rows;
}

}  // namespace

void put_measures(ByteWriter& writer, const Measures& measured, bool forward, const Share& share) {
  const auto& calls = forward ? measured.forward : measured.backward;
  for (std::size_t call = 0; call < calls.size(); ++call) {
    if (calls[call].empty()) continue;
    const Share& step = share.step(measured.hops[call]);
    const auto& routes = forward ? step.sends : step.receives;
    for (std::size_t r = 0; r < calls[call].size(); ++r)
      if (!calls[call][r].rows.empty())
        put_measure(writer, static_cast<std::int32_t>(call), measured.hops[call], forward, routes[r], calls[call][r]);
  }
}

void read_measures(Table& table, std::span<const std::byte> bytes, int from) {
  ByteReader reader(bytes, "measures of rank " + std::to_string(from));
  while (!reader.empty()) {
    const auto call = reader.get<std::int32_t>(), hop = reader.get<std::int32_t>();
    const bool forward = reader.get<std::uint8_t>() != 0;
    const auto peer = reader.get<std::int32_t>();
    const auto width = reader.get<std::int64_t>();
    const auto energy = reader.get_array<float>(), noise = reader.get_array<float>();
    auto importance = reader.get_array<float>();
    RouteState& state = table[forward ? RouteKey{call, from, peer} : RouteKey{call, peer, from}];
    state.hop = hop;
    merge(forward ? state.forward : state.backward, width, energy, noise);
    if (forward) state.importance = std::move(importance);
  }
}

bool known(const RowState& state, std::size_t row) {
  return row < state.noise.size() && !std::isnan(state.energy[row]) && !std::isnan(state.noise[row]);
}

double variance_at(const Table& table, std::int32_t call, bool forward, int bits) {
  double sum = 0;
  for (const auto& [key, state] : table) {
    if (key.call != call) continue;
    const RowState& rows = forward ? state.forward : state.backward;
    for (std::size_t k = 0; k < rows.noise.size(); ++k)
      if (known(rows, k)) sum += (forward ? state.importance[k] : 1.0) * rows.noise[k];
  }
  return sum * quantizer_noise(bits);
}

std::int32_t last_call(const Table& table) { return table.empty() ? -1 : table.rbegin()->first.call; }
void put(ByteWriter& writer, const RouteState& state) {
  writer.put(state.hop);
  writer.put_array(state.importance);
  put_rows(writer, state.forward);
  put_rows(writer, state.backward);
}

RouteState get_route_state(ByteReader& reader) {
  RouteState state;
  state.hop = reader.get<std::int32_t>();
  state.importance = reader.get_array<float>();
  state.forward = get_rows(reader);
  state.backward = get_rows(reader);
  return state;
}

}  // namespace galena::train
