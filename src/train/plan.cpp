// The planner. Bytes are exact: sample sizes are those that training will draw, and what a model exchanges is found by
// running it on a graph without vertices. Time is what one part was measured to take, divided; memory an estimate.

#include "galena/plan.hpp"

#include <algorithm>
#include <ranges>

#include "src/ops/quantize.hpp"
#include "src/train/replica.hpp"

namespace galena {
namespace {

using train::Route;
using train::Share;

// An exchange without rows that takes notes.
class Tracer : public nn::HaloExchange {
 public:
  const nn::HaloSelection& selection(std::uint32_t, int) override { return none_; }
  void begin_forward(std::uint32_t call, int hop, const Tensor& x) override {
    if (calls.size() <= call) calls.resize(call + 1);
    calls[call] = {hop, x.cols(), false};
  }
  nn::HaloRows finish_forward(std::uint32_t call, bool) override {
    rows_ = Tensor::empty(0, calls[call].width, dtype_);
    return {rows_, nullptr};
  }
  void begin_backward(std::uint32_t call, const Tensor&) override { calls[call].backward = true; }
  void finish_backward(std::uint32_t, const Tensor&) override {}
  Tensor gather_full(const Tensor& x, int) override { return Tensor::empty(0, x.cols(), x.dtype()); }

  explicit Tracer(DType dtype) : dtype_(dtype) { none_.csr = none_.csr_t = empty_.view(); }
  std::vector<PlannedExchange> calls;

