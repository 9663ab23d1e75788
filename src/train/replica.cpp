#include "src/train/replica.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "galena/error.hpp"
#include "src/comm/placement.hpp"
#include "src/ops/gemm.hpp"
#include "src/train/staged_links.hpp"

namespace galena::train {
namespace {

constexpr comm::Label kControl{comm::Traffic::control, -1, comm::Direction::none};
// Hops of a run that cannot be pruned by depth but is confined to the training vertices; even, for hypergraphs.
constexpr int kManyHops = 64;

nn::Var features_of(const FeatureMatrix& features, std::span<const VertexId> ids, DType dtype) {
  const auto cols = static_cast<std::int64_t>(features.cols);
  const auto rows = static_cast<std::int64_t>(ids.size());
  if (!features.sparse()) {
    Tensor x = Tensor::empty(rows, cols);
    for (std::size_t k = 0; k < ids.size(); ++k)
      std::memcpy(x.data<float>() + static_cast<std::int64_t>(k) * cols, features.dense.data() + ids[k] * features.cols,
                  features.cols * sizeof(float));
    return nn::Var(x.to(dtype));
  }
  std::vector<EdgeOffset> indptr{0};
  std::vector<std::uint32_t> indices;
  std::vector<float> values;
  for (const VertexId v : ids) {
    const auto begin = static_cast<std::ptrdiff_t>(features.indptr[v]);
    const auto end = static_cast<std::ptrdiff_t>(features.indptr[v + 1]);
    indices.insert(indices.end(), features.indices.begin() + begin, features.indices.begin() + end);
    values.insert(values.end(), features.values.begin() + begin, features.values.begin() + end);
    indptr.push_back(indices.size());
  }
  const Tensor stored = Tensor::from<float>(static_cast<std::int64_t>(values.size()), 1, values);
  return nn::Var(SparseMatrix::from_csr(rows, cols, std::move(indptr), std::move(indices), stored.to(dtype)));
}

std::vector<VertexId> rows_of(std::span<const VertexId> split, std::span<const VertexId> number) {
  constexpr VertexId kAbsent = ~VertexId{0};
  std::vector<VertexId> rows;
  for (const VertexId v : split)
    if (number[v] != kAbsent) rows.push_back(number[v]);
  std::sort(rows.begin(), rows.end());
  return rows;
}

/// The GPUs of a machine are for its ranks in turn.
std::optional<ops::UseDevice> gpu_for(Device device, comm::Communicator& comm) {
  if (device == Device::cpu) return std::nullopt;
  const int rank = comm.size() > 1 ? comm::rank_on_machine(comm) : 0;
  return std::optional<ops::UseDevice>(std::in_place, rank % std::max(1, ops::device_ops().count()));
}

/// What of the exchanges of parts a recorded pass does not hold; empty where it holds all.
std::string why_passes_vary(const TrainOptions& options, comm::Communicator& comm) {
  if (options.device == Device::cpu || comm.size() == 1) return {};
  return options.messages.stale ? "rows of the epoch before take turns with this one's" : "";
}

bool wants_replay(const Run& run) {
  return run.options.device == Device::cuda && run.options.replay && (!run.make || run.options.replay_own);
}

}  // namespace

LocalData local_data(const NodeData& data, const nn::GraphView& view, DType dtype) {
  LocalData local;
  local.features = features_of(data.features, view.ids, dtype);
  std::size_t vertices = data.features.rows;
  std::vector<VertexId> number(vertices, ~VertexId{0});
  for (std::size_t k = 0; k < view.ids.size(); ++k) {
    const VertexId v = view.ids[k];
    number[v] = static_cast<VertexId>(k);
    if (data.multi_label) {
      const auto* row = data.label_matrix.data() + std::size_t{v} * data.num_classes;
      local.label_matrix.insert(local.label_matrix.end(), row, row + data.num_classes);
    } else {
      local.labels.push_back(data.labels[v]);
    }
  }
  local.train = rows_of(data.train, number);
  local.valid = rows_of(data.valid, number);
  local.test = rows_of(data.test, number);
  return local;
}

namespace {

/// The elements of host memory, or of their copy where there is one.
template <class T>
std::span<const T> lying(const Tensor& copy, const std::vector<T>& host) {
  return {copy.defined() ? ops::device_data<const T>(copy) : host.data(), host.size()};
}

}  // namespace

void to_device(LocalData& local) {
  const nn::Var& x = local.features;
  local.features = x.sparse() != nullptr ? nn::Var(x.sparse()->to(Device::cuda)) : nn::Var(x.value().to(Device::cuda));
  local.device_labels = ops::to_device(local.labels.data(), local.labels.size());
  local.device_label_matrix = ops::to_device(local.label_matrix.data(), local.label_matrix.size());
  local.device_train = ops::to_device(local.train);
  local.device_valid = ops::to_device(local.valid);
}

namespace {

std::vector<bool> marks_of(std::span<const VertexId> vertices, VertexId n) {
  std::vector<bool> marks(n, false);
  for (const VertexId v : vertices) marks[v] = true;
  return marks;
}

Graph induced(const Graph& graph, std::span<const VertexId> vertices) {
  const auto kept = marks_of(vertices, graph.num_vertices());
  GraphArrays arrays;
  arrays.directed = graph.directed();
  arrays.indptr.reserve(graph.num_vertices() + std::size_t{1});
  for (VertexId v = 0; v < graph.num_vertices(); ++v) {
    if (kept[v])
      for (const VertexId u : graph.neighbors(v))
        if (kept[u]) arrays.indices.push_back(u);
    arrays.indptr.push_back(arrays.indices.size());
  }
  return Graph::from_arrays(std::move(arrays));
}

Hypergraph induced(const Hypergraph& hypergraph, std::span<const VertexId> vertices) {
  const auto kept = marks_of(vertices, hypergraph.num_vertices());
  HypergraphArrays arrays;
  arrays.num_vertices = hypergraph.num_vertices();
  for (HyperedgeId e = 0; e < hypergraph.num_hyperedges(); ++e) {
    for (const VertexId v : hypergraph.members(e))
      if (kept[v]) arrays.members.push_back(v);
    arrays.indptr.push_back(arrays.members.size());
  }
  arrays.edge_weights.assign(hypergraph.edge_weights().begin(), hypergraph.edge_weights().end());
  return Hypergraph::from_arrays(std::move(arrays));
}

}  // namespace

Share share_of(const NodeDataset& data, bool inductive, std::span<const std::uint32_t> part_of, int ranks, int rank,
               const ShareOptions& options) {
  const auto build = [&](const auto& structure) {
    return build_share(inductive ? induced(structure, data.data.train) : structure, part_of, ranks, rank, options);
  };
  return data.hypergraph ? build(*data.hypergraph) : build(data.graph);
}

Graph graph_to_partition(const NodeDataset& data) {
  return data.hypergraph ? star_expansion(*data.hypergraph) : data.graph;
}

ShareOptions share_options(const NodeDataset& data, const TrainOptions& options, int hops) {
  ShareOptions share;
  share.targets = data.data.train;
  if (hops >= 0 && options.prune) share.hops = hops;
  if (options.inductive && share.hops < 0) share.hops = kManyHops;
  return share;
}

std::size_t rows_to_partition(const NodeDataset& data) {
  return std::size_t{data.num_vertices()} + (data.hypergraph ? data.hypergraph->num_hyperedges() : 0);
}

void check_parts(const NodeDataset& data, int parts) {
  const std::size_t rows = rows_to_partition(data);
  if (parts < 1 || static_cast<std::size_t>(parts) > rows)
    throw InputError(fmt::format("--parts {}: expected 1 to {}, as many as there are {}", parts, rows,
                                 data.hypergraph ? "vertices and hyperedges" : "vertices"));
}

Partition kept_partition(const Graph& graph, const NodeDataset& data, const TrainOptions& options) {
  return cached_partition(graph, options.partition, data.data.train, options.partition_cache);
}

Policy policy_of(const MessageOptions& options) {
  Policy policy;
  policy.stale = options.stale;
  if (options.byte_budget > 0) {
    policy.rows = RowChoice::assigned;
    policy.bits = 0;
    return policy;
  }
  policy.rate = options.rate;
  policy.bits = options.bits;
  if (options.rate < 1) policy.rows = options.by_importance ? RowChoice::importance : RowChoice::uniform;
  return policy;
}

Replica::Replica(const Run& run, comm::Communicator& comm)
    : run_(run),
      comm_(comm),
      device_(run.options.device),
      gpu_(gpu_for(run.options.device, comm)),
      store_(run.options.seed, run.options.dtype, run.options.device),
      varies_(why_passes_vary(run.options, comm)),
      room_(comm),
      pass_(wants_replay(run) && varies_.empty(), room_, store_),
      evaluation_(wants_replay(run), room_, store_, &pass_),
      metric_(find_metric(run.options.metric, run.data.data.multi_label)) {
  const NodeData& data = run.data.data;
  const TrainOptions& options = run.options;
  const auto features = static_cast<std::int64_t>(data.features.cols);
  module_ = run.make ? run.make(store_, features, data.num_classes)
                     : nn::make_model(options.model, features, data.num_classes, store_);
  if (!module_) throw InputError("the model factory made no model");
  store_.seal();
  std::uint64_t snapshot_bytes = store_.flat_values().bytes();
  for (const auto& [name, buffer] : store_.buffers()) snapshot_bytes += buffer.bytes();
  room_.leave_snapshots(snapshot_bytes);
  optimizer_ = std::make_unique<nn::Optimizer>(options.optimizer, store_, options.epochs);

  const auto& parts = run.partition.part_of;
  share_ = share_of(run.data, options.inductive, parts, comm.size(), comm.rank(),
                    share_options(run.data, options, module_->hops()));
  local_ = local_data(data, share_.view, options.dtype);
  if (device_ == Device::cuda) {
    nn::to_device(share_.view);
    to_device(local_);
  }
  if (comm.size() > 1)
    exchange_ = std::make_unique<BoundaryExchange>(share_, comm, policy_of(options.messages), options.seed);
  if (exchange_ && device_ == Device::cuda) {
    const bool staged = !run.links && options.transport != Transport::nccl;
    if (run.links)
      links_ = run.links(comm);
    else if (staged)
      links_ = std::make_unique<StagedLinks>(comm);
    else
      links_ = comm::nccl_links(comm, ops::device_ops().name(), ops::device_ops().stream());
    before_waits_.emplace([this] {
      const double start = comm::Communicator::now();
      links_->finish();
      exchange_->add_wait(comm::Communicator::now() - start);
    });
    if (pass_.wanted()) exchange_->draws().leave_room();
    device_exchange_ = std::make_unique<DeviceExchange>(share_, *exchange_, *links_);
    // Staged rows pass through the CPU, where sums cost fewer copies.
    device_sum_.emplace(comm, staged ? nullptr : links_.get());
  }
  if (!options.inductive) return;
  whole_share_ = share_of(run.data, false, parts, comm.size(), comm.rank(), {});
  whole_local_ = local_data(data, whole_share_->view, options.dtype);
  if (device_ == Device::cuda) {
    nn::to_device(whole_share_->view);
    to_device(*whole_local_);
  }
  if (comm.size() > 1)
    whole_exchange_ = std::make_unique<BoundaryExchange>(*whole_share_, comm, Policy{}, options.seed);
  if (whole_exchange_ && device_ == Device::cuda)
    whole_device_exchange_ = std::make_unique<DeviceExchange>(*whole_share_, *whole_exchange_, *links_);
}

Replica::~Replica() = default;

void Replica::begin_exchanges(bool training, int epoch) {
  const bool whole = !training && run_.options.inductive;
  const auto& exchange = whole ? whole_exchange_ : exchange_;
  const auto& on_device = whole ? whole_device_exchange_ : device_exchange_;
  const bool pruned = training && this->pruned();
  if (exchange) exchange->begin_pass({training, pruned, static_cast<std::uint32_t>(epoch)});
  if (on_device) on_device->begin_pass();
}

nn::Var Replica::forward(bool training, int epoch, nn::Var* embeddings) {
  begin_exchanges(training, epoch);
  const bool whole = !training && run_.options.inductive;
  const Share& share = whole ? *whole_share_ : share_;
  BoundaryExchange* const exchange = whole ? whole_exchange_.get() : exchange_.get();
  const auto& on_device = whole ? whole_device_exchange_ : device_exchange_;
  nn::Context::Settings settings;
  settings.training = training;
  settings.seed = run_.options.seed;
  settings.epoch = static_cast<std::uint32_t>(epoch);
  settings.savings = run_.options.savings;
  settings.bf16_sums = run_.options.precision == Precision::bf16;
  if (comm_.size() > 1) settings.sum_over_ranks = [this](std::span<double> values) { comm_.sum(values, kControl); };
  if (device_sum_) settings.sum_on_device = [this](const Tensor& values) { (*device_sum_)(values, kControl); };
  settings.embeddings = embeddings;
  if (training && pruned()) settings.hop_rows = share.hop_rows;
  nn::HaloExchange* rows = exchange;
  if (on_device) rows = on_device.get();
  nn::Context context(share.view, rows, std::move(settings));
  nn::Var logits = module_->forward(context, whole ? whole_local_->features : local_.features);
  if (const std::int64_t classes = run_.data.data.num_classes; logits.cols() != classes)
    throw InputError(
        fmt::format("the network's logits have {} columns; expected {}, one a class", logits.cols(), classes));
  return logits;
}

nn::Var Replica::loss_of(const nn::Var& logits, const LocalData& local, bool valid) const {
  const NodeData& data = run_.data.data;
  const std::size_t all = valid ? data.valid.size() : data.train.size();
  const double examples = static_cast<double>(all) * (data.multi_label ? data.num_classes : 1);
  const auto rows = valid ? lying(local.device_valid, local.valid) : lying(local.device_train, local.train);
  return data.multi_label ? nn::binary_cross_entropy(logits, lying(local.device_label_matrix, local.label_matrix), rows,
                                                     1 / examples)
                          : nn::cross_entropy(logits, lying(local.device_labels, local.labels), rows, 1 / examples);
}

Tensor Replica::run_backward(int epoch) {
  const OnDevice here(device_);
  const ops::Tf32Products rounded(run_.options.precision != Precision::f32);
  store_.zero_gradients();
  const nn::Var loss = loss_of(forward(true, epoch), local_, false);
  nn::backward(loss);
  return loss.value();
}

void Replica::sum_gradients() {
  if (comm_.size() == 1) return;
  if (links_) links_->push();  // what a stale policy has begun
  const comm::Label label{comm::Traffic::gradients, -1, comm::Direction::none};
  const OnDevice here(device_);
  const Tensor gradients = store_.flat_gradients();
  if (device_sum_)
    (*device_sum_)(gradients, label);
  else if (store_.dtype() == DType::f64)
    comm_.sum(gradients.span<double>(), label);
  else
    comm_.sum(gradients.span<float>(), label);
  if (device_exchange_) device_exchange_->collect();
}

double Replica::sum_loss(const Tensor& loss) {
  std::array<double, 1> total{loss.item()};
  if (comm_.size() > 1) comm_.sum(std::span(total), kControl);
  return total[0];
}

void Replica::check_rows() {
  if (!device_exchange_) return;
  device_exchange_->check_rows();
  comm_.barrier();
}

void Replica::save_exchange(ByteWriter& writer) {
  if (!exchange_) return;
  if (device_exchange_) device_exchange_->park();
  exchange_->save(writer);
  if (device_exchange_) exchange_->drain();  // the rows that were parked
}

void Replica::drain_exchange() {
  if (exchange_) exchange_->drain();
  if (device_exchange_) device_exchange_->drain();
}

double Replica::compute_gradient(int epoch) {
  const Tensor loss = pass_.run_plain([&] { return run_backward(epoch); });
  sum_gradients();
  return sum_loss(loss);
}

/// Passes in which the same rows and widths may travel are of one kind; what is measured of them is read after each.
std::optional<std::uint64_t> Replica::prepare_pass(int epoch) {
  if (!pass_.wanted() || !device_exchange_) return 0;
  if (exchange_->measured()) return std::nullopt;
  exchange_->begin_pass({true, pruned(), static_cast<std::uint32_t>(epoch)});
  device_exchange_->prepare_pass();
  return exchange_->draws().assignments();
}

Replica::EpochResult Replica::train_epoch(int epoch) {
  const double start = comm::Communicator::now();
  if (exchange_) static_cast<void>(exchange_->take_wait_seconds());  // of what came between epochs
  EpochResult result;
  const Tensor loss =
      pass_.run(static_cast<std::uint32_t>(epoch), prepare_pass(epoch), [&] { return run_backward(epoch); });
  sum_gradients();
  optimizer_->step(epoch);
  result.loss = sum_loss(loss);  // waits for a device, as sums by way of the CPU have done before
  if (!std::isfinite(result.loss)) check_rows();
  result.lr = optimizer_->lr(epoch);
  result.seconds = comm::Communicator::now() - start;
  if (exchange_) result.wait_seconds = exchange_->take_wait_seconds();
  return result;
}

Tensor Replica::evaluate_logits(nn::Var* embeddings) {
  const nn::NoGrad guard;
  const OnDevice here(device_);
  const ops::Tf32Products rounded(run_.options.precision != Precision::f32);
  return forward(false, 0, embeddings).value();
}

/// An evaluation reads parameters, buffers and features where they lie: restore() and steps write them there.
Tensor Replica::replay_logits() {
  begin_exchanges(false, 0);
  if (!evaluation_.counted()) pass_.forget();  // nobody knows yet what it takes
  return evaluation_.run(0, 0, [this] { return evaluate_logits(); });
}

Scores Replica::evaluate() {
  const Tensor computed = replay_logits();
  const Predictions predictions = predictions_of(metric_, computed, run_.data.data.multi_label);
  check_rows();
  const LocalData& local = whole_local_ ? *whole_local_ : local_;
  comm::Communicator* comm = comm_.size() > 1 ? &comm_ : nullptr;
  const auto of = [&](const std::vector<VertexId>& rows) {
    return score(metric_, predictions, local.truths(), rows, comm);
  };
  Scores scores{of(local.train), of(local.valid), of(local.test)};
  if (run_.options.select != "loss" || run_.data.data.valid.empty()) return scores;
  const nn::NoGrad guard;
  const OnDevice here(device_);
  scores.valid_loss = sum_loss(loss_of(nn::Var(computed), local, true).value());
  return scores;
}

Replica::Outputs Replica::gather_outputs(bool embeddings) {
  pass_.forget();
  evaluation_.forget();
  nn::Var kept;
  const Tensor logits = evaluate_logits(embeddings ? &kept : nullptr);
  Outputs outputs{gather(logits.to(DType::f32).to(Device::cpu)), {}};
  // Every rank runs the same model: all of them kept dense rows, or none.
  if (kept.defined() && kept.sparse() == nullptr)
    outputs.embeddings = gather(kept.value().to(DType::f32).to(Device::cpu));
  return outputs;
}

Tensor Replica::gather(const Tensor& mine) {
  const Share& share = whole_share_ ? *whole_share_ : share_;
  Tensor all;
  if (comm_.rank() == 0) all = Tensor::zeros(share.view.global_vertices, mine.cols());
  const auto ids = comm_.allgather(comm::bytes_of(share.view.ids), kControl);
  const std::size_t row_bytes = static_cast<std::size_t>(mine.cols()) * sizeof(float);
  const auto place = [&](int rank, const std::vector<std::byte>& rows) {
    if (comm_.rank() != 0) return;
    const auto& of = ids[static_cast<std::size_t>(rank)];
    for (std::size_t k = 0; k * sizeof(VertexId) < of.size(); ++k) {
      VertexId v = 0;
      std::memcpy(&v, &of[k * sizeof v], sizeof v);
      std::memcpy(all.raw() + v * row_bytes, &rows[k * row_bytes], row_bytes);
    }
  };
  comm_.allgather(std::span<const std::byte>(mine.raw(), mine.bytes()), kControl, place);
  return all;
}

std::vector<std::string> Replica::describe_device() const {
  std::vector<std::string> notes;
  if (device_ == Device::cpu) return notes;
  const bool parts = comm_.size() > 1;
  if (parts) {
    const int count = ops::device_ops().count();
    notes.push_back(
        fmt::format("The ranks of a machine took its GPUs in turn; that of rank {} has {}", comm_.rank(), count));
  }
  if (run_.options.replay && !varies_.empty())
    notes.push_back("Passes were not replayed as CUDA graphs: " + varies_);
  else if (std::string passes = pass_.describe(); !passes.empty())
    notes.push_back(std::move(passes));
  if (pass_.replayed() && !evaluation_.why_not().empty())
    notes.push_back("Evaluations were not replayed: " + evaluation_.why_not());
  return notes;
}

std::vector<Tensor> Replica::snapshot() const {
  std::vector<Tensor> copy{store_.flat_values().clone()};
  for (const auto& [name, buffer] : store_.buffers()) copy.push_back(buffer.clone());
  return copy;
}

void Replica::restore(const std::vector<Tensor>& snapshot) {
  store_.flat_values().copy_from(snapshot[0]);
  for (std::size_t k = 0; k + 1 < snapshot.size(); ++k) store_.buffers()[k].second.copy_from(snapshot[k + 1]);
}

}  // namespace galena::train
