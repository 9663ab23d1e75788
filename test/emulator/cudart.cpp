// A fake CUDA runtime over the PTX interpreter: faithful in what it refuses, adversarial in when it does things.
// Environment: GALENA_EMULATED_DEVICES GALENA_EMULATED_SMS GALENA_EMULATED_MEMORY(MiB) GALENA_EMULATED_OCCUPANCY GALENA_EMULATED_ORDER=late|early|random GALENA_EMULATED_SEED GALENA_EMULATED_RESIDENT GALENA_EMULATED_PROTECT=1
// GALENA_EMULATED_LEAKS=1 GALENA_EMULATED_STATS=1 GALENA_EMULATED_TRACE=1 GALENA_EMULATED_FILL=ff|random|zero GALENA_EMULATED_FILL_MAX GALENA_EMULATED_LAZY_COPIES=0|1 GALENA_EMULATED_QUERIES GALENA_EMULATED_NOT_READY_STAYS=1
#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cstdarg>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "test/emulator/ptx.hpp"

using u64 = std::uint64_t;

namespace {

std::recursive_mutex& big() {
  static auto* m = new std::recursive_mutex;
  return *m;
}
#define LOCK std::scoped_lock lock_(big())

long env(const char* name, long other) {
  const char* v = getenv(name);
  return v != nullptr && *v != 0 ? strtol(v, nullptr, 0) : other;
}
std::string env_s(const char* name, const char* other) {
  const char* v = getenv(name);
  return v != nullptr && *v != 0 ? v : other;
}

struct Config {
  int devices = env("GALENA_EMULATED_DEVICES", 1), sms = env("GALENA_EMULATED_SMS", 2),
      occupancy = env("GALENA_EMULATED_OCCUPANCY", 4);
  u64 memory = u64(env("GALENA_EMULATED_MEMORY", 2048)) << 20;
  std::string order = env_s("GALENA_EMULATED_ORDER", "late"), fill = env_s("GALENA_EMULATED_FILL", "ff");
  u64 seed = env("GALENA_EMULATED_SEED", 0), fill_max = env("GALENA_EMULATED_FILL_MAX", 16 << 20);
  unsigned resident = env("GALENA_EMULATED_RESIDENT", 8);
  bool protect = env("GALENA_EMULATED_PROTECT", 0), leaks = env("GALENA_EMULATED_LEAKS", 0),
       stats = env("GALENA_EMULATED_STATS", 0), trace = env("GALENA_EMULATED_TRACE", 0),
       lazy_d2h = env("GALENA_EMULATED_LAZY_COPIES", 1), notready_last = env("GALENA_EMULATED_NOT_READY_STAYS", 0);
  bool strict = env("GALENA_EMULATED_STRICT", 0), races_blocks = env("GALENA_EMULATED_RACES_BLOCKS", 0),
       races_same = env("GALENA_EMULATED_RACES_SAME", 0);
  u64 limit = u64(env("GALENA_EMULATED_LIMIT", 0));
  int races = int(env("GALENA_EMULATED_RACES", 0));
  int queries = env("GALENA_EMULATED_QUERIES", 3);
};
Config& cfg() {
  static auto* c = new Config;
  return *c;
}

std::mt19937_64& rng() {
  static auto* r = new std::mt19937_64(cfg().seed * 7919 + 17);
  return *r;
}

void say(const char* f, ...) {
  va_list a;
  va_start(a, f);
  fprintf(stderr, "EMU: ");
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
  if (e != cudaSuccess && (e != cudaErrorNotReady || cfg().notready_last)) last_error = e;
  if (cfg().trace && e != cudaSuccess && e != cudaErrorNotReady) say("-> %s", cudaGetErrorName(e));
  return e;
}

// ---------------------------------------------------------------- memory

constexpr u64 kArena = 0x100000000000, kArenaSize = u64(8) << 40;
enum class Kind { device, async, pinned };
enum class Life { queued, live, freeing, freed };
struct Alloc {
  u64 begin = 0, size = 0;
  Kind kind = Kind::device;
  int device = 0;
  Life life = Life::live;
  u64 number = 0;
  bool given_back = false;
};
struct Device {
  galena::ptx::Memory memory;
  u64 used = 0, pool_used = 0, pool_reserved = 0;  // bytes
  std::multiset<u64> cached;                       // sizes that the pool keeps
  u64 freed_unexecuted = 0;
  u64 threshold = 0;
  cudaError_t sticky = cudaSuccess;
};
struct World {
  std::vector<Device> devices{size_t(cfg().devices)};
  std::map<u64, Alloc> allocs;
  u64 bump = kArena, unlocked = 0, high = kArena;
  u64 births = 0, launches = 0, copies = 0, graph_launches = 0, faults = 0, captures = 0;
  bool ready = false;
  std::map<u64, std::deque<u64>> quarantine;
  u64 quarantined = 0;
  std::set<u64> given;
};
World& w() {
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
  if (w().ready) return;
  w().ready = true;
  void* const p = mmap((void*)kArena, kArenaSize, cfg().protect ? PROT_NONE : PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (p == MAP_FAILED) {
    perror("EMU: arena");
    abort();
  }
  if (cfg().protect) {
    struct sigaction a {};
    a.sa_sigaction = on_segv;
    a.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &a, nullptr);
  }
}
struct Unlocked {  // device memory may be touched
  Unlocked() {
    if (cfg().protect && w().unlocked++ == 0) mprotect((void*)kArena, w().bump - kArena + 4096, PROT_READ | PROT_WRITE);
  }
  ~Unlocked() {
    if (cfg().protect && --w().unlocked == 0) mprotect((void*)kArena, w().bump - kArena + 4096, PROT_NONE);
  }
};

void add_range(galena::ptx::Memory& m, galena::ptx::Range r) {
  const auto at = std::lower_bound(m.ranges.begin(), m.ranges.end(), r.begin,
                                   [](const galena::ptx::Range& a, u64 b) { return a.begin < b; });
  m.ranges.insert(at, r);
  ++m.version;
}
void drop_range(galena::ptx::Memory& m, u64 begin) {
  const auto at = std::lower_bound(m.ranges.begin(), m.ranges.end(), begin,
                                   [](const galena::ptx::Range& a, u64 b) { return a.begin < b; });
  if (at != m.ranges.end() && at->begin == begin) m.ranges.erase(at);
  ++m.version;
}

void fill_garbage(u64 begin, u64 size) {
  if (cfg().fill == "zero") return;
  Unlocked open;
  const auto some = [&](u64 b, u64 n) {
    if (cfg().fill == "ff") {
      memset((void*)b, 0xff, n);
      return;
    }
    for (u64 i = 0; i < n; ++i) ((unsigned char*)b)[i] = (unsigned char)(rng()() >> 13);
  };
  if (size <= cfg().fill_max) return some(begin, size);
  some(begin, cfg().fill_max / 2);
  some(begin + size - cfg().fill_max / 2, cfg().fill_max / 2);
}

Alloc& place(u64 size, Kind kind, int device, Life life) {
  start();
  const u64 span = (256 + size + 4095) / 4096 * 4096 + 4096;
  u64 begin = 0;
  if (auto& old = w().quarantine[span];
      w().quarantined > (u64(256) << 20) && old.size() > 8) {  // addresses come again, late
    begin = old.front();
    old.pop_front();
    w().quarantined -= span;
    w().allocs.erase(begin);
    w().given.erase(begin);
  } else {
    begin = w().bump + 256;  // no better aligned than is promised
    if (w().unlocked > 0) mprotect((void*)w().bump, span, PROT_READ | PROT_WRITE);
    w().bump += span;
  }
  Alloc& a = w().allocs[begin];
  a = {begin, size, kind, device, life, ++w().births};
  fill_garbage(begin, size);
  if (life == Life::live) add_range(w().devices[device].memory, {begin, begin + size, true});
  return a;
}
void vanish(Alloc& a) {
  a.life = Life::freed;
  drop_range(w().devices[a.device].memory, a.begin);
  const u64 first = a.begin / 4096 * 4096;
  madvise((void*)first, (a.begin + a.size + 4095) / 4096 * 4096 - first, MADV_DONTNEED);
  const u64 span = (256 + a.size + 4095) / 4096 * 4096 + 4096;
  w().quarantine[span].push_back(a.begin);
  w().quarantined += span;
}

Alloc* find_alloc(const void* p) {
  auto at = w().allocs.upper_bound(u64(p));
  if (at == w().allocs.begin()) return nullptr;
  --at;
  return u64(p) < at->second.begin + std::max<u64>(1, at->second.size) ? &at->second : nullptr;
}
bool is_arena(const void* p) { return u64(p) >= kArena && u64(p) < kArena + kArenaSize; }

/// Pinned memory: ordinary memory that all devices may touch.
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
    for (Device& d : w().devices)  // a module's variable
      for (const galena::ptx::Range& r : d.memory.ranges)
        if (u64(p) >= r.begin && u64(p) + bytes <= r.end && find_pinned(p) == nullptr) return;
    throw std::runtime_error(std::string(what) + ": no device memory at " + describe(p));
  }
  if (a->life != Life::live && a->life != Life::freeing)
    throw std::runtime_error(std::string(what) + ": " + describe(p));
  if (u64(p) + bytes > a->begin + a->size)
    throw std::runtime_error(std::string(what) + ": " + std::to_string(bytes) + " bytes beyond the end of " +
                             describe(p));
}

}  // namespace

