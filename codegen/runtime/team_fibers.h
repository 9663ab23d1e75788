#pragma once
// Teams whose lanes each run the whole task, as they do on a GPU: every lane is a fiber that runs until
// it comes to a collective, and goes on when all have come. Lanes take turns in an order that
// changes at every meeting, and it is noticed when they do not all come to the same collective: so
// control flow that differs between lanes, sums that count once a lane and reads of what another lane
// has yet to write come to light on the host. For tests; one at a time in a process.

#include <ucontext.h>

#include "codegen/runtime/team.h"

namespace galena::rt::gpu {

enum class Meeting : uint8_t { none, sync, vote, total, count, offsets, first, end };

template <int W>
class Fibers {
 public:
  static constexpr int kLanes = kWarp * W;

  /// Runs f(lane) for all lanes.
  template <class F>
  void run(F&& f) {
    running() = this;
    call_ = [](void* function, int lane) { (*static_cast<F*>(function))(lane); };
    function_ = &f;
    for (int lane = 0; lane < kLanes; ++lane) {
      getcontext(&lane_[lane]);
      lane_[lane].uc_stack.ss_sp = stack(lane);
      lane_[lane].uc_stack.ss_size = kStack;
      lane_[lane].uc_link = &scheduler_;
      makecontext(&lane_[lane], reinterpret_cast<void (*)()>(&begin), 1, lane);
    }
    while (!over_) round();
  }

  /// Whether lanes ever came to different collectives.
  [[nodiscard]] bool diverged() const { return diverged_; }

  /// Called by a lane: gives `mine`, waits for all; returns what all gave, by lane.
  const i128* meet(int lane, Meeting what, i128 mine) {
    i128* const words = words_[meetings_[lane]++ % 2];
    words[lane] = mine;
    at_[lane] = what;
    swapcontext(&lane_[lane], &scheduler_);
    return words;
  }

 private:
  static constexpr size_t kStack = size_t{64} << 10;

  static Fibers*& running() {
    static Fibers* which = nullptr;
    return which;
  }
  static char* stack(int lane) {
    static char stacks[kLanes][kStack] __attribute__((aligned(16)));
    return stacks[lane];
  }
  static void begin(int lane) {
    Fibers* const self = running();
    self->call_(self->function_, lane);
    self->at_[lane] = Meeting::end;
  }

  /// Every lane goes on to its next meeting.
  void round() {
    seed_ = seed_ * 6364136223846793005U + 1442695040888963407U;
    const int start = static_cast<int>((seed_ >> 33) % kLanes);
    const int step = static_cast<int>((seed_ >> 50) % kLanes) | 1;  // odd: prime to the number of lanes
    for (int i = 0; i < kLanes; ++i) {
      const int lane = (start + i * step) % kLanes;
      swapcontext(&scheduler_, &lane_[lane]);
    }
    for (int lane = 1; lane < kLanes; ++lane) diverged_ = diverged_ || at_[lane] != at_[0];
    over_ = diverged_ || at_[0] == Meeting::end;
  }

  ucontext_t scheduler_{}, lane_[kLanes];
  i128 words_[2][kLanes] = {};  ///< of this meeting and the last, which some lanes may not have read yet
  Meeting at_[kLanes] = {};
  uint64_t meetings_[kLanes] = {};
  void (*call_)(void*, int) = nullptr;
  void* function_ = nullptr;
  uint64_t seed_ = 1;
  bool over_ = false, diverged_ = false;
};

/// A lane's view of its team.
template <int W, int R = 0>
class FiberTeam {
 public:
  static constexpr int kLanes = kWarp * W;
  static constexpr int kRows = R;

  FiberTeam(Fibers<W>* fibers, Shared<W, R>* shared, int lane) : fibers_(fibers), shared_(shared), lane_(lane) {}

  void sync() const { fibers_->meet(lane_, Meeting::sync, 0); }

  template <class F>
  void lanes(F&& f) const {
    f(lane_);
  }

  template <class F>
  Votes<W> vote(F&& f) const {
    const i128* all = fibers_->meet(lane_, Meeting::vote, f(lane_) ? 1 : 0);
    Votes<W> votes{};
    for (int lane = 0; lane < kLanes; ++lane)
      votes.warp[lane / kWarp] |= static_cast<uint32_t>(all[lane]) << (lane % kWarp);
    return votes;
  }

  i128 total(i128 mine, bool& lost) const {
    const i128* all = fibers_->meet(lane_, Meeting::total, mine);
    i128 sum = 0;
    for (int lane = 0; lane < kLanes; ++lane) sum = add_checked(sum, all[lane], lost);
    return sum;
  }
  uint64_t total(uint64_t mine) const {
    const i128* all = fibers_->meet(lane_, Meeting::count, static_cast<i128>(mine));
    uint64_t sum = 0;
    for (int lane = 0; lane < kLanes; ++lane) sum += static_cast<uint64_t>(all[lane]);
    return sum;
  }
  uint32_t total(uint32_t mine) const { return static_cast<uint32_t>(total(static_cast<uint64_t>(mine))); }

  template <class F>
  const uint32_t* offsets(F&& f) const {
    const i128* all = fibers_->meet(lane_, Meeting::offsets, f(lane_));
    uint32_t sum = 0;
    for (int lane = 0; lane <= lane_; ++lane) sum += static_cast<uint32_t>(all[lane]);
    sync();  // others may still read the last ones
    shared_->offsets[lane_ + 1] = sum;
    shared_->offsets[0] = 0;
    sync();
    return shared_->offsets;
  }

  template <class F>
  uint64_t first(F&& f) const {
    return static_cast<uint64_t>(fibers_->meet(lane_, Meeting::first, lane_ == 0 ? static_cast<i128>(f()) : 0)[0]);
  }
  void pause() const {}
  template <class N>
  [[nodiscard]] N once(N value) const {
    return lane_ == 0 ? value : 0;
  }

  [[nodiscard]] vid* pivots() const { return shared_->pivots; }
  [[nodiscard]] uint32_t* rows() const { return shared_->rows; }

 private:
  Fibers<W>* fibers_;
  Shared<W, R>* shared_;
  int lane_;
};

}  // namespace galena::rt::gpu
