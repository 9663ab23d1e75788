#pragma once
// One rank of a training run: its share of the graph and data, its copy of the model, and one epoch of either.

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "galena/train.hpp"
#include "src/comm/communicator.hpp"
#include "src/ops/device_ops.hpp"
#include "src/train/device_exchange.hpp"
#include "src/train/device_sum.hpp"
#include "src/train/metrics.hpp"
#include "src/train/replayed_pass.hpp"
#include "src/train/run_data.hpp"
#include "src/train/share.hpp"

namespace galena::train {

/// What all ranks of a run agree on.
struct Run {
  const NodeDataset& data;
  const TrainOptions& options;
  const ModelFactory& make;
  const Partition& partition;
  /// Links from device to device; empty: those of the options' transport.
  std::function<std::unique_ptr<comm::DeviceLinks>(comm::Communicator&)> links{};
  std::optional<DataDigests> digests{};  ///< where checkpoints are written or read
};

/// The rows of one share: features, and what they should be.
struct LocalData {
  nn::Var features;
  std::vector<std::int32_t> labels;
  std::vector<std::uint8_t> label_matrix;
  std::vector<VertexId> train, valid, test;  ///< inner numbers
  /// On a device, where to_device() brought them there, with the features: i32, and u8 of a label matrix.
  Tensor device_labels, device_label_matrix, device_train, device_valid;
  [[nodiscard]] Truths truths() const { return {labels, label_matrix}; }
};
/// Moves the features to the device and copies what losses read.
void to_device(LocalData& local);
LocalData local_data(const NodeData& data, const nn::GraphView& view, DType dtype);

/// The share of `rank` of the dataset's graph or hypergraph; `inductive`: of the training vertices alone, with the same
/// ids. All other edges are left out, and all other members of hyperedges.
Share share_of(const NodeDataset& data, bool inductive, std::span<const std::uint32_t> part_of, int ranks, int rank,
               const ShareOptions& options);

/// What is partitioned: the graph, or of a hypergraph the star expansion, whose vertices n .. are the hyperedges.
Graph graph_to_partition(const NodeDataset& data);
/// Its vertices.
std::size_t rows_to_partition(const NodeDataset& data);
/// InputError where a part would be empty.
void check_parts(const NodeDataset& data, int parts);

class Replica {
 public:
  Replica(const Run& run, comm::Communicator& comm);
  ~Replica();

  struct EpochResult {
    double loss = 0, lr = 0, seconds = 0, wait_seconds = 0;
  };
  EpochResult train_epoch(int epoch);
  /// The loss of all ranks; its gradient, summed over ranks, is in store().flat_gradients(). Running statistics move.
  double compute_gradient(int epoch);
  Scores evaluate();
  /// Rows of all vertices, by global id, f32, on rank 0; undefined elsewhere.
  struct Outputs {
    Tensor logits;
    Tensor embeddings;  ///< undefined where the model names none, or sparse ones
  };
  Outputs gather_outputs(bool embeddings);

  [[nodiscard]] nn::ParameterStore& store() { return store_; }
  [[nodiscard]] nn::Optimizer& optimizer() { return *optimizer_; }
  [[nodiscard]] BoundaryExchange* exchange() { return exchange_.get(); }
  /// Writes what the exchange must remember, where there is one.
  void save_exchange(ByteWriter& writer);
  /// Ends what a stale policy still has under way. All ranks call it.
  void drain_exchange();
  [[nodiscard]] const Share& share() const { return share_; }
  [[nodiscard]] Metric metric() const { return metric_; }
  [[nodiscard]] bool pruned() const { return !share_.hop_rows.empty(); }
  [[nodiscard]] comm::Communicator& comm() { return comm_; }

  /// Values of parameters and buffers, copied.
  [[nodiscard]] std::vector<Tensor> snapshot() const;
  void restore(const std::vector<Tensor>& snapshot);

  /// How epochs ran and on which devices, a sentence each; none on the CPU.
  [[nodiscard]] std::vector<std::string> describe_device() const;

 private:
  /// Forward, loss and backward. This rank's part of the loss; the gradient is its own.
  Tensor run_backward(int epoch);
  /// Readies the exchange for the pass of a training epoch; its kind, as ReplayedPass asks for it.
  std::optional<std::uint64_t> prepare_pass(int epoch);
  void sum_gradients();
  /// Throws where rows could not be coded: on the ranks whose they were; the others wait to hear of it.
  void check_rows();
  double sum_loss(const Tensor& loss);
  /// That of the training graph, or of the whole one where a run is inductive.
  void begin_exchanges(bool training, int epoch);
  nn::Var forward(bool training, int epoch, nn::Var* embeddings = nullptr);
  /// This rank's part of the mean loss over the training or the validation split.
  [[nodiscard]] nn::Var loss_of(const nn::Var& logits, const LocalData& local, bool valid) const;
  Tensor gather(const Tensor& mine);
  Tensor evaluate_logits(nn::Var* embeddings = nullptr);
  /// The same, replayed where it can be; until the next.
  Tensor replay_logits();

  const Run& run_;
  comm::Communicator& comm_;
  Device device_;  ///< where parameters, features and all that follows lie
  std::optional<ops::UseDevice> gpu_;
  nn::ParameterStore store_;
  std::unique_ptr<nn::Module> module_;
  std::unique_ptr<nn::Optimizer> optimizer_;
  Share share_;
  LocalData local_;
  std::unique_ptr<BoundaryExchange> exchange_;
  std::unique_ptr<DeviceExchange> device_exchange_;
  // Inductive runs evaluate on another graph.
  std::optional<Share> whole_share_;
  std::optional<LocalData> whole_local_;
  std::unique_ptr<BoundaryExchange> whole_exchange_;
  std::unique_ptr<DeviceExchange> whole_device_exchange_;
  std::unique_ptr<comm::DeviceLinks> links_;  ///< of both; goes before what it moves
  std::optional<DeviceSum> device_sum_;
  std::optional<ops::BeforeWaits> before_waits_;
  std::string varies_;  ///< why passes are not the same in every epoch, or empty
  GraphRoom room_;
  ReplayedPass pass_, evaluation_;
  Metric metric_;
};

/// How shares of a run are cut: to which hops, for which targets. `hops` are the module's.
ShareOptions share_options(const NodeDataset& data, const TrainOptions& options, int hops);

/// The partition of graph_to_partition() that the options ask for: kept from before, or made and kept where there is a
/// folder for it.
Partition kept_partition(const Graph& graph, const NodeDataset& data, const TrainOptions& options);

/// The exchange policy that message options mean.
Policy policy_of(const MessageOptions& options);

}  // namespace galena::train
