// Communicators, and what they have in progress.

#include <algorithm>
#include <cstring>

#include "test/emulator/nccl.hpp"

namespace galena::emulator::nccl {

namespace {

std::map<std::string, std::shared_ptr<Clique>>& cliques() {
  static auto* all = new std::map<std::string, std::shared_ptr<Clique>>;
  return *all;
}

}  // namespace

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

void look(Rank& rank, bool at_once) {
  if (rank.state != ncclInProgress || !rank.job) return;
  if (rank.looks > 0) --rank.looks;
  if (rank.looks > 0 && !at_once) return;
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
void go_on() {
  for (const auto& [id, clique] : cliques())
    for (const auto& rank : clique->ranks)
      if (rank && !rank->aborted) look(*rank, false);
}
ncclResult_t finish(Rank& rank) {
  if (!rank.blocking) return rank.state;
  while (rank.state == ncclInProgress && !rank.aborted) {
    look(rank, true);
    go_on();
    if (rank.state == ncclInProgress) big().wait();
  }
  return rank.state;
}

std::shared_ptr<Rank> rank_of(ncclComm_t comm, const char* call) {
  if (comm == nullptr || !live_handles().contains(comm)) {
    say("NCCL: %s: a communicator that is gone or never was", call);
    backtrace_here();
    ++world().misused;
    return nullptr;
  }
  return reinterpret_cast<Comm*>(comm)->rank;
}

namespace {

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
    return known.second == reinterpret_cast<Comm*>(comm)->rank->clique &&
           std::ranges::all_of(known.second->ranks, [](const auto& r) { return r && r->aborted; });
  };
  std::erase_if(cliques(), gone);
  live_handles().erase(comm);
  delete reinterpret_cast<Comm*>(comm);
  big().changed();
}

}  // namespace
}  // namespace galena::emulator::nccl

using namespace galena::emulator;
using namespace galena::emulator::nccl;

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
  *comm = reinterpret_cast<ncclComm_t>(new Comm{rank});
  live_handles().insert(*comm);
  kinds()[*comm] = "NCCL communicator";
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
  const auto rank = rank_of(comm, "ncclCommGetAsyncError");
  if (rank == nullptr || state == nullptr) return ncclInvalidArgument;
  look(*rank, false);
  *state = rank->state;
  return ncclSuccess;
}
ncclResult_t ncclCommFinalize(ncclComm_t comm) {
  LOCK;
  const auto rank = rank_of(comm, "ncclCommFinalize");
  if (rank == nullptr) return ncclInvalidArgument;
  if (rank->finalized) return refuse(ncclInvalidArgument, "ncclCommFinalize, again");
  if (rank->state == ncclInProgress) return refuse(ncclInvalidArgument, "ncclCommFinalize of what is in progress");
  if (rank->state != ncclSuccess) return rank->state;
  begin_finalize(*rank);
  return finish(*rank);
}
ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  if (comm == nullptr) return ncclSuccess;
  LOCK;
  const auto rank = rank_of(comm, "ncclCommDestroy");
  if (rank == nullptr) return ncclInvalidArgument;
  if (rank->state == ncclInProgress) return refuse(ncclInvalidArgument, "ncclCommDestroy of what is in progress");
  if (rank->state != ncclSuccess) return rank->state;
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
  const auto rank = rank_of(comm, "ncclCommAbort");
  if (rank == nullptr) return ncclInvalidArgument;
  rank->aborted = true;
  rank->job = nullptr;
  forget_groups(*rank);
  drop(comm);
  return ncclSuccess;
}
ncclResult_t ncclCommCount(const ncclComm_t comm, int* count) {
  LOCK;
  const auto rank = rank_of(comm, "ncclCommCount");
  if (rank == nullptr) return ncclInvalidArgument;
  *count = rank->clique->size;
  return ncclSuccess;
}

/// For tests: communicators, events, and allocations of devices that are left.
int emulated_nccl_left(void) {
  LOCK;
  int left = 0;
  for (void* h : live_handles()) left += std::string(kinds()[h]) != "stream" ? 1 : 0;
  for (const auto& [begin, a] : world().allocs)
    if ((a.life == Life::live || a.life == Life::queued) && !a.given_back) ++left;
  return left;
}
/// Calls that nothing but the end of the program tells of; they are forgiven.
int emulated_misused(void) {
  LOCK;
  return int(std::exchange(world().misused, 0));
}

}  // extern "C"
