// Rows read and written, each at the price of the nearest memory that its matrix fits. Prices are nanoseconds for 256
// bytes, measured on one core of a Zen 4 server; a choice needs only their ratios.

#include "src/hypergraph/cost.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "src/base/threads.hpp"
#include "src/hypergraph/device_cost.hpp"
#include "src/hypergraph/fused.hpp"
#include "src/hypergraph/layout_storage.hpp"
#include "src/ops/far.hpp"
#include "src/ops/parallel.hpp"

namespace galena::hyper {
namespace {

constexpr double kUnit = 256;
/// A matrix up to this size is found in the second cache; up to the next, in the last one.
constexpr double kNear = 0.7e6, kFar = 12e6;
/// Rows at random, rows in order, rows written in order; and a row's bookkeeping, whatever its width.
struct Prices {
  double random, ordered, written;
};
constexpr Prices kNearPrices{2.4, 2.4, 2.5}, kFarPrices{6, 4, 5}, kMemoryPrices{16, 7, 9};
constexpr double kRow = 1.2, kStreamed = 5, kShared = 8, kHalfRows = 1.25;
/// However narrow the row: of a sum over neighbours, of a tile's.
constexpr double kLeastRead = 2, kLeastTileRead = 1.2;
/// Waking threads for a loop, and waiting for the last of them.
constexpr double kRegion = 5000;

const Prices& prices(double bytes) { return bytes <= kNear ? kNearPrices : bytes <= kFar ? kFarPrices : kMemoryPrices; }

struct Sizes {
  double input, output, edges;  ///< rows
  double row;                   ///< bytes
  [[nodiscard]] double units() const { return row / kUnit; }
};

/// One direction, on one thread, in nanoseconds.
double two_pass_time(const LayoutStats& stats, const Sizes& s) {
  const auto read = [&](double price) { return std::max(price * s.units(), kLeastRead); };
  const auto incidences = static_cast<double>(stats.incidences), touched = static_cast<double>(stats.touched);
  const Prices &x = prices(s.input * s.row), &rows = prices(s.edges * s.row), &y = prices(s.output * s.row);
  // A vertex's first read comes from where x is; later ones often from nearer.
  const double later = (x.random + kNearPrices.random) / 2;
  return touched * read(x.random) + (incidences - touched) * read(later) + incidences * read(rows.random) +
         s.units() * (s.edges * rows.written + s.output * y.written) + kRow * (s.edges + s.output);
}

double fused_time(const LayoutStats& stats, const Sizes& s) {
  const auto sums = static_cast<double>(stats.sums), contacts = static_cast<double>(stats.contacts);
  const auto touched = static_cast<double>(stats.touched);
  const Prices &x = prices(s.input * s.row), &y = prices(s.output * s.row);
  const bool only = stats.tiles == 1, ordered = only && s.input * s.row >= ops::kFarBytes;
  const double first = ordered ? touched * x.ordered : contacts * x.random;
  const double written = s.output * s.row >= ops::kStreamBytes ? kStreamed : y.written;
  const double near = std::max(kNearPrices.random * s.units(), kLeastTileRead) * std::max(0.0, sums - contacts);
  const double halves = only && stats.ranges == 1 && s.row < 2 * kUnit && s.row > kUnit / 2 ? kHalfRows : 1;
  return halves * (s.units() * (first + s.output * written + (contacts - touched) * (kShared + y.random)) + near +
                   kRow * (contacts + s.edges + s.output));
}

}  // namespace

Choice choose(const Layout& layout, std::int64_t width, DType dtype) {
  if (layout.storage().on_device) return choose_on_device(layout, width, dtype);
  const LayoutStats& stats = layout.stats();
  const Sizes s{static_cast<double>(layout.cols()), static_cast<double>(layout.rows()),
                static_cast<double>(layout.edges()), static_cast<double>(width) * static_cast<double>(size_of(dtype))};
  const std::uint64_t work = stats.incidences * static_cast<std::uint64_t>(width);
  static const int cores = omp_get_num_procs();  // asks the kernel, which takes as long as a small layout's aggregate
  const int many = base::threads_for(work, ops::kElementGrain, cores);
  const int few = static_cast<int>(std::min<std::int64_t>(many, fused_tasks(layout.storage().program, width, dtype)));
  const auto shared_out = [](double nanoseconds, int count, int regions) {
    return 2e-9 * (nanoseconds / std::max(count, 1) + (count > 1 ? regions * kRegion : 0));
  };
  Choice choice;
  choice.two_pass_seconds = shared_out(two_pass_time(stats, s), many, 2);
  choice.fused_seconds = shared_out(fused_time(stats, s), few, 1);
  choice.fused_bytes = fused_bytes(layout.storage().program, width, dtype, false, few);
  choice.two_pass_bytes = static_cast<std::uint64_t>(s.edges * s.row);
  choice.fused_threads = few;
  choice.two_pass_threads = many;
  choice.method = choice.fused_seconds <= choice.two_pass_seconds ? Method::fused : Method::two_pass;
  return choice;
}

std::string explain(const Choice& choice, const Layout& layout) {
  if (layout.storage().on_device) return explain_on_device(choice, layout);
  const LayoutStats& stats = layout.stats();
  const auto apart = static_cast<double>(std::max<std::uint64_t>(2 * stats.incidences, 1));
  const auto touched = static_cast<double>(std::max<std::uint64_t>(stats.touched, 1));
  return fmt::format(
      "{}: {} {} with {:.0f}% of the sums saved and a vertex in {:.2f} of them would take {:.3g} ms on {} {}, two "
      "passes over {:.1f} MB of hyperedges' rows {:.3g} ms on {}",
      choice.method == Method::fused ? "fused" : "two passes", stats.tiles, stats.tiles == 1 ? "tile" : "tiles",
      100 * (1 - static_cast<double>(stats.sums) / apart), static_cast<double>(stats.contacts) / touched,
      1e3 * choice.fused_seconds, choice.fused_threads, choice.fused_threads == 1 ? "thread" : "threads",
      1e-6 * static_cast<double>(choice.two_pass_bytes), 1e3 * choice.two_pass_seconds, choice.two_pass_threads);
}

}  // namespace galena::hyper
