// Groups of sends and receives, until they are queued.

#include <algorithm>

#include "test/emulator/nccl.hpp"

namespace galena::emulator::nccl {
namespace {

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
  const auto rank = rank_of(comm, part.sends ? "ncclSend" : "ncclRecv");
  if (rank == nullptr) {
    if (depth > 0) group_error = ncclInvalidArgument;
    return ncclInvalidArgument;
  }
  ++depth;
  ncclResult_t e = wrong(*rank, part, stream);
  if (e == ncclSuccess) {
    auto at = std::ranges::find_if(pending, [&](const auto& g) { return g->rank == rank; });
    if (at == pending.end()) {
      pending.push_back(std::make_shared<Group>());
      at = pending.end() - 1;
      (*at)->rank = rank;
      (*at)->stream = stream;
    }
    part.of = at->get();
    (*at)->parts.push_back(part);
  } else {
    group_error = e;
    if (!rank->blocking) rank->state = e;
  }
  const ncclResult_t ended = group_end();
  return e != ncclSuccess ? e : depth > 0 ? ncclSuccess : ended;
}

}  // namespace
}  // namespace galena::emulator::nccl

using namespace galena::emulator;
using namespace galena::emulator::nccl;

extern "C" {

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

}  // extern "C"
