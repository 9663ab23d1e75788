// Devices, errors, and the report at the end.

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "test/emulator/runtime.hpp"

namespace galena::emulator {

namespace {

constexpr int kRuntime = 13000;

struct AtExit {
  ~AtExit() {
    LOCK;
    bool failed = false;
    if (settings().stats || world().faults > 0)
      say("%llu launches, %llu copies, %llu graph launches, %llu captures, %llu faults, %llu instructions",
          (unsigned long long)world().launches, (unsigned long long)world().copies,
          (unsigned long long)world().graph_launches, (unsigned long long)world().captures,
          (unsigned long long)world().faults, (unsigned long long)ptx::executed());
    if (settings().profile != 0) std::fprintf(stderr, "%s", ptx::profile_told(settings().profile).c_str());
    if (settings().races != 0) {
      for (const auto& told : ptx::races_told()) say("RACE in %s", told.c_str());
      say("RACES: %llu found", (unsigned long long)ptx::races_found());
      if (ptx::races_found() > 0) failed = true;
    }
    if (settings().leaks) {
      u64 n = 0, bytes = 0, np = 0, bp = 0;
      for (const auto& [b, a] : world().allocs)
        if ((a.life == Life::live || a.life == Life::queued) && !a.given_back) {
          ++n;
          bytes += a.size;
          if (settings().trace || n <= 10)
            say("  left: allocation %llu, %llu bytes, %s", (unsigned long long)a.number, (unsigned long long)a.size,
                a.kind == Kind::async ? "async" : "cudaMalloc");
        }
      for (const auto& [b, a] : pinned()) {
        ++np;
        bp += a.size;
      }
      std::map<std::string, int> by;
      for (void* h : live_handles()) ++by[kinds()[h]];
      for (const auto& [k, c] : by) say("  left: %d handles: %s", c, k.c_str());
      say("LEAKS: %llu device allocations of %llu bytes, %llu pinned of %llu bytes, %zu handles", (unsigned long long)n,
          (unsigned long long)bytes, (unsigned long long)np, (unsigned long long)bp, live_handles().size());
    }
    if (world().misused > 0) {
      say("%llu calls that are not allowed", (unsigned long long)world().misused);
      failed = true;
    }
    if (failed) {  // tests did not see it
      std::fflush(nullptr);
      _exit(1);
    }
  }
};
AtExit at_exit __attribute__((init_priority(101)));

/// Where Galena looks for the libraries that it opens by name.
__attribute__((constructor)) void offer_libraries() {
  Dl_info here{};
  if (dladdr(reinterpret_cast<const void*>(&offer_libraries), &here) != 0) {
    setenv("GALENA_CUBLASLT", here.dli_fname, 0);
#ifdef GALENA_EMULATED_NCCL
    setenv("GALENA_NCCL", here.dli_fname, 0);
#endif
  }
  setenv("GALENA_NVRTC", GALENA_EMULATED_NVRTC, 0);
}

}  // namespace
}  // namespace galena::emulator

using namespace galena;
using namespace galena::emulator;