// ---------------------------------------------------------------- streams

namespace {
struct Record;
struct StreamState;
struct Op {
  std::string what;
  std::function<void()> run;
  std::shared_ptr<Record> waits, signals;
};
struct Capture {
  std::vector<Op> ops;
  StreamState* origin = nullptr;
  std::set<StreamState*> forked;
  cudaStreamCaptureMode mode{};
  std::thread::id thread;
  bool valid = true;
  std::string why;
};
struct Record {
  bool done = false;
  std::shared_ptr<StreamState> stream;
  std::shared_ptr<Capture> capture;
};
struct StreamState {
  int device = 0;
  u64 number = 0;
  bool destroyed = false;
  std::deque<Op> ops;
  std::shared_ptr<Capture> capture;
  bool strict = env("GALENA_EMULATED_STRICT", 0), races_blocks = env("GALENA_EMULATED_RACES_BLOCKS", 0),
       races_same = env("GALENA_EMULATED_RACES_SAME", 0);
  u64 limit = u64(env("GALENA_EMULATED_LIMIT", 0));
  int races = int(env("GALENA_EMULATED_RACES", 0));
  int queries = 0;
};
}  // namespace

struct CUstream_st {
  std::shared_ptr<StreamState> state;
};
struct CUevent_st {
  std::shared_ptr<Record> record;
  int device;
  bool timing;
  double time = 0;
};
struct CUgraph_st {
  std::vector<Op> ops;
};
struct CUgraphExec_st {
  std::shared_ptr<std::vector<Op>> ops;
};
struct CUmemPoolHandle_st {
  int device;
};
struct Mod {
  std::string text;
  std::shared_ptr<galena::ptx::Module> loaded;
  std::string failure;
};
struct CUlib_st {
  std::shared_ptr<Mod> mod;
  std::map<std::string, CUkern_st*> kernels;
};
struct CUkern_st {
  std::shared_ptr<Mod> mod;
  std::string name;
  size_t dynamic_limit = 49152;
  const galena::ptx::Kernel* info = nullptr;
  bool dead = false;
};

