#pragma once
// The part of NCCL that is used, between emulated devices of one process, as unforgiving as the library, or more so. What
// goes on beside the calls goes on as late as it may: a communicator that does not block is in progress until it has been
// asked for some times, or somebody waits in vain. Messages move when both ends are first in their streams, and until then
// what is received into holds garbage. A short one may have left its sender before.

#include <nccl.h>

#include "test/emulator/runtime.hpp"

namespace galena::emulator::nccl {

struct Group;
struct Rank;
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
  std::shared_ptr<Rank> rank;
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

// Communicators.
struct Comm {
  std::shared_ptr<Rank> rank;
};
/// Null where it is gone, which is told.
std::shared_ptr<Rank> rank_of(ncclComm_t comm, const char* call);
ncclResult_t refuse(ncclResult_t why, const std::string& what);
/// From now on its state.
void spoil(Rank& rank, ncclResult_t why, const std::string& what);

// What ranks have in progress.
void begin(Rank& rank, std::function<bool()> job);
/// It goes on when it has been asked after often enough, or at once.
void look(Rank& rank, bool at_once);
/// Of all ranks: the library's own threads go on while somebody waits.
void go_on();
/// Waits for it, if it is one whose calls block. Its state.
ncclResult_t finish(Rank& rank);

// Messages.
u64 width(ncclDataType_t type);
/// Whether a group that is the first of its stream is over; it may go on meanwhile.
bool group_over(const std::shared_ptr<Group>& g);
/// Ends what a rank has under way, as the flag does that its kernels look at.
void forget_groups(Rank& rank);

}  // namespace galena::emulator::nccl
