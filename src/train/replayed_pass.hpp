#pragma once
// The forward and backward pass of an epoch, on a device recorded once and replayed: its many small kernels are then
// launched as one, or as one between two exchanges of rows with other ranks.

#include <functional>
#include <memory>
#include <string>

#include "src/ops/device_graph.hpp"

namespace galena::train {

class ReplayedPass {
 public:
  /// `wanted`: else passes simply run. `alone`: no other rank takes part, so that one that failed can be run again.
  ReplayedPass(bool wanted, bool alone) : wanted_(wanted), alone_(alone) {}

  /// What `pass`, which is the same for every epoch but for its draws, returns. The first passes fill what is kept
  /// between epochs; then one is rehearsed, one recorded. What cannot be recorded runs as it is.
  Tensor run(std::uint32_t epoch, const std::function<Tensor()>& pass);

  /// In one sentence; empty where it was not wanted, or no pass was recorded yet.
  [[nodiscard]] std::string describe() const;

 private:
  bool begin();
  Tensor record(std::uint32_t epoch, const std::function<Tensor()>& pass);
  Tensor give_up(const std::string& why, const std::function<Tensor()>& pass);

  static constexpr int kPlain = 2;  ///< passes before the rehearsal

  bool wanted_, alone_;
  int passes_ = 0;
  std::unique_ptr<ops::DeviceGraph> graph_;
  Tensor loss_;  ///< which replays write
  std::uint32_t first_replayed_ = 0;
  std::string why_not_;
};

}  // namespace galena::train
