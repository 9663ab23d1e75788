#pragma once
// Teams of simulated lanes, so that what is written for a GPU runs and is tested without one.

#include "codegen/runtime/team.h"

namespace galena::rt::gpu {

/// All lanes in turn, a collective at a time.
template <int W, int R = 0>
class HostTeam {
 public:
  static constexpr int kLanes = kWarp * W;
  static constexpr int kRows = R;

  explicit HostTeam(Shared<W, R>* shared) : shared_(shared) {}

  void sync() const {}

  template <class F>
  void lanes(F&& f) const {
    for (int lane = 0; lane < kLanes; ++lane) f(lane);
  }

  template <class F>
  Votes<W> vote(F&& f) const {
    Votes<W> votes{};
    for (int lane = 0; lane < kLanes; ++lane)
      votes.warp[lane / kWarp] |= static_cast<uint32_t>(f(lane) ? 1 : 0) << (lane % kWarp);
    return votes;
  }

  /// All lanes added to the one variable.
  i128 total(i128 all, bool& /*lost*/) const { return all; }
  uint32_t total(uint32_t all) const { return all; }
  uint64_t total(uint64_t all) const { return all; }

  template <class F>
  const uint32_t* offsets(F&& f) const {
    shared_->offsets[0] = 0;
    for (int lane = 0; lane < kLanes; ++lane) shared_->offsets[lane + 1] = shared_->offsets[lane] + f(lane);
    return shared_->offsets;
  }

  template <class F>
  uint64_t first(F&& f) const {
    return f();
  }
  void pause() const {}
  template <class N>
  static N once(N value) {
    return value;
  }

  [[nodiscard]] vid* pivots() const { return shared_->pivots; }
  [[nodiscard]] uint32_t* rows() const { return shared_->rows; }

 private:
  Shared<W, R>* shared_;
};

}  // namespace galena::rt::gpu
