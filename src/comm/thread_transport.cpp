#include "src/comm/thread_transport.hpp"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <new>
#include <system_error>
#include <thread>

#include "src/comm/failure.hpp"
#include "src/comm/thread_group.hpp"

namespace galena::comm {

namespace {

class ThreadCounter : public SharedCounter {
 public:
  using Value = std::shared_ptr<std::atomic<std::uint64_t>>;
  explicit ThreadCounter(Value value) : value_(std::move(value)) {}
  std::uint64_t fetch_add(std::uint64_t n) override { return value_->fetch_add(n); }

 private:
  Value value_;
};

class ThreadCommunicator : public Communicator {
 public:
  ThreadCommunicator(int rank, int size, const WaitOptions& options, ThreadGroup& group)
      : Communicator(rank, size, options), group_(group) {}

  /// Whether what this rank throws may be the consequence of another's failure.
  [[nodiscard]] bool saw_failure() const { return saw_failure_; }

  /// Rank 0 makes it; where it lies travels as bytes, which threads may share.
  std::unique_ptr<SharedCounter> make_counter() override {
    ThreadCounter::Value value;
    if (rank() == 0) value = std::make_shared<std::atomic<std::uint64_t>>(0);
    ThreadCounter::Value* at = &value;
    broadcast(std::as_writable_bytes(std::span(&at, 1)), 0, Label{});
    if (rank() != 0) value = *at;
    barrier();  // until all have taken it
    return std::make_unique<ThreadCounter>(std::move(value));
  }

 protected:
  std::unique_ptr<Pending> start_send(int peer, int tag, std::span<const std::byte> bytes) override {
    return start({true, peer, tag, bytes.size()}, bytes.data(), nullptr);
  }
  std::unique_ptr<Pending> start_receive(int peer, int tag, std::span<std::byte> bytes) override {
    return start({false, peer, tag, bytes.size()}, nullptr, bytes.data());
  }
  bool finished(Pending& pending) override {
    ThreadGroup::Outcome outcome;
    const std::array<Pending*, 1> one{&pending};
    const auto why = group_.poll(one, outcome);
    if (why == ThreadGroup::Why::unfinished) return false;
    check(why, one, outcome);
    return true;
  }
  std::size_t wait_first(std::span<Pending* const> pendings) override {
    ThreadGroup::Outcome outcome;
    check(group_.wait(rank(), pendings, options(), outcome), pendings, outcome);
    return outcome.position;
  }
  void find_failure() override {
    if (group_.failed()) peer_failed();
  }

 private:
  std::unique_ptr<Pending> start(const Transfer& transfer, const std::byte* source, std::byte* target) {
    find_failure();
    auto pending = std::make_unique<ThreadPending>(group_, transfer, rank(), source, target);
    group_.start(*pending);
    return pending;
  }

  [[noreturn]] void peer_failed() {
    saw_failure_ = true;
    throw PeerFailed(self() + ": another rank has failed");
  }

  /// Throws unless the wait ended well.
  void check(ThreadGroup::Why why, std::span<Pending* const> pendings, const ThreadGroup::Outcome& outcome) {
    using Why = ThreadGroup::Why;
    if (why == Why::peer_failed) peer_failed();
    if (why == Why::deadlock) throw InternalError(group_.deadlock());
    if (why == Why::deadline) throw overdue(pendings, options().deadline);
    if (why == Why::interrupted) throw interrupted();
    if (outcome.sent) throw wrong_size(pendings[outcome.position]->what, std::to_string(*outcome.sent));
  }

  ThreadGroup& group_;
  bool saw_failure_ = false;
};

/// One rank's end: what it threw, and whether of itself.
struct End {
  std::exception_ptr error;
  bool own = false;
};

End run_rank(int rank, int threads, const ThreadOptions& options, ThreadGroup& group, int ranks,
             const std::function<void(Communicator&)>& body) {
  End end;
  ThreadCommunicator communicator(rank, ranks, options.wait, group);
  try {
    omp_set_num_threads(threads);
    body(communicator);
  } catch (...) {
    end = {std::current_exception(), !communicator.saw_failure()};
  }
  group.leave(rank, end.error != nullptr);
  return end;
}

/// Throws the error that the others follow from.
void report(const std::vector<End>& ends) {
  const auto failed = [](const End& end) { return end.error != nullptr; };
  auto first = std::find_if(ends.begin(), ends.end(), [&](const End& end) { return failed(end) && end.own; });
  if (first == ends.end()) first = std::find_if(ends.begin(), ends.end(), failed);
  if (first == ends.end()) return;
  rethrow_named(first->error, static_cast<int>(first - ends.begin()), static_cast<int>(ends.size()));
}

}  // namespace

void run_ranks(int ranks, const ThreadOptions& options, const std::function<void(Communicator&)>& body) {
  if (ranks < 1 || options.threads_per_rank < 0)
    throw InputError(fmt::format("expected 1 rank or more and 0 threads a rank or more; found {} ranks, {} threads",
                                 ranks, options.threads_per_rank));
  const int share =
      options.threads_per_rank > 0 ? options.threads_per_rank : std::max(1, omp_get_max_threads() / ranks);
  ThreadGroup group(ranks, options);
  std::vector<End> ends(ranks);
  std::vector<std::thread> threads;
  std::exception_ptr unstarted;
  try {
    for (int rank = 0; rank < ranks; ++rank)
      threads.emplace_back([&, rank] { ends[rank] = run_rank(rank, share, options, group, ranks, body); });
  } catch (const std::system_error& error) {
    unstarted = std::make_exception_ptr(EnvironmentError(
        fmt::format("cannot start {} threads, a rank each: {}; use fewer ranks", ranks, error.what())));
    for (int rank = static_cast<int>(threads.size()); rank < ranks; ++rank) group.leave(rank, true);
  }
  for (std::thread& thread : threads) thread.join();
  if (unstarted) std::rethrow_exception(unstarted);
  report(ends);
}

}  // namespace galena::comm
