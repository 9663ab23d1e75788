// The CUDA table: memory here, kernels in *_cuda.cu, products in cublas_gemm.cpp. A thread has a stream a device, on which
// memory is taken and given back too: CUDA's pool hands out what earlier work has released without waiting, and keeps what
// it has. A second stream is for copies from and to pinned memory, joined with the first by events.

#include <algorithm>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "galena/error.hpp"
#include "src/device/cuda_call.hpp"
#include "src/device/cuda_device.hpp"
#include "src/ops/cuda_stream.hpp"
#include "src/ops/device_memory.hpp"

namespace galena::ops {
namespace {

int count() { return static_cast<int>(device::cuda_device_names().size()); }

/// Where CUDA does not tell, its number: what is wrong is said later.
std::string name() {
  cudaDeviceProp properties{};
  if (cudaGetDeviceProperties(&properties, current_device()) != cudaSuccess) {
    static_cast<void>(cudaGetLastError());
    return std::to_string(current_device());
  }
  return {properties.uuid.bytes, sizeof properties.uuid.bytes};
}

/// CUDA's own current device is the thread's, or for a call another one.
void use(int device) { GALENA_CUDA_CALL(cudaSetDevice(device)); }

class Using {
 public:
  explicit Using(int device) : other_(device != current_device()) {
    if (other_) use(device);
  }
  ~Using() {
    if (other_) static_cast<void>(cudaSetDevice(current_device()));
  }
  Using(const Using&) = delete;
  Using& operator=(const Using&) = delete;

 private:
  bool other_;
};

void require_pools(int device) {
  int supported = 0;
  GALENA_CUDA_CALL(cudaDeviceGetAttribute(&supported, cudaDevAttrMemoryPoolsSupported, device));
  if (supported == 0)
    throw EnvironmentError(
        "GPU " + std::to_string(device) +
        " has no memory pools (cudaMallocAsync), which tensors on it need; a newer driver may have them");
}

cudaMemPool_t pool(int device) {
  cudaMemPool_t pool = nullptr;
  GALENA_CUDA_CALL(cudaDeviceGetDefaultMemPool(&pool, device));
  return pool;
}

/// The streams of a device.
struct Streams {
  cudaStream_t work = nullptr, transfers = nullptr;
};

Streams make_streams(int device) {
  if (count() == 0) throw EnvironmentError("no GPU to compute on: " + device::why_no_cuda());
  const Using there(device);
  require_pools(device);
  std::uint64_t all = UINT64_MAX;  // what the pool keeps for the next tensors
  GALENA_CUDA_CALL(cudaMemPoolSetAttribute(pool(device), cudaMemPoolAttrReleaseThreshold, &all));
  Streams streams;
  GALENA_CUDA_CALL(cudaStreamCreateWithFlags(&streams.work, cudaStreamNonBlocking));
  GALENA_CUDA_CALL(cudaStreamCreateWithFlags(&streams.transfers, cudaStreamNonBlocking));
  return streams;
}

/// Streams that no thread has, by device; they stay to the end of the process.
struct Idle {
  std::mutex mutex;
  std::multimap<int, Streams> streams;
};
Idle& idle() {
  static Idle* const all = new Idle;  // threads may end after statics have
  return *all;
}

/// A thread's streams on the devices that it has used. What it queued is done before another thread has them, or what it
/// leaves behind.
class OwnStreams {
 public:
  OwnStreams() = default;
  OwnStreams(const OwnStreams&) = delete;
  OwnStreams& operator=(const OwnStreams&) = delete;
  ~OwnStreams() {
    for (const auto& [device, streams] : streams_) {
      // A failure has been reported, or nothing that comes after will ask for what failed.
      static_cast<void>(cudaStreamSynchronize(streams.work));
      static_cast<void>(cudaStreamSynchronize(streams.transfers));
      const std::scoped_lock lock(idle().mutex);
      idle().streams.emplace(device, streams);
    }
  }
  const Streams& of(int device) {
    const auto found = streams_.find(device);
    return found != streams_.end() ? found->second : streams_.emplace(device, take(device)).first->second;
  }

