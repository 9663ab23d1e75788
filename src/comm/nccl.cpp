// Messages between GPUs by NCCL, which is looked for when it is first asked for: programs start without it.
//
// Ranks find each other through their communicator (threads or MPI). A step's messages are one group, on a stream of
// their own between two events: after the work before them, and before the work that asks for them.

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <string>

#include "galena/error.hpp"
#include "src/base/shared_library.hpp"
#include "src/comm/device_links.hpp"
#include "src/comm/placement.hpp"
#include "src/comm/transports.hpp"

namespace galena::comm {
namespace {

constexpr Label kControl{Traffic::control, -1, Direction::none};

/// The functions of the library that are used.
struct Library {
  base::SharedLibrary file{"NCCL", "GALENA_NCCL", {"libnccl.so.2", "libnccl.so"}, "install libnccl2"};
  decltype(&ncclGetVersion) get_version = nullptr;
  decltype(&ncclGetErrorString) error_string = nullptr;
  decltype(&ncclGetUniqueId) get_unique_id = nullptr;
  decltype(&ncclCommInitRank) init_rank = nullptr;
  decltype(&ncclCommAbort) abort = nullptr;
  decltype(&ncclGroupStart) group_start = nullptr;
  decltype(&ncclGroupEnd) group_end = nullptr;
  decltype(&ncclSend) send = nullptr;
  decltype(&ncclRecv) receive = nullptr;

  Library() {
    file.find("ncclGetVersion", get_version).find("ncclGetErrorString", error_string);
    file.find("ncclGetUniqueId", get_unique_id).find("ncclCommInitRank", init_rank).find("ncclCommAbort", abort);
    file.find("ncclGroupStart", group_start).find("ncclGroupEnd", group_end);
    file.find("ncclSend", send).find("ncclRecv", receive);
  }
};

const Library& library() {
  static const Library loaded;
  return loaded;
}

void check(ncclResult_t result, const char* call) {
  if (result == ncclSuccess) return;
  throw EnvironmentError(std::string("NCCL: ") + call + ": " + library().error_string(result));
}
void check(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  static_cast<void>(cudaGetLastError());
  throw EnvironmentError(std::string("CUDA: ") + call + ": " + cudaGetErrorString(status));
}
#define GALENA_CHECK(call) check((call), #call)

class NcclLinks : public DeviceLinks {
 public:
  /// `id` is the same on all ranks.
  NcclLinks(const Communicator& communicator, const ncclUniqueId& id, cudaStream_t work) : work_(work) {
    try {
      GALENA_CHECK(cudaStreamCreateWithFlags(&transfers_, cudaStreamNonBlocking));
      GALENA_CHECK(cudaEventCreateWithFlags(&ready_, cudaEventDisableTiming));
      GALENA_CHECK(cudaEventCreateWithFlags(&done_, cudaEventDisableTiming));
      GALENA_CHECK(library().init_rank(&ranks_, communicator.size(), id, communicator.rank()));
    } catch (...) {
      release();
      throw;
    }
  }
  ~NcclLinks() override { release(); }

  void start(std::span<const DeviceMessage> sends, std::span<const DeviceMessage> receives) override {
    GALENA_CHECK(cudaEventRecord(ready_, work_));
    GALENA_CHECK(cudaStreamWaitEvent(transfers_, ready_, 0));
    GALENA_CHECK(library().group_start());
    ncclResult_t result = ncclSuccess;
    for (const DeviceMessage& m : sends)
      if (result == ncclSuccess) result = library().send(m.memory, m.bytes, ncclUint8, m.peer, ranks_, transfers_);
    for (const DeviceMessage& m : receives)
      if (result == ncclSuccess) result = library().receive(m.memory, m.bytes, ncclUint8, m.peer, ranks_, transfers_);
    const ncclResult_t ended = library().group_end();  // whatever came before: groups nest
    GALENA_CHECK(result);
    GALENA_CHECK(ended);
    GALENA_CHECK(cudaEventRecord(done_, transfers_));
  }

  void join() override { GALENA_CHECK(cudaStreamWaitEvent(work_, done_, 0)); }

 private:
  /// Without waiting for others, who may have failed.
  void release() noexcept {
    if (ranks_ != nullptr) static_cast<void>(library().abort(ranks_));
    if (done_ != nullptr) cudaEventDestroy(done_);
    if (ready_ != nullptr) cudaEventDestroy(ready_);
    if (transfers_ != nullptr) cudaStreamDestroy(transfers_);
  }

  cudaStream_t work_, transfers_ = nullptr;
  cudaEvent_t ready_ = nullptr, done_ = nullptr;
  ncclComm_t ranks_ = nullptr;
};

}  // namespace

std::string nccl_version() {
  int code = 0;  // major * 10000 + minor * 100 + patch
  if (!library().file.whole() || library().get_version(&code) != ncclSuccess) return {};
  return std::to_string(code / 10000) + "." + std::to_string(code / 100 % 100) + "." + std::to_string(code % 100);
}

std::unique_ptr<DeviceLinks> nccl_links(Communicator& communicator, int device, void* stream) {
  check_own_devices(communicator, device);
  if (!library().file.whole()) throw EnvironmentError(library().file.why_not() + ", or use --transport threads");
  ncclUniqueId id{};
  if (communicator.rank() == 0) GALENA_CHECK(library().get_unique_id(&id));
  communicator.broadcast(std::as_writable_bytes(std::span(&id, 1)), 0, kControl);
  return std::make_unique<NcclLinks>(communicator, id, static_cast<cudaStream_t>(stream));
}

}  // namespace galena::comm
