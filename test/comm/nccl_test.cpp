// NCCL on a machine that has it and GPUs: ranks with a GPU each, or one that sends itself rows.

#include <functional>
#include <string>
#include <thread>

#include "galena/error.hpp"
#include "src/comm/device_links.hpp"
#include "src/comm/thread_transport.hpp"
#include "src/comm/transports.hpp"
#include "src/ops/device_ops.hpp"
#include "test/support/catch.hpp"
#include "test/support/device_under_test.hpp"

extern "C" int emulated_nccl_left() __attribute__((weak));

namespace galena::test {
namespace {

using comm::Communicator;
using comm::DeviceLinks;
using comm::DeviceMessage;

#define GALENA_NEEDS_LINKED(ranks)                          \
  GALENA_NEEDS_DEVICE();                                    \
  if (comm::nccl_version().empty()) GALENA_SKIP("no NCCL"); \
  if (ops::device_ops().count() < (ranks)) GALENA_SKIP("fewer GPUs than ranks")

/// Communicators, events and memory that nobody gave back, where the device counts them.
int left() { return &emulated_nccl_left == nullptr ? 0 : emulated_nccl_left(); }

using Body = std::function<void(Communicator&, DeviceLinks&)>;

void run_linked(int ranks, double deadline, const Body& body) {
  comm::ThreadOptions options;
  options.wait.deadline = deadline;
  comm::run_ranks(ranks, options, [&](Communicator& comm) {
    const ops::UseDevice use(comm.rank());
    const auto links = comm::nccl_links(comm, ops::device_ops().name(), ops::device_ops().stream());
    const ops::BeforeWaits finish([&] { links->finish(); });
    const OnDevice there(Device::cuda);
    body(comm, *links);
  });
}

/// What a run ends with, and that it does so in time.
std::string end_of(int ranks, double deadline, const Body& body) {
  const double begin = Communicator::now();
  std::string end = "it ended well";
  try {
    run_linked(ranks, deadline, body);
  } catch (const Error& e) {
    end = e.what();
  }
  CHECK(Communicator::now() - begin < 3 * deadline + 5);
  CHECK(left() == 0);
  return end;
}

/// What rank `from` sends rank `to` in a step.
double number(int from, int to, int step) { return 100 * step + 10 * from + to; }

/// A block of rows for each rank, to send and to receive.
struct Blocks {
  explicit Blocks(const Communicator& comm, std::int64_t rows, std::int64_t columns) {
    for (int peer = 0; peer < comm.size(); ++peer) {
      out.push_back(Tensor::zeros(rows + peer * comm.rank(), columns));
      in.push_back(Tensor::zeros(rows + peer * comm.rank(), columns));
    }
  }
  void fill(const Communicator& comm, int step) const {
    for (int peer = 0; peer < comm.size(); ++peer)
      out[static_cast<std::size_t>(peer)].fill(number(comm.rank(), peer, step));
  }
  DeviceLinks::Step start(const Communicator& comm, DeviceLinks& links) const {
    std::vector<DeviceMessage> sends, receives;
    for (int peer = 0; peer < comm.size(); ++peer) {
      if (peer == comm.rank()) continue;
      const auto p = static_cast<std::size_t>(peer);
      // In two, of which one may be empty.
      const std::int64_t cut = (peer + comm.rank()) % 2 == 0 ? 0 : 1;
      for (const auto& [from, to] : {std::pair{std::int64_t{0}, cut}, std::pair{cut, out[p].rows()}}) {
        const Tensor x = out[p].slice(from, to), y = in[p].slice(from, to);
        sends.push_back({peer, x.raw(), x.bytes(), {{{comm::Traffic::payload, 0, comm::Direction::none}, x.bytes()}}});
        receives.push_back({peer, y.raw(), y.bytes(), {}});
      }
    }
    return links.start(sends, receives);
  }
  void check(const Communicator& comm, int step) const {
    for (int peer = 0; peer < comm.size(); ++peer) {
      if (peer == comm.rank()) continue;
      const Tensor y = in[static_cast<std::size_t>(peer)].to(Device::cpu);
      for (const std::int64_t row : {std::int64_t{0}, std::int64_t{1}, y.rows() - 1})
        CHECK(y.item(row, y.cols() - 1) == number(peer, comm.rank(), step));
    }
  }