namespace {

std::map<void*, const char*>& kinds() {
  static auto* s = new std::map<void*, const char*>;
  return *s;
}
std::set<void*>& live_handles() {
  static auto* s = new std::set<void*>;
  return *s;
}
std::vector<std::shared_ptr<StreamState>>& all_streams() {
  static auto* s = new std::vector<std::shared_ptr<StreamState>>;
  return *s;
}
std::vector<CUstream_st*>& legacy() {
  static auto* s = new std::vector<CUstream_st*>;
  return *s;
}
std::set<std::shared_ptr<Capture>>& captures() {
  static auto* s = new std::set<std::shared_ptr<Capture>>;
  return *s;
}

std::shared_ptr<StreamState> make_stream(int device) {
  static u64 count = 0;
  auto s = std::make_shared<StreamState>();
  s->device = device;
  s->number = ++count;
  all_streams().push_back(s);
  return s;
}
std::shared_ptr<StreamState> state_of(cudaStream_t s) {
  if (s == nullptr || s == cudaStreamLegacy || s == cudaStreamPerThread) {
    while (legacy().size() < size_t(cfg().devices))
      legacy().push_back(new CUstream_st{make_stream(int(legacy().size()))});
    return legacy()[current]->state;
  }
  if (!live_handles().contains(s)) {
    say("use of a stream that is destroyed or never was: %p", (void*)s);
    backtrace_here();
    return nullptr;
  }
  return s->state;
}

void fault(int device, const std::string& what) {
  Device& d = w().devices[device];
  ++w().faults;
  say("FAULT on device %d: %s", device, what.c_str());
  if (d.sticky == cudaSuccess) d.sticky = cudaErrorIllegalAddress;
}

void drain(StreamState* s, const Record* until = nullptr);

void step(StreamState* s) {
  Op op = std::move(s->ops.front());
  s->ops.pop_front();
  if (op.waits && !op.waits->done && op.waits->stream) drain(op.waits->stream.get(), op.waits.get());
  if (cfg().trace) say("stream %llu runs %s", (unsigned long long)s->number, op.what.c_str());
  if (op.run && w().devices[s->device].sticky == cudaSuccess) {
    try {
      Unlocked open;
      op.run();
    } catch (const std::exception& e) {
      fault(s->device, op.what + ": " + e.what());
    }
  }
  if (op.signals) op.signals->done = true;
}
void drain(StreamState* s, const Record* until) {
  while (!s->ops.empty() && (until == nullptr || !until->done)) step(s);
}
void drain_device(int device) {
  for (size_t i = 0; i < all_streams().size(); ++i) {
    const auto s = all_streams()[i];
    if (s->device == device) drain(s.get());
  }
  std::erase_if(all_streams(), [](const auto& s) { return s->destroyed && s->ops.empty(); });
}
/// In random order: something may happen at any call.
void shake() {
  if (cfg().order != "random" || all_streams().empty()) return;
  if (rng()() % 3 != 0) return;
  const auto s = all_streams()[rng()() % all_streams().size()];
  for (u64 n = 1 + rng()() % 4; n > 0 && !s->ops.empty(); --n) step(s.get());
}

void invalidate(Capture& c, const std::string& why) {
  if (!c.valid) return;
  c.valid = false;
  c.why = why;
  say("a stream capture became invalid: %s", why.c_str());
}

/// Calls that a thread must not make while it captures.
cudaError_t unsafe(const char* call) {
  for (const auto& c : captures()) {
    const bool mine = c->thread == std::this_thread::get_id();
    if (c->mode == cudaStreamCaptureModeRelaxed) continue;
    if (mine || c->mode == cudaStreamCaptureModeGlobal) {
      invalidate(*c, std::string(call) + " is prohibited while capturing");
      return cudaErrorStreamCaptureUnsupported;
    }
  }
  return cudaSuccess;
}

/// Queues work on a stream.
cudaError_t enqueue(const std::shared_ptr<StreamState>& s, Op op) {
  if (!s) return cudaErrorInvalidResourceHandle;
  if (w().devices[s->device].sticky != cudaSuccess) return w().devices[s->device].sticky;
  if (s->capture) {
    Capture& c = *s->capture;
    if (!c.valid) return cudaErrorStreamCaptureInvalidated;
    if (c.thread != std::this_thread::get_id()) {
      say("WARNING: work of another thread (%s) goes into a capture", op.what.c_str());
      backtrace_here();
    }
    c.ops.push_back(std::move(op));
    return cudaSuccess;
  }
  if (cfg().trace) say("stream %llu queues %s", (unsigned long long)s->number, op.what.c_str());
  s->ops.push_back(std::move(op));
  s->queries = 0;
  if (cfg().order == "early") drain(s.get());
  shake();
  return cudaSuccess;
}

cudaError_t sticky(int device) { return w().devices[device].sticky; }
#define ENTER \
  LOCK;       \
  start();    \
  shake();    \
  if (sticky(current) != cudaSuccess) return set(sticky(current))

// ---------------------------------------------------------------- modules

std::unordered_map<const void*, CUkern_st*>& functions() {
  static auto* m = new std::unordered_map<const void*, CUkern_st*>;
  return *m;
}
std::set<CUkern_st*>& kernels() {
  static auto* m = new std::set<CUkern_st*>;
  return *m;
}

struct FatWrapper {
  unsigned magic, version;
  const void* data;
  void* more;
};
struct FatHeader {
  unsigned magic;
  unsigned short version, header;
  u64 size;
};
struct FatEntry {
  unsigned short kind, attr;
  unsigned header;
  u64 size;
  unsigned compressed;
  unsigned a;
  unsigned short minor, major;
  unsigned arch;
  unsigned name_offset, name_size;
  u64 flags, zero, raw;
};

std::string ptx_of(const void* data) {
  const auto* h = static_cast<const FatHeader*>(data);
  if (h->magic != 0xBA55ED50) {
    say("a fat binary with magic %x", h->magic);
    abort();
  }
  const char* p = static_cast<const char*>(data) + h->header;
  const char* const end = p + h->size;
  while (p < end) {
    const auto* e = reinterpret_cast<const FatEntry*>(p);
    if (e->kind == 1) {
      if (e->flags & 0xf000) {
        say("a compressed fat binary: build with --no-compress");
        abort();
      }
      std::string text(p + e->header, e->size);
      while (!text.empty() && text.back() == 0) text.pop_back();
      return text;
    }
    p += e->header + e->size;
  }
  return {};
}

bool load(Mod& m) {
  if (m.loaded) return true;
  if (!m.failure.empty()) return false;
  try {
    m.loaded = galena::ptx::load(m.text);
  } catch (const std::exception& e) {
    m.failure = e.what();
    say("PTX was not understood: %s", e.what());
    return false;
  }
  for (const galena::ptx::Range& r : galena::ptx::storage(*m.loaded))
    for (Device& d : w().devices) add_range(d.memory, r);
  return true;
}
const galena::ptx::Kernel* info_of(CUkern_st* k) {
  if (k->info == nullptr && load(*k->mod)) k->info = galena::ptx::find(*k->mod->loaded, k->name);
  return k->info;
}
CUkern_st* kernel_of(const void* f) {
  if (const auto found = functions().find(f); found != functions().end()) return found->second;
  if (auto* k = static_cast<CUkern_st*>(const_cast<void*>(f)); kernels().contains(k)) {
    if (k->dead) {
      say("use of a kernel whose library is unloaded: %s", k->name.c_str());
      return nullptr;
    }
    return k;
  }
  return nullptr;
}

struct Arguments {
  std::vector<std::unique_ptr<unsigned char[]>> raw;
  std::vector<const void*> pointers;
};

std::string shown(const CUkern_st* k, dim3 g, dim3 b, size_t shared) {
  char text[160];
  snprintf(text, sizeof text, " <<<%u,%u,%u | %u,%u,%u | %zu>>>", g.x, g.y, g.z, b.x, b.y, b.z, shared);
  return "kernel " + k->name.substr(0, 160) + text;
}

cudaError_t launch_kernel(CUkern_st* k, dim3 grid, dim3 block, void** args, size_t shared, cudaStream_t stream) {
  const auto s = state_of(stream);
  if (k == nullptr) return set(cudaErrorInvalidDeviceFunction);
  if (!s) return set(cudaErrorInvalidResourceHandle);
  if (s->device != current) {
    say("a launch into a stream of device %d by a thread on device %d", s->device, current);
    return set(cudaErrorInvalidResourceHandle);
  }
  const galena::ptx::Kernel* const info = info_of(k);
  if (info == nullptr) return set(k->mod->failure.empty() ? cudaErrorSymbolNotFound : cudaErrorInvalidKernelImage);
  const u64 threads = u64(block.x) * block.y * block.z;
  const auto refuse = [&](cudaError_t e, const char* why) {
    say("launch refused (%s): %s", why, shown(k, grid, block, shared).c_str());
    return set(e);
  };
  if (threads == 0 || threads > 1024 || block.z > 64) return refuse(cudaErrorInvalidConfiguration, "block size");
  if (threads > info->max_threads) return refuse(cudaErrorInvalidValue, "more threads than launch bounds");
  if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535)
    return refuse(cudaErrorInvalidConfiguration, "grid size");
  if (shared > k->dynamic_limit ||
      shared + info->static_shared > std::max<size_t>(49152, k->dynamic_limit + info->static_shared) ||
      (k->dynamic_limit <= 49152 && shared + info->static_shared > 49152))
    return refuse(cudaErrorInvalidValue, "shared memory");
  auto a = std::make_shared<Arguments>();
  for (size_t i = 0; i < info->params.size(); ++i) {
    const size_t n = info->params[i].size;
    auto* const copy = new (std::align_val_t(64)) unsigned char[n + 64];  // leaked alignment is of no matter here
    memcpy(copy, args[i], n);
    a->raw.emplace_back(nullptr);
    a->pointers.push_back(copy);
  }
  struct Freer {
    void operator()(Arguments* x) const {
      for (const void* p : x->pointers) ::operator delete[](const_cast<void*>(p), std::align_val_t(64));
      delete x;
    }
  };
  const std::shared_ptr<Arguments> owned(new Arguments(std::move(*a)), Freer{});
  a->pointers.clear();
  const auto mod = k->mod;
  const std::string name = k->name;
  const int device = s->device;
  return set(enqueue(s, {shown(k, grid, block, shared),
                         [=] {
                           const u64 n = ++w().launches;
                           galena::ptx::Options options;
                           options.seed = cfg().seed == 0 ? 0 : cfg().seed * 1000003 + n;
                           options.resident_blocks = cfg().resident;
                           options.strict = cfg().strict;
                           options.instructions = cfg().limit;
                           options.races = galena::ptx::Races(cfg().races);
                           options.races_of_blocks = cfg().races_blocks;
                           options.races_of_equals = cfg().races_same;
                           galena::ptx::launch(*mod->loaded, name, {grid.x, grid.y, grid.z},
                                               {block.x, block.y, block.z}, shared, owned->pointers.data(),
                                               w().devices[device].memory, options);
                         },
                         nullptr, nullptr}));
}

