#pragma once
// Full-graph training of graph networks, on one rank or many: one part of the graph a rank, boundary rows exchanged in
// every layer, sampled (BNS-GCN) and quantized (AdaQP) as asked.
//
//   galena::NodeDataset data = galena::load_node_dataset("cora");
//   galena::TrainOptions options;
//   options.model.name = "gcn";
//   galena::TrainResult result = galena::train_network(data, options);
//
// A network of one's own: pass a factory that makes the Module (galena/nn.hpp).

#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "galena/nn.hpp"
#include "galena/node_dataset.hpp"
#include "galena/partition.hpp"

namespace galena {

enum class Transport { threads, mpi, nccl };  ///< nccl: threads whose GPUs send each other rows

/// What a GPU may round, of models in f32. tf32: what dense products multiply, to TF32. bf16: that, and the rows that sums
/// over a graph's neighbours read, to bf16 (nn::Context::Settings::bf16_sums). All is added up and stored in f32.
enum class Precision : std::uint8_t { f32, tf32, bf16 };
[[nodiscard]] const char* name_of(Precision precision) noexcept;

/// A simulated link between ranks that are threads: n bytes take latency + n / bytes_per_second at a rank's port.
struct LinkOptions {
  double latency = 0;           ///< seconds
  double bytes_per_second = 0;  ///< 0 = no simulation
};

struct MessageOptions {
  /// Share of the boundary rows sent in an epoch, in [0, 1] (BNS-GCN's p).
  double rate = 1;
  bool by_importance = false;  ///< rows that weigh more are sent more often; else uniformly
  /// 32, 16 (bf16), 8, 4, 2, 1: bits an element. 0: adaptive, a width for each row (AdaQP).
  int bits = 32;
  /// > 0: rates and widths of all rows are chosen together so that an epoch's bytes are this share of full rate fp32;
  /// `rate` and `bits` must be left alone.
  double byte_budget = 0;
  int period = 20;      ///< epochs between assignments of adaptive widths and budgets
  double lambda = 0.5;  ///< adaptive: weight of variance against time, in [0, 1]
  bool stale = false;   ///< rows and gradients of the epoch before, so that nothing waits (PipeGCN)
};

struct TrainOptions {
  nn::ModelOptions model;
  nn::OptimizerOptions optimizer;
  int epochs = 200;
  std::uint64_t seed = 0;
  bool inductive = false;  ///< train on the graph of the training vertices alone; evaluate on the whole
  bool prune = true;       ///< leave out rows that cannot reach the training loss (the result is the same)
  bool savings = true;     ///< see nn::Context::Settings; with `prune`, off only to measure what they save
  int eval_every = 1;      ///< epochs; evaluation is on the whole graph, full rate, rows sent in full precision
  /// Which epoch is the best: of the best validation score, or of the least "loss". Where that is NaN in all of them, the
  /// last one evaluated.
  std::string select = "score";
  int patience = 0;  ///< evaluations without a better epoch before stopping; 0 = never
  /// accuracy, micro_f1, macro_f1, roc_auc; micro_f1_known, macro_f1_known (told how many labels each vertex has, as in
  /// DeepWalk's evaluation); auto: micro_f1 where multi-label, else accuracy.
  std::string metric = "auto";

  PartitionOptions partition;             ///< parts: one a rank
  std::filesystem::path partition_file;   ///< read in the place of making one
  std::filesystem::path partition_cache;  ///< empty: "partitions" in dataset_cache(), where there is one
  MessageOptions messages;
  Transport transport = Transport::threads;
  LinkOptions link;
  int threads = 0;           ///< of all ranks of this process together; 0 = all it is given
  double deadline = 300;     ///< seconds that one rank may wait for another
  DType dtype = DType::f32;  ///< f64 for checks
  /// cuda: the ranks of a machine take its CUDA devices in turn, and share them where there are fewer.
  Device device = Device::cpu;
  Precision precision = Precision::f32;  ///< with Device::cuda; of evaluations too
  /// On a device: what an epoch queues is recorded once and replayed as one (a CUDA graph). While one training records,
  /// no other may use this process's device.
  bool replay = true;
  /// Networks of a ModelFactory too, where forward() asks for the epoch's number for draws alone: what else it makes of
  /// it would be recorded, and the same in every epoch.
  bool replay_own = false;
  bool embeddings = false;  ///< fill TrainResult::embeddings

