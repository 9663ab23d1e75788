#pragma once
// The loop over epochs on one rank: training, evaluation, early stopping, checkpoints.

#include "src/train/assigner.hpp"
#include "src/train/replica.hpp"

namespace galena::train {

class Trainer {
 public:
  /// `result` receives what this rank knows; all of it on rank 0.
  Trainer(const Run& run, comm::Communicator& comm, const EpochCallback& callback, TrainResult& result);
  void run();

 private:
  void resume();
  void save(int next_epoch);
  EpochRecord one_epoch(int epoch);
  void evaluate(EpochRecord& record);
  [[nodiscard]] bool stop_asked();
  void finish();
  [[nodiscard]] Checkpoint collect(int next_epoch);
  void apply(const Checkpoint& checkpoint);

  const Run& run_;
  comm::Communicator& comm_;
  const EpochCallback& callback_;
  TrainResult& result_;
  Replica replica_;
  Assigner assigner_;
  comm::TrafficCounter traffic_;  // of this rank, training epochs
  std::vector<Tensor> best_;
  int first_epoch_ = 0, best_epoch_ = -1, since_best_ = 0;
  Scores best_scores_{-1, -1, -1};
};

}  // namespace galena::train
