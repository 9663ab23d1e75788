// Messages between GPUs by NCCL, which is looked for when it is first asked for: programs start without it.
//
// Its communicator is one that does not block: what it has begun is asked after, and can be ended. A step's messages are
// one group, on a stream of their own: after the work before them, and before the work that asks for them.

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <cstring>
#include <map>
#include <string>

#include "galena/error.hpp"
#include "src/base/shared_library.hpp"
#include "src/comm/device_links.hpp"
#include "src/comm/placement.hpp"
#include "src/comm/transports.hpp"
#include "src/comm/watched_links.hpp"

namespace galena::comm {
namespace {

/// The functions of the library that are used.
struct Library {
  base::SharedLibrary file{"NCCL", "GALENA_NCCL", {"libnccl.so.2", "libnccl.so"}, "install libnccl2"};
  decltype(&ncclGetVersion) get_version = nullptr;
  decltype(&ncclGetErrorString) error_string = nullptr;
  decltype(&ncclGetUniqueId) get_unique_id = nullptr;
  decltype(&ncclCommInitRankConfig) init_rank = nullptr;
  decltype(&ncclCommGetAsyncError) async_error = nullptr;
  decltype(&ncclCommFinalize) finalize = nullptr;
  decltype(&ncclCommDestroy) destroy = nullptr;
  decltype(&ncclCommAbort) abort = nullptr;
  decltype(&ncclGroupStart) group_start = nullptr;
  decltype(&ncclGroupEnd) group_end = nullptr;
  decltype(&ncclSend) send = nullptr;
  decltype(&ncclRecv) receive = nullptr;

  Library() {
    file.find("ncclGetVersion", get_version).find("ncclGetErrorString", error_string);
    file.find("ncclGetUniqueId", get_unique_id).find("ncclCommAbort", abort);
    // From 2.14 on; without them a rank that dies would keep the others for ever.
    file.find("ncclCommInitRankConfig", init_rank).find("ncclCommGetAsyncError", async_error);
    file.find("ncclCommFinalize", finalize).find("ncclCommDestroy", destroy);
    file.find("ncclGroupStart", group_start).find("ncclGroupEnd", group_end);
    file.find("ncclSend", send).find("ncclRecv", receive);
  }
};

const Library& library() {
  static const Library loaded;
  return loaded;
}

void check(ncclResult_t result, const char* call) {
  if (result == ncclSuccess || result == ncclInProgress) return;
  throw EnvironmentError(std::string("NCCL: ") + call + ": " + library().error_string(result));
}
void check(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  static_cast<void>(cudaGetLastError());
  throw EnvironmentError(std::string("CUDA: ") + call + ": " + cudaGetErrorString(status));
}
#define GALENA_CHECK(call) check((call), #call)

/// Ranks of one process read each other's memory, which that of a pool does not allow by itself.
void open_pool_to_peers() {
  int device = 0, count = 0;
  cudaMemPool_t pool = nullptr;
  GALENA_CHECK(cudaGetDevice(&device));
  GALENA_CHECK(cudaGetDeviceCount(&count));
  GALENA_CHECK(cudaDeviceGetDefaultMemPool(&pool, device));
  for (int peer = 0; peer < count; ++peer) {
    int can = 0;
    if (peer != device) GALENA_CHECK(cudaDeviceCanAccessPeer(&can, peer, device));
    if (can == 0) continue;
    cudaMemAccessDesc access{};
    access.location.type = cudaMemLocationTypeDevice;
    access.location.id = peer;
    access.flags = cudaMemAccessFlagsProtReadWrite;
    GALENA_CHECK(cudaMemPoolSetAccess(pool, &access, 1));
  }
}

class NcclDriver : public LinkDriver {
 public:
  explicit NcclDriver(cudaStream_t work) : work_(work) {
    open_pool_to_peers();
    GALENA_CHECK(cudaStreamCreateWithFlags(&transfers_, cudaStreamNonBlocking));
    try {
      ready_ = make_event();
    } catch (...) {
      release();
      throw;
    }
  }
  ~NcclDriver() override { release(); }

  [[nodiscard]] const char* name() const override { return "NCCL"; }

  std::vector<std::byte> invitation() override {
    ncclUniqueId id{};
    GALENA_CHECK(library().get_unique_id(&id));
    const auto bytes = std::as_bytes(std::span(&id, 1));
    return {bytes.begin(), bytes.end()};
  }