 private:
  static Streams take(int device) {
    const std::scoped_lock lock(idle().mutex);
    const auto found = idle().streams.find(device);
    if (found == idle().streams.end()) return make_streams(device);
    const Streams streams = found->second;
    idle().streams.erase(found);
    return streams;
  }
  std::map<int, Streams> streams_;
};

const Streams& streams_of(int device) {
  thread_local OwnStreams own;
  return own.of(device);
}

/// Of the thread's device.
cudaStream_t stream_of(DeviceQueue queue) {
  return queue == DeviceQueue::work ? cuda_stream() : streams_of(current_device()).transfers;
}

/// Of a call whose failure nobody can be told of: CUDA must not tell it to the next launch.
void forget(cudaError_t status) noexcept {
  if (status != cudaSuccess) static_cast<void>(cudaGetLastError());
}

void wait_for_stream() { GALENA_CUDA_CALL(cudaStreamSynchronize(cuda_stream())); }

void wait() {
  before_wait();
  wait_for_stream();
}

/// Null where there is no room.
void* try_allocate(std::uint64_t bytes) {
  void* memory = nullptr;
  const cudaError_t status = cudaMallocAsync(&memory, bytes, cuda_stream());
  if (status == cudaErrorMemoryAllocation) {
    static_cast<void>(cudaGetLastError());
    return nullptr;
  }
  device::check_cuda(status, "cudaMallocAsync");
  return memory;
}

void* allocate(std::uint64_t bytes) {
  if (void* const memory = try_allocate(bytes)) return memory;
  wait();  // then what the pool keeps in other sizes can go back
  GALENA_CUDA_CALL(cudaMemPoolTrimTo(pool(current_device()), 0));
  return try_allocate(bytes);
}

/// A failure would be that of earlier work, which the next wait reports, or the end of the process.
void release(const DeviceBlock& block) noexcept {
  try {
    const Using there(block.device);
    forget(cudaFreeAsync(block.memory, static_cast<cudaStream_t>(block.stream)));
  } catch (...) {  // NOLINT(bugprone-empty-catch)
  }
}

void copy(void* to, const void* from, std::uint64_t bytes, cudaMemcpyKind kind) {
  GALENA_CUDA_CALL(cudaMemcpyAsync(to, from, bytes, kind, cuda_stream()));
}

// --- copies beside the work

void* pinned(std::uint64_t bytes) {
  void* memory = nullptr;
  const cudaError_t status = cudaMallocHost(&memory, bytes);
  if (status == cudaErrorMemoryAllocation) {
    static_cast<void>(cudaGetLastError());
    return nullptr;
  }
  device::check_cuda(status, "cudaMallocHost");
  return memory;
}

void* mark(DeviceQueue queue) {
  cudaEvent_t event = nullptr;
  GALENA_CUDA_CALL(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  const cudaError_t status = cudaEventRecord(event, stream_of(queue));
  if (status != cudaSuccess) forget(cudaEventDestroy(event));
  device::check_cuda(status, "cudaEventRecord");
  return event;
}

void add_transfers(DeviceOps& ops) {
  ops.pinned = pinned;
  ops.release_pinned = [](void* memory) noexcept { forget(cudaFreeHost(memory)); };
  ops.transfer = [](void* to, const void* from, std::uint64_t bytes) {
    GALENA_CUDA_CALL(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream_of(DeviceQueue::transfers)));
  };
  ops.mark = mark;
  ops.follow = [](DeviceQueue queue, void* mark) {
    GALENA_CUDA_CALL(cudaStreamWaitEvent(stream_of(queue), static_cast<cudaEvent_t>(mark), 0));
  };
  ops.wait = [](void* mark) {
    before_wait();
    GALENA_CUDA_CALL(cudaEventSynchronize(static_cast<cudaEvent_t>(mark)));
  };
  ops.release_mark = [](void* mark) noexcept { forget(cudaEventDestroy(static_cast<cudaEvent_t>(mark))); };
}

// --- graphs: of this thread's calls on the stream

void begin_recording() { GALENA_CUDA_CALL(cudaStreamBeginCapture(cuda_stream(), cudaStreamCaptureModeThreadLocal)); }

void* end_recording(std::string& why_not) {
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  const char* call = "cudaStreamEndCapture";
  cudaError_t status = cudaStreamEndCapture(cuda_stream(), &graph);
  if (status == cudaSuccess) {
    call = "cudaGraphInstantiate";
    status = cudaGraphInstantiate(&executable, graph, 0);
  }
  if (graph != nullptr) forget(cudaGraphDestroy(graph));
  if (status == cudaSuccess) return executable;
  static_cast<void>(cudaGetLastError());  // what could not be recorded is done without a graph
  why_not = std::string(call) + ": " + cudaGetErrorName(status) + ", " + cudaGetErrorString(status);
  return nullptr;
}

void release_recording(void* graph) noexcept {
  if (graph != nullptr) static_cast<void>(cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(graph)));
}

DeviceOps make_table() {
  if (count() == 0) throw EnvironmentError("no GPU to compute on: " + device::why_no_cuda());
  DeviceOps ops{};
  ops.count = count;
  ops.name = name;
  ops.use = use;
  ops.stream = []() -> void* { return cuda_stream(); };
  ops.allocate = allocate;
  ops.release = release;
  // From memory that is not pinned CUDA copies to a buffer of its own before it returns.
  ops.upload = [](void* to, const void* from, std::uint64_t bytes) {
    upload_in_order(bytes, [&] { copy(to, from, bytes, cudaMemcpyHostToDevice); });
  };
  ops.download = [](void* to, const void* from, std::uint64_t bytes) {
    download_in_order([&] { copy(to, from, bytes, cudaMemcpyDeviceToHost); }, wait_for_stream);
  };
  ops.copy = [](void* to, const void* from, std::uint64_t bytes) { copy(to, from, bytes, cudaMemcpyDeviceToDevice); };
  ops.synchronize = wait;
  ops.memory = [](std::uint64_t* free, std::uint64_t* total) {
    std::size_t f = 0, t = 0;
    std::uint64_t kept = 0, used = 0;
    GALENA_CUDA_CALL(cudaMemGetInfo(&f, &t));
    const cudaMemPool_t there = pool(current_device());
    GALENA_CUDA_CALL(cudaMemPoolGetAttribute(there, cudaMemPoolAttrReservedMemCurrent, &kept));
    GALENA_CUDA_CALL(cudaMemPoolGetAttribute(there, cudaMemPoolAttrUsedMemCurrent, &used));
    *free = f + kept - std::min(used, kept);
    *total = t;
  };
  add_transfers(ops);
  ops.begin_recording = begin_recording;
  ops.end_recording = end_recording;
  ops.replay = [](void* graph) {
    GALENA_CUDA_CALL(cudaGraphLaunch(static_cast<cudaGraphExec_t>(graph), cuda_stream()));
  };
  ops.release_recording = release_recording;
  ops.gemm = cublas_gemm;
  add_cuda_attention(ops);
  add_cuda_codec(ops);
  add_cuda_pointwise(ops);
  add_cuda_spmm(ops);
  add_cuda_tiles(ops);
  add_cuda_training(ops);
  return ops;
}

}  // namespace

cudaStream_t cuda_stream() {
  thread_local int device = -1;
  thread_local cudaStream_t stream = nullptr;
  if (device != current_device()) {
    stream = streams_of(current_device()).work;
    device = current_device();
  }
  return stream;
}

const DeviceOps& cuda_device_ops() {
  static const DeviceOps ops = make_table();
  return ops;
}

}  // namespace galena::ops
