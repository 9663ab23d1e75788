// What there is: devices, their memory, what is said of them.

#include <execinfo.h>
#include <signal.h>
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "test/emulator/runtime.hpp"

namespace galena::emulator {

void Lock::lock() {
  mutex_.lock();
  ++depth_;
}
void Lock::unlock() {
  --depth_;
  mutex_.unlock();
}
void Lock::wait() {
  const int held = std::exchange(depth_, 0);
  for (int k = 1; k < held; ++k) mutex_.unlock();
  changed_.wait_for(mutex_, std::chrono::milliseconds(1));
  for (int k = 1; k < held; ++k) mutex_.lock();
  depth_ = held;
}
Lock& big() {
  static auto* m = new Lock;
  return *m;
}
std::mt19937_64& rng() {
  static auto* r = new std::mt19937_64(settings().seed * 7919 + 17);
  return *r;
}

void say(const char* f, ...) {
  va_list a;
  va_start(a, f);
  fprintf(stderr, "emulator: ");
  vfprintf(stderr, f, a);
  fprintf(stderr, "\n");
  va_end(a);
}
void backtrace_here() {
  void* frames[40];
  backtrace_symbols_fd(frames, backtrace(frames, 40), 2);
}

thread_local cudaError_t last_error = cudaSuccess;
thread_local int current = 0;

cudaError_t set(cudaError_t e) {
  if (e != cudaSuccess && (e != cudaErrorNotReady || settings().not_ready_stays)) last_error = e;
  if (settings().trace && e != cudaSuccess && e != cudaErrorNotReady) say("-> %s", cudaGetErrorName(e));
  return e;
}

World& world() {
  static auto* x = new World;
  return *x;
}

void on_segv(int, siginfo_t* info, void*) {
  const u64 at = u64(info->si_addr);
  if (at >= kArena && at < kArena + kArenaSize) say("the host touched device memory at %p", info->si_addr);
  backtrace_here();
  signal(SIGSEGV, SIG_DFL);
}

void start() {
  if (world().ready) return;
  world().ready = true;
  void* const p = mmap((void*)kArena, kArenaSize, settings().protect ? PROT_NONE : PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (p == MAP_FAILED) {
    perror("emulator: arena");
    abort();
  }
  if (settings().protect) {
    struct sigaction a {};
    a.sa_sigaction = on_segv;
    a.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &a, nullptr);
  }
}
Unlocked::Unlocked() {
  if (settings().protect && world().unlocked++ == 0)
    mprotect((void*)kArena, world().bump - kArena + 4096, PROT_READ | PROT_WRITE);
}
Unlocked::~Unlocked() {
  if (settings().protect && --world().unlocked == 0) mprotect((void*)kArena, world().bump - kArena + 4096, PROT_NONE);
}
void add_range(ptx::Memory& m, ptx::Range r) {
  const auto at = std::lower_bound(m.ranges.begin(), m.ranges.end(), r.begin,
                                   [](const ptx::Range& a, u64 b) { return a.begin < b; });
  m.ranges.insert(at, r);
  ++m.version;
}
void drop_range(ptx::Memory& m, u64 begin) {
  const auto at =
      std::lower_bound(m.ranges.begin(), m.ranges.end(), begin, [](const ptx::Range& a, u64 b) { return a.begin < b; });
  if (at != m.ranges.end() && at->begin == begin) m.ranges.erase(at);
  ++m.version;
}

void fill_garbage(u64 begin, u64 size) {
  if (settings().fill == "zero") return;
  Unlocked open;
  const auto some = [&](u64 b, u64 n) {
    if (settings().fill == "ff") {
      memset((void*)b, 0xff, n);
      return;
    }
    for (u64 i = 0; i < n; ++i) ((unsigned char*)b)[i] = (unsigned char)(rng()() >> 13);
  };
  if (size <= settings().fill_max) return some(begin, size);
  some(begin, settings().fill_max / 2);
  some(begin + size - settings().fill_max / 2, settings().fill_max / 2);
}

Alloc& place(u64 size, Kind kind, int device, Life life) {
  start();
  const u64 span = (256 + size + 4095) / 4096 * 4096 + 4096;
  u64 begin = 0;
  if (auto& old = world().quarantine[span];
      world().quarantined > (u64(256) << 20) && old.size() > 8) {  // addresses come again, late
    begin = old.front();
    old.pop_front();
    world().quarantined -= span;
    world().allocs.erase(begin);
    world().given.erase(begin);
  } else {
    begin = world().bump + 256;  // no better aligned than is promised
    if (world().unlocked > 0) mprotect((void*)world().bump, span, PROT_READ | PROT_WRITE);
    world().bump += span;
  }
  Alloc& a = world().allocs[begin];
  a = {begin, size, kind, device, life, ++world().births};
  fill_garbage(begin, size);
  if (life == Life::live) add_range(world().devices[device].memory, {begin, begin + size, true});
  return a;
}
void vanish(Alloc& a) {
  a.life = Life::freed;
  drop_range(world().devices[a.device].memory, a.begin);
  const u64 first = a.begin / 4096 * 4096;
  madvise((void*)first, (a.begin + a.size + 4095) / 4096 * 4096 - first, MADV_DONTNEED);
  const u64 span = (256 + a.size + 4095) / 4096 * 4096 + 4096;
  world().quarantine[span].push_back(a.begin);
  world().quarantined += span;
}

Alloc* find_alloc(const void* p) {
  auto at = world().allocs.upper_bound(u64(p));
  if (at == world().allocs.begin()) return nullptr;
  --at;
  return u64(p) < at->second.begin + std::max<u64>(1, at->second.size) ? &at->second : nullptr;
}
bool is_arena(const void* p) { return u64(p) >= kArena && u64(p) < kArena + kArenaSize; }

std::map<u64, Alloc>& pinned() {
  static auto* m = new std::map<u64, Alloc>;
  return *m;
}
Alloc* find_pinned(const void* p) {
  auto at = pinned().upper_bound(u64(p));
  if (at == pinned().begin()) return nullptr;
  --at;
  return u64(p) < at->second.begin + std::max<u64>(1, at->second.size) ? &at->second : nullptr;
}

std::string describe(const void* p) {
  char text[300];
  if (const Alloc* a = find_alloc(p)) {
    snprintf(text, sizeof text, "%p (allocation %llu of %llu bytes at %p, %s, offset %llu)", p,
             (unsigned long long)a->number, (unsigned long long)a->size, (void*)a->begin,
             a->life == Life::live      ? "live"
             : a->life == Life::queued  ? "not allocated yet"
             : a->life == Life::freeing ? "live, free queued"
                                        : "freed",
             (unsigned long long)(u64(p) - a->begin));
    return text;
  }
  snprintf(text, sizeof text, "%p (%s)", p, is_arena(p) ? "between allocations" : "host memory");
  return text;
}

/// Throws unless the device's memory there is live.
void need_device(const void* p, u64 bytes, const char* what) {
  if (bytes == 0) return;
  const Alloc* const a = find_alloc(p);
  if (a == nullptr) {
    for (Device& d : world().devices)  // a module's variable
      for (const ptx::Range& r : d.memory.ranges)
        if (u64(p) >= r.begin && u64(p) + bytes <= r.end && find_pinned(p) == nullptr) return;
    throw std::runtime_error(std::string(what) + ": no device memory at " + describe(p));
  }
  if (a->life != Life::live && a->life != Life::freeing)
    throw std::runtime_error(std::string(what) + ": " + describe(p));
  if (u64(p) + bytes > a->begin + a->size)
    throw std::runtime_error(std::string(what) + ": " + std::to_string(bytes) + " bytes beyond the end of " +
                             describe(p));
}

}  // namespace galena::emulator
