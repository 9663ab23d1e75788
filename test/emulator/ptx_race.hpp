#pragma once
// Tells of accesses that nothing orders, at least one of which writes, and not both of which are atomic. Every four bytes
// remember their last six accesses; lanes of a warp are ordered by the barriers that they met at, warps by those of the
// block, and by messages: what a warp did before a fence, after which it wrote a word by a volatile or atomic access, lies
// before what another does after it read that word so and came to a fence itself. Launches are always ordered.

#include "test/emulator/ptx_warp.hpp"

namespace galena::ptx {

/// Lanes have met at a warp's barrier, warps at a block's; a launch begins.
void race_sync(Warp& w, u32 m);
void race_block_sync(Block& b);
void race_start();

/// A warp comes to a fence.
void race_fence(Warp& w);

/// Lanes touch memory. `kind`: 1 writes, 2 is atomic; `value`: what a plain write writes, or null.
void race_touch(Warp& w, const Ins& in, u32 m, u8* const* p, unsigned size, int kind, const u64* value);

}  // namespace galena::ptx
