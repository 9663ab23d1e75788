// train_network(): checks the options, divides the graph, and starts the ranks.

#include "galena/train.hpp"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>

#include "galena/error.hpp"
#include "src/base/memory.hpp"
#include "src/base/threads.hpp"
#include "src/comm/mpi_session.hpp"
#include "src/comm/placement.hpp"
#include "src/comm/thread_transport.hpp"
#include "src/nn/models.hpp"
#include "src/train/trainer.hpp"

namespace galena {
namespace {

constexpr std::array kWidths{0, 1, 2, 4, 8, 16, 32};

void check(const TrainOptions& options) {
  const auto require = [](bool holds, const std::string& what) {
    if (!holds) throw InputError(what);
  };
  const MessageOptions& m = options.messages;
  require(options.deadline > 0, fmt::format("deadline {}: expected more than 0 seconds", options.deadline));
  require(options.checkpoint_every >= 1,
          fmt::format("checkpoint_every {}: expected 1 or more", options.checkpoint_every));
  require(options.epochs >= 0, fmt::format("--epochs {}: expected 0 or more", options.epochs));
  require(options.partition.parts >= 1, fmt::format("--parts {}: expected 1 or more", options.partition.parts));
  require(options.select == "score" || options.select == "loss",
          fmt::format("--select {}: expected score or loss", options.select));
  require(m.rate >= 0 && m.rate <= 1, fmt::format("--boundary-rate {}: expected 0 to 1", m.rate));
  require(std::find(kWidths.begin(), kWidths.end(), m.bits) != kWidths.end(),
          fmt::format("--message-bits {}: expected 32, 16, 8, 4, 2, 1 or adaptive", m.bits));
  require(m.byte_budget >= 0 && m.byte_budget <= 1, fmt::format("--byte-budget {}: expected 0 to 1", m.byte_budget));
  require(m.byte_budget == 0 || (m.rate == 1 && m.bits == 32),
          "--byte-budget chooses rates and widths itself: leave out --boundary-rate and --message-bits");
  require(m.byte_budget == 0 || !m.stale, "--byte-budget and --stale cannot be used together");
  require(m.period >= 1, fmt::format("--period {}: expected 1 or more", m.period));
  require(m.lambda >= 0 && m.lambda <= 1, fmt::format("--lambda {}: expected 0 to 1", m.lambda));
  require(options.dtype == DType::f32 || options.dtype == DType::f64, "training is in f32 or f64");
}

void check_precision(const TrainOptions& options) {
  if (options.precision == Precision::f32) return;
  const char* const name = name_of(options.precision);
  if (options.device != Device::cuda)
    throw InputError(fmt::format("--precision {} is for GPUs (--device cuda); leave it out on a CPU", name));
  if (options.dtype != DType::f32)
    throw InputError(fmt::format("--precision {} rounds what is f32: leave out --dtype f64", name));
}

void check_nccl(const TrainOptions& options) {
  if (options.transport != Transport::nccl) return;
  if (options.device != Device::cuda)
    throw InputError("--transport nccl joins GPUs: add --device cuda, or use --transport threads");
  if (options.partition.parts == 1)
    throw InputError("--transport nccl: one part exchanges nothing; add --parts, or leave the option out");
  if (options.link.bytes_per_second > 0)
    throw InputError("--link-mbit simulates links between threads: leave it out, or use --transport threads");
}

/// Bytes that a rank of this process takes beside its part of the graph and of the rows: parameters, gradients, the
/// optimizer's state, copies for the best epoch and for sums; numbers by vertex; a stack and what belongs to a thread.
std::uint64_t memory_of_rank(std::uint64_t parameters, std::uint64_t vertices, DType dtype) {
  constexpr std::uint64_t kCopies = 6, kOther = 128 << 10;
  return kCopies * parameters * size_of(dtype) + vertices * 3 * sizeof(VertexId) + kOther;
}

/// Linux would grant the memory all the same, and kill the process when it is touched.
void check_ranks(const NodeDataset& data, const TrainOptions& options, const ModelFactory& make) {
  train::check_parts(data, options.partition.parts);
  const auto parts = static_cast<std::uint64_t>(options.partition.parts);
  if (parts == 1 || options.device == Device::cuda) return;
  nn::ParameterStore store(options.seed, options.dtype);
  const auto features = static_cast<std::int64_t>(data.data.features.cols);
  const auto module = make ? make(store, features, data.data.num_classes)
                           : nn::make_model(options.model, features, data.data.num_classes, store);
  const std::uint64_t each =
      memory_of_rank(static_cast<std::uint64_t>(store.count()), data.num_vertices(), options.dtype);
  const std::uint64_t available = base::available_memory();
  if (parts * each <= available) return;
  constexpr std::uint64_t kMiB = 1 << 20;
  throw InputError(
      fmt::format("--parts {}: about {} MiB needed, {} for each part's copy of the model, but {} are free; "
                  "use at most {} parts, a smaller --hidden, or processes on more machines (--transport mpi)",
                  parts, parts * each / kMiB, each / kMiB + 1, available / kMiB, available / each));
}

class Clock {
 public:
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double>(now - std::exchange(start_, now)).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// What was asked for, by option or environment; else its share of the cores.
int threads_of_rank(const TrainOptions& options, comm::Communicator& comm) {
  const int share = comm::cores_for_rank(comm);  // all ranks call it, whatever their environments say
  if (options.threads > 0) return options.threads;
  return std::getenv("OMP_NUM_THREADS") != nullptr ? 0 : share;
}

Partition partition_for(const Graph& graph, const NodeDataset& data, const TrainOptions& options) {
  if (!options.partition_file.empty()) {
    Partition partition = load_partition(options.partition_file, graph);
    const bool mpi = options.transport == Transport::mpi;
    if (partition.parts != options.partition.parts)
      throw InputError(fmt::format("{}: {} parts, but there are {} {}: {} {}", options.partition_file.string(),
                                   partition.parts, options.partition.parts, mpi ? "processes" : "by --parts",
                                   mpi ? "start as many as parts," : "say --parts", partition.parts));
    return partition;
  }
  if (options.partition.parts == 1) {
    Partition one;
    one.part_of.assign(graph.num_vertices(), 0);
    return one;
  }
  return train::kept_partition(graph, data, options);
}

void describe(const train::Run& run, TrainResult& result) {
  const NodeData& data = run.data.data;
  const auto& hypergraph = run.data.hypergraph;
  result.notes.push_back(
      fmt::format("{}: {} vertices, {} {}edges, {} features{}, {} classes", run.data.name, run.data.num_vertices(),
                  hypergraph ? hypergraph->num_hyperedges() : run.data.graph.num_edges(), hypergraph ? "hyper" : "",
                  data.features.cols, data.features.sparse() ? " (sparse)" : "", data.num_classes));
  result.notes.push_back(fmt::format("split {}: {} for training, {} for validation, {} for testing", data.split,
                                     data.train.size(), data.valid.size(), data.test.size()));
  result.notes.insert(result.notes.end(), data.notes.begin(), data.notes.end());
  if (run.options.inductive)
    result.notes.emplace_back("inductive: trained on the edges between training vertices only");
  if (run.options.precision != Precision::f32)
    result.notes.push_back(fmt::format("precision {}: dense products of numbers rounded to TF32{}",
                                       name_of(run.options.precision),
                                       run.options.precision == Precision::bf16
                                           ? ", sums over a graph's neighbours (not attention's, nor maxima) of rows "
                                             "rounded to bf16"
                                           : ""));
  if (run.partition.parts > 1)
    result.notes.push_back(fmt::format("{} parts by {}, seed {}{}", run.partition.parts, run.partition.method,
                                       run.partition.seed, run.partition.reused ? ", reused" : ""));
  result.notes.insert(result.notes.end(), run.partition.notes.begin(), run.partition.notes.end());
}

void on_threads(const train::Run& run, const EpochCallback& epoch, TrainResult& result) {
  const TrainOptions& options = run.options;
  comm::ThreadOptions threads;
  threads.wait.deadline = options.deadline;
  const int all = options.threads > 0 ? options.threads : omp_get_max_threads();
  threads.threads_per_rank = std::max(1, all / run.partition.parts);
  if (options.link.bytes_per_second > 0)
    threads.link = comm::Link{options.link.latency, options.link.bytes_per_second, comm::Link::Shared::rank};
  comm::run_ranks(run.partition.parts, threads, [&](comm::Communicator& comm) {
    TrainResult other;  // ranks but the first
    train::Trainer(run, comm, epoch, comm.rank() == 0 ? result : other).run();
  });
}

}  // namespace

const char* name_of(Precision precision) noexcept {
  return precision == Precision::bf16 ? "bf16" : precision == Precision::tf32 ? "tf32" : "f32";
}

TrainResult train_network(const NodeDataset& data, const TrainOptions& given, const EpochCallback& epoch,
                          const ModelFactory& make) {
  TrainOptions options = given;
  train::check_data(data);
  check(options);
  if (!make) nn::check_structure(data.hypergraph.has_value(), options.model);
  check_precision(options);
  check_nccl(options);
  TrainResult result;
  if (options.device == Device::cuda) result.device = "cuda";
  Clock clock;
  if (options.preparing && !options.partition.progress)
    options.partition.progress = [&](double share) { options.preparing("partitioning", share); };
  std::optional<train::DataDigests> digests;  // a checkpoint continues on the same data only
  if (!options.checkpoint.empty() || !options.resume.empty()) digests = train::digest_data(data.data, options.threads);
  const auto prepare = [&] {
    if (options.transport != Transport::mpi) check_ranks(data, options, make);
    const Graph graph = train::graph_to_partition(data);
    Partition partition = partition_for(graph, data, options);
    result.parts = partition.parts;
    if (partition.parts > 1) result.partition = partition_report(graph, partition, data.data.train, options.threads);
    result.partition_seconds = clock.lap();
    return partition;
  };
  if (options.transport != Transport::mpi) {
    if (options.transport == Transport::nccl) result.transport = "nccl";
    const Partition partition = prepare();
    const train::Run run{data, options, make, partition, {}, digests};
    describe(run, result);
    on_threads(run, epoch, result);
    return result;
  }
  comm::MpiOptions mpi;
  mpi.wait.deadline = options.deadline;
  result.transport = "mpi";
  const auto report = [&](const std::exception_ptr& error) {
    return options.mpi_failure ? options.mpi_failure(error) : 1;
  };
  comm::run_mpi(
      mpi,
      [&](comm::Communicator& comm) {
        if (options.partition.parts != 1 && options.partition.parts != comm.size())
          throw InputError(fmt::format("--parts {} with {} MPI processes: leave --parts out, or start as many",
                                       options.partition.parts, comm.size()));
        options.partition.parts = comm.size();
        Partition partition;
        if (comm.rank() == 0) partition = prepare();
        partition.parts = result.parts = comm.size();
        partition.part_of.resize(train::rows_to_partition(data));
        const comm::Label label{comm::Traffic::control, -1, comm::Direction::none};
        comm.broadcast(comm::writable_bytes_of(partition.part_of), 0, label);
        const train::Run run{data, options, make, partition, {}, digests};
        if (comm.rank() == 0) describe(run, result);
        const base::ThreadCount threads(threads_of_rank(options, comm));
        train::Trainer(run, comm, epoch, result).run();
      },
      report);
  return result;
}

}  // namespace galena