struct Configuration {
  dim3 grid, block;
  size_t shared;
  cudaStream_t stream;
};
thread_local std::vector<Configuration> configurations;

// ---------------------------------------------------------------- copies

void do_copy(void* to, const void* from, u64 bytes, const char* what) {
  ++w().copies;
  if (is_arena(to)) need_device(to, bytes, what);
  if (is_arena(from)) need_device(from, bytes, what);
  memmove(to, from, bytes);
}
bool is_device(const void* p) {
  if (is_arena(p)) return true;
  return false;
}

cudaError_t copy_async(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  const auto s = state_of(stream);
  if (!s) return set(cudaErrorInvalidResourceHandle);
  if (bytes == 0) return cudaSuccess;
  const bool to_device = is_device(to), from_device = is_device(from);
  const auto wrong = [&] {
    say("cudaMemcpyAsync of kind %d from %s to %s", int(kind), describe(from).c_str(), describe(to).c_str());
    backtrace_here();
    return set(cudaErrorInvalidValue);
  };
  if ((kind == cudaMemcpyHostToDevice && (!to_device || from_device)) ||
      (kind == cudaMemcpyDeviceToHost && (to_device || !from_device)) ||
      (kind == cudaMemcpyDeviceToDevice && !(to_device && from_device)) ||
      (kind == cudaMemcpyHostToHost && (to_device || from_device)))
    return wrong();
  // What is plainly wrong at the call.
  for (const void* p : {static_cast<const void*>(to), from})
    if (is_device(p)) {
      const Alloc* a = find_alloc(p);
      if (a == nullptr || u64(p) + bytes > a->begin + a->size) return wrong();
      if (a->life == Life::freed && !s->capture) return wrong();
    }
  const std::string what = std::string("copy of ") + std::to_string(bytes) +
                           (from_device ? to_device ? " D2D" : " D2H"
                            : to_device ? " H2D"
                                        : " H2H");
  const bool to_pinned = !to_device && find_pinned(to) != nullptr,
             from_pinned = !from_device && find_pinned(from) != nullptr;
  if (s->capture && ((!to_device && !to_pinned) || (!from_device && !from_pinned)))
    say("WARNING: a copy with pageable host memory is captured");
  if (!s->capture && !from_device && !from_pinned) {  // staged at once
    auto staged = std::make_shared<std::vector<unsigned char>>(static_cast<const unsigned char*>(from),
                                                               static_cast<const unsigned char*>(from) + bytes);
    const cudaError_t e =
        enqueue(s, {what + " staged", [=] { do_copy(to, staged->data(), bytes, what.c_str()); }, nullptr, nullptr});
    if (e == cudaSuccess && bytes > 65536) {
      drain(s.get());
      return set(sticky(s->device));
    }
    return set(e);
  }
  const cudaError_t e = enqueue(s, {what,
                                    [=] {
                                      for (const void* p : {static_cast<const void*>(to), from})
                                        if (!is_device(p)) {
                                          const bool pin = p == to ? to_pinned : from_pinned;
                                          if (pin && find_pinned(p) == nullptr)
                                            throw std::runtime_error("pinned memory was freed before the copy ran");
                                        }
                                      do_copy(to, from, bytes, what.c_str());
                                    },
                                    nullptr, nullptr});
  if (e == cudaSuccess && !s->capture && !to_device && !to_pinned) {
    const bool lazy = cfg().lazy_d2h && (cfg().order != "random" || rng()() % 2 == 0);
    if (!lazy) {
      drain(s.get());
      return set(sticky(s->device));
    }
  }
  return set(e);
}

