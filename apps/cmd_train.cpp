// galena train: a graph network, on one rank or many.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <thread>

#include "apps/cli.hpp"
#include "apps/train_json.hpp"
#include "apps/train_metrics.hpp"
#include "apps/train_options.hpp"
#include "apps/train_outputs.hpp"
#include "apps/train_plan.hpp"
#include "apps/train_report.hpp"
#include "apps/train_unused.hpp"
#include "galena/error.hpp"
#include "src/comm/launcher.hpp"
#include "src/comm/transports.hpp"
#include "src/train/replica.hpp"

namespace galena::cli {
namespace {

using Clock = std::chrono::steady_clock;

NodeDataset load(TrainCommand& command, const Common& common) {
  LoadOptions options;
  options.threads = command.data.threads = common.threads;
  options.directed = command.directed;
  return load_node_dataset(command.dataset, command.data, options);
}

// --- for people

void print_line(const std::string& name, const std::string& value) { fmt::print("  {:<22} {:>12}\n", name, value); }

void print_result(const TrainResult& result) {
  for (const std::string& note : result.notes) fmt::print("  {}\n", note);
  const auto score = [](double value) { return std::isfinite(value) ? fmt::format("{:.4f}", value) : "none"; };
  print_line("epochs", std::to_string(result.epochs));
  print_line("best epoch, from 0", result.best_epoch < 0 ? "none" : std::to_string(result.best_epoch));
  print_line("train " + result.metric, score(result.best.train));
  print_line("valid " + result.metric, score(result.best.valid));
  print_line("test " + result.metric, score(result.best.test));
  print_line("parameters", format_count(result.parameters));
  if (!result.records.empty()) print_line("epoch, median", fmt::format("{:.2f} ms", result.epoch_median * 1e3));
  if (result.parts > 1) print_line("payload, an epoch", format_count(result.bytes_per_epoch.payload) + " B");
}

std::string progress_text(const EpochRecord& record, double valid) {
  const std::string score = !(valid >= 0) ? "" : fmt::format(", valid {:.3f}", valid);
  return fmt::format("epoch {}, loss {:.4f}{}", record.epoch, record.loss, score);
}

// --- processes of a launcher

// A transport that does not fit how the process was started would train something else than was meant.
void check_launcher(const TrainCommand& command, const std::optional<comm::Launcher>& launcher) {
  const bool mpi = command.train.transport == Transport::mpi;
  if (mpi && !launcher && !comm::mpi_version().empty())
    throw InputError(fmt::format("--transport mpi: this is one process, started by hand; {} train ... --transport mpi'",
                                 comm::how_to_launch().substr(0, comm::how_to_launch().find(" ..."))));
  if (!mpi && launcher && launcher->size > 1)
    throw InputError(fmt::format("{} started {} processes, each of which would train alone: add --transport mpi",
                                 launcher->name, launcher->size));
}

// What goes wrong before the ranks know of each other goes wrong on all of them: the first speaks, and the launcher
// ends the others meanwhile.
template <class Work>
void first_rank_speaks(bool root, const Work& work) {
  try {
    work();
  } catch (const Error&) {
    if (!root) std::this_thread::sleep_for(std::chrono::seconds(3));
    throw;
  }
}

// --- the run

class Training {
 public:
  Training(TrainCommand& command, Common& common) : command_(command), common_(common) {}

  void run(CLI::App& app) {
    const auto launcher = comm::find_launcher();
    root_ = !launcher || launcher->rank == 0;
    if (!root_) common_.quiet = true;
    first_rank_speaks(root_, [&] {
      command_.settle(app, common_);
      check_launcher(command_, launcher);
      if (root_ && !command_.plan) open_outputs();
      const auto start = Clock::now();
      data_ = load(command_, common_);
      load_seconds_ = seconds_since(start);
      take_parts_of_file(app);
      note_unused_options(app, command_, data_, common_);
    });
    Progress progress(common_, "preparing");
    command_.train.preparing = [&progress](const std::string& what, double share) {
      check_interrupted();
      progress.update(share, -1, what);
    };
    if (!command_.plan) return train();
    if (root_) print_plan(command_, data_, common_);
  }