extern "C" {

int emulated_queue(void* stream, const char* name, void (*run)(void*), void* context, void (*release)(void*)) {
  LOCK;
  const auto s = state_of(static_cast<cudaStream_t>(stream));
  if (!s || s->device != current) {
    say("%s into a stream of another device", name);
    return 1;
  }
  const std::shared_ptr<void> held(context, release);
  return enqueue(s, {name, [=] { run(held.get()); }, nullptr, nullptr}) == cudaSuccess ? 0 : 1;
}
const char* emulated_check(const void* p, unsigned long long bytes) {
  static thread_local std::string why;
  LOCK;
  try {
    need_device(p, bytes, "access");
  } catch (const std::exception& e) {
    why = e.what();
    return why.c_str();
  }
  return nullptr;
}
void emulated_fault(const char* what) { throw std::runtime_error(what); }
int emulated_device(void) { return current; }

cudaError_t cudaGetLastError() {
  const cudaError_t e = last_error;
  last_error = cudaSuccess;
  LOCK;
  if (sticky(current) != cudaSuccess) return sticky(current);
  return e;
}
cudaError_t cudaPeekAtLastError() {
  LOCK;
  return sticky(current) != cudaSuccess ? sticky(current) : last_error;
}

const char* cudaGetErrorName(cudaError_t e) {
  switch (e) {
#define E(x) \
  case x: return #x
    E(cudaSuccess);
    E(cudaErrorInvalidValue);
    E(cudaErrorMemoryAllocation);
    E(cudaErrorInvalidConfiguration);
    E(cudaErrorInvalidDevice);
    E(cudaErrorInvalidDeviceFunction);
    E(cudaErrorInvalidResourceHandle);
    E(cudaErrorNotReady);
    E(cudaErrorIllegalAddress);
    E(cudaErrorInvalidKernelImage);
    E(cudaErrorSymbolNotFound);
    E(cudaErrorStreamCaptureUnsupported);
    E(cudaErrorStreamCaptureInvalidated);
    E(cudaErrorStreamCaptureUnjoined);
    E(cudaErrorStreamCaptureUnmatched);
    E(cudaErrorStreamCaptureWrongThread);
    E(cudaErrorStreamCaptureIsolation);
    E(cudaErrorCapturedEvent);
    E(cudaErrorIllegalState);
    E(cudaErrorStreamCaptureImplicit);
    E(cudaErrorDevicesUnavailable);
    E(cudaErrorInsufficientDriver);
    E(cudaErrorNotSupported);
    default: return "an error";
  }
}
const char* cudaGetErrorString(cudaError_t e) { return cudaGetErrorName(e); }

cudaError_t cudaGetDeviceCount(int* n) {
  *n = 0;
  if (settings().driver < kRuntime) return set(cudaErrorInsufficientDriver);
  *n = settings().devices;
  return *n > 0 ? cudaSuccess : set(cudaErrorNoDevice);
}
cudaError_t cudaGetDevice(int* n) {
  *n = current;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int n) {
  if (n < 0 || n >= settings().devices) return set(cudaErrorInvalidDevice);
  current = n;
  if (n == settings().taken) return set(cudaErrorDevicesUnavailable);
  LOCK;
  start();
  if (sticky(current) != cudaSuccess) return set(sticky(current));
  return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int* v) {
  *v = settings().driver;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* v) {
  *v = kRuntime;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int device) {
  if (device < 0 || device >= settings().devices) return set(cudaErrorInvalidDevice);
  if (device == settings().silent) return set(cudaErrorInvalidDevice);
  memset(p, 0, sizeof *p);
  snprintf(p->name, sizeof p->name, "Emulated GPU");
  for (int i = 0; i < 16; ++i) p->uuid.bytes[i] = char(17 * i + device);
  p->totalGlobalMem = settings().memory;
  p->major = 9;
  p->multiProcessorCount = settings().multiprocessors;
  p->warpSize = 32;
  p->sharedMemPerBlock = 49152;
  p->sharedMemPerBlockOptin = 232448;
  p->sharedMemPerMultiprocessor = 233472;
  p->maxThreadsPerMultiProcessor = 2048;
  p->maxThreadsPerBlock = 1024;
  p->regsPerBlock = p->regsPerMultiprocessor = 65536;
  p->unifiedAddressing = 1;
  p->memoryPoolsSupported = settings().pools ? 1 : 0;
  p->l2CacheSize = 50 << 20;
  p->maxThreadsDim[0] = p->maxThreadsDim[1] = 1024;
  p->maxThreadsDim[2] = 64;
  p->maxGridSize[0] = 0x7fffffff;
  p->maxGridSize[1] = p->maxGridSize[2] = 65535;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* v, cudaDeviceAttr a, int device) {
  if (device < 0 || device >= settings().devices) return set(cudaErrorInvalidDevice);
  switch (a) {
    case cudaDevAttrMultiProcessorCount: *v = settings().multiprocessors; break;
    case cudaDevAttrComputeCapabilityMajor: *v = 9; break;
    case cudaDevAttrComputeCapabilityMinor: *v = 0; break;
    case cudaDevAttrMaxSharedMemoryPerBlock: *v = 49152; break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: *v = 232448; break;
    case cudaDevAttrWarpSize: *v = 32; break;
    case cudaDevAttrMemoryPoolsSupported: *v = settings().pools ? 1 : 0; break;
    case cudaDevAttrKernelExecTimeout: *v = settings().watchdog ? 1 : 0; break;
    default: say("cudaDeviceGetAttribute(%d) is not known", int(a)); *v = 0;
  }
  return cudaSuccess;
}
cudaError_t cudaDeviceSynchronize() {
  ENTER;
  if (const auto e = unsafe("cudaDeviceSynchronize")) return set(e);
  drain_device(current);
  return set(sticky(current));
}

}  // extern "C"
