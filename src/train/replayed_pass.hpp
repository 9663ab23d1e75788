#pragma once
// The forward and backward pass of an epoch, or the forward pass of an evaluation, on a device recorded once and replayed:
// its many small kernels are then launched as one, or as one between two exchanges of rows with other ranks.
//
// A rank whose memory ends in the middle of a pass cannot rejoin the exchanges of the others. So passes that run as they
// are count what a graph of theirs would take, and before one is rehearsed all ranks agree that each has that, and beside
// it what the largest pass takes that runs as it is. They agree too whether all have recorded.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "galena/autograd.hpp"
#include "src/comm/communicator.hpp"
#include "src/ops/device_graph.hpp"

namespace galena::train {

/// What the passes of a rank leave each other of its device's memory.
class GraphRoom {
 public:
  explicit GraphRoom(comm::Communicator& comm) : comm_(comm) {}
  /// Between passes, snapshots of so many bytes are taken, one in the place of another, which a graph may hold.
  void leave_snapshots(std::uint64_t bytes) { snapshots_ = 2 * bytes; }
  /// A pass took so many bytes.
  void note(std::uint64_t bytes);
  /// Whether every rank has room for its graph, and for what it noted, in a device that others of its machine may share.
  bool fits(std::uint64_t graph);
  /// Whether it is so on any rank.
  bool any(bool mine);
  [[nodiscard]] bool alone() const { return comm_.size() == 1; }

 private:
  comm::Communicator& comm_;
  std::uint64_t most_ = 0, snapshots_ = 0;
};

class ReplayedPass {
 public:
  /// `wanted`, on all ranks or none: else passes simply run. `before`: or null, whose graph is to have room first. One that
  /// fails while no other rank takes part runs again, once the buffers of `store` are as they were. All outlive this.
  ReplayedPass(bool wanted, GraphRoom& room, const nn::ParameterStore& store, const ReplayedPass* before = nullptr)
      : wanted_(wanted), room_(room), store_(store), before_(before) {}

  /// What `pass` returns; of a replay, until the next. Those of one `kind` are the same but for their draws: the first fill
  /// what is kept between epochs, then one is rehearsed, one recorded. What cannot be recorded runs as it is, and so does
  /// what has no kind. All ranks call it.
  Tensor run(std::uint32_t epoch, std::optional<std::uint64_t> kind, const std::function<Tensor()>& pass);
  /// As it is, and counted.
  Tensor run_plain(const std::function<Tensor()>& pass);
  /// Gives the graph's memory back. It may be recorded again.
  void forget();

  /// Whether any pass may still be recorded or replayed.
  [[nodiscard]] bool wanted() const { return wanted_; }
  /// Whether it is known what one takes.
  [[nodiscard]] bool counted() const { return takes_.has_value(); }
  /// Whether any was replayed.
  [[nodiscard]] bool replayed() const { return replayed_ > 0; }
  /// Why passes are not replayed; empty where they are or were not wanted, or it is too early to say.
  [[nodiscard]] const std::string& why_not() const { return why_not_; }
  /// In one sentence; empty where it was not wanted, or no pass was recorded yet.
  [[nodiscard]] std::string describe() const;

 private:
  bool begin();
  Tensor rehearse(const std::function<Tensor()>& pass);
  Tensor record(std::uint32_t epoch, const std::function<Tensor()>& pass);
  Tensor give_up(const std::string& why, const std::function<Tensor()>& pass);

  /// When memory is given back may depend on when messages arrive: what one rehearsal did without, the next may take.
  static constexpr int kRehearsals = 3;
  /// So many passes are waited for a graph that is to have room first: where kinds change all the time there is none.
  static constexpr int kPatience = 8;
  static constexpr int kPlain = 2;  ///< passes before the first rehearsal; of a later kind, one

  bool wanted_;
  GraphRoom& room_;
  const nn::ParameterStore& store_;
  const ReplayedPass* before_;
  int passes_ = 0, rehearsed_ = 0;
  std::uint64_t kind_ = 0;
  std::optional<std::uint64_t> takes_;  ///< bytes of the latest that ran as it is
  std::unique_ptr<ops::DeviceGraph> graph_;
  Tensor result_;  ///< which replays write
  std::size_t graphs_ = 0;
  std::uint32_t first_replayed_ = 0;
  int recorded_ = 0, replayed_ = 0;
  bool assigned_anew_ = false;  ///< after a recording
  std::string why_not_;
};

}  // namespace galena::train