 private:
  void open_outputs() {
    check_outputs(command_);
    if (!command_.resume.empty() && !std::filesystem::exists(command_.resume))
      note(common_, fmt::format("--resume {}: no such file; training begins anew and writes it", command_.resume));
    metrics_.emplace(command_.metrics, !command_.resume.empty());
  }

  // A partition file says how many parts there are, where nobody else does.
  void take_parts_of_file(const CLI::App& app) {
    TrainOptions& t = command_.train;
    if (t.partition_file.empty() || command_.plan || t.transport == Transport::mpi) return;
    if (app.get_option("--parts")->count() > 0) return;
    t.partition.parts = load_partition(t.partition_file, train::graph_to_partition(data_)).parts;
  }

  void note_parts() const {
    constexpr int kMany = 8;  // parts a core
    const int parts = command_.train.partition.parts;
    const auto cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
    if (command_.train.transport == Transport::threads && parts > kMany * cores)
      note(common_, fmt::format("{} parts on {} cores: each part sends messages to all others, so that more parts than "
                                "cores make training slower",
                                parts, cores));
  }

  void train() {
    note_parts();
    TrainOptions& options = command_.train;
    options.stop = stop_flag();
    options.mpi_failure = say_failure;
    options.embeddings = !command_.embeddings.empty();
    TrainResult result;
    {
      Progress progress(common_, "training");
      double valid = -1;
      result = train_network(data_, options, [&](const EpochRecord& record) {
        if (record.scores) valid = record.scores->valid;
        progress.update(static_cast<double>(record.epoch + 1) / options.epochs, -1, progress_text(record, valid));
        metrics_->add(record);
      });
    }
    if (!result.is_root) return;
    for (const std::string& kernel : result.kernels) note(common_, kernel);
    if (result.interrupted) throw Interrupted(how_to_go_on(result));
    note_selection(result);
    result.load_seconds = load_seconds_;
    write_outputs(command_, data_.data, result);
    if (!command_.weights.empty()) note_strangers(result);
    if (!command_.report.empty()) write_report(command_, result);
    common_.json ? print_json(result_json(command_, result)) : print_result(result);
  }

  void note_strangers(const TrainResult& result) const {
    const std::vector<std::string> others = strangers(command_.weights, result.weights);
    if (!others.empty())
      note(common_, fmt::format("{} also holds {}{}, which this run did not write", command_.weights, others.front(),
                                others.size() > 1 ? fmt::format(" and {} more", others.size() - 1) : ""));
  }

  void note_selection(const TrainResult& result) const {
    const bool by_loss = command_.train.select == "loss";
    if (result.best_epoch < 0 || !std::isnan(by_loss ? result.best.valid_loss : result.best.valid)) return;
    note(common_,
         fmt::format("warning: {} of the validation vertices is not defined{}: the last epoch that was evaluated "
                     "counts as the best",
                     by_loss ? "the loss" : result.metric,
                     result.metric == "roc_auc" ? ", which takes vertices of both classes" : ""));
  }

  [[nodiscard]] std::string how_to_go_on(const TrainResult& result) const {
    const std::string checkpoint = command_.train.checkpoint.string();
    if (checkpoint.empty())
      return fmt::format("interrupted after {} epochs; nothing was kept (--checkpoint F would have)", result.epochs);
    return fmt::format("interrupted after {} epochs; go on with the same command and --resume {}", result.epochs,
                       checkpoint);
  }

  TrainCommand& command_;
  Common& common_;
  NodeDataset data_;
  std::optional<MetricsFile> metrics_;  // of the first rank
  double load_seconds_ = 0;
  bool root_ = true;
};

}  // namespace

void add_train(CLI::App& app, Common& common) {
  auto command = std::make_shared<TrainCommand>();
  CLI::App& sub = subcommand(app, common, "train", "Train a graph network on a dataset");
  command->add_to(sub);
  sub.footer(
      "Examples:\n  galena train karate --model gcn\n  galena train cora --model gat --seed 1 --report cora.html\n"
      "  galena train cora --parts 4 --boundary-rate 0.1 --message-bits adaptive\n"
      "  galena train cora --plan --link-mbit 1000\n"
      "  mpirun -np 4 galena train cora --transport mpi");
  sub.callback([command, &common, &sub] { Training(*command, common).run(sub); });
}

}  // namespace galena::cli