struct AtExit {
  ~AtExit() {
    LOCK;
    if (cfg().stats || w().faults > 0)
      say("%llu launches, %llu copies, %llu graph launches, %llu captures, %llu faults, %llu instructions",
          (unsigned long long)w().launches, (unsigned long long)w().copies, (unsigned long long)w().graph_launches,
          (unsigned long long)w().captures, (unsigned long long)w().faults,
          (unsigned long long)galena::ptx::executed());
    if (cfg().races != 0) {
      for (const auto& told : galena::ptx::races_told()) say("RACE in %s", told.c_str());
      say("RACES: %llu found", (unsigned long long)galena::ptx::races_found());
    }
    if (cfg().leaks) {
      u64 n = 0, bytes = 0, np = 0, bp = 0;
      for (const auto& [b, a] : w().allocs)
        if ((a.life == Life::live || a.life == Life::queued) && !a.given_back) {
          ++n;
          bytes += a.size;
          if (cfg().trace || n <= 10)
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
  }
};
AtExit at_exit __attribute__((init_priority(101)));

/// Where Galena looks for the libraries that it opens by name.
__attribute__((constructor)) void offer_libraries() {
  Dl_info here{};
  if (dladdr(reinterpret_cast<const void*>(&offer_libraries), &here) != 0) setenv("GALENA_CUBLASLT", here.dli_fname, 0);
  setenv("GALENA_NVRTC", GALENA_EMULATED_NVRTC, 0);
}

}  // namespace

// ---------------------------------------------------------------- what shims use
extern "C" {
__attribute__((visibility("default"))) int emu_queue(void* stream, const char* name, void (*run)(void*), void* context,
                                                     void (*release)(void*)) {
  LOCK;
  const auto s = state_of(static_cast<cudaStream_t>(stream));
  if (!s || s->device != current) {
    say("%s into a stream of another device", name);
    return 1;
  }
  const std::shared_ptr<void> held(context, release);
  return enqueue(s, {name, [=] { run(held.get()); }, nullptr, nullptr}) == cudaSuccess ? 0 : 1;
}
__attribute__((visibility("default"))) const char* emu_check(const void* p, unsigned long long bytes) {
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
__attribute__((visibility("default"))) void emu_fault(const char* what) { throw std::runtime_error(what); }
__attribute__((visibility("default"))) int emu_device(void) { return current; }

// ---------------------------------------------------------------- what stubs of nvcc call
void** __cudaRegisterFatBinary(void* fat) {
  LOCK;
  const auto* wrapper = static_cast<const FatWrapper*>(fat);
  if (wrapper->magic != 0x466243b1) {
    say("a fat binary wrapper with magic %x", wrapper->magic);
    abort();
  }
  return reinterpret_cast<void**>(new std::shared_ptr<Mod>(new Mod{ptx_of(wrapper->data), nullptr, {}}));
}
void __cudaRegisterFatBinaryEnd(void**) {}
void __cudaUnregisterFatBinary(void**) {}
void __cudaRegisterFunction(void** handle, const char* host, char*, const char* name, int, uint3*, uint3*, dim3*, dim3*,
                            int*) {
  LOCK;
  auto* k = new CUkern_st{*reinterpret_cast<std::shared_ptr<Mod>*>(handle), name};
  kernels().insert(k);
  functions()[host] = k;
}
void __cudaRegisterVar(void**, char*, char*, const char* name, int, size_t, int, int) {
  if (cfg().trace) say("variable %s registered", name);
}
char __cudaInitModule(void**) { return 1; }
unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared, struct CUstream_st* stream) {
  configurations.push_back({grid, block, shared, stream});
  return 0;
}
cudaError_t __cudaPopCallConfiguration(dim3* grid, dim3* block, size_t* shared, void* stream) {
  const Configuration c = configurations.back();
  configurations.pop_back();
  *grid = c.grid;
  *block = c.block;
  *shared = c.shared;
  *static_cast<cudaStream_t*>(stream) = c.stream;
  return cudaSuccess;
}
cudaError_t __cudaGetKernel(cudaKernel_t* out, const void* f) {
  LOCK;
  *out = kernel_of(f);
  return *out != nullptr ? cudaSuccess : cudaErrorInvalidDeviceFunction;
}
cudaError_t __cudaLaunchKernel(cudaKernel_t k, dim3 grid, dim3 block, void** args, size_t shared, cudaStream_t stream) {
  ENTER;
  return launch_kernel(k, grid, block, args, shared, stream);
}

// ---------------------------------------------------------------- the API
cudaError_t cudaLaunchKernel(const void* f, dim3 grid, dim3 block, void** args, size_t shared, cudaStream_t stream) {
  ENTER;
  return launch_kernel(kernel_of(f), grid, block, args, shared, stream);
}
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
    E(cudaErrorNotSupported);
    default: return "an error";
  }
}
const char* cudaGetErrorString(cudaError_t e) { return cudaGetErrorName(e); }

