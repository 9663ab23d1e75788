// Rows read and written, each at the price of the nearest memory that its matrix fits. Prices are nanoseconds for 256
// bytes, measured on one core of a Zen 4 server; a choice needs only their ratios.

#include "src/hypergraph/cost.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "src/base/threads.hpp"
#include "src/hypergraph/fused.hpp"
#include "src/hypergraph/layout_storage.hpp"
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
  const auto incidences = static_cast<double>(stats.incidences);
  const Prices &x = prices(s.input * s.row), &rows = prices(s.edges * s.row), &y = prices(s.output * s.row);
  // What is read again soon is near: a vertex's first read is not.
  const double again = incidences - static_cast<double>(stats.touched);
  const double bytes =
      s.units() * (static_cast<double>(stats.touched) * x.random + again * (x.random + kNearPrices.random) / 2 +
                   incidences * rows.random + s.edges * rows.written + s.output * y.written);
  return bytes + kRow * (2 * incidences + s.edges + s.output);
}

double fused_time(const LayoutStats& stats, const Sizes& s) {
  const auto sums = static_cast<double>(stats.sums), contacts = static_cast<double>(stats.contacts);
  const auto touched = static_cast<double>(stats.touched);
  const Prices &x = prices(s.input * s.row), &y = prices(s.output * s.row);
  const bool only = stats.tiles == 1;
  const double first = only && s.input * s.row > 4e6 ? touched * x.ordered : contacts * x.random;
  const double written = s.output * s.row > 4e6 ? kStreamed : y.written;
  const double bytes = s.units() * (first + std::max(0.0, sums - contacts) * kNearPrices.random + s.output * written +
                                    (contacts - touched) * (kShared + y.random));
  return (bytes + kRow * (sums + s.edges + s.output)) * (only ? kHalfRows : 1);
}

}  // namespace

Choice choose(const Layout& layout, std::int64_t width, DType dtype) {
  const LayoutStats& stats = layout.stats();
  const Sizes s{static_cast<double>(layout.cols()), static_cast<double>(layout.rows()),
                static_cast<double>(layout.edges()), static_cast<double>(width) * static_cast<double>(size_of(dtype))};
  const std::uint64_t work = stats.incidences * static_cast<std::uint64_t>(width);
  const int many = base::threads_for(work, ops::kElementGrain, omp_get_num_procs());
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
  const LayoutStats& stats = layout.stats();
  const auto apart = static_cast<double>(std::max<std::uint64_t>(2 * stats.incidences, 1));
  const auto touched = static_cast<double>(std::max<std::uint64_t>(stats.touched, 1));
  return fmt::format(
      "{}: {} {} with {:.0f}% of the sums saved and a vertex in {:.2f} of them would take {:.3g} ms on {} threads, two "
      "passes over {:.1f} MB of hyperedges' rows {:.3g} ms on {}",
      choice.method == Method::fused ? "fused" : "two passes", stats.tiles, stats.tiles == 1 ? "tile" : "tiles",
      100 * (1 - static_cast<double>(stats.sums) / apart), static_cast<double>(stats.contacts) / touched,
      1e3 * choice.fused_seconds, choice.fused_threads, 1e-6 * static_cast<double>(choice.two_pass_bytes),
      1e3 * choice.two_pass_seconds, choice.two_pass_threads);
}

}  // namespace galena::hyper
