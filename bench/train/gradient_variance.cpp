// How far sampled and coded messages move the gradient of the weights, at equal bytes.
//
//   bench_gradient_variance [--parts K] [--draws N] [--json] DATASET ...
//
// A GCN (or --model) is trained at full rate for some epochs. Then, with the weights held, the gradient of the training
// loss is computed again and again under each policy and compared with the exact one: the mean of |g - g0|^2 / |g0|^2.
// Budgets are the bytes of sending all rows at 8, 4 and 2 bits; boundary sampling (BNS-GCN) gets the rate that costs as
// much, and so does sampling by importance; the joint allocator gets the budget. Dropout is off, so that nothing else
// varies.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "src/comm/thread_transport.hpp"
#include "src/train/assigner.hpp"
#include "src/train/replica.hpp"

namespace galena {
namespace {

struct Setup {
  int parts = 4, draws = 60, warm_epochs = 20;
  std::string model = "gcn", normalize = "rows";
  std::int64_t hidden = 64;
  std::vector<std::string> datasets;
  bool json = false;
};

TrainOptions options_of(const Setup& setup) {
  TrainOptions options;
  options.model.name = setup.model;
  options.model.hidden = setup.hidden;
  options.model.dropout = 0;
  options.partition.parts = setup.parts;
  return options;
}

std::vector<double> gradient_of(train::Replica& replica) {
  const Tensor gradient = replica.store().flat_gradients();
  const auto values = gradient.span<float>();
  return {values.begin(), values.end()};
}

struct Result {
  double error = 0;  // mean of |g - g0|^2 / |g0|^2
  double bias = 0;   // |mean g - g0|^2 / |g0|^2: error / draws where unbiased
  double bytes = 0;  // payload and parameters, an epoch, all ranks
};

// Trained weights and their exact gradient, on rank 0.
struct Reference {
  std::vector<Tensor> weights;
  std::vector<double> gradient;
  double bytes = 0;
};

double bytes_of(const comm::TrafficCounter& counter) {
  return static_cast<double>(counter.total(comm::Traffic::payload).bytes +
                             counter.total(comm::Traffic::parameters).bytes);
}

Reference train_reference(const train::Run& run, const Setup& setup) {
  Reference reference;
  comm::run_ranks(setup.parts, {}, [&](comm::Communicator& comm) {
    train::Replica replica(run, comm);
    for (int epoch = 0; epoch < setup.warm_epochs; ++epoch) replica.train_epoch(epoch);
    const auto weights = replica.snapshot();
    comm.traffic().reset();
    replica.compute_gradient(setup.warm_epochs);
    const double bytes = bytes_of(comm.gather_traffic());
    if (comm.rank() == 0) reference = {weights, gradient_of(replica), bytes};
  });
  return reference;
}

double squared_distance(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += (a[k] - b[k]) * (a[k] - b[k]);
  return sum;
}

Result measure(const train::Run& run, const Setup& setup, const Reference& reference) {
  Result result;
  std::vector<double> mean(reference.gradient.size(), 0);
  const double norm = squared_distance(reference.gradient, std::vector<double>(mean.size(), 0));
  comm::run_ranks(setup.parts, {}, [&](comm::Communicator& comm) {
    train::Replica replica(run, comm);
    train::Assigner assigner(replica.share(), comm, run.options.messages, run.options.link, 1 << 20);
    replica.restore(reference.weights);
    const int first = assigner.enabled() ? 1 : 0;  // the first epoch measures
    for (int epoch = 0; epoch < setup.draws + first; ++epoch) {
      if (assigner.enabled()) assigner.before_epoch(epoch, replica);
      comm.traffic().reset();
      replica.compute_gradient(epoch);
      const double bytes = bytes_of(comm.gather_traffic());
      if (assigner.enabled() && epoch < first) assigner.after_epoch(epoch, replica);
      if (comm.rank() != 0 || epoch < first) continue;
      const auto gradient = gradient_of(replica);
      result.error += squared_distance(gradient, reference.gradient) / norm / setup.draws;
      result.bytes += bytes / setup.draws;
      for (std::size_t k = 0; k < mean.size(); ++k) mean[k] += gradient[k] / setup.draws;
    }
  });
  result.bias = squared_distance(mean, reference.gradient) / norm;
  return result;
}

struct Policy {
  std::string name;
  MessageOptions messages;
};

std::vector<Policy> policies(int bits, double share) {
  MessageOptions uniform_bits, sampled, important, joint;
  uniform_bits.bits = bits;
  sampled.rate = important.rate = share;
  important.by_importance = true;
  joint.byte_budget = share;
  joint.period = 1 << 20;
  return {{fmt::format("{} bits", bits), uniform_bits},
          {"sampled", sampled},
          {"by importance", important},
          {"joint", joint}};
}

void run_dataset(const std::string& name, const Setup& setup, nlohmann::ordered_json& out) {
  NodeDataOptions data_options;
  if (setup.normalize == "rows") data_options.normalize = Normalize::row_l1;
  const NodeDataset data = load_node_dataset(name, data_options);
  TrainOptions options = options_of(setup);
  const Partition partition = cached_partition(data.graph, options.partition, data.data.train);
  const ModelFactory none;
  const Reference reference = train_reference({data, options, none, partition}, setup);
  for (const int bits : {8, 4, 2}) {
    double share = 0;
    for (const Policy& policy : policies(bits, 1)) {
      options.messages = policy.messages;
      if (share > 0) {
        if (options.messages.byte_budget > 0)
          options.messages.byte_budget = share;
        else
          options.messages.rate = share;
      }
      const Result result = measure({data, options, none, partition}, setup, reference);
      if (share == 0) share = result.bytes / reference.bytes;
      if (!setup.json)
        fmt::print("{:<20} {:>8.2f}% {:<14} {:>12.5g} {:>12.5g} {:>9.2f}%\n", name, 100 * share, policy.name,
                   result.error, result.bias, 100 * result.bytes / reference.bytes);
      std::fflush(stdout);
      out.push_back({{"dataset", name},
                     {"parts", setup.parts},
                     {"budget", share},
                     {"policy", policy.name},
                     {"error", result.error},
                     {"bias", result.bias},
                     {"bytes_share", result.bytes / reference.bytes}});
    }
  }
}

}  // namespace
}  // namespace galena

int main(int argc, char** argv) {
  galena::Setup setup;
  CLI::App app("Gradient error of message policies at equal bytes", "bench_gradient_variance");
  app.add_option("datasets", setup.datasets, "Dataset folders or names");
  app.add_option("--parts", setup.parts);
  app.add_option("--draws", setup.draws);
  app.add_option("--model", setup.model);
  app.add_option("--hidden", setup.hidden);
  app.add_option("--epochs", setup.warm_epochs, "At full rate, before");
  app.add_option("--normalize", setup.normalize, "rows or none");
  app.add_flag("--json", setup.json);
  CLI11_PARSE(app, argc, argv);
  if (setup.datasets.empty()) setup.datasets = {"karate"};
  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  if (!setup.json)
    fmt::print("{:<20} {:>9} {:<14} {:>12} {:>12} {:>10}\n", "dataset", "budget", "policy", "error", "bias", "bytes");
  try {
    for (const std::string& name : setup.datasets) galena::run_dataset(name, setup, out);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_gradient_variance: {}\n", error.what());
    return 1;
  }
  if (setup.json) fmt::print("{}\n", out.dump(1));
  return 0;
}
