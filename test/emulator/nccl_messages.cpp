// Messages between ranks.

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "test/emulator/nccl.hpp"

namespace galena::emulator::nccl {

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

namespace {

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

}  // namespace

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
void forget_groups(Rank& rank) {
  for (auto* queues : {&rank.clique->sends, &rank.clique->receives})
    for (auto& [pair, parts] : *queues) std::erase_if(parts, [&](const Part* p) { return p->of->rank.get() == &rank; });
  for (const auto& g : rank.launched) g->over = true;
  rank.launched.clear();
  std::erase_if(rank.clique->held, [&](const auto& g) { return g->rank.get() == &rank; });
}

}  // namespace galena::emulator::nccl
