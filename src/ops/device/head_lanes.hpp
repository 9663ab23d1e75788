#pragma once
// How the heads of a row are dealt to lanes: 2^head_shift lanes hold a head's columns in packs, 2^shift lanes, a group, the heads
// of a row, or a range of them where they do not fit a warp.

#include <cstdint>

#include "src/device/host_device.hpp"

namespace galena::ops::gpu {

struct HeadLanes {
  int head_shift = 0;        ///< 2^head_shift lanes a head
  int shift = 0;             ///< 2^shift lanes a group: all heads of a range
  int heads = 1;             ///< in a range
  std::int64_t ranges = 1;   ///< of a row
  std::int64_t vectors = 1;  ///< packs of a head that a lane has
  HeadLanes(std::int64_t all_heads, std::int64_t width, int pack) {
    const std::int64_t packs = (width + pack - 1) / pack;
    while (head_shift < 5 && (std::int64_t{1} << head_shift) < packs) ++head_shift;
    vectors = (packs + 31) / 32;
    const int most = 32 >> head_shift;
    heads = all_heads < most ? static_cast<int>(all_heads) : most;
    ranges = (all_heads + heads - 1) / heads;
    shift = head_shift;
    while ((1 << shift) < heads << head_shift) ++shift;
  }

  /// A lane's: which group, which head of the row, and the first of its columns in the head.
  struct Place {
    int group;
    bool active;  ///< it has a head
    int head, within;
  };
  GALENA_KERNEL Place place(std::int64_t range, int lane, int all_heads, int pack) const {
    const int slot = lane & ((1 << shift) - 1), number = slot >> head_shift;
    const int head = static_cast<int>(range) * heads + number;
    const bool active = number < heads && head < all_heads;
    return {lane >> shift, active, active ? head : 0, (slot & ((1 << head_shift) - 1)) * pack};
  }
};

}  // namespace galena::ops::gpu
