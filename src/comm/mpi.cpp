// The one file that knows MPI.
//
// Point-to-point messages only: collectives are made of them (collectives.cpp), so that sums have the same bits
// as on threads. A message is sent in pieces of equal length and a last one that is shorter, perhaps empty, so
// that a receiver of another length always notices: MPI keeps the order of messages of one sender and tag.
//
// A receive is given to MPI when its message has come and its size is known (a matched probe). To post it before is
// no faster for large messages, which start by a handshake in any case, and not safe: a message larger than
// posted is MPI_ERR_TRUNCATE by the standard, but Open MPI 4.1 with shared memory writes past the buffer.
// Receives of one sender and tag meet their messages in the order of posting, which is kept here.
//
// Waits poll, for three reasons: a deadline, a look at whether other processes live, and the stop flag. They spin
// at first, then yield their core, which others may want for their work: ranks may outnumber cores. While nothing
// is under way they sleep between looks; never while something is, for MPI moves bytes only when it is called.

#include <fmt/format.h>
#include <mpi.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <exception>
#include <map>
#include <optional>
#include <thread>
#include <utility>

#include "src/comm/collective_tags.hpp"
#include "src/comm/launcher.hpp"
#include "src/comm/mpi_session.hpp"
#include "src/comm/peer_watch.hpp"
#include "src/comm/transports.hpp"

namespace galena::comm {

std::string mpi_version() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  // One of the few calls that are allowed before MPI_Init.
  if (MPI_Get_library_version(text.data(), &length) != MPI_SUCCESS || length <= 0) return "MPI, version unknown";
  std::string version(text.data(), static_cast<std::size_t>(length));
  // "Open MPI v4.1.4, package: Debian OpenMPI, ident: ..." and the like: the first clause says it.
  version.erase(std::min(version.find_first_of(",\n"), version.size()));
  if (const auto v = version.find(" v"); v != std::string::npos) version.erase(v + 1, 1);
  return version;
}