cudaError_t cudaGetDeviceCount(int* n) {
  *n = cfg().devices;
  return *n > 0 ? cudaSuccess : set(cudaErrorNoDevice);
}
cudaError_t cudaGetDevice(int* n) {
  *n = current;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int n) {
  if (n < 0 || n >= cfg().devices) return set(cudaErrorInvalidDevice);
  current = n;
  LOCK;
  start();
  if (sticky(current) != cudaSuccess) return set(sticky(current));
  return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int* v) {
  *v = 13000;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* v) {
  *v = 13000;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int device) {
  if (device < 0 || device >= cfg().devices) return set(cudaErrorInvalidDevice);
  memset(p, 0, sizeof *p);
  snprintf(p->name, sizeof p->name, "Emulated GPU");
  for (int i = 0; i < 16; ++i) p->uuid.bytes[i] = char(17 * i + device);
  p->totalGlobalMem = cfg().memory;
  p->major = 9;
  p->multiProcessorCount = cfg().sms;
  p->warpSize = 32;
  p->sharedMemPerBlock = 49152;
  p->sharedMemPerBlockOptin = 232448;
  p->sharedMemPerMultiprocessor = 233472;
  p->maxThreadsPerMultiProcessor = 2048;
  p->maxThreadsPerBlock = 1024;
  p->regsPerBlock = p->regsPerMultiprocessor = 65536;
  p->unifiedAddressing = 1;
  p->memoryPoolsSupported = 1;
  p->l2CacheSize = 50 << 20;
  p->maxThreadsDim[0] = p->maxThreadsDim[1] = 1024;
  p->maxThreadsDim[2] = 64;
  p->maxGridSize[0] = 0x7fffffff;
  p->maxGridSize[1] = p->maxGridSize[2] = 65535;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* v, cudaDeviceAttr a, int device) {
  if (device < 0 || device >= cfg().devices) return set(cudaErrorInvalidDevice);
  switch (a) {
    case cudaDevAttrMultiProcessorCount: *v = cfg().sms; break;
    case cudaDevAttrComputeCapabilityMajor: *v = 9; break;
    case cudaDevAttrComputeCapabilityMinor: *v = 0; break;
    case cudaDevAttrMaxSharedMemoryPerBlock: *v = 49152; break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: *v = 232448; break;
    case cudaDevAttrWarpSize: *v = 32; break;
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

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  ENTER;
  const Device& d = w().devices[current];
  *total = cfg().memory;
  *free = cfg().memory - std::min(cfg().memory, d.used + d.pool_reserved);
  return cudaSuccess;
}
cudaError_t cudaMalloc(void** p, size_t bytes) {
  ENTER;
  if (const auto e = unsafe("cudaMalloc")) return set(e);
  Device& d = w().devices[current];
  *p = nullptr;
  if (bytes == 0) return cudaSuccess;
  if (d.used + d.pool_reserved + bytes > cfg().memory) {  // the driver takes back what the pool does not use
    d.pool_reserved = d.pool_used + d.freed_unexecuted;
    d.cached.clear();
  }
  if (d.used + d.pool_reserved + bytes > cfg().memory) return set(cudaErrorMemoryAllocation);
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
  w().devices[a->device].used -= a->size;
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
  if (cfg().memory < bytes) return set(cudaErrorMemoryAllocation);
  void* m = mmap(nullptr, bytes + 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  const u64 begin = u64(m) + 512;
  memset((void*)begin, 0xff, std::min<u64>(bytes, cfg().fill_max));
  pinned()[begin] = {begin, bytes, Kind::pinned, 0, Life::live, ++w().births};
  for (Device& d : w().devices) add_range(d.memory, {begin, begin + bytes, true});
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
  for (int d = 0; d < cfg().devices; ++d) drain_device(d);  // it waits, as cudaFree does
  for (Device& d : w().devices) drop_range(d.memory, at->first);
  munmap((void*)(at->first - 512), at->second.size + 8192);
  pinned().erase(at);
  return cudaSuccess;
}
cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int device) {
  if (device < 0 || device >= cfg().devices) return set(cudaErrorInvalidDevice);
  static std::map<int, CUmemPoolHandle_st> pools;
  LOCK;
  *pool = &pools.emplace(device, CUmemPoolHandle_st{device}).first->second;
  return cudaSuccess;
}
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr a, void* v) {
  ENTER;
  if (a == cudaMemPoolAttrReleaseThreshold) w().devices[pool->device].threshold = *static_cast<u64*>(v);
  return cudaSuccess;
}
cudaError_t cudaDeviceCanAccessPeer(int* can, int device, int peer) {
  if (device < 0 || device >= cfg().devices || peer < 0 || peer >= cfg().devices || device == peer)
    return set(cudaErrorInvalidDevice);
  *can = 1;
  return cudaSuccess;
}
cudaError_t cudaMemPoolSetAccess(cudaMemPool_t, const cudaMemAccessDesc*, size_t) { return cudaSuccess; }
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, size_t) {
  ENTER;
  Device& d = w().devices[pool->device];
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
  Device& d = w().devices[s->device];
  if (const auto kept = d.cached.find(bytes); kept != d.cached.end()) {
    d.cached.erase(kept);
  } else {
    if (d.used + d.pool_reserved + bytes > cfg().memory) return set(cudaErrorMemoryAllocation);
    d.pool_reserved += bytes;
  }
  d.pool_used += bytes;
  const u64 begin = place(bytes, Kind::async, s->device, Life::queued).begin;
  *p = (void*)begin;
  return set(enqueue(s, {"allocation of " + std::to_string(bytes),
                         [begin] {
                           Alloc& a = w().allocs.at(begin);
                           a.life = Life::live;
                           add_range(w().devices[a.device].memory, {a.begin, a.begin + a.size, true});
                         },
                         nullptr, nullptr}));
}
cudaError_t cudaFreeAsync(void* p, cudaStream_t stream) {
  ENTER;
  const auto s = state_of(stream);
  if (!s) return set(cudaErrorInvalidResourceHandle);
  if (p == nullptr) return cudaSuccess;
  Alloc* const a = find_alloc(p);
  auto& freeing = w().given;
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
  Device& d = w().devices[a->device];
  if (s->device != a->device) say("cudaFreeAsync on a stream of another device");
  d.pool_used -= a->size;
  d.cached.insert(a->size);
  d.freed_unexecuted += a->size;
  return set(enqueue(s, {"release of allocation " + std::to_string(a->number),
                         [begin] {
                           Alloc& gone = w().allocs.at(begin);
                           w().devices[gone.device].freed_unexecuted -= gone.size;
                           if (gone.life == Life::queued) throw std::runtime_error("released before it was allocated");
                           vanish(gone);
                         },
                         nullptr, nullptr}));
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  ENTER;
  return copy_async(to, from, bytes, kind, stream);
}
cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  ENTER;
  if (const auto e = unsafe("cudaMemcpy")) return set(e);
  if (const auto e = copy_async(to, from, bytes, kind, nullptr)) return e;
  drain(state_of(nullptr).get());
  return set(sticky(current));
}
cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t stream) {
  ENTER;
  const auto s = state_of(stream);
  if (!s) return set(cudaErrorInvalidResourceHandle);
  if (bytes == 0) return cudaSuccess;
  const Alloc* a = find_alloc(to);
  if (a == nullptr || u64(to) + bytes > a->begin + a->size || a->life == Life::freed) {
    say("cudaMemsetAsync of %zu at %s", bytes, describe(to).c_str());
    backtrace_here();
    return set(cudaErrorInvalidValue);
  }
  return set(enqueue(s, {"memset of " + std::to_string(bytes),
                         [=] {
                           need_device(to, bytes, "memset");
                           memset(to, value, bytes);
                         },
                         nullptr, nullptr}));
}
cudaError_t cudaMemset(void* to, int value, size_t bytes) {
  {
    ENTER;
    if (const auto e = unsafe("cudaMemset")) return set(e);
  }
  return cudaMemsetAsync(to, value, bytes, nullptr);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* s, unsigned flags) {
  ENTER;
  if (flags != cudaStreamNonBlocking) say("a blocking stream, which is treated as one that is not");
  *s = new CUstream_st{make_stream(current)};
  live_handles().insert(*s);
  kinds()[*s] = "stream";
  return cudaSuccess;
}
cudaError_t cudaStreamCreate(cudaStream_t* s) { return cudaStreamCreateWithFlags(s, cudaStreamNonBlocking); }
cudaError_t cudaStreamDestroy(cudaStream_t s) {
  LOCK;
  if (!live_handles().contains(s)) {
    say("cudaStreamDestroy of no stream");
    return set(cudaErrorInvalidResourceHandle);
  }
  s->state->destroyed = true;  // its work goes on
  live_handles().erase(s);
  delete s;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  ENTER;
  const auto s = state_of(stream);
  if (!s) return set(cudaErrorInvalidResourceHandle);
  if (s->capture) {
    invalidate(*s->capture, "cudaStreamSynchronize of the capturing stream");
    return set(cudaErrorStreamCaptureUnsupported);
  }
  if (const auto e = unsafe("cudaStreamSynchronize")) return set(e);
  drain(s.get());
  return set(sticky(s->device));
}
cudaError_t cudaStreamQuery(cudaStream_t stream) {
  ENTER;
  const auto s = state_of(stream);
  if (!s) return set(cudaErrorInvalidResourceHandle);
  if (s->capture) {
    invalidate(*s->capture, "cudaStreamQuery of the capturing stream");
    return set(cudaErrorStreamCaptureUnsupported);
  }
  if (const auto e = unsafe("cudaStreamQuery")) return set(e);
  if (!s->ops.empty() && s->queries++ < cfg().queries) return set(cudaErrorNotReady);
  drain(s.get());
  return set(sticky(s->device));
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  ENTER;
  const auto s = state_of(stream);
  if (!s || !live_handles().contains(event)) {
    say("cudaStreamWaitEvent of a dead stream or event");
    return set(cudaErrorInvalidResourceHandle);
  }
  const auto record = event->record;
  if (!record) return cudaSuccess;  // never recorded
  if (record->capture) {
    if (!captures().contains(record->capture)) {
      say("a wait for an event of a capture that is over");
      return set(cudaErrorCapturedEvent);
    }
    if (s->capture && s->capture != record->capture) return set(cudaErrorStreamCaptureIsolation);
    if (!s->capture) {
      if (!s->ops.empty()) say("a stream with work joins a capture");
      s->capture = record->capture;
      s->capture->forked.insert(s.get());
    }
    if (s.get() == s->capture->origin) s->capture->forked.erase(record->stream.get());
    return cudaSuccess;
  }
  if (s->capture) {
    invalidate(*s->capture, "a wait for an event from outside of the capture");
    return set(cudaErrorStreamCaptureIsolation);
  }
  return set(
      enqueue(s, {"wait for an event of stream " + std::to_string(record->stream->number), nullptr, record, nullptr}));
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* e, unsigned flags) {
  ENTER;
  *e = new CUevent_st{nullptr, current, (flags & cudaEventDisableTiming) == 0};
  kinds()[*e] = "event";
  live_handles().insert(*e);
  return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t* e) { return cudaEventCreateWithFlags(e, 0); }
