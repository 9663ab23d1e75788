#pragma once
// What runs: lanes of a warp in groups that are at one place, warps of a block, blocks of a launch.

#include "test/emulator/ptx_module.hpp"

namespace galena::ptx {

struct Frame {
  int ret_pc;
  int call;
  u32 fp, top;
  int fn;
  std::vector<u64> saved;
};
enum State : u8 { Run, WaitSync, WaitBar };
struct Group {
  u32 pc, mask;
  State state;
  u8 bar = 0;
  u32 member = 0;
};

struct Launch;
struct Block;
struct Warp {
  u32* regs = nullptr;
  const u32* consts = nullptr;
  u32* preds = nullptr;
  u32 cc = 0, alive = 0;
  u32 pc = 0;
  Group groups[34];
  int ngroups = 0;
  u32 stuck = 0;
  bool rotate = false;
  u32 turn = 0;
  Launch* launch = nullptr;
  Block* block = nullptr;
  unsigned index = 0;
  u8* local = nullptr;
  u32 fp[32], top[32];
  std::vector<Frame>* stacks = nullptr;
  u32 clock = 1, all_at = 0;
  u32 met[32][32] = {};
};
struct Block {
  Dim id;
  u64 linear = 0;
  std::vector<Warp> warps;
  u8* shared = nullptr;
  unsigned live_warps = 0;
  u32 waiting_bars = 0;
  unsigned arrived[16] = {};
  u32 bars = 0;
  u64 shared_bytes = 0;
};
struct Launch {
  const Module* module;
  const Function* kernel;
  Dim grid, block;
  const u8* params;
  u64 param_bytes;
  u64 shared_end;   // kSharedBase + bytes
  u64 local_bytes;  // per thread
  const Memory* memory;
  u64 cur_begin = 1, cur_end = 0;
  bool cur_writable = false;
  u64 count = 0;
  u64 rng = 0;
  u64 clock = 0;
  Options options;
  bool watched = false;  // for races
  u32 random() {
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return u32((rng * 0x2545F4914F6CDD1Dull) >> 32);
  }
};

[[noreturn]] void fault(const Warp& w, const Ins& in, int lane, const std::string& what);

template <class S>
inline S* reg(Warp& w, i32 off) {
  return reinterpret_cast<S*>(off >= 0 ? w.regs + size_t(off) * 32 : const_cast<u32*>(w.consts) + size_t(~off) * 32);
}

/// Calls `each` with every lane of `m`; where that is a whole warp, in a loop that can be vectorised.
template <class F>
[[gnu::always_inline]] inline void each_lane(u32 m, const F& each) {
  if (m == ~0u) {
#pragma GCC ivdep
    for (int i = 0; i < 32; ++i) each(i);
    return;
  }
  for (; m; m &= m - 1) each(__builtin_ctz(m));
}

/// Where an address of a lane lies on the host; faults where the lane may not go.
u8* resolve(Warp& w, const Ins& in, int lane, Space space, u64 addr, unsigned size, bool write);

std::string pretty(const std::string& mangled);
Dim thread_of(const Launch& l, unsigned linear);

}  // namespace galena::ptx