 private:
  DType dtype_;
  ops::CsrArrays empty_;
  nn::HaloSelection none_;
  Tensor rows_;
};

std::unique_ptr<nn::Module> make_module(const NodeDataset& data, const TrainOptions& options, const ModelFactory& make,
                                        nn::ParameterStore& store) {
  const auto features = static_cast<std::int64_t>(data.data.features.cols);
  auto module = make ? make(store, features, data.data.num_classes)
                     : nn::make_model(options.model, features, data.data.num_classes, store);
  store.seal();
  return module;
}

// Rows of a route at `hop` in an epoch: those of its strata that are needed there.
std::uint64_t rows_sent(const Route& route, int hop, bool pruned, double rate, const train::SampleKey& key) {
  const auto hops = static_cast<int>(route.hop_count.size());
  if (!pruned) {
    const auto rows = static_cast<std::uint32_t>(route.rows.size());
    return rate < 1 ? train::sample_size(rows, rate, key, 0) : rows;
  }
  std::uint64_t total = 0;
  std::uint32_t begin = 0;
  for (int stratum = 0; stratum < hops - hop; ++stratum) {
    const std::uint32_t end = route.hop_count[static_cast<std::size_t>(hops - 1 - stratum)];
    total += rate < 1 ? train::sample_size(end - begin, rate, key, static_cast<std::uint32_t>(stratum)) : end - begin;
    begin = end;
  }
  return total;
}

// Shares of all ranks, and sizes.
struct Layout {
  std::vector<Share> shares;  // by rank
  bool pruned = false;
  std::uint64_t boundary = 0;
  double balance = 1;
  std::uint64_t most_arcs = 0;
  std::uint64_t most_inner = 0, most_halo = 0;
};

void tell(const TrainOptions& options, const std::string& what, double share) {
  if (options.preparing) options.preparing(what, share);
}

std::string planning(std::size_t parts) { return "planning " + std::to_string(parts) + " parts"; }

Layout layout_of(const NodeDataset& data, const TrainOptions& options, int parts, int hops) {
  TrainOptions with = options;
  with.partition.parts = parts;
  if (options.preparing) with.partition.progress = [&](double share) { tell(options, "partitioning", share); };
  const Graph graph = train::graph_to_partition(data);
  std::vector<std::uint32_t> part_of(graph.num_vertices(), 0);
  if (parts > 1) part_of = train::kept_partition(graph, data, with).part_of;
  Layout layout;
  std::uint64_t arcs = 0;
  for (int rank = 0; rank < parts; ++rank) {
    tell(options, planning(static_cast<std::size_t>(parts)), static_cast<double>(rank) / parts);
    Share share =
        train::share_of(data, options.inductive, part_of, parts, rank, train::share_options(data, options, hops));
    std::uint64_t mine = 0, inner = 0, halo = 0;
    layout.boundary = 0;
    for (const Share* step : {static_cast<const Share*>(&share), share.back.get()}) {
      if (step == nullptr) continue;
      mine += step->view.local.indices.size() + step->view.outer.indices.size();
      inner += static_cast<std::uint64_t>(step->view.inner);
      halo += static_cast<std::uint64_t>(step->view.halo);
      layout.boundary += step->total_boundary;
    }
    arcs += mine;
    layout.most_arcs = std::max(layout.most_arcs, mine);
    layout.most_inner = std::max(layout.most_inner, inner);
    layout.most_halo = std::max(layout.most_halo, halo);
    layout.pruned = !share.hop_rows.empty();
    layout.shares.push_back(std::move(share));
  }
  if (arcs > 0) layout.balance = static_cast<double>(layout.most_arcs) * parts / static_cast<double>(arcs);
  return layout;
}

struct Bytes {
  std::uint64_t payload = 0, parameters = 0;
};

Bytes bytes_of(std::uint64_t rows, std::int64_t width, int bits) {
  return {rows * ops::packed_bytes(width, bits), rows * ops::parameter_bytes(bits)};
}

// Of all epochs together, by sending rank of the rows; gradients are charged to their sender, the receiver of rows.
std::vector<Bytes> traffic(const Layout& layout, const TrainOptions& options, std::span<const PlannedExchange> calls,
                           double rate, int bits) {
  std::vector<Bytes> by_rank(layout.shares.size());
  const auto charge = [&](int rank, const Bytes& bytes) {
    by_rank[static_cast<std::size_t>(rank)].payload += bytes.payload;
    by_rank[static_cast<std::size_t>(rank)].parameters += bytes.parameters;
  };
  for (int epoch = 0; epoch < options.epochs; ++epoch)
    for (int rank = 0; rank < static_cast<int>(layout.shares.size()); ++rank) {
      tell(options, planning(layout.shares.size()), static_cast<double>(epoch) / options.epochs);
      for (const PlannedExchange& call : calls) {
        const Share& share = layout.shares[static_cast<std::size_t>(rank)];
        for (const Route& route : share.step(call.hop).sends) {
          const train::SampleKey key{options.seed, static_cast<std::uint32_t>(epoch),
                                     train::shared_call(share, call.hop), rank, route.peer};
          const Bytes bytes = bytes_of(rows_sent(route, call.hop, layout.pruned, rate, key), call.width, bits);
          charge(rank, bytes);
          if (call.backward) charge(route.peer, bytes);
        }
      }
    }
  return by_rank;
}

// Graph in both directions, features, and for each exchange its rows four times: value, gradient, and one more of each
// for the operation before it.
std::uint64_t memory_of(const NodeDataset& data, const Layout& layout, std::span<const PlannedExchange> calls,
                        double rate, std::int64_t parameters) {
  const std::uint64_t rows = layout.most_inner;
  std::uint64_t bytes = layout.most_arcs * 2 * sizeof(VertexId) + rows * 4 * sizeof(EdgeOffset);
  const double share = std::min(1.0, static_cast<double>(rows) / std::max<double>(1, data.num_vertices()));
  const std::uint64_t feature_bytes = data.data.features.sparse() ? 20 : 4;
  bytes += static_cast<std::uint64_t>(share * static_cast<double>(data.data.features.nonzeros() * feature_bytes));
  for (const PlannedExchange& call : calls)
    bytes += (4 * rows + static_cast<std::uint64_t>(rate * static_cast<double>(layout.most_halo))) *
             static_cast<std::uint64_t>(call.width) * sizeof(float);
  return bytes + static_cast<std::uint64_t>(parameters) * 4 * sizeof(float);
}

double measured_epoch(const NodeDataset& data, const TrainOptions& options, const ModelFactory& make) {
  TrainOptions one = options;
  one.partition.parts = 1;
  one.partition_file.clear();
  one.checkpoint.clear();
  one.resume.clear();
  one.transport = Transport::threads;
  one.messages = {};
  one.stop = nullptr;
  one.epochs = 4;  // the first fills caches; of the others the quickest, since a machine may be busy with other things
  one.eval_every = 5;
  const auto epoch = [&](const EpochRecord& record) { tell(options, "timing one part", (record.epoch + 1) / 4.0); };
  const TrainResult result = train_network(data, one, epoch, make);
  const auto seconds = [](const EpochRecord& record) { return record.seconds; };
  return std::ranges::min(result.records | std::views::drop(1) | std::views::transform(seconds));
}

double transfer_seconds(const LinkOptions& link, std::span<const Bytes> by_rank, const Layout& layout,
                        std::span<const PlannedExchange> calls, int epochs) {
  if (link.bytes_per_second <= 0 || epochs == 0) return 0;
  double most = 0;
  for (std::size_t rank = 0; rank < by_rank.size(); ++rank) {
    const double bytes = static_cast<double>(by_rank[rank].payload + by_rank[rank].parameters) / epochs;
    std::size_t messages = 0;
    for (const PlannedExchange& call : calls) messages += 2 * layout.shares[rank].step(call.hop).sends.size();
    most = std::max(most, bytes / link.bytes_per_second + static_cast<double>(messages) * link.latency);
  }
  return most;
}

}  // namespace

std::vector<PlannedExchange> planned_exchanges(const NodeDataset& data, const TrainOptions& options,
                                               const ModelFactory& make) {
  nn::ParameterStore store(options.seed, options.dtype);
  const auto module = make_module(data, options, make, store);
  NodeData none;
  none.features.cols = data.data.features.cols;
  if (data.data.features.sparse()) none.features.indptr = {0};
  none.num_classes = data.data.num_classes;
  none.multi_label = data.data.multi_label;
  nn::GraphView view;
  view.global_vertices = data.num_vertices();
  if (data.hypergraph) view.back = std::make_shared<const nn::GraphView>();
  const train::LocalData local = train::local_data(none, view, options.dtype);
  Tracer tracer(options.dtype);
  nn::Context::Settings settings;
  settings.training = true;
  settings.savings = options.savings;
  settings.seed = options.seed;
  settings.sum_over_ranks = [](std::span<double> sums) { std::fill(sums.begin(), sums.end(), 1.0); };
  nn::Context context(view, &tracer, std::move(settings));
  store.zero_gradients();
  const nn::Var logits = module->forward(context, local.features);
  nn::backward(none.multi_label ? nn::binary_cross_entropy(logits, {}, {}, 1) : nn::cross_entropy(logits, {}, {}, 1));
  return tracer.calls;
}

std::vector<TrainPlan> plan_training(const NodeDataset& data, const TrainOptions& options,
                                     const std::vector<int>& parts, const std::vector<double>& rates,
                                     const std::vector<int>& bits, const ModelFactory& make) {
  nn::ParameterStore store(options.seed, options.dtype);
  for (const int k : parts) train::check_parts(data, k);
  const int hops = make_module(data, options, make, store)->hops();
  const auto calls = planned_exchanges(data, options, make);
  const double epoch = measured_epoch(data, options, make);
  std::vector<TrainPlan> plans;
  for (const int k : parts) {
    const Layout layout = layout_of(data, options, k, hops);
    for (const double rate : k == 1 ? std::vector<double>{1} : rates)
      for (const int b : k == 1 ? std::vector<int>{32} : bits) {
        TrainPlan plan{.parts = k, .rate = rate, .bits = b};
        const auto by_rank = traffic(layout, options, calls, rate, b);
        for (const Bytes& bytes : by_rank) {
          plan.payload += bytes.payload;
          plan.parameters += bytes.parameters;
        }
        const auto epochs = static_cast<std::uint64_t>(std::max(options.epochs, 1));
        plan.payload /= epochs;
        plan.parameters /= epochs;
        for (int rank = 0; rank < k; ++rank)
          plan.gradients += comm::Communicator::reduction_bytes(static_cast<std::uint64_t>(store.flat_size()),
                                                                size_of(options.dtype), rank, k);
        plan.boundary_rows = layout.boundary;
        plan.balance = layout.balance;
        plan.memory = memory_of(data, layout, calls, rate, store.flat_size());
        plan.compute_seconds = epoch / k * layout.balance;
        plan.transfer_seconds = transfer_seconds(options.link, by_rank, layout, calls, options.epochs);
        plans.push_back(plan);
      }
  }
  return plans;
}

}  // namespace galena