cudaError_t cudaEventDestroy(cudaEvent_t e) {
  LOCK;
  if (!live_handles().contains(e)) {
    say("cudaEventDestroy of no event");
    backtrace_here();
    return set(cudaErrorInvalidResourceHandle);
  }
  live_handles().erase(e);
  delete e;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t stream) {
  ENTER;
  const auto s = state_of(stream);
  if (!s || !live_handles().contains(e)) return set(cudaErrorInvalidResourceHandle);
  if (e->device != s->device) {
    say("cudaEventRecord of an event of another device");
    return set(cudaErrorInvalidResourceHandle);
  }
  auto record = std::make_shared<Record>();
  record->stream = s;
  record->capture = s->capture;
  e->record = record;
  if (s->capture) return set(s->capture->valid ? cudaSuccess : cudaErrorStreamCaptureInvalidated);
  return set(enqueue(s, {"event", nullptr, nullptr, record}));
}
cudaError_t cudaEventSynchronize(cudaEvent_t e) {
  ENTER;
  if (!live_handles().contains(e)) return set(cudaErrorInvalidResourceHandle);
  if (e->record && e->record->capture) {
    invalidate(*e->record->capture, "cudaEventSynchronize of a captured event");
    return set(cudaErrorCapturedEvent);
  }
  if (const auto x = unsafe("cudaEventSynchronize")) return set(x);
  if (e->record && !e->record->done) drain(e->record->stream.get(), e->record.get());
  return set(sticky(e->device));
}
cudaError_t cudaEventQuery(cudaEvent_t e) {
  ENTER;
  if (!live_handles().contains(e)) return set(cudaErrorInvalidResourceHandle);
  if (const auto x = unsafe("cudaEventQuery")) return set(x);
  if (!e->record || e->record->done) return cudaSuccess;
  if (e->record->stream->queries++ < cfg().queries) return set(cudaErrorNotReady);
  drain(e->record->stream.get(), e->record.get());
  return set(sticky(e->device));
}
cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t, cudaEvent_t) {
  *ms = 1;
  return cudaSuccess;
}

