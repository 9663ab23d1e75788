#pragma once
// Counts what kernels do: instructions and the lanes that they are for, sectors and wavefronts that accesses take. By
// kernel, and by line of the source where the text tells it (.loc). Of PTX, so of what ptxas is given: shares of lanes
// and sectors are a GPU's, numbers of instructions are near to them. Not told is time.

#include "test/emulator/ptx_warp.hpp"

namespace galena::ptx {

/// A launch begins or ends.
void profile_start(const Launch& l);
void profile_end(const Launch& l);

/// A warp's instruction at `pc`, whose group has lanes `group`, of which `m` pass its guard.
void profile_issue(const Warp& w, u32 pc, u32 group, u32 m);

/// Lanes touch memory of a space.
void profile_access(u32 pc, u32 m, const u64* address, Space space, unsigned size);

}  // namespace galena::ptx
