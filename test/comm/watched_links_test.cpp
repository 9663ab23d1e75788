// Waits for a library of links between devices, here one whose messages are those of threads: whatever goes wrong with it
// or with a rank, no rank waits longer than the deadline, and the rank that is missing is named.

#include "src/comm/watched_links.hpp"

#include <atomic>
#include <chrono>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "galena/error.hpp"
#include "src/comm/thread_transport.hpp"
#include "test/support/catch.hpp"

namespace galena::test {
namespace {

using comm::Communicator;
using comm::DeviceLinks;
using comm::DeviceMessage;

constexpr comm::Label kRows{comm::Traffic::payload, 3, comm::Direction::forward};
constexpr comm::Label kParameters{comm::Traffic::parameters, 3, comm::Direction::forward};

/// What ranks of a process have sent each other.
struct Wires {
  std::mutex mutex;
  std::map<std::pair<int, int>, std::deque<std::vector<std::byte>>> on_way;  ///< by sender and receiver
  std::atomic<int> closed{0}, ended{0};
};

enum class Fault { none, never_connects, never_queues, never_posts, reports_error };

/// Moves a step's messages when somebody asks whether it has.
class FakeDriver : public comm::LinkDriver {
 public:
  FakeDriver(Wires& wires, Fault fault) : wires_(wires), fault_(fault) {}
  ~FakeDriver() override { FakeDriver::end(); }
  [[nodiscard]] const char* name() const override { return "the library"; }
  std::vector<std::byte> invitation() override { return {std::byte{42}}; }
  void connect(std::span<const std::byte> invitation, int rank, int ranks) override {
    CHECK(invitation.size() == 1);
    CHECK(invitation.front() == std::byte{42});
    CHECK(ranks > rank);
    rank_ = rank;
  }
  void post(std::span<const DeviceMessage> sends, std::span<const DeviceMessage> receives) override {
    posted_ = true;
    const std::scoped_lock lock(wires_.mutex);
    if (fault_ != Fault::never_posts && fault_ != Fault::reports_error)
      for (const DeviceMessage& m : sends) wires_.on_way[{rank_, m.peer}].emplace_back(m.memory, m.memory + m.bytes);
    for (const DeviceMessage& m : receives) awaited_.push_back(m);
  }
  bool settled() override {
    if (!posted_) return fault_ != Fault::never_connects;
    if (fault_ == Fault::reports_error) throw EnvironmentError("the library: unhandled system error");
    return fault_ != Fault::never_queues;
  }
  void mark(DeviceLinks::Step step) override { marked.push_back(step); }
  bool idle() override {
    const std::scoped_lock lock(wires_.mutex);
    while (!awaited_.empty()) {
      const DeviceMessage& m = awaited_.front();
      auto& queue = wires_.on_way[{m.peer, rank_}];
      if (queue.empty()) return false;
      REQUIRE(queue.front().size() == m.bytes);
      std::copy(queue.front().begin(), queue.front().end(), m.memory);
      queue.pop_front();
      awaited_.pop_front();
    }
    return true;
  }
  void join(DeviceLinks::Step step) override { joined.push_back(step); }
  void close() override { ++wires_.closed; }
  void end() noexcept override {
    if (!ended_) ++wires_.ended;
    ended_ = true;
  }

  std::vector<DeviceLinks::Step> marked, joined;