  std::vector<Tensor> out, in;
};

}  // namespace

TEST_CASE("messages of a step arrive where they should, after the work before them and before that behind") {
  GALENA_NEEDS_LINKED(1);
  comm::run_ranks(1, {}, [](comm::Communicator& comm) {
    const ops::UseDevice use(0);
    const auto links = comm::nccl_links(comm, ops::device_ops().name(), ops::device_ops().stream());
    const OnDevice there(Device::cuda);
    for (int step = 1; step < 5; ++step) {
      const Tensor x = Tensor::full(1000, 64, step), y = Tensor::zeros(1000, 64);
      x.slice(500, 1000).fill(10 * step);
      const Tensor first = x.slice(0, 500), last = x.slice(500, 1000), to_last = y.slice(500, 1000);
      const comm::DeviceMessage sends[] = {{0, first.raw(), first.bytes(), {}}, {0, last.raw(), last.bytes(), {}}};
      const comm::DeviceMessage receives[] = {{0, y.raw(), first.bytes(), {}}, {0, to_last.raw(), last.bytes(), {}}};
      const auto sent = links->start(sends, receives);
      links->join(sent);
      links->finish();
      const Tensor sum = y.clone();
      for (const std::int64_t row : {0, 499, 500, 999}) CHECK(sum.item(row, 63) == (row < 500 ? step : 10 * step));
    }
  });
  CHECK(left() == 0);
}

TEST_CASE("NCCL: every rank sends every other rows, step after step", "[ranks]") {
  const int ranks = GENERATE(2, 3);
  GALENA_NEEDS_LINKED(ranks);
  CAPTURE(ranks);
  CHECK(end_of(ranks, 30, [](Communicator& comm, DeviceLinks& links) {
          const Blocks blocks(comm, 40, 7);
          for (int step = 1; step < 8; ++step) {
            blocks.fill(comm, step);
            links.join(blocks.start(comm, links));
            for (const Tensor& x : blocks.out) x.fill(-1);  // behind the messages
            if (step % 3 != 0) blocks.check(comm, step);
          }
        }) == "it ended well");
}

TEST_CASE("NCCL: steps are joined in any order, beside work, and some a step later", "[ranks]") {
  const int ranks = GENERATE(2, 3);
  GALENA_NEEDS_LINKED(ranks);
  CAPTURE(ranks);
  CHECK(end_of(ranks, 30, [](Communicator& comm, DeviceLinks& links) {
          const Blocks even(comm, 5, 3), odd(comm, 300, 17);
          const Tensor beside = Tensor::zeros(50, 50);
          for (int step = 0; step < 6; step += 2) {
            even.fill(comm, step);
            const auto first = even.start(comm, links);
            odd.fill(comm, step + 1);
            const auto second = odd.start(comm, links);
            beside.fill(step);
            links.join(second);
            odd.check(comm, step + 1);
            links.join(first);
            even.check(comm, step);
          }
          even.fill(comm, 6);
          static_cast<void>(even.start(comm, links));  // and is never joined
          CHECK(beside.item(49, 49) == 4);
        }) == "it ended well");
}

TEST_CASE("NCCL: ranks that have nothing to say to each other, and one that is done before the others", "[ranks]") {
  GALENA_NEEDS_LINKED(3);
  for (int time = 0; time < 8; ++time)
    CHECK(end_of(3, 30, [](Communicator& comm, DeviceLinks& links) {
            const Tensor x = Tensor::full(64, 1, comm.rank()), y = Tensor::full(64, 1, 9);
            const int next = (comm.rank() + 1) % 3, last = (comm.rank() + 2) % 3;
            for (int round = 0; round < 3; ++round) {
              std::vector<DeviceMessage> sends, receives;
              if (comm.rank() != 2) sends.push_back({next, x.raw(), x.bytes(), {}});
              if (comm.rank() != 0) receives.push_back({last, y.raw(), y.bytes(), {}});
              links.join(links.start(sends, receives));
              if (comm.rank() == 2) std::this_thread::sleep_for(std::chrono::milliseconds(5));
              CHECK(y.item(63, 0) == (comm.rank() == 0 ? 9 : last));
              y.fill(9);
            }
          }) == "it ended well");
}

TEST_CASE("NCCL: a rank that dies is named by all, before and while messages are under way", "[ranks]") {
  GALENA_NEEDS_LINKED(3);
  const int when = GENERATE(0, 1, 2);
  CAPTURE(when);
  CHECK_THAT(end_of(3, 20,
                    [&](Communicator& comm, DeviceLinks& links) {
                      const Blocks blocks(comm, 10, 4);
                      const auto die = [&](int now) {
                        if (when == now && comm.rank() == 1) throw InputError("its machine is gone");
                      };
                      for (int step = 1; step < 4; ++step) {
                        blocks.fill(comm, step);
                        if (step == 3) die(0);
                        const auto begun = blocks.start(comm, links);
                        if (step == 2) die(1);
                        links.join(begun);
                        if (step == 3) die(2);
                        blocks.check(comm, step);
                      }
                    }),
             contains("rank 1 of 3: its machine is gone"));
}

namespace {

/// Looks after nothing but whether others have failed.
void hang(Communicator& comm) {
  for (const double begin = Communicator::now(); Communicator::now() - begin < 60;) {
    comm.check_peers();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace

TEST_CASE("NCCL: a rank that hangs is named, and all end within the deadline", "[ranks]") {
  GALENA_NEEDS_LINKED(3);
  const bool joined = GENERATE(false, true);
  CAPTURE(joined);
  CHECK_THAT(end_of(3, 1.5,
                    [&](Communicator& comm, DeviceLinks& links) {
                      const Blocks blocks(comm, 10, 4);
                      blocks.fill(comm, 1);
                      links.join(blocks.start(comm, links));
                      blocks.check(comm, 1);
                      if (joined) {
                        // Its messages never end: the others send it what it does not take.
                        std::vector<DeviceMessage> sends;
                        const Tensor& x = blocks.out[1];
                        if (comm.rank() != 1) sends.push_back({1, x.raw(), x.bytes(), {}});
                        links.join(links.start(sends, {}));
                      }
                      if (comm.rank() == 1) hang(comm);
                      blocks.fill(comm, 2);
                      const auto begun = blocks.start(comm, links);
                      links.join(begun);
                      blocks.check(comm, 2);
                    }),
             contains("rank 1") && contains("hangs"));
}

TEST_CASE("NCCL: what it does not move ends all at the deadline, and what it says itself at once", "[ranks]") {
  GALENA_NEEDS_LINKED(2);
  SECTION("ranks that were never connected") {
    CHECK_THAT(end_of(2, 1.5,
                      [](Communicator& comm, DeviceLinks& links) {
                        const Tensor x = Tensor::full(8, 8, 1);
                        const DeviceMessage message{1 - comm.rank(), x.raw(), x.bytes(), {}};
                        links.join(links.start({}, std::span(&message, 1)));  // nobody sends it
                        static_cast<void>(x.item());
                      }),
               contains("NCCL has not taken an exchange's messages in 1.5 s"));
  }
  SECTION("ranks that were") {
    CHECK_THAT(end_of(2, 1.5,
                      [](Communicator& comm, DeviceLinks& links) {
                        const Blocks blocks(comm, 4, 4);
                        blocks.fill(comm, 1);
                        links.join(blocks.start(comm, links));
                        blocks.check(comm, 1);
                        const Tensor x = Tensor::full(8, 8, 1);
                        const DeviceMessage message{1 - comm.rank(), x.raw(), x.bytes(), {}};
                        links.join(links.start({}, std::span(&message, 1)));  // nobody sends it
                        static_cast<void>(x.item());
                      }),
               contains("NCCL has not moved the messages between devices in 1.5 s"));
  }
  if (&emulated_nccl_left == nullptr) return;  // else nobody tells
  SECTION("messages of two sizes") {
    const double begin = Communicator::now();
    CHECK_THAT(end_of(2, 20,
                      [](Communicator& comm, DeviceLinks& links) {
                        const Tensor x = Tensor::full(8, 8, 1);
                        const std::uint64_t bytes = x.bytes() - (comm.rank() == 0 ? 4 : 0);
                        const DeviceMessage message{1 - comm.rank(), x.raw(), bytes, {}};
                        if (comm.rank() == 0)
                          links.join(links.start(std::span(&message, 1), {}));
                        else
                          links.join(links.start({}, std::span(&message, 1)));
                        static_cast<void>(x.item());
                      }),
               contains("NCCL") && contains("internal error"));
    CHECK(Communicator::now() - begin < 10);
  }
  SECTION("memory of the CPU") {
    CHECK_THAT(end_of(2, 20,
                      [](Communicator& comm, DeviceLinks& links) {
                        const Tensor x = Tensor::full(8, 8, 1).to(Device::cpu);
                        const DeviceMessage message{1 - comm.rank(), x.raw(), x.bytes(), {}};
                        links.join(links.start(std::span(&message, 1), std::span(&message, 1)));
                      }),
               contains("NCCL") && contains("invalid argument"));
  }
}

TEST_CASE("NCCL: two ranks of one GPU are refused before they meet", "[ranks]") {
  GALENA_NEEDS_LINKED(1);
  const auto run = [] {
    comm::run_ranks(2, {}, [](Communicator& comm) {
      const ops::UseDevice use(0);
      static_cast<void>(comm::nccl_links(comm, ops::device_ops().name(), ops::device_ops().stream()));
    });
  };
  CHECK_THROWS_WITH(run(), contains("more ranks than GPUs"));
  CHECK(left() == 0);
}

}  // namespace galena::test
