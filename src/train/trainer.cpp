#include "src/train/trainer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "galena/error.hpp"
#include "src/base/mapped_file.hpp"
#include "src/nn/op_through.hpp"
#include "src/train/run_description.hpp"

namespace galena::train {
namespace {

constexpr comm::Label kControl{comm::Traffic::control, -1, comm::Direction::none};

std::vector<TrafficRow> rows_of(const comm::TrafficCounter& counter) {
  std::vector<TrafficRow> rows;
  for (const auto& row : counter.rows())
    rows.push_back({std::string(comm::name(row.label.kind)), row.label.layer,
                    std::string(comm::name(row.label.direction)), row.bytes, row.messages});
  return rows;
}

TrainBytes per_epoch(const comm::TrafficCounter& counter, int epochs) {
  const auto mean = [&](comm::Traffic kind) {
    return epochs == 0 ? 0 : counter.total(kind).bytes / static_cast<std::uint64_t>(epochs);
  };
  return {mean(comm::Traffic::payload), mean(comm::Traffic::parameters), mean(comm::Traffic::index),
          mean(comm::Traffic::gradients), mean(comm::Traffic::control)};
}

/// Any number beats NaN; of two that are NaN the later one stays, since nothing tells which is better.
bool beats(double score, double best) { return std::isnan(best) || score > best; }

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

Trainer::Trainer(const Run& run, comm::Communicator& comm, const EpochCallback& callback, TrainResult& result)
    : run_(run),
      comm_(comm),
      callback_(callback),
      result_(result),
      replica_(run, comm),
      assigner_(replica_.share(), comm, run.options.messages, run.options.link, run.options.epochs,
                run.options.transport == Transport::mpi && run.options.link.bytes_per_second == 0) {}

bool Trainer::stop_asked() {
  if (run_.options.stop == nullptr) return false;
  std::array<std::int64_t, 1> asked{__atomic_load_n(run_.options.stop, __ATOMIC_RELAXED) != 0 ? 1 : 0};
  if (comm_.size() > 1) comm_.max(std::span(asked), kControl);
  return asked[0] != 0;
}

EpochRecord Trainer::one_epoch(int epoch) {
  if (assigner_.enabled()) assigner_.before_epoch(epoch, replica_);
  comm_.traffic().reset();
  const auto epoch_result = replica_.train_epoch(epoch);
  if (!std::isfinite(epoch_result.loss))
    throw EnvironmentError(
        fmt::format("the loss is {} after epoch {}: the features may be too large for the learning rate; "
                    "try a smaller --lr or --normalize",
                    epoch_result.loss, epoch));
  if (assigner_.enabled()) assigner_.after_epoch(epoch, replica_);
  traffic_ += comm_.traffic();
  EpochRecord record;
  record.epoch = epoch;
  record.loss = epoch_result.loss;
  record.lr = epoch_result.lr;
  record.seconds = epoch_result.seconds;
  record.wait_seconds = epoch_result.wait_seconds;
  return record;
}

void Trainer::evaluate(EpochRecord& record) {
  if (comm_.size() > 1) record.traffic = rows_of(comm_.gather_traffic());
  const Scores scores = replica_.evaluate();
  record.scores = scores;
  const bool better = run_.options.select == "loss" ? beats(-scores.valid_loss, -best_scores_.valid_loss)
                                                    : beats(scores.valid, best_scores_.valid);
  if (best_epoch_ < 0 || better) {
    best_ = replica_.snapshot();
    best_epoch_ = record.epoch;
    best_scores_ = scores;
    const bool defined = !std::isnan(run_.options.select == "loss" ? scores.valid_loss : scores.valid);
    since_best_ = defined ? 0 : since_best_ + 1;
  } else {
    ++since_best_;
  }
}

void Trainer::run() {
  if (!run_.options.resume.empty()) resume();
  const TrainOptions& options = run_.options;
  const bool root = comm_.rank() == 0;
  const double start = comm::Communicator::now();
  int epoch = first_epoch_;
  std::vector<double> seconds;
  result_.interrupted = first_epoch_ < options.epochs && stop_asked();  // while all was prepared
  for (; epoch < options.epochs && !result_.interrupted; ++epoch) {
    EpochRecord record = one_epoch(epoch);
    seconds.push_back(record.seconds);
    const bool last = epoch + 1 == options.epochs;
    if (last || (epoch + 1) % std::max(options.eval_every, 1) == 0) evaluate(record);
    if (root) {
      result_.records.push_back(record);
      if (callback_) callback_(record);
    }
    const bool stop = stop_asked();
    const bool patient = options.patience <= 0 || since_best_ < options.patience;
    if (!options.checkpoint.empty() && (stop || last || !patient || (epoch + 1) % options.checkpoint_every == 0))
      save(epoch + 1);
    result_.interrupted = stop && !last;
    if (stop || !patient) {
      ++epoch;
      break;
    }
  }
  result_.epochs = epoch;
  result_.train_seconds = comm::Communicator::now() - start;
  result_.epoch_median = median(seconds);
  result_.bytes_per_epoch = per_epoch(
      [&] {
        comm_.traffic() = traffic_;
        return comm_.size() > 1 ? comm_.gather_traffic() : traffic_;
      }(),
      epoch - first_epoch_);
  finish();
}

void Trainer::finish() {
  replica_.drain_exchange();
  result_.is_root = comm_.rank() == 0;
  result_.metric = name_of(replica_.metric());
  result_.parameters = replica_.store().count();
  result_.best_epoch = best_epoch_;
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  result_.best = best_epoch_ < 0 ? Scores{kNone, kNone, kNone} : best_scores_;
  if (best_epoch_ < 0) return;
  replica_.restore(best_);
  Replica::Outputs outputs = replica_.gather_outputs(run_.options.embeddings);
  result_.logits = std::move(outputs.logits);
  result_.embeddings = std::move(outputs.embeddings);
  if (!result_.is_root) return;
  for (std::string& note : nn::describe_layouts(replica_.share().view)) result_.kernels.push_back(std::move(note));
  for (std::string& note : replica_.describe_device()) result_.notes.push_back(std::move(note));
  for (const auto& entry : replica_.store().parameters())
    result_.weights.emplace_back(entry.name, entry.var.value().clone().to(Device::cpu));
  for (const auto& [name, buffer] : replica_.store().buffers())
    result_.weights.emplace_back(name, buffer.clone().to(Device::cpu));
}

// --- checkpoints

Checkpoint Trainer::collect(int next_epoch) {
  ByteWriter mine;
  replica_.save_exchange(mine);
  assigner_.save(mine);
  Checkpoint checkpoint;
  checkpoint.ranks =
      comm_.size() > 1 ? comm_.allgather(mine.bytes, kControl) : std::vector<std::vector<std::byte>>{mine.bytes};
  checkpoint.run = describe_run(run_);
  checkpoint.next_epoch = next_epoch;
  checkpoint.best_epoch = best_epoch_;
  checkpoint.evaluations_since_best = since_best_;
  checkpoint.best_train = best_scores_.train;
  checkpoint.best_valid = best_scores_.valid;
  checkpoint.best_test = best_scores_.test;
  checkpoint.best_valid_loss = best_scores_.valid_loss;
  const auto now = replica_.snapshot();
  for (std::size_t k = 0; k < now.size(); ++k) {
    checkpoint.tensors.emplace_back(fmt::format("model/{}", k), now[k].to(Device::cpu));
    if (!best_.empty()) checkpoint.tensors.emplace_back(fmt::format("best/{}", k), best_[k].to(Device::cpu));
  }
  for (const auto& [name, tensor] : replica_.optimizer().state())
    checkpoint.tensors.emplace_back("optimizer/" + name, tensor.to(Device::cpu));
  return checkpoint;
}

void Trainer::save(int next_epoch) {
  const Checkpoint checkpoint = collect(next_epoch);
  if (comm_.rank() == 0) write_checkpoint(checkpoint, run_.options.checkpoint);
}

void Trainer::apply(const Checkpoint& checkpoint) {
  const auto& path = run_.options.resume;
  const std::string here = describe_run(run_);
  if (checkpoint.run != here)
    throw InputError(
        fmt::format("{}: a checkpoint of another run, with {}; give the same options and data, or another file",
                    path.string(), differences(checkpoint.run, here)));
  first_epoch_ = checkpoint.next_epoch;
  best_epoch_ = checkpoint.best_epoch;
  since_best_ = checkpoint.evaluations_since_best;
  best_scores_ = {checkpoint.best_train, checkpoint.best_valid, checkpoint.best_test, checkpoint.best_valid_loss};
  std::vector<Tensor> now;
  for (std::size_t k = 0; k < replica_.store().buffers().size() + 1; ++k) {
    now.push_back(checkpoint.find(fmt::format("model/{}", k), path));
    if (best_epoch_ >= 0) best_.push_back(checkpoint.find(fmt::format("best/{}", k), path));
  }
  replica_.restore(now);
  std::vector<std::pair<std::string, Tensor>> optimizer;
  for (const auto& [name, tensor] : checkpoint.tensors)
    if (name.starts_with("optimizer/")) optimizer.emplace_back(name.substr(10), tensor);
  replica_.optimizer().load_state(optimizer);
  if (checkpoint.ranks.size() != static_cast<std::size_t>(comm_.size()))
    throw InputError(
        fmt::format("{}: written by {} ranks; here are {}", path.string(), checkpoint.ranks.size(), comm_.size()));
  ByteReader mine(checkpoint.ranks[static_cast<std::size_t>(comm_.rank())], path.string());
  if (replica_.exchange() != nullptr) {
    replica_.exchange()->begin_pass({true, replica_.pruned(), static_cast<std::uint32_t>(first_epoch_ - 1)});
    replica_.exchange()->load(mine);
    assigner_.load(mine, *replica_.exchange());
  }
}

// Rank 0 reads: other machines need not see the file.
void Trainer::resume() {
  std::vector<std::byte> bytes;
  std::array<std::int64_t, 1> size{0};
  if (comm_.rank() == 0 && std::filesystem::exists(run_.options.resume)) {
    const base::MappedFile file(run_.options.resume);
    bytes.assign(file.bytes().begin(), file.bytes().end());
    size[0] = static_cast<std::int64_t>(bytes.size()) + 1;
  }
  if (comm_.size() > 1) comm_.max(std::span(size), kControl);
  if (size[0] == 0) return;
  bytes.resize(static_cast<std::size_t>(size[0] - 1));
  if (comm_.size() > 1) comm_.broadcast(bytes, 0, kControl);
  apply(decode(bytes, run_.options.resume));
}

}  // namespace galena::train