 private:
  Wires& wires_;
  Fault fault_;
  int rank_ = -1;
  bool posted_ = false, ended_ = false;
  std::deque<DeviceMessage> awaited_;
};

/// A number to each other rank, and theirs.
struct Round {
  explicit Round(const Communicator& comm)
      : said(static_cast<std::byte>(10 + comm.rank())), heard(static_cast<std::size_t>(comm.size())) {
    for (int peer = 0; peer < comm.size(); ++peer) {
      if (peer == comm.rank()) continue;
      sends.push_back({peer, &said, 1, {{kRows, 1}, {kParameters, 0}}});
      receives.push_back({peer, &heard[static_cast<std::size_t>(peer)], 1, {}});
    }
  }
  std::byte said;
  std::vector<std::byte> heard;
  std::vector<DeviceMessage> sends, receives;
};

comm::ThreadOptions quick(double deadline) {
  comm::ThreadOptions options;
  options.wait.deadline = deadline;
  return options;
}

constexpr double kShort = 1.5;  // of waits that shall end at the deadline: ranks of a busy machine come to it apart
constexpr double kLong = 60;    // of others

/// Longer than any of the others waits.
void hang(Communicator& comm) {
  for (const double begin = Communicator::now(); Communicator::now() - begin < kLong;) {
    comm.check_peers();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

/// What a run of four ranks ends with.
struct Case {
  Fault fault = Fault::none;  ///< of rank 2's library, or of all
  bool of_all = false;
  double deadline = kShort;
  std::function<void(Communicator&)> late = {};  ///< what rank 2 does before its step, or after it has started one
  bool after = false;
};
std::string end_of(const Case& c) {
  Wires wires;
  try {
    comm::run_ranks(4, quick(c.deadline), [&](Communicator& comm) {
      const bool second = comm.rank() == 2;
      const auto links =
          comm::watched_links(comm, std::make_unique<FakeDriver>(wires, c.of_all || second ? c.fault : Fault::none));
      Round round(comm);
      if (second && c.late && !c.after) c.late(comm);
      static_cast<void>(links->start(round.sends, round.receives));
      if (second && c.late && c.after) c.late(comm);
      links->finish();
    });
  } catch (const Error& e) {
    CHECK(wires.ended == 4);
    CHECK(wires.closed == 0);
    return e.what();
  }
  return "it ended well";
}

}  // namespace

TEST_CASE("steps over links between devices are joined in any order, and charged once") {
  Wires wires;
  comm::run_ranks(3, quick(30), [&](Communicator& comm) {
    auto made = std::make_unique<FakeDriver>(wires, Fault::none);
    FakeDriver& driver = *made;
    const auto links = comm::watched_links(comm, std::move(made));
    Round first(comm), second(comm);
    const auto one = links->start(first.sends, first.receives), two = links->start(second.sends, second.receives);
    CHECK(driver.marked == std::vector<DeviceLinks::Step>{one, two});
    links->join(two);
    links->join(one);
    CHECK(driver.joined == std::vector<DeviceLinks::Step>{two, one});
    links->finish();
    for (int peer = 0; peer < 3; ++peer)
      if (peer != comm.rank()) CHECK(second.heard[static_cast<std::size_t>(peer)] == static_cast<std::byte>(10 + peer));
    CHECK(comm.traffic().total(kRows).bytes == 4);
    CHECK(comm.traffic().total(kRows).messages == 4);
    CHECK(comm.traffic().total(kParameters).messages == 0);
  });
  CHECK(wires.closed == 3);  // nobody's last messages are lost
  CHECK(wires.ended == 3);
}

TEST_CASE("a rank that hangs, fails or leaves beside links between devices is named by the others") {
  const auto fail = [](Communicator&) { throw InputError("its features are gone"); };
  CHECK_THAT(end_of({.late = hang}), contains("rank 2 hangs"));
  CHECK_THAT(end_of({.deadline = kLong, .late = fail}), contains("rank 2 of 4: its features are gone"));
  // Its messages never come, and it is not there to be asked.
  CHECK_THAT(end_of({.fault = Fault::never_posts, .late = hang, .after = true}), contains("rank 2 hangs"));
  CHECK_THAT(end_of({.fault = Fault::never_posts, .deadline = kLong, .late = fail, .after = true}),
             contains("rank 2 of 4: its features are gone"));
}

TEST_CASE("an error of one rank's library of links ends all ranks at once, with its words") {
  const double begin = Communicator::now();
  CHECK_THAT(end_of({.fault = Fault::reports_error, .deadline = kLong}),
             contains("rank 2 of 4: the library: unhandled system error"));
  CHECK(Communicator::now() - begin < kLong / 2);
}

TEST_CASE("a library of links that does nothing more ends a run at the deadline") {
  const auto of_all = [](Fault fault, double deadline) { return end_of({fault, true, deadline, {}, false}); };
  CHECK_THAT(of_all(Fault::never_connects, kShort), contains("has not connected") && contains("all ranks are there"));
  CHECK_THAT(of_all(Fault::never_queues, kShort),
             contains("the library has not taken an exchange's messages in 1.5 s"));
  CHECK_THAT(of_all(Fault::never_posts, kShort), contains("the library has not moved the messages"));
  CHECK_THAT(of_all(Fault::reports_error, kLong), contains("unhandled system error"));
  CHECK(of_all(Fault::none, kLong) == "it ended well");
}

}  // namespace galena::test
