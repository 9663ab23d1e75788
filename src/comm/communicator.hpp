#pragma once
// Ranks that send each other messages: the one interface to threads and MPI.
//
// Messages. isend() and irecv() start a transfer and return at once; the buffer belongs to the transfer
// until wait() or test() says that it is over. A message finds the receive of its (sender, tag), first sent
// to first posted. Its size must be the one expected. A send may end only when the receive is posted, on
// every transport: two ranks that both wait for their sends before they post their receives wait forever.
//
// Collectives are made of messages, here, so they give the same bits on every transport and every rank. All
// ranks must call the same ones in the same order with the same sizes. Their tags are their own.
//
// Sums are added in rank order, ((x0 + x1) + x2) + ..., whatever the transport, the sizes and the timing; floats
// are added in double and rounded once. See collectives.cpp for the algorithm and what it sends.
//
// Errors. Whatever goes wrong between ranks throws. A rank that fails takes the others with it: their waits and
// new transfers throw PeerFailed, promptly on threads; MPI ends their processes (mpi_session.hpp). Waiting
// longer than WaitOptions::deadline is an EnvironmentError that names who waits for whom. A program that breaks
// the rules above (sizes that differ, a bad tag, ranks that all wait) is an InternalError.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "galena/error.hpp"
#include "src/comm/shared_counter.hpp"
#include "src/comm/traffic.hpp"

namespace galena::comm {

/// Another rank failed first; its message is the one to report.
class PeerFailed : public EnvironmentError {
 public:
  using EnvironmentError::EnvironmentError;
};

/// WaitOptions::stop was set.
class Interrupted : public EnvironmentError {
 public:
  using EnvironmentError::EnvironmentError;
};

struct WaitOptions {
  /// Seconds that a wait may take before it counts as hopeless. More than the longest time that one rank
  /// computes while others wait for it.
  double deadline = 300;
  /// Where set nonzero by anyone (a signal handler), waits throw Interrupted within a tenth of a second. An epoch
  /// that shall end in order is better stopped by agreement: max() of the flag.
  const volatile int* stop = nullptr;
  [[nodiscard]] bool stopped() const { return stop != nullptr && __atomic_load_n(stop, __ATOMIC_RELAXED) != 0; }
};

/// What a transfer is, for errors.
struct Transfer {
  bool sends = false;  ///< else receives
  int peer = 0;
  int tag = 0;
  std::size_t bytes = 0;
  /// "a message from rank 2, tag 7, 1024 bytes".
  [[nodiscard]] std::string describe() const;
};

/// A transfer that may still be under way; a transport derives its own. Destroying it cancels it.
class Pending {
 public:
  explicit Pending(const Transfer& transfer) : what(transfer) {}
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;
  virtual ~Pending() = default;
  const Transfer what;
};

/// A handle to a transfer; empty when made, and again when the transfer is over. Destroying one that is not empty
/// cancels the transfer, which is for leaving by an exception only: declare buffers before their requests.
class Request {
 public:
  Request() = default;
  explicit Request(std::unique_ptr<Pending> pending) : pending_(std::move(pending)) {}
  [[nodiscard]] bool empty() const { return pending_ == nullptr; }

 private:
  friend class Communicator;
  std::unique_ptr<Pending> pending_;
};

/// One rank's end. Not thread-safe: one thread drives it. What runs in OpenMP loops must not call it.
class Communicator {
 public:
  /// User tags are 0 ... kTags - 1.
  static constexpr int kTags = 32000;
  static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

  virtual ~Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }
  [[nodiscard]] const WaitOptions& options() const { return options_; }

  /// Starts a message to `peer` (this rank itself too; that one costs no traffic). `bytes` stay alive and unchanged
  /// until the request is over. The second form charges parts of the message to different labels; the charges must
  /// add up to its size.
  [[nodiscard]] Request isend(int peer, int tag, std::span<const std::byte> bytes, Label label);
  [[nodiscard]] Request isend(int peer, int tag, std::span<const std::byte> bytes, std::span<const Charge> charges);
  /// Starts to receive exactly bytes.size() bytes.
  [[nodiscard]] Request irecv(int peer, int tag, std::span<std::byte> bytes);

