// Bytes moved, each at the bandwidth of the nearest memory that its matrix fits, and launches. Bandwidths are those that
// data sheets give for an H200, less what random rows cost; none of them has been measured for this choice.

#include "src/hypergraph/device_cost.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "src/hypergraph/layout_storage.hpp"
#include "src/ops/device_tiles.hpp"

namespace galena::hyper {
namespace {

/// Bytes a second: device memory, the cache that all multiprocessors share, shared memory of all of them together.
constexpr double kMemory = 3.6e12, kCache = 5.5e12, kShared = 20e12;
/// A matrix up to this size stays in the cache.
constexpr double kCacheBytes = 32e6;
/// A kernel in a queue that does not run dry.
constexpr double kLaunch = 3e-6;
/// Tiles that run at once, with their slabs: fewer leave multiprocessors idle, in the last round too.
constexpr double kAtOnce = 4 * 132;
/// Bytes of an index.
constexpr double kIndex = 4;

double bandwidth(double bytes) { return bytes <= kCacheBytes ? kCache : kMemory; }

struct Sizes {
  double input, output, edges, incidences, contacts;
  double row;  ///< bytes
};

double two_pass_time(const Sizes& s) {
  const double index = 2 * s.incidences * kIndex / kMemory;
  const double gather =
      s.incidences * s.row / bandwidth(s.input * s.row) + s.edges * s.row / bandwidth(s.edges * s.row);
  const double scatter = s.incidences * s.row / bandwidth(s.edges * s.row) + s.output * s.row / kMemory;
  return index + gather + scatter + 2 * kLaunch;
}

double fused_time(const Sizes& s, const ops::DeviceTiles& tiles) {
  const double slabs = std::max(1.0, s.row / static_cast<double>(ops::DeviceTiles::kSlabBytes));
  const double index = slabs * s.incidences * (kIndex + 1) / kCache;
  const double parts = static_cast<double>(tiles.output_side().parts) * s.row;
  const double tasks = static_cast<double>(tiles.tiles) * slabs, rounds = std::max(1.0, tasks / kAtOnce);
  const double idle = (static_cast<double>(static_cast<std::int64_t>(rounds)) + (rounds > 1 ? 1 : 0)) * kAtOnce / tasks;
  const double gather = s.incidences * s.row / bandwidth(s.input * s.row) + s.incidences * s.row / kShared;
  const double tile = gather + s.output * s.row / kMemory + parts / bandwidth(parts);
  const double launches = 2 + (tiles.giants > 0 ? 2 : 0);
  return index + tile * std::max(1.0, idle) + parts / bandwidth(parts) + launches * kLaunch;
}

}  // namespace

Choice choose_on_device(const Layout& layout, std::int64_t width, DType dtype) {
  const ops::DeviceTiles& tiles = *layout.storage().on_device;
  const LayoutStats& stats = layout.stats();
  const Sizes s{static_cast<double>(layout.cols()),  static_cast<double>(layout.rows()),
                static_cast<double>(layout.edges()), static_cast<double>(stats.incidences),
                static_cast<double>(stats.contacts), static_cast<double>(width) * static_cast<double>(size_of(dtype))};
  Choice choice;
  choice.two_pass_seconds = 2 * two_pass_time(s);
  choice.fused_seconds = 2 * fused_time(s, tiles);
  choice.two_pass_bytes = static_cast<std::uint64_t>(s.edges * s.row);
  choice.fused_bytes =
      static_cast<std::uint64_t>(static_cast<double>(tiles.output_side().parts + tiles.giants) * s.row);
  choice.method = choice.fused_seconds <= choice.two_pass_seconds ? Method::fused : Method::two_pass;
  return choice;
}

std::string explain_on_device(const Choice& choice, const Layout& layout) {
  const LayoutStats& stats = layout.stats();
  return fmt::format(
      "{}: {} {} with a vertex in {:.2f} of them and {:.1f} MB of parts would take {:.3g} ms on the GPU, two passes "
      "over "
      "{:.1f} MB of hyperedges' rows {:.3g} ms",
      choice.method == Method::fused ? "fused" : "two passes", stats.tiles, stats.tiles == 1 ? "tile" : "tiles",
      static_cast<double>(stats.contacts) / static_cast<double>(std::max<std::uint64_t>(stats.touched, 1)),
      1e-6 * static_cast<double>(choice.fused_bytes), 1e3 * choice.fused_seconds,
      1e-6 * static_cast<double>(choice.two_pass_bytes), 1e3 * choice.two_pass_seconds);
}

}  // namespace galena::hyper