// ---------------------------------------------------------------- graphs
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  ENTER;
  const auto s = state_of(stream);
  if (!s) return set(cudaErrorInvalidResourceHandle);
  if (stream == nullptr) return set(cudaErrorStreamCaptureUnsupported);
  if (s->capture) {
    say("cudaStreamBeginCapture on a stream that is capturing");
    return set(cudaErrorIllegalState);
  }
  auto c = std::make_shared<Capture>();
  c->origin = s.get();
  c->mode = mode;
  c->thread = std::this_thread::get_id();
  s->capture = c;
  captures().insert(c);
  ++w().captures;
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  ENTER;
  *graph = nullptr;
  const auto s = state_of(stream);
  if (!s) return set(cudaErrorInvalidResourceHandle);
  if (!s->capture) return set(cudaErrorIllegalState);
  const auto c = s->capture;
  if (c->origin != s.get()) return set(cudaErrorStreamCaptureUnmatched);
  if (c->thread != std::this_thread::get_id() && c->mode != cudaStreamCaptureModeRelaxed) {
    say("cudaStreamEndCapture by another thread");
    return set(cudaErrorStreamCaptureWrongThread);
  }
  captures().erase(c);
  for (const auto& other : all_streams())
    if (other->capture == c) other->capture = nullptr;
  if (!c->valid) {
    say("cudaStreamEndCapture: %s", c->why.c_str());
    return set(cudaErrorStreamCaptureInvalidated);
  }
  if (!c->forked.empty()) return set(cudaErrorStreamCaptureUnjoined);
  *graph = new CUgraph_st{std::move(c->ops)};
  live_handles().insert(*graph);
  kinds()[*graph] = "graph";
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* e, cudaGraph_t graph, unsigned long long) {
  ENTER;
  if (!live_handles().contains(graph)) return set(cudaErrorInvalidResourceHandle);
  *e = new CUgraphExec_st{std::make_shared<std::vector<Op>>(graph->ops)};
  kinds()[*e] = "executable graph";
  live_handles().insert(*e);
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t g) {
  LOCK;
  if (!live_handles().contains(g)) {
    say("cudaGraphDestroy of no graph");
    return set(cudaErrorInvalidResourceHandle);
  }
  live_handles().erase(g);
  delete g;
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t g) {
  LOCK;
  if (!live_handles().contains(g)) {
    say("cudaGraphExecDestroy of no graph");
    backtrace_here();
    return set(cudaErrorInvalidResourceHandle);
  }
  live_handles().erase(g);
  delete g;
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t g, cudaStream_t stream) {
  ENTER;
  if (!live_handles().contains(g)) {
    say("cudaGraphLaunch of no graph");
    backtrace_here();
    return set(cudaErrorInvalidResourceHandle);
  }
  const auto s = state_of(stream);
  const auto ops = g->ops;
  return set(enqueue(s, {"graph of " + std::to_string(ops->size()),
                         [ops] {
                           ++w().graph_launches;
                           for (const Op& op : *ops) {
                             if (cfg().trace) say("  graph: %s", op.what.c_str());
                             if (op.run) op.run();
                           }
                         },
                         nullptr, nullptr}));
}

// ---------------------------------------------------------------- libraries
cudaError_t cudaLibraryLoadData(cudaLibrary_t* library, const void* code, cudaJitOption*, void**, unsigned,
                                cudaLibraryOption*, void**, unsigned) {
  ENTER;
  if (const auto e = unsafe("cudaLibraryLoadData")) return set(e);
  auto mod = std::make_shared<Mod>(Mod{static_cast<const char*>(code), nullptr, {}});
  if (!load(*mod)) return set(cudaErrorInvalidKernelImage);
  *library = new CUlib_st{mod, {}};
  live_handles().insert(*library);
  kinds()[*library] = "library";
  return cudaSuccess;
}
cudaError_t cudaLibraryGetKernel(cudaKernel_t* k, cudaLibrary_t library, const char* name) {
  ENTER;
  if (!live_handles().contains(library)) return set(cudaErrorInvalidResourceHandle);
  if (const auto found = library->kernels.find(name); found != library->kernels.end()) {
    *k = found->second;
    return cudaSuccess;
  }
  if (galena::ptx::find(*library->mod->loaded, name) == nullptr) {
    say("no kernel %s in a library", name);
    return set(cudaErrorSymbolNotFound);
  }
  *k = library->kernels[name] = new CUkern_st{library->mod, name};
  kernels().insert(*k);
  return cudaSuccess;
}
cudaError_t cudaLibraryUnload(cudaLibrary_t library) {
  LOCK;
  if (!live_handles().contains(library)) return set(cudaErrorInvalidResourceHandle);
  for (int d = 0; d < cfg().devices; ++d) drain_device(d);
  for (const auto& [name, k] : library->kernels) k->dead = true;
  if (library->mod->loaded)
    for (const galena::ptx::Range& r : galena::ptx::storage(*library->mod->loaded))
      for (Device& d : w().devices) drop_range(d.memory, r.begin);
  live_handles().erase(library);
  delete library;
  return cudaSuccess;
}
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* a, const void* f) {
  ENTER;
  CUkern_st* const k = kernel_of(f);
  if (k == nullptr || info_of(k) == nullptr) return set(cudaErrorInvalidDeviceFunction);
  memset(a, 0, sizeof *a);
  a->sharedSizeBytes = k->info->static_shared;
  a->maxThreadsPerBlock = int(k->info->max_threads);
  a->numRegs = 32;
  a->ptxVersion = a->binaryVersion = 90;
  a->maxDynamicSharedSizeBytes = int(k->dynamic_limit - k->info->static_shared);
  return cudaSuccess;
}
cudaError_t cudaFuncSetAttribute(const void* f, cudaFuncAttribute a, int v) {
  ENTER;
  CUkern_st* const k = kernel_of(f);
  if (k == nullptr) return set(cudaErrorInvalidDeviceFunction);
  if (a == cudaFuncAttributeMaxDynamicSharedMemorySize) {
    if (v < 0 || size_t(v) + (info_of(k) ? info_of(k)->static_shared : 0) > 232448) return set(cudaErrorInvalidValue);
    k->dynamic_limit = size_t(v);
  }
  return cudaSuccess;
}
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* n, const void* f, int threads, size_t dynamic) {
  ENTER;
  CUkern_st* const k = kernel_of(f);
  if (k == nullptr || info_of(k) == nullptr) return set(cudaErrorInvalidDeviceFunction);
  if (threads > int(k->info->max_threads)) {
    *n = 0;
    return cudaSuccess;
  }
  const size_t shared = k->info->static_shared + dynamic + 1024;
  *n = int(std::min<size_t>({size_t(2048 / std::max(1, threads)), 233472 / shared, 32, size_t(cfg().occupancy)}));
  if (k->info->static_shared + dynamic > (k->dynamic_limit > 49152 ? 232448u : 49152u)) *n = 0;
  return cudaSuccess;
}
}  // extern "C"