namespace {

constexpr double kSpin = 50e-6;          // seconds of a wait before it yields its core
constexpr double kYield = 2e-3;          // ... and before it sleeps, where it may
constexpr double kWatchInterval = 0.25;  // seconds between looks at other processes

void check_mpi(int code, const char* call) {
  if (code == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  throw EnvironmentError(fmt::format("{} failed: {}", call, std::string_view(text.data(), length)));
}

/// Counts a transfer of which bytes move.
class UnderWay {
 public:
  explicit UnderWay(int& count) : count_(count) {}
  UnderWay(const UnderWay&) = delete;
  UnderWay& operator=(const UnderWay&) = delete;
  ~UnderWay() { set(false); }
  void set(bool moves) {
    count_ += static_cast<int>(moves) - static_cast<int>(moves_);
    moves_ = moves;
  }

 private:
  int& count_;
  bool moves_ = false;
};

class MpiSend : public Pending {
 public:
  MpiSend(const Transfer& transfer, int& under_way) : Pending(transfer), under_way_(under_way) { under_way_.set(true); }
  ~MpiSend() override {
    for (MPI_Request& piece : pieces)
      if (piece != MPI_REQUEST_NULL) MPI_Request_free(&piece);  // MPI has no way to take it back
  }
  bool advance() {
    int over = 0;
    check_mpi(MPI_Testall(static_cast<int>(pieces.size()), pieces.data(), &over, MPI_STATUSES_IGNORE), "MPI_Isend");
    under_way_.set(over == 0);
    return over != 0;
  }
  std::vector<MPI_Request> pieces;

 private:
  UnderWay under_way_;
};

class MpiReceive;

/// The receives of one sender and tag that have not met all pieces of their message, first posted first.
using Queues = std::map<std::pair<int, int>, std::deque<MpiReceive*>>;

class MpiReceive : public Pending {
 public:
  MpiReceive(const Transfer& transfer, std::span<std::byte> target, Queues& queues, int& under_way)
      : Pending(transfer), target_(target), queues_(queues), under_way_(under_way) {
    queues_[key()].push_back(this);
  }
  ~MpiReceive() override {
    leave();
    if (request_ != MPI_REQUEST_NULL) MPI_Request_free(&request_);
  }

  /// Looks for the next piece and begins to receive it. Returns false where it is not there or not yet in order.
  bool meet(MPI_Comm context, std::size_t piece) {
    int found = 0;
    MPI_Message message = MPI_MESSAGE_NULL;
    MPI_Status status;
    if (!advance_piece()) return false;
    check_mpi(MPI_Improbe(what.peer, what.tag, context, &found, &message, &status), "MPI_Improbe");
    if (found == 0) return false;
    int bytes = 0;
    check_mpi(MPI_Get_count(&status, MPI_BYTE, &bytes), "MPI_Get_count");
    const auto expected = static_cast<int>(std::min(piece, target_.size() - met_));
    right_size = bytes == expected;
    more = bytes == static_cast<int>(piece);
    const std::size_t begin = std::exchange(met_, met_ + static_cast<std::size_t>(bytes));
    if (!right_size) return false;
    check_mpi(MPI_Imrecv(target_.data() + begin, bytes, MPI_BYTE, &message, &request_), "MPI_Imrecv");
    under_way_.set(true);
    if (!more) leave();
    return !more;
  }
  bool advance() { return !more && advance_piece(); }
  [[nodiscard]] std::size_t met() const { return met_; }

  bool more = true;        ///< pieces to meet
  bool right_size = true;  ///< so far

 private:
  [[nodiscard]] std::pair<int, int> key() const { return {what.peer, what.tag}; }
  bool advance_piece() {
    int over = 0;
    check_mpi(MPI_Test(&request_, &over, MPI_STATUS_IGNORE), "MPI_Imrecv");
    if (over != 0) under_way_.set(false);
    return over != 0;
  }
  void leave() {
    const auto queue = queues_.find(key());
    if (queue == queues_.end()) return;
    std::erase(queue->second, this);
    if (queue->second.empty()) queues_.erase(queue);
  }

  std::span<std::byte> target_;
  Queues& queues_;
  UnderWay under_way_;
  std::size_t met_ = 0;  // bytes of the pieces that were found
  MPI_Request request_ = MPI_REQUEST_NULL;
};

/// In memory of rank 0, raised by one-sided access.
class MpiCounter : public SharedCounter {
 public:
  explicit MpiCounter(MPI_Comm context, int rank) {
    const MPI_Aint bytes = rank == 0 ? sizeof(std::uint64_t) : 0;
    std::uint64_t* memory = nullptr;
    check_mpi(MPI_Win_allocate(bytes, sizeof(std::uint64_t), MPI_INFO_NULL, context, &memory, &window_),
              "MPI_Win_allocate");
    check_mpi(MPI_Win_lock_all(0, window_), "MPI_Win_lock_all");
    if (rank == 0) {
      *memory = 0;
      check_mpi(MPI_Win_sync(window_), "MPI_Win_sync");
    }
    check_mpi(MPI_Barrier(context), "MPI_Barrier");  // nobody raises it before it is 0
  }
  ~MpiCounter() override {
    if (std::uncaught_exceptions() > exceptions_) return;  // others are not here to free it with
    MPI_Win_unlock_all(window_);
    MPI_Win_free(&window_);
  }
  std::uint64_t fetch_add(std::uint64_t n) override {
    std::uint64_t before = 0;
    check_mpi(MPI_Fetch_and_op(&n, &before, MPI_UINT64_T, 0, 0, MPI_SUM, window_), "MPI_Fetch_and_op");
    check_mpi(MPI_Win_flush(0, window_), "MPI_Win_flush");
    return before;
  }

 private:
  MPI_Win window_ = MPI_WIN_NULL;
  int exceptions_ = std::uncaught_exceptions();
};

class MpiCommunicator : public Communicator {
 public:
  MpiCommunicator(int rank, int size, const MpiOptions& options, MPI_Comm context)
      : Communicator(rank, size, options.wait), context_(context), piece_(options.piece) {}

  void watch(PeerWatch peers) { watch_ = std::move(peers); }

  std::unique_ptr<SharedCounter> make_counter() override { return std::make_unique<MpiCounter>(context_, rank()); }

  /// Meets the messages that have come. Also what makes MPI itself move.
  void progress() override {
    for (auto next = posted_.begin(); next != posted_.end();) {
      // meet() may take the last of a queue out, and the queue with it.
      auto& [key, queue] = *next++;
      for (std::size_t left = queue.size(); left > 0 && meet(*queue.front()); --left) {
      }
    }
    int found = 0;
    check_mpi(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, context_, &found, MPI_STATUS_IGNORE), "MPI_Iprobe");
  }

 protected:
  std::unique_ptr<Pending> start_send(int peer, int tag, std::span<const std::byte> bytes) override {
    auto send = std::make_unique<MpiSend>(Transfer{true, peer, tag, bytes.size()}, under_way_);
    send->pieces.reserve(bytes.size() / piece_ + 1);
    for (std::size_t begin = 0; begin <= bytes.size(); begin += piece_) {
      const auto piece = bytes.subspan(begin, std::min(piece_, bytes.size() - begin));
      check_mpi(MPI_Isend(piece.data(), static_cast<int>(piece.size()), MPI_BYTE, peer, tag, context_,
                          &send->pieces.emplace_back(MPI_REQUEST_NULL)),
                "MPI_Isend");
    }
    return send;
  }
  std::unique_ptr<Pending> start_receive(int peer, int tag, std::span<std::byte> bytes) override {
    return std::make_unique<MpiReceive>(Transfer{false, peer, tag, bytes.size()}, bytes, posted_, under_way_);
  }
  bool finished(Pending& pending) override {
    progress();
    return over(pending);
  }
  std::size_t wait_first(std::span<Pending* const> pendings) override;
  void find_failure() override {
    progress();
    if (now() < next_watch_) return;
    next_watch_ = now() + kWatchInterval;
    if (const auto dead = watch_.find_dead()) throw died(*dead);
  }

 private:
  bool meet(MpiReceive& receive) {
    const bool met = receive.meet(context_, piece_);
    if (!receive.right_size) throw wrong_size(receive.what, found(receive));
    return met;
  }
  static bool over(Pending& pending) {
    return pending.what.sends ? static_cast<MpiSend&>(pending).advance() : static_cast<MpiReceive&>(pending).advance();
  }
  /// The size of a message of another size than expected, as far as it was seen.
  static std::string found(const MpiReceive& receive) {
    return (receive.more ? "at least " : "") + std::to_string(receive.met());
  }
  std::optional<std::size_t> find_finished(std::span<Pending* const> pendings);
  [[nodiscard]] EnvironmentError died(const PeerWatch::Peer& peer) const;

  MPI_Comm context_;
  std::size_t piece_;
  Queues posted_;
  int under_way_ = 0;  // transfers of which bytes move, or may
  PeerWatch watch_;
  double next_watch_ = 0;  // of find_failure()
};

std::optional<std::size_t> MpiCommunicator::find_finished(std::span<Pending* const> pendings) {
  progress();
  for (std::size_t i = 0; i < pendings.size(); ++i)
    if (over(*pendings[i])) return i;
  return std::nullopt;
}

EnvironmentError MpiCommunicator::died(const PeerWatch::Peer& peer) const {
  return EnvironmentError(
      fmt::format("{}: the process of rank {} ({}) has ended while others wait for it: it was killed or has crashed; "
                  "see its messages, and the system's log where memory may have run out",
                  self(), peer.rank, peer.process));
}

std::size_t MpiCommunicator::wait_first(std::span<Pending* const> pendings) {
  const double begin = now();
  for (double next_watch = begin + kWatchInterval;;) {
    if (const auto position = find_finished(pendings)) return *position;
    if (options().stopped()) throw interrupted();
    const double time = now();
    if (time - begin > options().deadline) throw overdue(pendings, options().deadline);
    if (time > next_watch) {
      if (const auto dead = watch_.find_dead()) {
        // It may have sent what is waited for before its end.
        if (const auto position = find_finished(pendings)) return *position;
        throw died(*dead);
      }
      next_watch = time + kWatchInterval;
    }
    if (time - begin > kYield && under_way_ == 0)
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    else if (time - begin > kSpin)
      std::this_thread::yield();
  }
}

/// MPI_Init, unless the program has done it. Returns whether it was done here.
bool start_mpi() {
  int ended = 0, started = 0, level = MPI_THREAD_SINGLE;
  check_mpi(MPI_Finalized(&ended), "MPI_Finalized");
  if (ended != 0) throw EnvironmentError("MPI has ended in this process and cannot start again: keep one MpiSession");
  check_mpi(MPI_Initialized(&started), "MPI_Initialized");
  if (started != 0)
    check_mpi(MPI_Query_thread(&level), "MPI_Query_thread");
  else
    check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &level), "MPI_Init_thread");
  if (level < MPI_THREAD_FUNNELED)
    throw EnvironmentError("MPI allows no threads (MPI_THREAD_FUNNELED is needed): use an MPI built with threads");
  return started == 0;
}