  /// Returns when the transfer is over; at once where the request is empty.
  void wait(Request& request);
  void wait_all(std::span<Request> requests);
  /// Waits until one of them is over and returns its position; kNone where all are empty.
  std::size_t wait_any(std::span<Request> requests);
  /// Whether the transfer is over. Empties the request if so.
  bool test(Request& request);
  /// Drives transfers while computing: call it now and then between pieces of work.
  virtual void progress() {}
  /// Throws where another rank is known to have failed or to have ended, or a stop is asked for. For waits for other
  /// things than messages; returns at once.
  void check_peers();

  // Collectives: every rank calls, with spans of equal size, and has the same bits afterwards.
  void sum(std::span<float> values, Label label);
  void sum(std::span<double> values, Label label);
  void sum(std::span<std::int64_t> values, Label label);
  /// NaN where any is NaN.
  void max(std::span<double> values, Label label);
  void max(std::span<std::int64_t> values, Label label);
  void min(std::span<double> values, Label label);
  void min(std::span<std::int64_t> values, Label label);
  /// Entry r holds the bytes of rank r; their sizes may differ. Costs 8 bytes a peer more, charged to control.
  std::vector<std::vector<std::byte>> allgather(std::span<const std::byte> mine, Label label);
  /// The same without keeping them: take(rank, bytes) is called for each rank, this one first.
  void allgather(std::span<const std::byte> mine, Label label,
                 const std::function<void(int, std::vector<std::byte>)>& take);
  void broadcast(std::span<std::byte> bytes, int root, Label label);
  void barrier();
  /// At 0. A collective; by one-sided access over MPI, so that nobody serves it.
  [[nodiscard]] virtual std::unique_ptr<SharedCounter> make_counter() = 0;

  /// The values that rank `rank` of `size` adds up in a sum of `count` of `value_bytes` each, and then sends to all: none
  /// overlap. Of a short array each adds up everything, and there is nothing more to send.
  struct Segment {
    std::uint64_t begin = 0, count = 0;
  };
  static Segment reduction_segment(std::uint64_t count, std::size_t value_bytes, int rank, int size);
  /// Bytes that rank `rank` of `size` sends in a sum, max or min of `count` values of `value_bytes` each.
  static std::uint64_t reduction_bytes(std::uint64_t count, std::size_t value_bytes, int rank, int size);

  /// Seconds of a clock that never goes back.
  [[nodiscard]] static double now();

  [[nodiscard]] TrafficCounter& traffic() { return traffic_; }
  [[nodiscard]] const TrafficCounter& traffic() const { return traffic_; }
  /// The sum over ranks of traffic() as it was at the call; the exchange itself is charged to control.
  [[nodiscard]] TrafficCounter gather_traffic();

 protected:
  Communicator(int rank, int size, const WaitOptions& options) : rank_(rank), size_(size), options_(options) {}

  // What a transport does. `peer` and `tag` are in range; finished() and wait_first() throw what went wrong.
  virtual std::unique_ptr<Pending> start_send(int peer, int tag, std::span<const std::byte> bytes) = 0;
  virtual std::unique_ptr<Pending> start_receive(int peer, int tag, std::span<std::byte> bytes) = 0;
  virtual bool finished(Pending& pending) = 0;
  /// Position of one that is over, after waiting for it. Never called without pendings.
  virtual std::size_t wait_first(std::span<Pending* const> pendings) = 0;
  virtual void find_failure() = 0;

  // For the errors of transports.
  /// "rank 0 of 4".
  [[nodiscard]] std::string self() const;
  [[nodiscard]] EnvironmentError overdue(std::span<Pending* const> pendings, double seconds) const;
  [[nodiscard]] InternalError wrong_size(const Transfer& receive, const std::string& found) const;
  [[nodiscard]] Interrupted interrupted() const;

 private:
  friend class Collective;
  void check_peer(int peer, const char* call) const;
  void check(int peer, int tag, const char* call) const;
  Request post(int peer, int tag, std::span<const std::byte> bytes, std::span<const Charge> charges);

  int rank_, size_;
  WaitOptions options_;
  TrafficCounter traffic_;
};

/// The bytes of an array of plain values, for messages.
template <class T>
std::span<const std::byte> bytes_of(const T& values) {
  return std::as_bytes(std::span(values));
}
template <class T>
std::span<std::byte> writable_bytes_of(T& values) {
  return std::as_writable_bytes(std::span(values));
}

}  // namespace galena::comm
