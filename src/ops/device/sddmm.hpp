#pragma once
// Products of sampled rows. A group of lanes holds the heads of a nonzero's rows in packs, several nonzeros at once; a warp
// takes a short row, a block a long one or a chunk. Nothing is joined: a nonzero's products are its own.

#include "src/ops/device/head_lanes.hpp"
#include "src/ops/device/pieces.hpp"
#include "src/ops/device/rows.hpp"

namespace galena::ops::gpu {

template <class T, int V>
struct Sddmm {
  static constexpr int kAtOnce = 4;  ///< nonzeros of a group
  const CsrPiece* pieces;            ///< chunks, long rows, short rows
  const std::int32_t* indices;
  const T *a, *b;
  T* e;
  int heads, width;
  HeadLanes lanes;

  struct Lane {
    std::uint32_t j[kAtOnce], next[kAtOnce];
    T dot[kAtOnce];
  };
  template <class Team>
  GALENA_KERNEL void operator()(Team& team, std::int64_t index) const {
    const CsrPiece piece = pieces[lanes.ranges == 1 ? index : index / lanes.ranges];
    const std::int64_t range = lanes.ranges == 1 ? 0 : index % lanes.ranges;
    const auto count = piece.row == kNoRow ? 0 : static_cast<std::int32_t>(piece.count);
    const int groups = team.lanes() >> lanes.shift;
    typename Team::template PerLane<Lane> of;
    team.each(
        [&](int lane) { columns_from(indices + piece.first, count, lane >> lanes.shift, groups, of[lane].next); });
    for (std::int32_t first = 0; first < count; first += groups * kAtOnce) {
      team.each([&](int lane) { multiply(of[lane], piece, first, groups, lanes.place(range, lane, heads, V)); });
      team.sum_groups(
          lanes.head_shift, [&](int lane) -> auto& { return of[lane].dot; });
      team.each([&](int lane) {
        const HeadLanes::Place p = lanes.place(range, lane, heads, V);
        GALENA_UNROLL
        for (int u = 0; u < kAtOnce; ++u) {
          const std::int32_t k = first + p.group + u * groups;
          if (p.active && p.within == 0 && k < count) e[(piece.first + k) * heads + p.head] = of[lane].dot[u];
        }
      });
    }
  }

 private:
  /// A lane's part of the products from nonzero `first` on. The next columns are asked for before rows are.
  GALENA_KERNEL void multiply(Lane& x, const CsrPiece& piece, std::int32_t first, int groups,
                              const HeadLanes::Place& p) const {
    const auto count = static_cast<std::int32_t>(piece.count);
    const std::int32_t k = first + p.group;
    GALENA_UNROLL
    for (int u = 0; u < kAtOnce; ++u) {
      x.j[u] = x.next[u];
      x.dot[u] = 0;
    }
    columns_from(indices + piece.first, count, k + kAtOnce * groups, groups, x.next);
    if (!p.active) return;
    const std::int64_t cols = std::int64_t{heads} * width;
    const T *const own_row = a + std::int64_t{piece.row} * cols + p.head * width, *const others = b + p.head * width;
    for (int c = p.within; c < width; c += 32 * V) {
      const Pack<T, V> own = load<V>(own_row + c);
      Pack<T, V> other[kAtOnce] = {};
      GALENA_UNROLL
      for (int u = 0; u < kAtOnce; ++u)
        if (k + u * groups < count) other[u] = load<V>(others + std::int64_t{x.j[u]} * cols + c);
      GALENA_UNROLL
      for (int u = 0; u < kAtOnce; ++u) {
        GALENA_UNROLL
        for (int i = 0; i < V; ++i) x.dot[u] += own.at[i] * other[u].at[i];
      }
    }
  }
};

template <class M>
void add_sddmm(DeviceOps& ops) {
  ops.sddmm = [](const Csr& csr, const Tensor& a, const Tensor& b, int heads, const Tensor& e) {
    const DeviceCsr& device = device_csr(csr);
    const std::int64_t width = a.cols() / heads;
    if (width == 0) return e.fill(0);
    const CsrPiece* const pieces = pieces_data(device.pieces) + device.first[DeviceCsr::kChunks];
    with_float("sddmm", a.dtype(), [&]<class T>(T) {
      const T *const own = device_data<T>(a), *const other = device_data<T>(b);
      with_packs<T>(width, {own, other}, [&]<int V>() {
        const HeadLanes lanes(heads, width, V);
        M::mixed((device.count(DeviceCsr::kChunks) + device.count(DeviceCsr::kLongRows)) * lanes.ranges, 0,
                 device.count(DeviceCsr::kShortRows) * lanes.ranges, 0,
                 Sddmm<T, V>{pieces, device_data<std::int32_t>(device.indices), own, other, device_data<T>(e), heads,
                             static_cast<int>(width), lanes});
      });
    });
  };
}

}  // namespace galena::ops::gpu