/// mpirun of one MPI and a program of another see as many worlds of one process.
void check_launcher(int size) {
  const auto launcher = find_launcher();
  if (launcher && size == 1 && launcher->size > 1)
    throw EnvironmentError(fmt::format("{} started {} processes, but {} sees this one alone: use the launcher of {}",
                                       launcher->name, launcher->size, mpi_version(), mpi_version()));
}

void check_tags() {
  void* limit = nullptr;
  int known = 0;
  check_mpi(MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_TAG_UB, &limit, &known), "MPI_Comm_get_attr");
  if (known != 0 && *static_cast<int*>(limit) < kBarrier)
    throw EnvironmentError(fmt::format("this MPI has tags up to {} only; {} are needed", *static_cast<int*>(limit),
                                       static_cast<int>(kBarrier)));
}

PeerWatch meet_peers(Communicator& communicator) {
  std::vector<std::string> identities;
  const std::string own = process_identity();
  for (const auto& bytes : communicator.allgather(bytes_of(own), Label{}))
    identities.emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return PeerWatch(identities);
}

}  // namespace

struct MpiSession::State {
  bool started_here = false;
  int exceptions = std::uncaught_exceptions();
  MPI_Comm context = MPI_COMM_NULL;
  std::optional<MpiCommunicator> communicator;
};