  std::filesystem::path checkpoint;  ///< written while training
  int checkpoint_every = 10;         ///< epochs
  std::filesystem::path resume;      ///< continued where it exists
  /// MPI: says what ended this rank and returns the exit code with which all processes then end; default: 1, silently.
  std::function<int(const std::exception_ptr&)> mpi_failure;
  const volatile int* stop = nullptr;  ///< set nonzero by anyone: the epoch ends, a checkpoint is written
  /// Called now and then until the first epoch, and while plan_training() runs: what is being done, and the share of it
  /// that is. Throws whatever ends that.
  std::function<void(const std::string& what, double share)> preparing;
};

/// Scores of one evaluation, in [0, 1]; NaN where a split has no such score.
struct Scores {
  double train = 0, valid = 0, test = 0;
  double valid_loss = std::numeric_limits<double>::quiet_NaN();  ///< a number where epochs are selected by it
};

/// Bytes that all ranks sent, by what they were for.
struct TrafficRow {
  std::string kind;       ///< payload, parameters, index, gradients, control
  int layer = -1;         ///< exchange number; -1: none in particular
  std::string direction;  ///< forward, backward, none
  std::uint64_t bytes = 0, messages = 0;
};

struct EpochRecord {
  int epoch = 0;
  double loss = 0, lr = 0;
  std::optional<Scores> scores;     ///< where evaluated
  double seconds = 0;               ///< forward, backward, step; without evaluation
  double wait_seconds = 0;          ///< of those, waiting for other ranks' rows (slowest rank); with NCCL also for GPUs
  std::vector<TrafficRow> traffic;  ///< of this epoch's training
};

struct TrainBytes {
  std::uint64_t payload = 0, parameters = 0, index = 0, gradients = 0, control = 0;
};

struct TrainResult {
  int epochs = 0, best_epoch = 0;
  std::string metric;
  Scores best;  ///< at the best epoch
  std::vector<EpochRecord> records;
  double load_seconds = 0, partition_seconds = 0, prepare_seconds = 0, train_seconds = 0, epoch_median = 0;
  TrainBytes bytes_per_epoch;  ///< the mean over epochs of this run
  int parts = 1;
  PartitionReport partition;
  std::int64_t parameters = 0;
  std::string device = "cpu", transport = "threads";
  std::vector<std::string> notes;    ///< each step of preparation, a sentence
  std::vector<std::string> kernels;  ///< which kernels were chosen and why, a sentence each; of hypergraphs
  bool interrupted = false;
  bool is_root = true;  ///< false on MPI ranks other than 0, which know only what all ranks know
  /// Of the best epoch, by vertex of the dataset, f32, on the root rank: [n x classes].
  Tensor logits;
  /// The same of the rows that enter the last layer, where TrainOptions::embeddings asks for them; undefined where the
  /// model names none (Context::keep_embeddings) or its only layer takes sparse features.
  Tensor embeddings;
  std::vector<std::pair<std::string, Tensor>> weights;  ///< of the best epoch, by name
};

/// Makes a network; called once a rank, with the same numbers.
using ModelFactory =
    std::function<std::unique_ptr<nn::Module>(nn::ParameterStore& store, std::int64_t features, std::int64_t classes)>;
/// Called on the root rank after each epoch.
using EpochCallback = std::function<void(const EpochRecord&)>;

/// Trains. `make` overrides options.model. Throws InputError for options that do not fit each other or the data, arrays
/// of the data that are not as long as they should be or name what is not there, logits that are not a column a class, a
/// checkpoint of another run or other data or a damaged one; EnvironmentError where a rank fails, naming it. What
/// `make`, its network or `epoch` throws comes out as it is, unless it is a galena::Error, which names the rank.
TrainResult train_network(const NodeDataset& data, const TrainOptions& options, const EpochCallback& epoch = {},
                          const ModelFactory& make = {});

}  // namespace galena
