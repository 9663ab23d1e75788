#pragma once
// Operands of loads, stores and atomics.

#include "test/emulator/ptx_decode.hpp"

namespace galena::ptx {

/// Where the lanes of `m` go, on the host; quickly where all lie in one range that is known.
void pointers(Warp& w, const Ins& in, u32 m, u8** ptr, unsigned size, bool write);

Space space_of(const Op& op);

/// Sets `in` to go where the operand says.
void set_address(Ins& in, const Operand& x, Assembler& as);

template <class T>
inline T read(const u8* p) {
  T v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

}  // namespace galena::ptx
