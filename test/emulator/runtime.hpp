#pragma once
// The CUDA runtime of emulated devices: faithful in what it refuses, adversarial in when it does things. Streams are queues
// of work that run where somebody waits for them, or earlier where the order is early or random. A fault of a kernel is
// told, and stays as the device's error. One lock holds all; it is let go where a stream waits for what another thread is
// to queue (NCCL's messages).

#include <cuda_runtime_api.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "test/emulator/ptx.hpp"
#include "test/emulator/settings.hpp"

namespace galena::emulator {

using u64 = std::uint64_t;

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
  ptx::Memory memory;
  u64 used = 0, pool_used = 0, pool_reserved = 0;  // bytes
  std::multiset<u64> cached;                       // sizes that the pool keeps
  u64 freed_unexecuted = 0;
  u64 threshold = 0;
  std::set<int> open_to;  ///< devices that may touch its pool's memory
  cudaError_t sticky = cudaSuccess;
};
struct World {
  std::vector<Device> devices{size_t(settings().devices)};
  std::map<u64, Alloc> allocs;
  u64 bump = kArena, unlocked = 0, high = kArena;
  u64 births = 0, launches = 0, copies = 0, graph_launches = 0, faults = 0, captures = 0;
  u64 misused = 0;  ///< calls that no error code tells of
  bool ready = false;
  std::map<u64, std::deque<u64>> quarantine;
  u64 quarantined = 0;
  std::set<u64> given;
};
World& world();

struct Record;
struct StreamState;
struct Op {
  std::string what;
  std::function<void()> run;
  std::shared_ptr<Record> waits, signals;
  std::function<bool()> ready = {};  ///< asked when it is the first of its stream: whether it can run; none: it can
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
  int queries = 0;
  bool advancing = false;  ///< somewhere up the stack
  int claimed = 0;         ///< by what a library is about to queue: nobody else may
};
struct Mod {
  std::string text;
  std::shared_ptr<ptx::Module> loaded;
  std::string failure;
};
}  // namespace galena::emulator

struct CUstream_st {
  std::shared_ptr<galena::emulator::StreamState> state;
};
struct CUevent_st {
  std::shared_ptr<galena::emulator::Record> record;
  int device;
  bool timing;
  double time = 0;
};
struct CUgraph_st {
  std::vector<galena::emulator::Op> ops;
};
struct CUgraphExec_st {
  std::shared_ptr<std::vector<galena::emulator::Op>> ops;
};
struct CUmemPoolHandle_st {
  int device;
};
struct CUlib_st {
  std::shared_ptr<galena::emulator::Mod> mod;
  std::map<std::string, CUkern_st*> kernels;
};
struct CUkern_st {
  std::shared_ptr<galena::emulator::Mod> mod;
  std::string name;
  size_t dynamic_limit = 49152;
  const galena::ptx::Kernel* info = nullptr;
  bool dead = false;
};

namespace galena::emulator {

/// A recursive lock that can be let go altogether.
class Lock {
 public:
  void lock();
  void unlock();
  /// Lets go of it, however often it is held, until changed() is called, or a millisecond has gone by.
  void wait();
  void changed() { changed_.notify_all(); }

 private:
  std::recursive_mutex mutex_;
  std::condition_variable_any changed_;
  int depth_ = 0;
};
Lock& big();
std::mt19937_64& rng();
[[gnu::format(printf, 1, 2)]] void say(const char* format, ...);
void backtrace_here();

extern thread_local cudaError_t last_error;
extern thread_local int current;

/// Remembers an error, as the runtime does, and returns it.
cudaError_t set(cudaError_t e);

// Memory.
void start();
struct Unlocked {  ///< device memory may be touched
  Unlocked();
  ~Unlocked();
};
void add_range(ptx::Memory& m, ptx::Range r);
void drop_range(ptx::Memory& m, u64 begin);
Alloc& place(u64 size, Kind kind, int device, Life life);
void vanish(Alloc& a);
Alloc* find_alloc(const void* p);
bool is_arena(const void* p);
/// Pinned memory: ordinary memory that all devices may touch.
std::map<u64, Alloc>& pinned();
Alloc* find_pinned(const void* p);
std::string describe(const void* p);
/// Throws unless the device's memory there is live.
void need_device(const void* p, u64 bytes, const char* what);

// Streams.
std::map<void*, const char*>& kinds();
std::set<void*>& live_handles();
std::vector<std::shared_ptr<StreamState>>& all_streams();
std::set<std::shared_ptr<Capture>>& captures();
std::shared_ptr<StreamState> make_stream(int device);
std::shared_ptr<StreamState> state_of(cudaStream_t s);
/// Runs what the stream holds, or until the record is done, as far as that goes without waiting for other threads; true
/// where it went so far.
bool advance(StreamState& s, const Record* until = nullptr);
/// The next of it; false where that waits for other threads.
bool step(StreamState& s);
/// The same, and waits.
void drain(const std::shared_ptr<StreamState>& s, const std::shared_ptr<Record>& until = nullptr);
void drain_device(int device);
/// In random order: something may happen at any call.
void shake();
/// What goes on beside the threads that call, as NCCL's own; asked while somebody waits.
std::vector<std::function<void()>>& beside();
void invalidate(Capture& c, const std::string& why);
/// Refuses calls that a thread must not make while it captures.
cudaError_t unsafe(const char* call);
/// A fault of a device: told, and its error from now on.
void fault(int device, const std::string& what);
/// Queues work on a stream.
cudaError_t enqueue(const std::shared_ptr<StreamState>& s, Op op);
cudaError_t sticky(int device);

// Modules.
std::set<CUkern_st*>& kernels();
void register_function(const void* host, CUkern_st* kernel);
bool load(Mod& m);
const ptx::Kernel* info_of(CUkern_st* k);
CUkern_st* kernel_of(const void* f);

}  // namespace galena::emulator

#define LOCK std::scoped_lock lock_(galena::emulator::big())
#define ENTER \
  LOCK;       \
  start();    \
  shake();    \
  if (sticky(current) != cudaSuccess) return set(sticky(current))
