#pragma once
// Runs the blocks of a launch, some at a time, in turns.

#include "test/emulator/ptx_warp.hpp"

namespace galena::ptx {

struct Machine {
  Launch l;
  const Ins* code = nullptr;
  u32 split_odds = 8, quantum = 24;  // drawn for each launch: calm to jittery
  std::vector<Block> slots;
  std::vector<u8> live;  // per slot
  u64 next_block = 0, total_blocks = 0, dyn = 0;
  unsigned nwarps = 0;

  // Turns.
  void run();
  void run_warp(Warp& w, i64 q);
  void start_block(size_t s);
  [[noreturn]] void deadlock(Block& b);
  void check_limit(Block& b);

  /// Executes a control instruction of group `gi`, whose lanes `m` pass its guard.
  void control(Warp& w, int gi, const Ins& in, u32 m, i64& q);
  void do_call(Warp& w, const Ins& in, int fn, u32 m, u32 pc);
  void do_ret(Warp& w, const Ins& in, u32 m);
  void builtin_call(Warp& w, const Ins& in, const Function& f, u32 m);

  /// Lanes waiting at warp-wide instructions, and at barriers: lets those go whose companions are all there.
  void try_sync(Warp& w);
  void check_barrier(Block& b, unsigned id);
  void check_member(Warp& w, const Ins& in, u32 member, u32 lanes);
  void lanes_exit(Warp& w, u32 m);

  void add(Warp& w, u32 pc, u32 mask) {
    for (int k = 0; k < w.ngroups; ++k)
      if (w.groups[k].state == Run && w.groups[k].pc == pc) {
        w.groups[k].mask |= mask;
        return;
      }
    w.groups[w.ngroups++] = Group{pc, mask, Run, 0, 0};
  }

  void merge_run(Warp& w) {
    for (int a = 0; a < w.ngroups; ++a) {
      if (w.groups[a].mask == 0) {
        w.groups[a--] = w.groups[--w.ngroups];
        continue;
      }
      if (w.groups[a].state != Run) continue;
      for (int b = a + 1; b < w.ngroups; ++b)
        if (w.groups[b].state == Run && w.groups[b].pc == w.groups[a].pc) {
          w.groups[a].mask |= w.groups[b].mask;
          w.groups[b--] = w.groups[--w.ngroups];
        }
    }
  }

  bool runnable(const Warp& w) const {
    for (int k = 0; k < w.ngroups; ++k)
      if (w.groups[k].state == Run && w.groups[k].mask) return true;
    return false;
  }
};

}  // namespace galena::ptx
