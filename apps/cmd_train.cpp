// galena train: a graph network, on one rank or many.

#include "apps/cli.hpp"
#include "apps/train_options.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "galena/error.hpp"
#include "src/comm/launcher.hpp"

namespace galena::cli {
namespace {

using Json = nlohmann::ordered_json;

// NaN has no place in JSON.
Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

NodeDataset load(TrainCommand& command, const Common& common) {
  LoadOptions options;
  options.threads = common.threads;
  options.directed = command.directed;
  command.data.threads = common.threads;
  command.data.normalize = command.normalize == "rows"          ? Normalize::row_l1
                           : command.normalize == "standardize" ? Normalize::standardize
                                                                : Normalize::none;
  NodeDataset data = load_node_dataset(command.dataset, command.data, options);
  // Bags of words are what every paper on such data normalises.
  if (command.normalize == "auto" && data.data.features.sparse()) {
    command.data.normalize = Normalize::row_l1;
    data = load_node_dataset(command.dataset, command.data, options);
  }
  return data;
}

Json traffic_json(const std::vector<TrafficRow>& rows) {
  Json list = Json::array();
  for (const TrafficRow& row : rows)
    list.push_back({{"kind", row.kind}, {"layer", row.layer}, {"direction", row.direction}, {"bytes", row.bytes}});
  return list;
}

Json record_json(const EpochRecord& record) {
  Json json{{"epoch", record.epoch},
            {"loss", number(record.loss)},
            {"lr", record.lr},
            {"seconds", record.seconds},
            {"wait_seconds", record.wait_seconds}};
  if (record.scores) {
    json["train"] = number(record.scores->train);
    json["valid"] = number(record.scores->valid);
    json["test"] = number(record.scores->test);
  }
  if (!record.traffic.empty()) json["traffic"] = traffic_json(record.traffic);
  return json;
}

Json result_json(const TrainCommand& command, const TrainResult& result) {
  const TrainBytes& bytes = result.bytes_per_epoch;
  return {{"dataset", command.dataset},
          {"model", command.train.model.name},
          {"parts", result.parts},
          {"epochs", result.epochs},
          {"best_epoch", result.best_epoch},
          {"metric", result.metric},
          {"train", number(result.best.train)},
          {"valid", number(result.best.valid)},
          {"test", number(result.best.test)},
          {"parameters", result.parameters},
          {"seconds",
           {{"load", result.load_seconds},
            {"partition", result.partition_seconds},
            {"train", result.train_seconds},
            {"epoch_median", result.epoch_median}}},
          {"bytes_per_epoch",
           {{"payload", bytes.payload},
            {"parameters", bytes.parameters},
            {"index", bytes.index},
            {"gradients", bytes.gradients},
            {"control", bytes.control}}},
          {"seed", command.train.seed},
          {"device", result.device},
          {"transport", result.transport},
          {"notes", result.notes}};
}

void print_result(const TrainResult& result) {
  for (const std::string& note : result.notes) fmt::print("  {}\n", note);
  fmt::print("  {:<22} {:>12}\n", "epochs", result.epochs);
  fmt::print("  {:<22} {:>12}\n", "best epoch", result.best_epoch);
  const auto row = [&](const char* split, double value) {
    fmt::print("  {:<22} {:>12}\n", fmt::format("{} {}", split, result.metric), fmt::format("{:.4f}", value));
  };
  row("train", result.best.train);
  row("valid", result.best.valid);
  row("test", result.best.test);
  fmt::print("  {:<22} {:>12}\n", "epoch, median", fmt::format("{:.2f} ms", result.epoch_median * 1e3));
  if (result.parts > 1)
    fmt::print("  {:<22} {:>12}\n", "payload, an epoch",
               format_count(std::to_string(result.bytes_per_epoch.payload)) + " B");
}

// Says why this rank ended; the exit code is that of the error's kind.
int say_failure(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Error& e) {
    fmt::print(stderr, "galena: error: {}\n", e.what());
    return e.kind() == ErrorKind::input ? kUsage : kFailed;
  } catch (const std::exception& e) {
    fmt::print(stderr, "galena: error: {}\n", e.what());
    return kFailed;
  }
}

void run_train(TrainCommand& command, Common& common) {
  const auto launcher = comm::find_launcher();
  const bool root = command.train.transport == Transport::threads || !launcher || launcher->rank == 0;
  if (!root) common.quiet = true;
  const auto start = std::chrono::steady_clock::now();
  const NodeDataset data = load(command, common);
  const double load_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  command.train.stop = stop_flag();
  command.train.mpi_failure = say_failure;
  std::ofstream metrics;
  if (root && !command.metrics.empty()) {
    metrics.open(command.metrics, command.resume.empty() ? std::ios::trunc : std::ios::app);
    if (!metrics) throw EnvironmentError(command.metrics + ": cannot be written; is the folder there?");
  }
  Progress progress(common, "training");
  TrainResult result = train_network(data, command.train, [&](const EpochRecord& record) {
    progress.update(static_cast<double>(record.epoch + 1) / command.train.epochs);
    if (metrics.is_open()) metrics << record_json(record).dump() << '\n' << std::flush;
  });
  if (!result.is_root) return;
  result.load_seconds = load_seconds;
  if (result.interrupted)
    throw Interrupted(command.train.checkpoint.empty()
                          ? fmt::format("interrupted after epoch {}", result.epochs)
                          : fmt::format("interrupted after epoch {}; go on with --resume {}", result.epochs,
                                        command.train.checkpoint.string()));
  if (common.json)
    print_json(result_json(command, result));
  else
    print_result(result);
}

}  // namespace

void add_train(CLI::App& app, Common& common) {
  auto command = std::make_shared<TrainCommand>();
  CLI::App& sub = subcommand(app, common, "train", "Train a graph network on a dataset");
  command->add_to(sub);
  sub.footer("Examples:\n  galena train karate --model gcn\n  galena train cora --model gat --seed 1 --json");
  sub.callback([command, &common, &sub] {
    command->settle(sub, common);
    run_train(*command, common);
  });
}

}  // namespace galena::cli
