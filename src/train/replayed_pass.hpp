#pragma once
// The forward and backward pass of an epoch, on a device recorded once and replayed: its many small kernels are then
// launched as one, or as one between two exchanges of rows with other ranks.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "galena/autograd.hpp"
#include "src/ops/device_graph.hpp"

namespace galena::train {

class ReplayedPass {
 public:
  /// `wanted`: else passes simply run. `alone`: no other rank takes part, so that one that failed can be run again, once
  /// the buffers of `store` are as they were. It outlives this.
  ReplayedPass(bool wanted, bool alone, const nn::ParameterStore& store)
      : wanted_(wanted), alone_(alone), store_(store) {}

  /// What `pass` returns. Those of one `kind` are the same but for their draws: the first fill what is kept between
  /// epochs, then one is rehearsed, one recorded. What cannot be recorded runs as it is, and so does what has no kind.
  Tensor run(std::uint32_t epoch, std::optional<std::uint64_t> kind, const std::function<Tensor()>& pass);
  /// Whether any pass may still be recorded or replayed.
  [[nodiscard]] bool wanted() const { return wanted_; }

  /// In one sentence; empty where it was not wanted, or no pass was recorded yet.
  [[nodiscard]] std::string describe() const;

 private:
  bool begin();
  Tensor rehearse(const std::function<Tensor()>& pass);
  Tensor record(std::uint32_t epoch, const std::function<Tensor()>& pass);
  Tensor give_up(const std::string& why, const std::function<Tensor()>& pass);

  static constexpr int kPlain = 2;  ///< passes before the first rehearsal; of a later kind, one

  bool wanted_, alone_;
  const nn::ParameterStore& store_;
  int passes_ = 0;
  std::uint64_t kind_ = 0;
  std::unique_ptr<ops::DeviceGraph> graph_;
  Tensor loss_;  ///< which replays write
  std::size_t graphs_ = 0;
  std::uint32_t first_replayed_ = 0;
  int recorded_ = 0, replayed_ = 0;
  std::string why_not_;
};

}  // namespace galena::train
