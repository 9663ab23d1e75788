#pragma once
// All teams of a launch on the host: each is a fiber that runs until it looks at what teams share, then another one has
// a turn, as a seed says. So what teams do to each other happens in every order, and again when the seed is the same.
// For tests; one at a time in a thread.

#include <ucontext.h>

#include "codegen/runtime/team_host.h"

namespace galena::rt::gpu {

class Turns {
 public:
  /// `rounds`: where it is to be counted how often each team's lanes work, or null.
  Turns(uint64_t teams, uint64_t seed, uint64_t* rounds) : n_(teams), seed_(seed), rounds_(rounds) {
    teams_ = new Fiber[n_];
  }
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;
  ~Turns() { delete[] teams_; }

  /// Runs f(team) for all teams.
  template <class F>
  void run(F&& f) {
    running() = this;
    call_ = [](void* function, uint64_t team) { (*static_cast<F*>(function))(team); };
    function_ = &f;
    for (uint64_t t = 0; t < n_; ++t) {
      ucontext_t& at = teams_[t].at;
      getcontext(&at);
      at.uc_stack.ss_sp = teams_[t].stack;
      at.uc_stack.ss_size = kStack;
      at.uc_link = &scheduler_;
      makecontext(&at, reinterpret_cast<void (*)()>(&begin), 0);
    }
    for (left_ = n_; left_ > 0;) {
      turn_ = next();
      swapcontext(&scheduler_, &teams_[turn_].at);
    }
  }

  /// Called by a team: others go on.
  void pass() { swapcontext(&teams_[turn_].at, &scheduler_); }
  void count() const {
    if (rounds_ != nullptr) ++rounds_[turn_];
  }

 private:
  static constexpr size_t kStack = size_t{128} << 10;
  struct Fiber {
    ucontext_t at{};
    bool over = false;
    alignas(16) char stack[kStack];
  };

  static Turns*& running() {
    static thread_local Turns* which = nullptr;
    return which;
  }
  static void begin() {
    Turns* const self = running();
    self->call_(self->function_, self->turn_);
    self->teams_[self->turn_].over = true;
    --self->left_;
  }
  uint64_t random() {
    seed_ = seed_ * 6364136223846793005U + 1442695040888963407U;
    return seed_ >> 33;
  }
  /// One that is not over. A team that the seed picks is slow: mostly it is passed over while others can go on.
  uint64_t next() {
    for (;;) {
      const uint64_t t = random() % n_;
      const bool slow = t == slow_ && left_ > 1 && random() % 64 != 0;
      if (!teams_[t].over && !slow) return t;
    }
  }

  ucontext_t scheduler_{};
  uint64_t n_, seed_, slow_ = seed_ % n_, left_ = 0, turn_ = 0;
  uint64_t* rounds_;
  Fiber* teams_;
  void (*call_)(void*, uint64_t) = nullptr;
  void* function_ = nullptr;
};

/// A team whose lanes run in turn, and which passes whenever it looks at what teams share.
template <int W, int R = 0>
class TurnTeam : public HostTeam<W, R> {
 public:
  TurnTeam(Turns* turns, Shared<W, R>* shared) : HostTeam<W, R>(shared), turns_(turns) {}

  template <class F>
  void lanes(F&& f) const {
    turns_->count();
    HostTeam<W, R>::lanes(f);
  }
  template <class F>
  Votes<W> vote(F&& f) const {
    turns_->count();
    return HostTeam<W, R>::vote(f);
  }
  template <class F>
  const uint32_t* offsets(F&& f) const {
    turns_->count();
    return HostTeam<W, R>::offsets(f);
  }
  template <class F>
  uint64_t first(F&& f) const {
    turns_->pass();
    return f();
  }
  void pause() const { turns_->pass(); }

 private:
  Turns* turns_;
};

}  // namespace galena::rt::gpu