MpiSession::MpiSession(const MpiOptions& options) : state_(std::make_unique<State>()) {
  if (options.piece == 0 || options.piece > std::size_t(std::numeric_limits<int>::max()))
    throw InputError(fmt::format("MPI sends pieces of 1 to 2147483647 bytes, not {}", options.piece));
  state_->started_here = start_mpi();
  check_tags();
  check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &state_->context), "MPI_Comm_dup");
  check_mpi(MPI_Comm_set_errhandler(state_->context, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  int rank = 0, size = 0;
  check_mpi(MPI_Comm_rank(state_->context, &rank), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(state_->context, &size), "MPI_Comm_size");
  check_launcher(size);
  MpiCommunicator& communicator = state_->communicator.emplace(rank, size, options, state_->context);
  communicator.watch(meet_peers(communicator));
  communicator.traffic().reset();
}

MpiSession::~MpiSession() {
  if (std::uncaught_exceptions() > state_->exceptions) return;
  try {
    close();
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): see the header
  }
}

Communicator& MpiSession::communicator() { return *state_->communicator; }

void MpiSession::close() {
  if (state_->context == MPI_COMM_NULL) return;
  state_->communicator->barrier();
  check_mpi(MPI_Comm_free(&state_->context), "MPI_Comm_free");
  if (state_->started_here) check_mpi(MPI_Finalize(), "MPI_Finalize");
}

void MpiSession::abort_all(int exit_code) noexcept { MPI_Abort(MPI_COMM_WORLD, exit_code); }

}  // namespace galena::comm
