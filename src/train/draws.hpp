#pragma once
// Which boundary rows travel in an exchange: the policy's choice for a pass, drawn alike at both ends of a route.

#include <cstdint>
#include <future>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "src/train/selection.hpp"

namespace galena::train {

enum class RowChoice { all, uniform, importance, assigned };

struct Policy {
  RowChoice rows = RowChoice::all;
  double rate = 1;     ///< of uniform and importance, in [0, 1]
  int bits = 32;       ///< 32 16 8 4 2 1; 0: each row's own, see Assignment
  bool stale = false;  ///< rows and gradients of the epoch before (fresh in the first one)
};

/// Widths and probabilities by row of a route, for one exchange. Both ends hold the same.
struct RouteAssignment {
  std::vector<std::uint8_t> forward_bits, backward_bits;  ///< [rows of the route]; empty: 8
  std::vector<double> probability;                        ///< empty: 1
};
/// By exchange, then by route: those this rank receives, and those it sends.
struct Assignment {
  std::vector<std::vector<RouteAssignment>> receives, sends;
};

/// One pass (a forward and perhaps a backward run of the model).
struct Pass {
  bool training = true;  ///< else all rows in full precision, now, charged to Traffic::control
  bool pruned = false;   ///< rows are those of Share::hop_rows
  std::uint32_t epoch = 0;
  bool operator==(const Pass&) const = default;
};

class Draws {
 public:
  /// Both outlive it.
  Draws(const Share& share, const Policy& policy, std::uint64_t seed) : share_(share), policy_(policy), seed_(seed) {}

  void begin_pass(const Pass& pass);
  [[nodiscard]] const Pass& pass() const { return pass_; }
  /// The rows of an exchange of this pass; the same ones for all exchanges that share theirs.
  std::shared_ptr<const Drawn> draw(std::uint32_t call, int hop);
  /// From the next pass on, samples of training passes have room for any of an assignment (Drawn).
  void leave_room() { roomy_ = true; }
  /// Begins, on a thread beside, to draw what this pass has asked for, where that has room, for the next epoch.
  void draw_ahead();

  void assign(Assignment assignment);
  /// How often rows or widths have been assigned.
  [[nodiscard]] std::uint64_t assignments() const { return assignments_; }
  /// Null where the route's rows have nothing assigned.
  [[nodiscard]] const RouteAssignment* assigned(bool sends, std::uint32_t call, std::size_t route) const;
  /// Whether all rows take part for now.
  void take_all(bool all);

 private:
  /// Whether each exchange has its own, and which has; the hop (-1, -2: not pruned).
  using Key = std::pair<std::uint32_t, int>;
  using Kept = std::map<Key, std::shared_ptr<const Drawn>>;
  struct Room {
    std::uint32_t call;
    int hop;
    std::shared_ptr<const SampleRoom> room;
  };

  [[nodiscard]] bool sampled(const Pass& pass) const { return pass.training && policy_.rows != RowChoice::all; }
  [[nodiscard]] bool has_room() const { return roomy_ && sampled(pass_) && !all_; }
  [[nodiscard]] Key key_of(std::uint32_t call, int hop) const;
  /// How many rows of the share's columns a pass sums into.
  [[nodiscard]] std::int64_t rows_of(const Pass& pass, int hop) const;
  [[nodiscard]] std::shared_ptr<const Drawn> make(const Pass& pass, std::uint32_t call, int hop,
                                                  std::shared_ptr<const SampleRoom> room) const;
  [[nodiscard]] Sample draw_route(const Pass& pass, const Route& route, std::uint32_t call, int hop, int sender,
                                  int receiver, const RouteAssignment* assigned) const;
  [[nodiscard]] std::shared_ptr<const SampleRoom> room_of(std::uint32_t call, int hop) const;
  /// The most rows of any draw.
  [[nodiscard]] std::uint32_t most_of(const Route& route, int hop, const RouteAssignment* assigned) const;
  /// What was drawn ahead for this pass, if anything.
  void take_ahead();

  const Share& share_;
  const Policy& policy_;
  std::uint64_t seed_;
  Pass pass_;
  Assignment assignment_;
  std::uint64_t assignments_ = 0;
  bool all_ = false, roomy_ = false;
  Kept fixed_;    ///< all rows
  Kept sampled_;  ///< this epoch's
  std::map<Key, Room> rooms_;
  Pass ahead_pass_;
  std::future<Kept> ahead_;  ///< reads what stands above
};

}  // namespace galena::train
