// The part of NCCL that is used, between emulated devices of one process, as unforgiving as the library, or more so. What
// goes on beside the calls goes on as late as it may: a communicator that does not block is in progress until it has been
// asked for some times, or somebody waits in vain. Messages move when both ends are first in their streams, and until then
// what is received into holds garbage.

#include <nccl.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "test/emulator/runtime.hpp"

using namespace galena::emulator;

namespace {

struct Group;
/// One send or receive.
struct Part {
  bool sends = false;
  char* memory = nullptr;
  u64 count = 0;
  ncclDataType_t type{};
  int peer = 0;
  Group* of = nullptr;
  bool over = false, matched = false;
  std::vector<char> buffered = {};  ///< of a send that is over before it is received
};
/// What a rank begins at once: one kernel on its stream.
struct Group {
  std::shared_ptr<struct Rank> rank;
  std::deque<Part> parts;
  cudaStream_t stream = nullptr;
  std::shared_ptr<StreamState> queue;
  bool started = false, over = false;

  ~Group() { claim(false); }
  /// Until it is queued nothing else may be.
  void claim(bool on) {
    if (claimed == on || !queue) return;
    claimed = on;
    queue->claimed += on ? 1 : -1;
  }
  bool claimed = false;
};
struct Clique {
  int size = 0;
  std::vector<std::shared_ptr<Rank>> ranks;
  using Pair = std::pair<int, int>;                   // from, to
  std::map<Pair, std::deque<Part*>> sends, receives;  // those that have no partner
  std::set<Pair> sender_connects, receiver_connects;  // whoever has posted a message of the pair
  std::vector<std::shared_ptr<Group>> held;           // of which parts may be in the queues
};
struct Rank {
  std::shared_ptr<Clique> clique;
  int rank = 0, device = 0;
  bool blocking = true, aborted = false, finalized = false;
  ncclResult_t state = ncclSuccess;
  int looks = 0;                                ///< before what is in progress may be done
  std::function<bool()> job;                    ///< in progress; true: it is done
  std::deque<std::shared_ptr<Group>> launched;  ///< that are not over
};

std::map<std::string, std::shared_ptr<Clique>>& cliques() {
  static auto* all = new std::map<std::string, std::shared_ptr<Clique>>;
  return *all;
}
u64 made = 0;

ncclResult_t refuse(ncclResult_t why, const std::string& what) {
  say("NCCL: %s", what.c_str());
  return why;
}
void spoil(Rank& rank, ncclResult_t why, const std::string& what) {
  rank.state = refuse(why, "rank " + std::to_string(rank.rank) + ": " + what);
  rank.job = nullptr;
  ++world().faults;
  big().changed();
}

u64 width(ncclDataType_t type) {
  switch (type) {
    case ncclInt8:
    case ncclUint8: return 1;
    case ncclFloat16:
    case ncclBfloat16: return 2;
    case ncclInt32:
    case ncclUint32:
    case ncclFloat32: return 4;
    default: return 8;
  }
}

// --- Progress

void look(Rank& rank, bool eager) {
  if (rank.state != ncclInProgress || !rank.job) return;
  if (rank.looks > 0) --rank.looks;
  if (rank.looks > 0 && !eager) return;
  if (const auto job = rank.job; job() && rank.job) {
    rank.job = nullptr;
    if (rank.state == ncclInProgress) rank.state = ncclSuccess;
    big().changed();
  }
}
void begin(Rank& rank, std::function<bool()> job) {
  rank.state = ncclInProgress;
  rank.looks = int(rng()() % 4);
  rank.job = std::move(job);
}
/// The library's own threads go on while somebody waits.
void go_on() {
  for (const auto& [id, clique] : cliques())
    for (const auto& rank : clique->ranks)
      if (rank && !rank->aborted) look(*rank, false);
}
/// A blocking communicator's call waits for what it has begun.
ncclResult_t finish(Rank& rank) {
  if (!rank.blocking) return rank.state;
  while (rank.state == ncclInProgress && !rank.aborted) {
    look(rank, true);
    go_on();
    if (rank.state == ncclInProgress) big().wait();
  }
  return rank.state;
}

// --- Messages

void need_open(const Part& part, const Rank& to) {
  const Alloc* a = find_alloc(part.memory);
  if (a != nullptr && a->kind == Kind::async && a->device != to.device &&
      !world().devices[a->device].open_to.contains(to.device))
    throw std::runtime_error("NCCL: memory of a pool that device " + std::to_string(to.device) +
                             " may not touch: " + describe(part.memory));
}
void copy(const Part& send, const Part& receive) {
  const u64 bytes = send.count * width(send.type);
  if (bytes == 0) return;
  if (!send.over) need_device(send.memory, bytes, "ncclSend");
  need_device(receive.memory, bytes, "ncclRecv");
  if (!send.over) need_open(send, *receive.of->rank);
  need_open(receive, *send.of->rank);
  const Unlocked open;
  std::memmove(receive.memory, send.over ? send.buffered.data() : send.memory, bytes);
}
/// A short message may be on its way before anybody takes it; its sender is done with it.
void buffer(Part& send) {
  const u64 bytes = send.count * width(send.type);
  if (bytes > 1 << 16 || rng()() % 2 == 0) return;
  if (bytes > 0) {
    need_device(send.memory, bytes, "ncclSend");
    const Unlocked open;
    send.buffered.assign(send.memory, send.memory + bytes);
  }
  send.over = true;
}
void start_group(Group& g) {
  g.started = true;
  for (Part& part : g.parts) {
    auto& clique = *g.rank->clique;
    const Clique::Pair pair =
        part.sends ? Clique::Pair{g.rank->rank, part.peer} : Clique::Pair{part.peer, g.rank->rank};
    (part.sends ? clique.sends : clique.receives)[pair].push_back(&part);
    try {
      if (part.sends) buffer(part);
      if (part.sends || part.count == 0) continue;
      need_device(part.memory, part.count * width(part.type), "ncclRecv");
      const Unlocked open;
      std::memset(part.memory, 0xcd, part.count * width(part.type));
    } catch (const std::exception& e) {
      fault(g.rank->device, e.what());
    }
  }
}
/// Moves what has both ends started, in order.
void match(Clique& clique) {
  for (auto& [pair, sends] : clique.sends) {
    auto& receives = clique.receives[pair];
    while (!sends.empty() && !receives.empty()) {
      Part &send = *sends.front(), &receive = *receives.front();
      Rank &from = *send.of->rank, &to = *receive.of->rank;
      if (from.aborted || to.aborted) break;
      if (world().devices[from.device].sticky != cudaSuccess || world().devices[to.device].sticky != cudaSuccess) break;
      if (send.count != receive.count || send.type != receive.type) {
        if (from.state == ncclSuccess || from.state == ncclInProgress) {
          const std::string what = "a message of " + std::to_string(send.count) + " elements of type " +
                                   std::to_string(send.type) + " meets a receive of " + std::to_string(receive.count) +
                                   " of type " + std::to_string(receive.type);
          spoil(from, ncclInternalError, what);
          spoil(to, ncclInternalError, what);
        }
        break;  // and never ends
      }
      sends.pop_front();
      receives.pop_front();
      try {
        copy(send, receive);
      } catch (const std::exception& e) {
        fault(to.device, e.what());
      }
      send.over = receive.over = send.matched = receive.matched = true;
    }
  }
  std::erase_if(clique.held, [](const auto& g) { return g->over && std::ranges::all_of(g->parts, &Part::matched); });
}
/// The groups that others have queued and that the messages of this one need.
void bring_partners(Group& g) {
  for (const Part& part : g.parts) {
    if (part.over) continue;
    const auto& peer = g.rank->clique->ranks[part.peer];
    if (!peer || peer->aborted) continue;
    const auto waiting = peer->launched;
    for (const auto& other : waiting)
      while (!other->started && !other->over && !other->queue->advancing && !other->queue->ops.empty()) {
        other->queue->advancing = true;
        const bool went = step(*other->queue);
        other->queue->advancing = false;
        if (!went) break;
      }
  }
}
/// Whether the first group of a stream is over.
bool group_over(const std::shared_ptr<Group>& g) {
  Rank& rank = *g->rank;
  if (rank.aborted) g->over = true;
  if (g->over) return true;
  if (rank.launched.front() != g) return false;  // a communicator's groups go in order
  if (!g->started) start_group(*g);
  match(*rank.clique);
  bring_partners(*g);
  match(*rank.clique);
  if (!std::ranges::all_of(g->parts, &Part::over)) return false;
  g->over = true;
  rank.launched.pop_front();
  ++world().launches;
  return true;
}
/// Ends what a rank has under way, as the abort flag that its kernels look at.
void forget_groups(Rank& rank) {
  for (auto* queues : {&rank.clique->sends, &rank.clique->receives})
    for (auto& [pair, parts] : *queues) std::erase_if(parts, [&](const Part* p) { return p->of->rank.get() == &rank; });
  for (const auto& g : rank.launched) g->over = true;
  rank.launched.clear();
  std::erase_if(rank.clique->held, [&](const auto& g) { return g->rank.get() == &rank; });
}

// --- Groups

thread_local int depth = 0;
thread_local ncclResult_t group_error = ncclSuccess;
thread_local std::vector<std::shared_ptr<Group>> pending;

/// Ranks find each other when they first have messages for each other: that needs both.
bool connected(const Group& g) {
  Clique& clique = *g.rank->clique;
  bool all = true;
  for (const Part& part : g.parts) {
    const Clique::Pair pair =
        part.sends ? Clique::Pair{g.rank->rank, part.peer} : Clique::Pair{part.peer, g.rank->rank};
    (part.sends ? clique.sender_connects : clique.receiver_connects).insert(pair);
    all = all && (part.sends ? clique.receiver_connects : clique.sender_connects).contains(pair);
  }
  return all;
}
bool launch(const std::shared_ptr<Group>& g) {
  Rank& rank = *g->rank;
  if (!g->queue || g->queue->destroyed) {
    spoil(rank, ncclUnhandledCudaError, "a stream that is destroyed, or the default one");
    return true;
  }
  if (!connected(*g)) return false;
  g->claim(false);
  if (g->queue->device != rank.device || g->queue->capture) {
    spoil(rank, ncclUnhandledCudaError, g->queue->capture ? "a stream that captures" : "a stream of another device");
    return true;
  }
  rank.launched.push_back(g);
  rank.clique->held.push_back(g);
  const cudaError_t e = enqueue(g->queue, {"NCCL group of " + std::to_string(g->parts.size()), [] {}, nullptr, nullptr,
                                           [g] { return group_over(g); }});
  if (e != cudaSuccess) spoil(rank, ncclUnhandledCudaError, cudaGetErrorString(e));
  return true;
}

ncclResult_t group_end() {
  if (depth == 0) return refuse(ncclInvalidUsage, "ncclGroupEnd without ncclGroupStart");
  if (--depth > 0) return ncclSuccess;
  const auto groups = std::exchange(pending, {});
  if (const ncclResult_t e = std::exchange(group_error, ncclSuccess); e != ncclSuccess) {
    for (const auto& g : groups)
      if (!g->rank->blocking) g->rank->state = e;
    return e;
  }
  ncclResult_t result = ncclSuccess;
  for (const auto& g : groups) {
    if (g->rank->blocking != groups.front()->rank->blocking)
      return refuse(ncclInvalidArgument, "blocking and other communicators in one group");
    if (live_handles().contains(g->stream)) g->queue = state_of(g->stream);
    g->claim(true);
    begin(*g->rank, [g] { return launch(g); });
  }
  for (const auto& g : groups) {
    if (!g->rank->blocking && rng()() % 4 == 0) look(*g->rank, true);  // at once, for a change
    if (const ncclResult_t e = finish(*g->rank); e != ncclSuccess) result = e;
  }
  return result;
}

std::shared_ptr<Rank>* handle(ncclComm_t comm, const char* call);

ncclResult_t wrong(Rank& rank, const Part& part, cudaStream_t stream) {
  const std::string call = part.sends ? "ncclSend: " : "ncclRecv: ";
  if (rank.state == ncclInProgress) return refuse(ncclInvalidArgument, call + "its communicator is still in progress");
  if (rank.state != ncclSuccess) return rank.state;
  if (rank.finalized) return refuse(ncclInvalidUsage, call + "its communicator is finalized");
  if (part.peer < 0 || part.peer >= rank.clique->size) return refuse(ncclInvalidArgument, call + "no such peer");
  if (part.type < 0 || part.type >= ncclNumTypes) return refuse(ncclInvalidArgument, call + "no such type");
  if (part.count > 0) {
    const Alloc* const a = find_alloc(part.memory);
    if (a == nullptr || a->life == Life::freed || a->given_back || a->device != rank.device ||
        u64(part.memory) + part.count * width(part.type) > a->begin + a->size)
      return refuse(ncclInvalidArgument, call + std::to_string(part.count) + " elements at " + describe(part.memory));
  }
  for (const auto& g : pending)
    if (g->rank.get() == &rank && g->stream != stream)
      return refuse(ncclInvalidUsage, call + "two streams in a group, which is not emulated");
  return ncclSuccess;
}
ncclResult_t post(ncclComm_t comm, Part part, cudaStream_t stream) {
  LOCK;
  start();
  shake();
  const auto* const rank = handle(comm, part.sends ? "ncclSend" : "ncclRecv");
  if (rank == nullptr) {
    if (depth > 0) group_error = ncclInvalidArgument;
    return ncclInvalidArgument;
  }
  ++depth;
  ncclResult_t e = wrong(**rank, part, stream);
  if (e == ncclSuccess) {
    auto at = std::ranges::find_if(pending, [&](const auto& g) { return g->rank == *rank; });
    if (at == pending.end()) {
      pending.push_back(std::make_shared<Group>());
      at = pending.end() - 1;
      (*at)->rank = *rank;
      (*at)->stream = stream;
    }
    part.of = at->get();
    (*at)->parts.push_back(part);
  } else {
    group_error = e;
    if (!(*rank)->blocking) (*rank)->state = e;
  }
  const ncclResult_t ended = group_end();
  return e != ncclSuccess ? e : depth > 0 ? ncclSuccess : ended;
}

}  // namespace

