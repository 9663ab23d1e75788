// That the emulated NCCL refuses what the library refuses, and waits where it waits.

#include <nccl.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <thread>
#include <vector>

#include "test/support/catch.hpp"

extern "C" int emulated_nccl_left(void);
extern "C" int emulated_misused(void);

namespace galena::test {
namespace {

const int kThree = setenv("GALENA_EMULATED_DEVICES", "3", 0);  // before anybody asks for a device

/// A rank of its own thread: a communicator, a stream, and memory of 64 floats.
struct End {
  int rank = 0;
  ncclComm_t comm = nullptr;
  cudaStream_t stream = nullptr;
  float* memory = nullptr;

  [[nodiscard]] ncclResult_t state() const {
    ncclResult_t s = ncclSuccess;
    return ncclCommGetAsyncError(comm, &s) == ncclSuccess ? s : ncclSystemError;
  }
  /// When it is no more in progress.
  [[nodiscard]] ncclResult_t settled() const {
    ncclResult_t s = state();
    for (int k = 0; k < 4000 && s == ncclInProgress; ++k, s = state())
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return s;
  }
  [[nodiscard]] ncclResult_t send(int peer, size_t count = 64) const {
    return ncclSend(memory, count, ncclFloat32, peer, comm, stream);
  }
  [[nodiscard]] ncclResult_t receive(int peer, size_t count = 64) const {
    return ncclRecv(memory, count, ncclFloat32, peer, comm, stream);
  }
  [[nodiscard]] float first() const {
    float x = 0;
    CHECK(cudaMemcpyAsync(&x, memory, sizeof x, cudaMemcpyDeviceToHost, stream) == cudaSuccess);
    CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
    return x;
  }
  [[nodiscard]] bool idle() const { return cudaStreamQuery(stream) == cudaSuccess; }
};

bool begun(ncclResult_t result) { return result == ncclSuccess || result == ncclInProgress; }

/// Runs `body` on a thread a rank; on device `rank`, unless all are to have the first. Communicators are joined before it,
/// where `joined`, and aborted after it, unless it took them away.
void run(int ranks, const std::function<void(End&)>& body, bool joined = true, bool one_device = false) {
  ncclUniqueId id{};
  REQUIRE(ncclGetUniqueId(&id) == ncclSuccess);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < ranks; ++rank)
    threads.emplace_back([&, rank] {
      CHECK(cudaSetDevice(one_device ? 0 : rank) == cudaSuccess);
      End end;
      end.rank = rank;
      ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
      config.blocking = 0;
      CHECK(begun(ncclCommInitRankConfig(&end.comm, ranks, id, rank, &config)));
      CHECK(cudaStreamCreateWithFlags(&end.stream, cudaStreamNonBlocking) == cudaSuccess);
      CHECK(cudaMalloc(reinterpret_cast<void**>(&end.memory), 64 * sizeof(float)) == cudaSuccess);
      const std::vector<float> numbers(64, static_cast<float>(rank + 1));
      CHECK(cudaMemcpy(end.memory, numbers.data(), 64 * sizeof(float), cudaMemcpyHostToDevice) == cudaSuccess);
      if (joined) CHECK(end.settled() == ncclSuccess);
      body(end);
      CHECK(ncclCommAbort(end.comm) == ncclSuccess);
      CHECK(cudaFree(end.memory) == cudaSuccess);
      CHECK(cudaStreamDestroy(end.stream) == cudaSuccess);
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(emulated_nccl_left() == 0);
}

/// Ranks wait for each other.
class Meeting {
 public:
  explicit Meeting(int ranks) : ranks_(ranks) {}
  void come() {
    const int all = ranks_ * (1 + came_++ / ranks_);
    while (came_ < all) std::this_thread::yield();
  }

 private:
  int ranks_;
  std::atomic<int> came_{0};
};

}  // namespace

TEST_CASE("emulated NCCL: a communicator is in progress until all ranks have come, and not to be used before") {
  Meeting meeting(2);
  run(
      2,
      [&](End& end) {
        meeting.come();
        CHECK(end.settled() == ncclSuccess);
        meeting.come();
        CHECK(ncclGroupStart() == ncclSuccess);
        CHECK(begun(end.rank == 0 ? end.send(1) : end.receive(0)));
        const ncclResult_t ended = ncclGroupEnd();
        CHECK(begun(ended));
        if (ended == ncclInProgress && end.state() == ncclInProgress)
          CHECK(end.send(1) == ncclInvalidArgument);  // which spoils it
      },
      false);
}

TEST_CASE("emulated NCCL: two ranks of one device are refused") {
  run(
      2, [](End& end) { CHECK(end.settled() == ncclInvalidUsage); }, false, true);
}

TEST_CASE("emulated NCCL: messages of a group go at once, in order for each peer") {
  run(3, [](End& end) {
    const int next = (end.rank + 1) % 3, last = (end.rank + 2) % 3;
    float* in = nullptr;
    CHECK(cudaMalloc(reinterpret_cast<void**>(&in), 64 * sizeof(float)) == cudaSuccess);
    CHECK(ncclGroupStart() == ncclSuccess);
    CHECK(begun(end.send(next, 16)));
    CHECK(begun(end.send(next, 8)));
    CHECK(begun(ncclRecv(in, 16, ncclFloat32, last, end.comm, end.stream)));
    CHECK(begun(ncclRecv(in + 16, 8, ncclFloat32, last, end.comm, end.stream)));
    CHECK(begun(ncclGroupEnd()));
    CHECK(end.settled() == ncclSuccess);
    float got = 0;
    CHECK(cudaMemcpyAsync(&got, in + 23, sizeof got, cudaMemcpyDeviceToHost, end.stream) == cudaSuccess);
    CHECK(cudaStreamSynchronize(end.stream) == cudaSuccess);
    CHECK(got == static_cast<float>(last + 1));
    CHECK(cudaFree(in) == cudaSuccess);
    CHECK(ncclCommFinalize(end.comm) == ncclInProgress);
    CHECK(end.settled() == ncclSuccess);
  });
}

TEST_CASE("emulated NCCL: two ranks that both receive first wait for each other until they give up") {
  Meeting meeting(2);
  std::atomic<int> stuck{0};
  run(2, [&](End& end) {
    CHECK(begun(end.receive(1 - end.rank)));
    CHECK(end.settled() == ncclInProgress);  // not even connected: that is for who would send
    ++stuck;
    meeting.come();
  });
  CHECK(stuck == 2);
}

TEST_CASE("emulated NCCL: what is never sent keeps a stream busy until the communicator is aborted") {
  Meeting meeting(2);
  run(2, [&](End& end) {
    CHECK(begun(end.rank == 0 ? end.send(1) : end.receive(0)));
    CHECK(end.settled() == ncclSuccess);
    CHECK(end.first() == 1);  // rank 0's
    meeting.come();
    if (end.rank == 1) {
      CHECK(begun(end.receive(0)));
      CHECK(end.settled() == ncclSuccess);
      for (int k = 0; k < 20; ++k) CHECK(!end.idle());
      CHECK(ncclCommAbort(end.comm) == ncclSuccess);
      end.comm = nullptr;
      CHECK(cudaStreamSynchronize(end.stream) == cudaSuccess);
    }
    meeting.come();
  });
}

TEST_CASE("emulated NCCL: messages that do not match, memory of the host, streams and communicators of others") {
  Meeting meeting(2);
  run(2, [&](End& end) {
    CHECK(begun(end.rank == 0 ? end.send(1, 64) : end.receive(0, 63)));
    ncclResult_t state = ncclSuccess;
    for (int k = 0; k < 2000 && (state == ncclSuccess || state == ncclInProgress); ++k) {
      state = end.state();
      static_cast<void>(end.idle());
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    CHECK(state == ncclInternalError);
    CHECK(end.send(1 - end.rank) == ncclInternalError);  // it stays
    meeting.come();
  });
  run(2, [](End& end) {
    float host[4] = {};
    CHECK(ncclSend(host, 4, ncclFloat32, 1 - end.rank, end.comm, end.stream) == ncclInvalidArgument);
  });
  run(2, [](End& end) { CHECK(end.send(1 - end.rank, 65) == ncclInvalidArgument); });
  run(2, [](End& end) { CHECK(end.send(2) == ncclInvalidArgument); });
  run(2, [&](End& end) {
    CHECK(cudaSetDevice(2) == cudaSuccess);
    cudaStream_t other = nullptr;
    CHECK(cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking) == cudaSuccess);
    CHECK(cudaSetDevice(end.rank) == cudaSuccess);
    CHECK(begun(end.rank == 0 ? ncclSend(end.memory, 1, ncclFloat32, 1, end.comm, other)
                              : ncclRecv(end.memory, 1, ncclFloat32, 0, end.comm, other)));
    CHECK(end.settled() == ncclUnhandledCudaError);
    CHECK(cudaStreamDestroy(other) == cudaSuccess);
    meeting.come();
  });
  run(2, [](End& end) {
    const ncclComm_t gone = end.comm;
    CHECK(ncclCommAbort(gone) == ncclSuccess);
    end.comm = nullptr;
    CHECK(ncclSend(end.memory, 1, ncclFloat32, 1 - end.rank, gone, end.stream) == ncclInvalidArgument);
  });
  CHECK(emulated_misused() == 2);
  CHECK(ncclGroupEnd() == ncclInvalidUsage);
}

}  // namespace galena::test