  void connect(std::span<const std::byte> invitation, int rank, int ranks) override {
    ncclUniqueId id{};
    std::memcpy(&id, invitation.data(), sizeof id);
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 0;
    GALENA_CHECK(library().init_rank(&ranks_, ranks, id, rank, &config));
  }

  void post(std::span<const DeviceMessage> sends, std::span<const DeviceMessage> receives) override {
    GALENA_CHECK(cudaEventRecord(ready_, work_));
    GALENA_CHECK(cudaStreamWaitEvent(transfers_, ready_, 0));
    GALENA_CHECK(library().group_start());
    ncclResult_t result = ncclSuccess;
    const auto begun = [&] { return result == ncclSuccess || result == ncclInProgress; };
    for (const DeviceMessage& m : sends)
      if (begun()) result = library().send(m.memory, m.bytes, ncclUint8, m.peer, ranks_, transfers_);
    for (const DeviceMessage& m : receives)
      if (begun()) result = library().receive(m.memory, m.bytes, ncclUint8, m.peer, ranks_, transfers_);
    const ncclResult_t ended = library().group_end();  // whatever came before: groups nest
    GALENA_CHECK(result);
    GALENA_CHECK(ended);
  }

  bool settled() override {
    ncclResult_t state = ncclSuccess;
    GALENA_CHECK(library().async_error(ranks_, &state));
    GALENA_CHECK(state);
    return state == ncclSuccess;
  }

  void mark(DeviceLinks::Step step) override {
    cudaEvent_t& done = marks_.emplace(step, nullptr).first->second;
    done = make_event();
    GALENA_CHECK(cudaEventRecord(done, transfers_));
  }

  bool idle() override {
    ncclResult_t state = ncclSuccess;
    GALENA_CHECK(library().async_error(ranks_, &state));
    GALENA_CHECK(state);
    const cudaError_t status = cudaStreamQuery(transfers_);
    if (status == cudaErrorNotReady) {
      static_cast<void>(cudaGetLastError());  // or the next launch might be told of it
      return false;
    }
    GALENA_CHECK(status);
    return true;
  }

  void join(DeviceLinks::Step step) override {
    const auto found = marks_.find(step);
    GALENA_CHECK(cudaStreamWaitEvent(work_, found->second, 0));
    GALENA_CHECK(cudaEventDestroy(found->second));
    marks_.erase(found);
  }

  void close() override {
    GALENA_CHECK(library().finalize(ranks_));
    closing_ = true;
  }

  void end() noexcept override {
    if (ranks_ == nullptr) return;
    ncclResult_t state = ncclInProgress;
    const bool closed = closing_ && library().async_error(ranks_, &state) == ncclSuccess && state == ncclSuccess;
    static_cast<void>(closed ? library().destroy(ranks_) : library().abort(ranks_));
    ranks_ = nullptr;
  }

 private:
  static cudaEvent_t make_event() {
    cudaEvent_t event = nullptr;
    GALENA_CHECK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
    return event;
  }
  void release() noexcept {
    end();
    for (const auto& [step, event] : marks_) cudaEventDestroy(event);
    if (ready_ != nullptr) cudaEventDestroy(ready_);
    if (transfers_ != nullptr) cudaStreamDestroy(transfers_);
  }

  cudaStream_t work_, transfers_ = nullptr;
  cudaEvent_t ready_ = nullptr;
  std::map<DeviceLinks::Step, cudaEvent_t> marks_;  ///< of steps that have not been joined
  ncclComm_t ranks_ = nullptr;
  bool closing_ = false;
};

}  // namespace

std::string nccl_version() {
  int code = 0;  // major * 10000 + minor * 100 + patch
  if (!library().file.whole() || library().get_version(&code) != ncclSuccess) return {};
  return std::to_string(code / 10000) + "." + std::to_string(code / 100 % 100) + "." + std::to_string(code % 100);
}

std::unique_ptr<DeviceLinks> nccl_links(Communicator& communicator, std::string_view device, void* stream) {
  check_own_devices(communicator, device);
  if (!library().file.whole()) throw EnvironmentError(library().file.why_not() + ", or use --transport threads");
  return watched_links(communicator, std::make_unique<NcclDriver>(static_cast<cudaStream_t>(stream)));
}

}  // namespace galena::comm
