#include "src/nn/cache.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "src/ops/check.hpp"
#include "src/ops/device_ops.hpp"

namespace galena::nn {
namespace {

constexpr std::ptrdiff_t kSelectionsKept = 16;  // but for frames, which whoever makes them forgets

/// A column tensor of f(k), k = 0 .. n - 1.
template <class F>
Tensor column(std::size_t n, DType dtype, const F& f) {
  Tensor result = Tensor::empty(static_cast<std::int64_t>(n), 1, dtype);
  ops::with_float("aggregate", dtype, [&]<class T>(T) {
    for (std::size_t k = 0; k < n; ++k) result.data<T>()[k] = static_cast<T>(f(k));
  });
  return result;
}

Factors make_factors(const GraphView& graph, Aggregation how, DType dtype) {
  const double loop = how.self_loops ? 1 : 0;
  const auto power = [&](const std::vector<std::uint32_t>& degree, double exponent) {
    return column(degree.size(), dtype, [&](std::size_t k) {
      const double d = degree[k] + loop;
      return d > 0 ? std::pow(d, exponent) : 0.0;
    });
  };
  const auto diagonal = [&](const auto& f) {
    return how.self_loops ? column(graph.in_degree.size(), dtype, f) : Tensor{};
  };
  const auto d_in = [&](std::size_t k) { return graph.in_degree[k] + loop; };
  const auto d_out = [&](std::size_t k) { return graph.out_degree[k] + loop; };
  switch (how.kind) {
    case Aggregation::Kind::mean:
      return {power(graph.in_degree, -1), {}, diagonal([&](std::size_t k) { return 1 / d_in(k); }), {}};
    case Aggregation::Kind::symmetric:
      return {power(graph.in_degree, -0.5), power(graph.out_degree, -0.5),
              diagonal([&](std::size_t k) { return 1 / std::sqrt(d_in(k) * d_out(k)); }),
              power(graph.halo_out_degree, -0.5)};
    case Aggregation::Kind::sum:
    case Aggregation::Kind::max: break;
  }
  return {{}, {}, diagonal([](std::size_t) { return 1.0; }), {}};
}

HaloFactors make_halo_factors(const GraphView& graph, const Factors& factors, DType dtype, const HaloSelection& s) {
  HaloFactors result;
  const auto count = static_cast<std::size_t>(s.count);
  const auto number = [&](std::size_t k) { return s.halo_numbers != nullptr ? s.halo_numbers[k] : k; };
  result.ids.resize(count);
  for (std::size_t k = 0; k < count; ++k) result.ids[k] = graph.halo_ids[number(k)];
  const Tensor& right = factors.halo_right;
  if (s.weight != nullptr) {
    result.log_weight = column(count, dtype, [&](std::size_t k) { return std::log(static_cast<double>(s.weight[k])); });
  }
  if (s.weight == nullptr && !right.defined()) return result;
  ops::with_float("aggregate", dtype, [&]<class T>(T) {
    const T* const factor = right.defined() ? right.data<T>() : nullptr;
    result.right = column(count, dtype, [&](std::size_t k) {
      return (factor != nullptr ? static_cast<double>(factor[number(k)]) : 1.0) *
             (s.weight != nullptr ? s.weight[k] : 1.0);
    });
  });
  return result;
}

}  // namespace

const VertexId* HaloFactors::ids_on(Device device) const {
  return device == Device::cpu ? ids.data() : ops::device_data<VertexId>(device_ids);
}

std::uint64_t next_selection_version() {
  static std::atomic<std::uint64_t> last = 0;
  return ++last;
}

GraphView::Cache& cache_of(const GraphView& graph) {
  if (!graph.cache) graph.cache = std::make_shared<GraphView::Cache>();
  return *graph.cache;
}

const Factors& factors_of(const GraphView& graph, Aggregation how, DType dtype) {
  auto& all = cache_of(graph).factors;
  const GraphView::Cache::Key key{how.kind, how.self_loops, dtype};
  const auto found = all.find(key);
  if (found != all.end()) return found->second;
  const Device device = OnDevice::current();
  const OnDevice cpu(Device::cpu);
  Factors factors = make_factors(graph, how, dtype);
  for (Tensor* factor : {&factors.left, &factors.right, &factors.diagonal}) *factor = factor->to(device);
  return all.emplace(key, std::move(factors)).first->second;
}

namespace {

/// What is kept of a selection, or of one whose place it takes.
bool is_of(const GraphView::Cache::Selected& kept, const HaloSelection& selection) {
  return selection.frame != 0 ? kept.frame == selection.frame : kept.version == selection.version;
}

/// To the device, into the memory of the factors whose place these take.
void place(const HaloFactors& made, HaloFactors& kept) {
  const auto copy = [](const Tensor& from, const Tensor& to) {
    if (from.bytes() != to.bytes()) throw InternalError("a selection does not fit into the place of another");
    if (from.bytes() > 0) ops::device_ops().upload(to.raw(), from.raw(), from.bytes());
  };
  if (made.right.defined()) copy(made.right, kept.right);
  if (made.log_weight.defined()) copy(made.log_weight, kept.log_weight);
  ops::to_device(made.ids, kept.device_ids);
}

/// Brings what is kept of another selection in this place up to this one.
void renew(const GraphView& graph, const HaloSelection& selection, GraphView::Cache::Selected& kept) {
  if (kept.version == selection.version) return;
  const auto& [kind, self_loops, dtype] = kept.key;
  const OnDevice cpu(Device::cpu);
  HaloFactors made = make_halo_factors(graph, factors_of(graph, {kind, self_loops}, dtype), dtype, selection);
  place(made, *kept.factors);
  kept.factors->ids = std::move(made.ids);
  kept.version = selection.version;
}

}  // namespace

std::shared_ptr<const HaloFactors> halo_factors_of(const GraphView& graph, Aggregation how, DType dtype,
                                                   const HaloSelection& selection) {
  auto& kept = cache_of(graph).selected;
  const GraphView::Cache::Key key{how.kind, how.self_loops, dtype};
  const auto found =
      std::find_if(kept.begin(), kept.end(), [&](const auto& s) { return is_of(s, selection) && s.key == key; });
  if (found != kept.end()) {
    renew(graph, selection, *found);
    return found->factors;
  }
  const Factors& factors = factors_of(graph, how, dtype);
  const Device device = OnDevice::current();
  const OnDevice cpu(Device::cpu);
  HaloFactors made = make_halo_factors(graph, factors, dtype, selection);
  made.right = made.right.to(device);
  made.log_weight = made.log_weight.to(device);
  if (device == Device::cuda) made.device_ids = ops::to_device(made.ids);
  kept.push_back({selection.version, selection.frame, key, std::make_shared<HaloFactors>(std::move(made))});
  const auto result = kept.back().factors;
  if (std::ranges::count(kept, std::uint64_t{0}, &GraphView::Cache::Selected::frame) > kSelectionsKept)
    kept.erase(std::ranges::find(kept, std::uint64_t{0}, &GraphView::Cache::Selected::frame));
  return result;
}

void renew_halo_factors(const GraphView& graph, const HaloSelection& selection) {
  for (auto& kept : cache_of(graph).selected)
    if (is_of(kept, selection)) renew(graph, selection, kept);
}

void forget_halo_factors(const GraphView& graph, std::uint64_t frame) {
  std::erase_if(cache_of(graph).selected, [&](const auto& kept) { return kept.frame == frame; });
}

}  // namespace galena::nn
