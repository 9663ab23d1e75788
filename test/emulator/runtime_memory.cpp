// Allocation of devices' and pinned memory, and pools.

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "test/emulator/runtime.hpp"

using namespace galena;
using namespace galena::emulator;

extern "C" {

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  ENTER;
  const Device& d = world().devices[current];
  *total = settings().memory;
  *free = settings().memory - std::min(settings().memory, d.used + d.pool_reserved);
  return cudaSuccess;
}
cudaError_t cudaMalloc(void** p, size_t bytes) {
  ENTER;
  if (const auto e = unsafe("cudaMalloc")) return set(e);
  Device& d = world().devices[current];
  *p = nullptr;
  if (bytes == 0) return cudaSuccess;
  if (d.used + d.pool_reserved + bytes > settings().memory) {  // the driver takes back what the pool does not use
    d.pool_reserved = d.pool_used + d.freed_unexecuted;
    d.cached.clear();
  }
  if (d.used + d.pool_reserved + bytes > settings().memory) return set(cudaErrorMemoryAllocation);
  d.used += bytes;
  *p = (void*)place(bytes, Kind::device, current, Life::live).begin;
  return cudaSuccess;
}
cudaError_t cudaFree(void* p) {
  ENTER;
  if (const auto e = unsafe("cudaFree")) return set(e);
  if (p == nullptr) return cudaSuccess;
  Alloc* a = find_alloc(p);
  if (a == nullptr || a->begin != u64(p) || a->life == Life::freed || a->life == Life::freeing) {
    say("cudaFree of %s", describe(p).c_str());
    backtrace_here();
    return set(cudaErrorInvalidValue);
  }
  if (a->kind == Kind::device)
    drain_device(a->device);
  else
    say("cudaFree of memory of cudaMallocAsync");
  if (sticky(current) != cudaSuccess) return set(sticky(current));
  world().devices[a->device].used -= a->size;
  vanish(*a);
  return cudaSuccess;
}
cudaError_t cudaMallocHost(void** p, size_t bytes) {
  ENTER;
  if (const auto e = unsafe("cudaMallocHost")) return set(e);
  if (bytes == 0) {
    *p = nullptr;
    return cudaSuccess;
  }
  if (settings().memory < bytes) return set(cudaErrorMemoryAllocation);
  void* m = mmap(nullptr, bytes + 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  const u64 begin = u64(m) + 512;
  memset((void*)begin, 0xff, std::min<u64>(bytes, settings().fill_max));
  pinned()[begin] = {begin, bytes, Kind::pinned, 0, Life::live, ++world().births};
  for (Device& d : world().devices) add_range(d.memory, {begin, begin + bytes, true});
  *p = (void*)begin;
  return cudaSuccess;
}
cudaError_t cudaHostAlloc(void** p, size_t bytes, unsigned) { return cudaMallocHost(p, bytes); }
cudaError_t cudaFreeHost(void* p) {
  ENTER;
  if (const auto e = unsafe("cudaFreeHost")) return set(e);
  if (p == nullptr) return cudaSuccess;
  const auto at = pinned().find(u64(p));
  if (at == pinned().end()) {
    say("cudaFreeHost of %s", describe(p).c_str());
    backtrace_here();
    return set(cudaErrorInvalidValue);
  }
  for (int d = 0; d < settings().devices; ++d) drain_device(d);  // it waits, as cudaFree does
  for (Device& d : world().devices) drop_range(d.memory, at->first);
  munmap((void*)(at->first - 512), at->second.size + 8192);
  pinned().erase(at);
  return cudaSuccess;
}
cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int device) {
  if (device < 0 || device >= settings().devices) return set(cudaErrorInvalidDevice);
  static std::map<int, CUmemPoolHandle_st> pools;
  LOCK;
  *pool = &pools.emplace(device, CUmemPoolHandle_st{device}).first->second;
  return cudaSuccess;
}
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr a, void* v) {
  ENTER;
  if (a == cudaMemPoolAttrReleaseThreshold) world().devices[pool->device].threshold = *static_cast<u64*>(v);
  return cudaSuccess;
}
cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, cudaMemPoolAttr a, void* v) {
  ENTER;
  const Device& d = world().devices[pool->device];
  if (a == cudaMemPoolAttrReservedMemCurrent) *static_cast<u64*>(v) = d.pool_reserved;
  if (a == cudaMemPoolAttrUsedMemCurrent) *static_cast<u64*>(v) = d.pool_used;
  return cudaSuccess;
}
cudaError_t cudaDeviceCanAccessPeer(int* can, int device, int peer) {
  if (device < 0 || device >= settings().devices || peer < 0 || peer >= settings().devices || device == peer)
    return set(cudaErrorInvalidDevice);
  *can = 1;
  return cudaSuccess;
}
cudaError_t cudaMemPoolSetAccess(cudaMemPool_t pool, const cudaMemAccessDesc* what, size_t n) {
  ENTER;
  for (const cudaMemAccessDesc* a = what; a != what + n; ++a) {
    if (a->location.type != cudaMemLocationTypeDevice || a->location.id < 0 || a->location.id >= settings().devices ||
        a->location.id == pool->device)
      return set(cudaErrorInvalidValue);
    if (a->flags == cudaMemAccessFlagsProtReadWrite)
      world().devices[pool->device].open_to.insert(a->location.id);
    else
      world().devices[pool->device].open_to.erase(a->location.id);
  }
  return cudaSuccess;
}
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, size_t) {
  ENTER;
  Device& d = world().devices[pool->device];
  d.pool_reserved = d.pool_used + d.freed_unexecuted;  // only what has really been freed
  d.cached.clear();
  return cudaSuccess;
}
cudaError_t cudaMallocAsync(void** p, size_t bytes, cudaStream_t stream) {
  ENTER;
  const auto s = state_of(stream);
  if (!s) return set(cudaErrorInvalidResourceHandle);
  *p = nullptr;
  if (s->capture) {
    say("UNEXPECTED: cudaMallocAsync in a capture");
    invalidate(*s->capture, "cudaMallocAsync (it would be a memory node)");
    return set(cudaErrorStreamCaptureUnsupported);
  }
  if (bytes == 0) return cudaSuccess;
  Device& d = world().devices[s->device];
  if (const auto kept = d.cached.find(bytes); kept != d.cached.end()) {
    d.cached.erase(kept);
  } else {
    if (d.used + d.pool_reserved + bytes > settings().memory) return set(cudaErrorMemoryAllocation);
    d.pool_reserved += bytes;
  }
  d.pool_used += bytes;
  const u64 begin = place(bytes, Kind::async, s->device, Life::queued).begin;
  *p = (void*)begin;
  return set(enqueue(s, {"allocation of " + std::to_string(bytes),
                         [begin] {
                           Alloc& a = world().allocs.at(begin);
                           a.life = Life::live;
                           add_range(world().devices[a.device].memory, {a.begin, a.begin + a.size, true});
                         },
                         nullptr, nullptr}));
}
cudaError_t cudaFreeAsync(void* p, cudaStream_t stream) {
  ENTER;
  const auto s = state_of(stream);
  if (!s) return set(cudaErrorInvalidResourceHandle);
  if (p == nullptr) return cudaSuccess;
  Alloc* const a = find_alloc(p);
  auto& freeing = world().given;
  if (a == nullptr || a->begin != u64(p) || freeing.contains(u64(p))) {
    say("cudaFreeAsync of %s%s", describe(p).c_str(), a ? " (again)" : "");
    backtrace_here();
    return set(cudaErrorInvalidValue);
  }
  if (a->kind != Kind::async) {
    say("UNEXPECTED: cudaFreeAsync of memory of cudaMalloc");
  }
  if (s->capture) {
    say("UNEXPECTED: cudaFreeAsync in a capture");
    backtrace_here();
    invalidate(*s->capture, "cudaFreeAsync of memory that is not the graph's");
    return set(cudaErrorInvalidValue);
  }
  freeing.insert(u64(p));
  a->given_back = true;
  const u64 begin = a->begin;
  Device& d = world().devices[a->device];
  if (s->device != a->device) say("cudaFreeAsync on a stream of another device");
  d.pool_used -= a->size;
  d.cached.insert(a->size);
  d.freed_unexecuted += a->size;
  return set(enqueue(s, {"release of allocation " + std::to_string(a->number),
                         [begin] {
                           Alloc& gone = world().allocs.at(begin);
                           world().devices[gone.device].freed_unexecuted -= gone.size;
                           if (gone.life == Life::queued) throw std::runtime_error("released before it was allocated");
                           vanish(gone);
                         },
                         nullptr, nullptr}));
}

}  // extern "C"
