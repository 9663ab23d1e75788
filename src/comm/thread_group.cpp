#include "src/comm/thread_group.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>

namespace galena::comm {

namespace {

constexpr double kStopInterval = 0.1;  // seconds between looks at the stop flag
constexpr double kForever = 1e7;       // seconds, about what a clock can still add

ThreadPending& own(Pending* pending) { return static_cast<ThreadPending&>(*pending); }

std::chrono::steady_clock::time_point at(double seconds) {
  const std::chrono::duration<double> since(seconds);
  return std::chrono::steady_clock::time_point(std::chrono::duration_cast<std::chrono::steady_clock::duration>(since));
}

}  // namespace

ThreadPending::~ThreadPending() { group_.cancel(*this); }

ThreadGroup::ThreadGroup(int ranks, const ThreadOptions& options) : ranks_(ranks) {
  if (options.link) link_.emplace(*options.link, ranks);
}

/// The mailbox of the receiver: its queue for this end of the message, or for the other end.
std::deque<ThreadPending*>& ThreadGroup::queue_of(const ThreadPending& pending, bool partners) {
  Rank& receiver = ranks_[pending.what.sends ? pending.what.peer : pending.owner_];
  return pending.what.sends != partners ? receiver.sends : receiver.receives;
}

ThreadPending* ThreadGroup::take_partner(const ThreadPending& pending) {
  auto& queue = queue_of(pending, true);
  const auto found = std::find_if(queue.begin(), queue.end(), [&](const ThreadPending* other) {
    return other->owner_ == pending.what.peer && other->what.peer == pending.owner_ &&
           other->what.tag == pending.what.tag;
  });
  if (found == queue.end()) return nullptr;
  ThreadPending* partner = *found;
  queue.erase(found);
  return partner;
}

void ThreadGroup::copy(ThreadPending& send, ThreadPending& receive, std::unique_lock<std::mutex>& lock) {
  receive.ready_ = send.arrives_;
  if (send.what.bytes != receive.what.bytes) {
    receive.sent_ = send.what.bytes;
  } else if (send.what.bytes > 0) {
    send.state_ = receive.state_ = ThreadPending::State::copying;
    lock.unlock();
    std::memcpy(receive.target_, send.source_, send.what.bytes);
    lock.lock();
  }
  send.state_ = receive.state_ = ThreadPending::State::over;
  tell_owner(send);
  tell_owner(receive);
}

/// Wakes the rank only where it waits for this one: of many ranks, each has many messages under way.
void ThreadGroup::tell_owner(const ThreadPending& pending) {
  Rank& rank = ranks_[pending.owner_];
  if (pending.cancelling_ || std::find(rank.waiting.begin(), rank.waiting.end(), &pending) != rank.waiting.end())
    rank.changed.notify_all();
}

void ThreadGroup::start(ThreadPending& pending) {
  std::unique_lock lock(mutex_);
  if (pending.what.sends && link_) {
    const auto times = link_->send(pending.owner_, pending.what.peer, pending.what.bytes, Communicator::now());
    pending.ready_ = times.sent;
    pending.arrives_ = times.arrives;
  }
  ThreadPending* partner = take_partner(pending);
  if (partner == nullptr)
    queue_of(pending, false).push_back(&pending);
  else if (pending.what.sends)
    copy(pending, *partner, lock);
  else
    copy(*partner, pending, lock);
}

void ThreadGroup::cancel(ThreadPending& pending) {
  std::unique_lock lock(mutex_);
  if (pending.state_ == ThreadPending::State::queued) std::erase(queue_of(pending, false), &pending);
  pending.cancelling_ = true;
  ranks_[pending.owner_].changed.wait(lock, [&] { return pending.state_ != ThreadPending::State::copying; });
}

/// `next`: when to look again if nothing changes before; infinite while none has found its partner.
ThreadGroup::Why ThreadGroup::look(std::span<Pending* const> pendings, Outcome& outcome, double& next) const {
  if (!deadlock_.empty()) return Why::deadlock;  // before the failure that follows: all report it
  if (failed_) return Why::peer_failed;
  next = std::numeric_limits<double>::infinity();
  const double now = Communicator::now();
  for (std::size_t i = 0; i < pendings.size(); ++i) {
    const ThreadPending& pending = own(pendings[i]);
    if (pending.state_ == ThreadPending::State::queued) continue;
    const bool copied = pending.state_ == ThreadPending::State::over;
    if (copied && pending.ready_ <= now) {
      outcome = {i, pending.sent_};
      return Why::over;
    }
    next = std::min(next, copied ? pending.ready_ : now + kForever);
  }
  return Why::unfinished;
}

ThreadGroup::Why ThreadGroup::poll(std::span<Pending* const> pendings, Outcome& outcome) {
  const std::scoped_lock lock(mutex_);
  double next = 0;
  return look(pendings, outcome, next);
}

ThreadGroup::Why ThreadGroup::wait(int rank, std::span<Pending* const> pendings, const WaitOptions& options,
                                   Outcome& outcome) {
  std::unique_lock lock(mutex_);
  Rank& me = ranks_[rank];
  const double last = Communicator::now() + std::min(kForever, options.deadline);
  me.waiting = pendings;
  const auto done = [&](Why why) {
    me.waiting = {};
    return why;
  };
  for (double next = 0;;) {
    if (const Why why = look(pendings, outcome, next); why != Why::unfinished) return done(why);
    look_for_deadlock();
    if (!deadlock_.empty()) return done(Why::deadlock);
    if (options.stopped()) return done(Why::interrupted);
    const double now = Communicator::now();
    if (now >= last && next == std::numeric_limits<double>::infinity()) return done(Why::deadline);
    double wake = std::min(next, std::max(last, now));
    if (options.stop != nullptr) wake = std::min(wake, now + kStopInterval);
    me.changed.wait_until(lock, at(wake));
  }
}

void ThreadGroup::leave(int rank, bool failed) {
  const std::scoped_lock lock(mutex_);
  ranks_[rank].gone = true;
  if (failed) {
    failed_ = true;
    wake_all();
  } else {
    look_for_deadlock();
  }
}

bool ThreadGroup::failed() {
  const std::scoped_lock lock(mutex_);
  return failed_;
}

std::string ThreadGroup::deadlock() {
  const std::scoped_lock lock(mutex_);
  return deadlock_;
}

bool ThreadGroup::stuck(const Rank& rank) {
  return !rank.waiting.empty() && std::all_of(rank.waiting.begin(), rank.waiting.end(), [](Pending* pending) {
    return own(pending).state_ == ThreadPending::State::queued;
  });
}

/// Only a rank that runs can start the partner of what others wait for.
void ThreadGroup::look_for_deadlock() {
  const auto hopeless = [](const Rank& rank) { return rank.gone || stuck(rank); };
  if (failed_ || !std::all_of(ranks_.begin(), ranks_.end(), hopeless)) return;
  std::string list;
  for (std::size_t rank = 0; rank < ranks_.size(); ++rank)
    if (!ranks_[rank].gone)
      list += fmt::format("; rank {} for {}", rank, ranks_[rank].waiting.front()->what.describe());
    else
      list += fmt::format("; rank {} has returned", rank);
  if (std::none_of(ranks_.begin(), ranks_.end(), stuck)) return;
  deadlock_ = "every rank waits in vain" + list;
  wake_all();
}

void ThreadGroup::wake_all() {
  for (Rank& rank : ranks_) rank.changed.notify_all();
}

}  // namespace galena::comm
