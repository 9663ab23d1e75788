#pragma once
// What the ranks of one process share: mailboxes, and whether one has failed.
//
// One lock guards all of it. It is taken a few times a message and never while bytes are copied; ranks are few.
//
// A send and a receive match when the later of them starts, which copies the bytes there and then, straight from
// buffer to buffer. With a simulated link the two ends are told so only when the message would have arrived.

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "src/comm/communicator.hpp"
#include "src/comm/link.hpp"

namespace galena::comm {

class ThreadGroup;

/// One end of a message between threads.
class ThreadPending : public Pending {
 public:
  ThreadPending(ThreadGroup& group, const Transfer& transfer, int owner, const std::byte* source, std::byte* target)
      : Pending(transfer), group_(group), owner_(owner), source_(source), target_(target) {}
  ~ThreadPending() override;

 private:
  friend class ThreadGroup;
  enum class State { queued, copying, over };

  ThreadGroup& group_;
  int owner_;                // whose end it is
  const std::byte* source_;  // of a send
  std::byte* target_;        // of a receive
  State state_ = State::queued;
  bool cancelling_ = false;          // its rank waits for the end of a copy
  double ready_ = 0;                 // when it may be told that it is over
  double arrives_ = 0;               // of a send: when its bytes are there
  std::optional<std::size_t> sent_;  // of a receive: the message's size, where that is wrong
};

class ThreadGroup {
 public:
  ThreadGroup(int ranks, const ThreadOptions& options);

  /// What became of a transfer.
  struct Outcome {
    std::size_t position = 0;         ///< among those waited for
    std::optional<std::size_t> sent;  ///< the message's size, where the receive expected another
  };
  enum class Why { over, unfinished, peer_failed, deadlock, deadline, interrupted };

  /// Queues the transfer, or matches it with one that waits for it and copies.
  void start(ThreadPending& pending);
  /// Waits until one is over, or something else ends the wait; never `unfinished`.
  Why wait(int rank, std::span<Pending* const> pendings, const WaitOptions& options, Outcome& outcome);
  /// The same without waiting.
  Why poll(std::span<Pending* const> pendings, Outcome& outcome);
  void cancel(ThreadPending& pending);

  /// `rank` has returned or thrown. After a throw, all others are woken.
  void leave(int rank, bool failed);
  [[nodiscard]] bool failed();
  /// Who waits for what, where all wait in vain; else empty.
  [[nodiscard]] std::string deadlock();

 private:
  struct Rank {
    std::condition_variable changed;
    std::deque<ThreadPending*> sends, receives;  // to this rank, by this rank: those without a partner
    std::span<Pending* const> waiting;           // for these; empty: it runs
    bool gone = false;
  };

  Why look(std::span<Pending* const> pendings, Outcome& outcome, double& next) const;
  std::deque<ThreadPending*>& queue_of(const ThreadPending& pending, bool partners);
  ThreadPending* take_partner(const ThreadPending& pending);
  void copy(ThreadPending& send, ThreadPending& receive, std::unique_lock<std::mutex>& lock);
  void tell_owner(const ThreadPending& pending);
  static bool stuck(const Rank& rank);
  void look_for_deadlock();
  void wake_all();

  std::mutex mutex_;
  std::vector<Rank> ranks_;
  std::optional<LinkModel> link_;
  bool failed_ = false;
  std::string deadlock_;
};

}  // namespace galena::comm