struct ncclComm {
  std::shared_ptr<Rank> rank;
};

namespace {

std::shared_ptr<Rank>* handle(ncclComm_t comm, const char* call) {
  if (comm == nullptr || !live_handles().contains(comm)) {
    say("NCCL: %s: a communicator that is gone or never was", call);
    backtrace_here();
    ++world().faults;
    return nullptr;
  }
  return &comm->rank;
}

/// True when all ranks are there.
bool join(Clique& clique, Rank& me) {
  if (!std::ranges::all_of(clique.ranks, [](const auto& r) { return r != nullptr; })) return false;
  for (const auto& other : clique.ranks)
    if (other.get() != &me && other->device == me.device) {
      spoil(me, ncclInvalidUsage,
            "device " + std::to_string(me.device) + " is also that of rank " + std::to_string(other->rank));
      return true;
    }
  return true;
}

/// All that the rank has begun is over, here and at its peers, and all ranks have asked for it.
void begin_finalize(Rank& rank) {
  rank.finalized = true;
  begin(rank, [r = &rank] {
    const auto left = r->launched;
    for (const auto& g : left) advance(*g->queue);
    Clique& clique = *r->clique;
    const auto on_way = [&](const Part& p) { return !p.matched && !clique.ranks[p.peer]->aborted; };
    return r->launched.empty() &&
           std::ranges::none_of(
               clique.held,
               [&](const auto& g) { return g->rank.get() == r && std::ranges::any_of(g->parts, on_way); }) &&
           std::ranges::all_of(clique.ranks, [](const auto& other) { return other->finalized || other->aborted; });
  });
}

void drop(ncclComm_t comm) {
  const auto gone = [&](const auto& known) {
    return known.second == comm->rank->clique &&
           std::ranges::all_of(known.second->ranks, [](const auto& r) { return r && r->aborted; });
  };
  std::erase_if(cliques(), gone);
  live_handles().erase(comm);
  delete comm;
  big().changed();
}

}  // namespace

