// Training over links from GPU to GPU, where a machine has NCCL and several: the staged transport's bits, and the CPU's
// numbers up to the rounding of sums.

#include <chrono>
#include <map>
#include <set>
#include <thread>

#include "galena/error.hpp"
#include "src/comm/thread_transport.hpp"
#include "src/comm/transports.hpp"
#include "src/nn/models.hpp"
#include "src/ops/device_ops.hpp"
#include "src/train/replica.hpp"
#include "src/train/trainer.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"
#include "test/support/device_under_test.hpp"
#include "test/train/support.hpp"

extern "C" int emulated_nccl_left() __attribute__((weak));

namespace galena::test {
namespace {

#define GALENA_NEEDS_LINKED(ranks)                          \
  GALENA_NEEDS_DEVICE();                                    \
  if (comm::nccl_version().empty()) GALENA_SKIP("no NCCL"); \
  if (ops::device_ops().count() < (ranks)) GALENA_SKIP("fewer GPUs than ranks")

int left() { return &emulated_nccl_left == nullptr ? 0 : emulated_nccl_left(); }

NodeDataset data_for(const std::string& model) {
  DataOptions shape;
  shape.hypergraph = nn::hops_of_a_layer(model) == 2;
  return random_data(shape);
}

struct Messages {
  std::string name;
  MessageOptions options;
};
std::vector<Messages> all_messages() {
  std::vector<Messages> all(7);
  all[0] = {"whole", {}};
  all[1].name = "uniform";
  all[1].options.rate = 0.5;
  all[2].name = "importance, coded";
  all[2].options.rate = 0.4;
  all[2].options.by_importance = true;
  all[2].options.bits = 8;
  all[3].name = "coded";
  all[3].options.bits = 4;
  all[4].name = "stale";
  all[4].options.stale = true;
  all[4].options.bits = 8;
  all[5].name = "adaptive";
  all[5].options.bits = 0;
  all[5].options.period = 12;
  all[6].name = "budget";
  all[6].options.byte_budget = 0.1;
  all[6].options.period = 12;
  return all;
}

TrainOptions options_of(const std::string& model, int parts, DType dtype) {
  TrainOptions options = options_for(model, dtype);
  options.epochs = 8;
  options.optimizer.name = "sgd";
  options.partition.parts = parts;
  options.partition.method = PartitionMethod::random;
  return options;
}

/// By NCCL as by way of the CPU, to the bit, and as on the CPU. Its notes.
std::string check_linked(const NodeDataset& data, TrainOptions options, double tolerance) {
  const TrainResult want = train_network(data, options);
  options.device = Device::cuda;
  const TrainResult staged = train_network(data, options);
  options.transport = Transport::nccl;
  const TrainResult got = train_network(data, options);
  CHECK(got.transport == "nccl");
  REQUIRE(got.records.size() == want.records.size());
  for (std::size_t k = 0; k < got.records.size(); ++k) {
    CAPTURE(k);
    CHECK(got.records[k].loss == staged.records[k].loss);
    CHECK(got.records[k].loss == Approx(want.records[k].loss).epsilon(tolerance));
  }
  CHECK(got.bytes_per_epoch.payload == staged.bytes_per_epoch.payload);
  CHECK(got.bytes_per_epoch.parameters == staged.bytes_per_epoch.parameters);
  CHECK(got.bytes_per_epoch.gradients == staged.bytes_per_epoch.gradients);
  CHECK(elements(got.logits) == elements(staged.logits));
  CHECK(relative_difference(elements(got.logits), elements(want.logits)) <= 10 * tolerance);
  CHECK(left() == 0);
  return got.notes.empty() ? "" : got.notes.back();
}

}  // namespace

TEST_CASE("NCCL: parts train as by way of the CPU, whatever they send", "[ranks]") {
  GALENA_NEEDS_LINKED(3);
  const std::map<std::string, std::set<std::string>> others{{"sage", {"whole", "importance, coded", "adaptive"}},
                                                            {"gat", {"uniform", "coded"}},
                                                            {"unigin", {"coded", "budget", "stale"}}};
  for (const std::string model : {"gcn", "sage", "gat", "unigin"})
    for (const auto& [name, messages] : all_messages()) {
      if (model != "gcn" && !others.at(model).contains(name)) continue;
      const int parts = model == "gcn" || name == "stale" ? 2 : 3;
      CAPTURE(model, name, parts);
      TrainOptions options = options_of(model, parts, DType::f64);
      options.messages = messages;
      options.inductive = name == "coded";
      if (name == "adaptive" || name == "budget") options.epochs = 18;
      const std::string note = check_linked(data_for(model), options, messages.byte_budget > 0 ? 1e-7 : 1e-9);
      if (name != "stale") CHECK_THAT(note, contains("replayed as") && contains("between which ranks exchange"));
    }
}

TEST_CASE("NCCL: batch normalisation's sums go from GPU to GPU, in passes that are replayed", "[ranks]") {
  GALENA_NEEDS_LINKED(3);
  for (const int parts : {2, 3})
    for (const std::string model : {"sage", "hgnn"}) {
      CAPTURE(parts, model);
      TrainOptions options = options_of(model, parts, DType::f64);
      options.model.norm = nn::NormKind::batch;
      options.eval_every = 3;
      CHECK_THAT(check_linked(data_for(model), options, 1e-8), contains("replayed as"));
    }
}

TEST_CASE("NCCL: a run that ends early and one that resumes it are one", "[ranks]") {
  GALENA_NEEDS_LINKED(2);
  const NodeDataset data = data_for("sage");
  TrainOptions options = options_of("sage", 2, DType::f32);
  options.device = Device::cuda;
  options.transport = Transport::nccl;
  const TrainResult whole = train_network(data, options);
  const TemporaryFolder folder;
  options.checkpoint = folder.path() / "run";
  options.epochs = 5;
  static_cast<void>(train_network(data, options));
  options.resume = options.checkpoint;
  options.epochs = 8;
  CHECK(train_network(data, options).records.back().loss == whole.records.back().loss);
  CHECK(left() == 0);
}

TEST_CASE("NCCL: parts that send what few bits cannot hold end with the vertex", "[ranks]") {
  GALENA_NEEDS_LINKED(2);
  TrainOptions options = options_of("sage", 2, DType::f32);
  options.device = Device::cuda;
  options.transport = Transport::nccl;
  options.messages.bits = 8;
  options.optimizer.lr = 1e30;
  options.epochs = 12;
  CHECK_THROWS_WITH(train_network(data_for("sage"), options), contains("a feature of vertex") && contains("diverging"));
  CHECK(left() == 0);
}

TEST_CASE("NCCL: a part that dies or hangs in the middle of a training is named, and all end", "[ranks]") {
  GALENA_NEEDS_LINKED(3);
  const bool stale = GENERATE(false, true), hangs = GENERATE(false, true);
  const int when = GENERATE(1, 6);  // before passes are replayed, and then
  CAPTURE(stale, hangs, when);
  const NodeDataset data = data_for("sage");
  TrainOptions options = options_of("sage", 3, DType::f32);
  options.model.norm = nn::NormKind::batch;
  options.device = Device::cuda;
  options.transport = Transport::nccl;
  options.messages.stale = stale;
  const Partition partition = striped(data, 3);
  const ModelFactory make;
  comm::ThreadOptions threads;
  threads.wait.deadline = hangs ? 3 : 60;
  const double begin = comm::Communicator::now();
  const auto run = [&] {
    comm::run_ranks(3, threads, [&](comm::Communicator& comm) {
      const ops::UseDevice use(comm.rank());
      train::Replica replica({data, options, make, partition}, comm);
      for (int epoch = 0; epoch < 10; ++epoch) {
        static_cast<void>(replica.train_epoch(epoch));
        if (epoch != when || comm.rank() != 1) continue;
        if (!hangs) throw InputError("its machine is gone");
        while (comm::Communicator::now() - begin < 60) {
          comm.check_peers();
          std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
      }
    });
  };
  CHECK_THROWS_WITH(run(), hangs ? contains("rank 1 hangs") : contains("rank 1 of 3: its machine is gone"));
  CHECK(comm::Communicator::now() - begin < 40);
  CHECK(left() == 0);
}

TEST_CASE("NCCL: more parts than GPUs are refused", "[ranks]") {
  GALENA_NEEDS_LINKED(1);
  TrainOptions options = options_of("gcn", ops::device_ops().count() + 1, DType::f32);
  options.device = Device::cuda;
  options.transport = Transport::nccl;
  CHECK_THROWS_WITH(train_network(data_for("gcn"), options), contains("more ranks than GPUs"));
  CHECK(left() == 0);
}

}  // namespace galena::test