extern "C" {

ncclResult_t ncclGetVersion(int* version) {
  if (version == nullptr) return ncclInvalidArgument;
  *version = NCCL_VERSION_CODE;
  return ncclSuccess;
}
const char* ncclGetErrorString(ncclResult_t e) {
  switch (e) {
    case ncclSuccess: return "no error";
    case ncclUnhandledCudaError: return "unhandled cuda error";
    case ncclSystemError: return "unhandled system error";
    case ncclInternalError: return "internal error";
    case ncclInvalidArgument: return "invalid argument";
    case ncclInvalidUsage: return "invalid usage";
    case ncclRemoteError: return "remote process exited or there was a network error";
    case ncclInProgress: return "NCCL operation in progress";
    default: return "unknown result code";
  }
}
ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  LOCK;
  static u64 count = 0;
  if (id == nullptr) return ncclInvalidArgument;
  std::memset(id, 0x5a, sizeof *id);
  std::memcpy(id->internal, &++count, sizeof count);
  cliques()[std::string(id->internal, sizeof id->internal)] = std::make_shared<Clique>();
  return ncclSuccess;
}
ncclResult_t ncclCommInitRankConfig(ncclComm_t* comm, int size, ncclUniqueId id, int number, ncclConfig_t* config) {
  LOCK;
  start();
  if (comm == nullptr) return ncclInvalidArgument;
  *comm = nullptr;
  if (beside().empty()) beside().emplace_back(&go_on);
  const auto at = cliques().find(std::string(id.internal, sizeof id.internal));
  if (at == cliques().end()) return refuse(ncclInvalidArgument, "ncclCommInitRank: an id that nobody made");
  if (size < 1 || number < 0 || number >= size) return refuse(ncclInvalidArgument, "ncclCommInitRank: no such rank");
  if (config != nullptr && (config->size != sizeof(ncclConfig_t) || config->magic != 0xcafebeef))
    return refuse(ncclInvalidArgument, "ncclCommInitRankConfig: a config that is not initialized");
  const auto clique = at->second;
  if (clique->size == 0) {
    clique->size = size;
    clique->ranks.resize(size);
  }
  if (clique->size != size || clique->ranks[number])
    return refuse(ncclInvalidUsage, "ncclCommInitRank: a rank twice, or ranks of several minds");
  const auto rank = std::make_shared<Rank>();
  rank->clique = clique;
  rank->rank = number;
  rank->device = current;
  rank->blocking = config == nullptr || config->blocking != 0;
  clique->ranks[number] = rank;
  begin(*rank, [r = rank.get()] { return join(*r->clique, *r); });
  *comm = new ncclComm{rank};
  live_handles().insert(*comm);
  kinds()[*comm] = "NCCL communicator";
  ++made;
  const ncclResult_t e = finish(*rank);
  if (rank->blocking && e != ncclSuccess) {
    rank->aborted = true;
    drop(std::exchange(*comm, nullptr));
  }
  return e;
}
ncclResult_t ncclCommInitRank(ncclComm_t* comm, int size, ncclUniqueId id, int rank) {
  return ncclCommInitRankConfig(comm, size, id, rank, nullptr);
}
ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* state) {
  LOCK;
  shake();
  const auto* const rank = handle(comm, "ncclCommGetAsyncError");
  if (rank == nullptr || state == nullptr) return ncclInvalidArgument;
  look(**rank, false);
  *state = (*rank)->state;
  return ncclSuccess;
}
ncclResult_t ncclCommFinalize(ncclComm_t comm) {
  LOCK;
  const auto* const held = handle(comm, "ncclCommFinalize");
  if (held == nullptr) return ncclInvalidArgument;
  const auto rank = *held;
  if (rank->finalized) return refuse(ncclInvalidArgument, "ncclCommFinalize, again");
  if (rank->state == ncclInProgress) return refuse(ncclInvalidArgument, "ncclCommFinalize of what is in progress");
  begin_finalize(*rank);
  return finish(*rank);
}
ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  if (comm == nullptr) return ncclSuccess;
  LOCK;
  const auto* const held = handle(comm, "ncclCommDestroy");
  if (held == nullptr) return ncclInvalidArgument;
  const auto rank = *held;
  if (rank->state == ncclInProgress) return refuse(ncclInvalidArgument, "ncclCommDestroy of what is in progress");
  if (!rank->finalized) begin_finalize(*rank);
  while (rank->state == ncclInProgress) {
    look(*rank, true);
    go_on();
    if (rank->state == ncclInProgress) big().wait();
  }
  rank->aborted = true;
  drop(comm);
  return ncclSuccess;
}
ncclResult_t ncclCommAbort(ncclComm_t comm) {
  if (comm == nullptr) return ncclSuccess;
  LOCK;
  const auto* const held = handle(comm, "ncclCommAbort");
  if (held == nullptr) return ncclInvalidArgument;
  const auto rank = *held;
  rank->aborted = true;
  rank->job = nullptr;
  forget_groups(*rank);
  drop(comm);
  return ncclSuccess;
}
ncclResult_t ncclCommCount(const ncclComm_t comm, int* count) {
  LOCK;
  const auto* const rank = handle(comm, "ncclCommCount");
  if (rank == nullptr) return ncclInvalidArgument;
  *count = (*rank)->clique->size;
  return ncclSuccess;
}

ncclResult_t ncclGroupStart() {
  ++depth;
  return ncclSuccess;
}
ncclResult_t ncclGroupEnd() {
  LOCK;
  start();
  shake();
  return group_end();
}
ncclResult_t ncclSend(const void* from, size_t count, ncclDataType_t type, int peer, ncclComm_t comm,
                      cudaStream_t stream) {
  return post(comm, {true, static_cast<char*>(const_cast<void*>(from)), count, type, peer}, stream);
}
ncclResult_t ncclRecv(void* to, size_t count, ncclDataType_t type, int peer, ncclComm_t comm, cudaStream_t stream) {
  return post(comm, {false, static_cast<char*>(to), count, type, peer}, stream);
}

/// For tests: communicators made so far, and those that live.
int emulated_nccl_made(void) {
  LOCK;
  return int(made);
}
int emulated_nccl_live(void) {
  LOCK;
  int live = 0;
  for (void* h : live_handles()) live += std::string(kinds()[h]) == "NCCL communicator" ? 1 : 0;
  return live;
}

}  // extern "C"
