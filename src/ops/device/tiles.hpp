#pragma once
// Sums through tiles (src/ops/device_tiles.hpp), as kernels. A block takes a tile and a slab of columns; groups of its lanes
// take rows, a lane a vector of the slab. Slots of few columns are a group's each; long ones are gathered by all groups,
// whose sums are added in order. Contacts are a group's each, and read slots from shared memory only.

#include "src/ops/device/spmm.hpp"
#include "src/ops/device_tiles.hpp"

namespace galena::ops::gpu {

/// How a row is cut: slabs of `size` elements, which 2^shift lanes hold in vectors.
struct Slab {
  std::int64_t size = 0, count = 0;
  int shift = 0;
  Slab(std::int64_t width, int vector, std::size_t element) {
    const std::int64_t most = DeviceTiles::kSlabBytes / static_cast<std::int64_t>(element) / vector;
    while ((std::int64_t{1} << shift) < most && (std::int64_t{vector} << shift) < width) ++shift;
    size = std::int64_t{vector} << shift;
    count = (width + size - 1) / size;
  }
};

template <class T, int V>
struct TileSums {
  RowSum<T, T> x, other;  ///< what slots are gathered from
  const std::int64_t *first, *first_long;
  const std::int32_t* row;
  const T* factor;
  T* d_factor;  ///< [slabs x rows of A], or null
  const std::int64_t* contact_first;
  const CsrPiece* contact;
  const std::uint8_t* slot;
  const T* left;
  T *y, *parts;  ///< null: only d_factor is wanted
  Slab slab;
  std::int64_t width, rows, most_slots;

  /// A lane's place: its group's number, its first column in the slab, and whether the row has that column.
  struct Place {
    std::int64_t group, groups, at;
    bool there;
  };
  template <class Team>
  GALENA_KERNEL Place place(const Team& team, int lane, std::int64_t column) const {
    const std::int64_t at = (lane & ((1 << slab.shift) - 1)) * V;
    return {lane >> slab.shift, team.lanes() >> slab.shift, at, column + at < width};
  }
  GALENA_KERNEL void put(T* to, const T* sum, T times) const {
    Pack<T, V> out;
    for (int e = 0; e < V; ++e) out.at[e] = times * sum[e];
    *reinterpret_cast<Pack<T, V>*>(to) = out;
  }
  /// Those of a slot that take part.
  GALENA_KERNEL CsrPiece nonzeros(const RowSum<T, T>& from, std::int64_t s) const {
    const std::int64_t begin = from.indptr[row[s]], end = from.indptr[row[s] + 1];
    return from.clipped({begin, static_cast<VertexId>(row[s]), static_cast<std::uint32_t>(end - begin)});
  }
  GALENA_KERNEL T factor_of(std::int64_t s, bool scaled) const {
    return scaled && factor != nullptr ? factor[row[s]] : T{1};
  }

  template <class Team>
  GALENA_KERNEL void operator()(Team& team, std::int64_t index) const {
    const std::int64_t tile = index / slab.count, number = index % slab.count, column = number * slab.size;
    T* const slots = static_cast<T*>(team.shared());
    T* const others = slots + most_slots * slab.size;
    T* const sums = d_factor != nullptr ? others + most_slots * slab.size : others;  // of a long slot, by group
    gather(team, x, tile, column, d_factor == nullptr, slots, sums);
    if (d_factor != nullptr) {
      gather(team, other, tile, column, false, others, sums);
      dots(team, tile, column, number, slots, others);
      if (y != nullptr && factor != nullptr) scale(team, tile, slots);
    }
    if (y != nullptr) scatter(team, tile, column, slots);
  }

  template <class Team>
  GALENA_KERNEL void gather(Team& team, const RowSum<T, T>& from, std::int64_t tile, std::int64_t column, bool scaled,
                            T* slots, T* sums) const {
    const std::int64_t begin = first[tile], middle = first_long[tile], end = first[tile + 1];
    team.each([&](int lane) {
      const Place p = place(team, lane, column);
      if (!p.there) return;
      for (std::int64_t s = begin + p.group; s < middle; s += p.groups) {
        T sum[1][V] = {};
        from.template gather<V, 1>(nonzeros(from, s), 0, 1, column + p.at, sum);
        put(slots + (s - begin) * slab.size + p.at, sum[0], factor_of(s, scaled));
      }
    });
    for (std::int64_t s = middle; s < end; ++s) {
      const CsrPiece own = nonzeros(from, s);
      team.each([&](int lane) {
        const Place p = place(team, lane, column);
        if (!p.there) return;
        T sum[1][V] = {};
        from.template gather<V, 1>(own, static_cast<std::int32_t>(p.group), static_cast<std::int32_t>(p.groups),
                                   column + p.at, sum);
        put(sums + p.group * slab.size + p.at, sum[0], T{1});
      });
      team.sync();
      team.each([&](int lane) {
        const Place p = place(team, lane, column);
        if (p.group != 0 || !p.there) return;
        T total[V] = {};
        for (std::int64_t g = 0; g < p.groups; ++g)
          for (int e = 0; e < V; ++e) total[e] += sums[g * slab.size + p.at + e];
        put(slots + (s - begin) * slab.size + p.at, total, factor_of(s, scaled));
      });
      team.sync();
    }
    team.sync();
  }

  /// A lane a slot; each begins at a column of its own, so that lanes meet in no bank of the shared memory.
  template <class Team>
  GALENA_KERNEL void dots(Team& team, std::int64_t tile, std::int64_t column, std::int64_t number, const T* slots,
                          const T* others) const {
    const std::int64_t begin = first[tile], count = first[tile + 1] - begin;
    const std::int64_t columns = width - column < slab.size ? width - column : slab.size;
    team.each([&](int lane) {
      for (std::int64_t s = lane; s < count; s += team.lanes()) {
        T sum{};
        std::int64_t c = s % columns;
        for (std::int64_t k = 0; k < columns; ++k) {
          sum += slots[s * slab.size + c] * others[s * slab.size + c];
          c = c + 1 < columns ? c + 1 : 0;
        }
        d_factor[number * rows + row[begin + s]] = sum;
      }
    });
    team.sync();
  }

  template <class Team>
  GALENA_KERNEL void scale(Team& team, std::int64_t tile, T* slots) const {
    const std::int64_t begin = first[tile], elements = (first[tile + 1] - begin) * slab.size;
    team.each([&](int lane) {
      for (std::int64_t k = lane; k < elements; k += team.lanes()) slots[k] *= factor[row[begin + k / slab.size]];
    });
    team.sync();
  }

  template <class Team>
  GALENA_KERNEL void scatter(Team& team, std::int64_t tile, std::int64_t column, const T* slots) const {
    team.each([&](int lane) {
      const Place p = place(team, lane, column);
      if (!p.there) return;
      for (std::int64_t k = contact_first[tile] + p.group; k < contact_first[tile + 1]; k += p.groups) {
        const CsrPiece own = contact[k];
        T sum[V] = {};
        for (std::uint32_t s = 0; s < own.count; s += 4) {
          std::int64_t from[4] = {};
          Pack<T, V> part[4] = {};
          GALENA_UNROLL
          for (std::uint32_t u = 0; u < 4; ++u)
            if (s + u < own.count) from[u] = slot[own.first + s + u];
          GALENA_UNROLL
          for (std::uint32_t u = 0; u < 4; ++u)
            if (s + u < own.count) part[u] = *reinterpret_cast<const Pack<T, V>*>(slots + from[u] * slab.size + p.at);
          GALENA_UNROLL
          for (std::uint32_t u = 0; u < 4; ++u) {
            if (s + u >= own.count) continue;
            GALENA_UNROLL
            for (int e = 0; e < V; ++e) sum[e] += part[u].at[e];
          }
        }
        const std::int64_t to = static_cast<std::int32_t>(own.row);
        if (to >= 0) {
          put(y + to * width + column + p.at, sum, left != nullptr ? left[to] : T{1});
        } else {
          put(parts + ~to * width + column + p.at, sum, T{1});
        }
      }
    });
  }
};

/// Giants' rows of their chunks' sums.
template <class T>
struct GiantRows {
  const T* chunks;
  const std::int64_t* first;
  const std::int32_t* row;
  const T* factor;
  std::int64_t width;
  GALENA_KERNEL T operator()(std::int64_t i) const {
    const std::int64_t giant = i / width, c = i % width;
    T sum{};
    GALENA_UNROLL_8
    for (std::int64_t k = first[giant]; k < first[giant + 1]; ++k) sum += chunks[k * width + c];
    return factor != nullptr ? factor[row[giant]] * sum : sum;
  }
};

/// to[row ? row[i] : i] = <a_i, b_i>, a warp a row.
template <class T>
struct RowDots {
  const T *a, *b;
  T* to;
  const std::int32_t* row;
  std::int64_t width;
  template <class Team>
  GALENA_KERNEL void operator()(Team& team, std::int64_t i) const {
    const T total = team.sum([&](int lane) {
      T sum{};
      for (std::int64_t c = i * width + lane; c < (i + 1) * width; c += team.lanes()) sum += a[c] * b[c];
      return sum;
    });
    team.each([&](int lane) {
      if (lane == 0) to[row != nullptr ? row[i] : i] = total;
    });
  }
};

/// Sums of a matrix's columns, one after the other: [slabs x rows] -> [rows].
template <class T>
struct AddSlabs {
  const T* parts;
  std::int64_t slabs, rows;
  GALENA_KERNEL T operator()(std::int64_t i) const {
    T sum{};
    for (std::int64_t k = 0; k < slabs; ++k) sum += parts[k * rows + i];
    return sum;
  }
};

/// 1 / columns below `limit` by row, 0 where there are none; times `factor`.
template <class T>
struct InverseLengths {
  const std::int64_t* indptr;
  const std::int32_t* indices;
  const T* factor;
  std::int64_t limit;
  GALENA_KERNEL T operator()(std::int64_t i) const {
    const std::int32_t length =
        columns_below(indices + indptr[i], static_cast<std::int32_t>(indptr[i + 1] - indptr[i]), limit);
    const T inverse = length > 0 ? T{1} / static_cast<T>(length) : T{0};
    return factor != nullptr ? inverse * factor[i] : inverse;
  }
};

/// One product of a call, by element type.
template <class M, class T>
class TileProduct {
 public:
  TileProduct(const DeviceTiles& tiles, const TileCall& call)
      : tiles_(tiles), call_(call), width_(call.x->cols()), vector_(vector()) {}

  void run() {
    const Slab slab(width_, vector_, sizeof(T));
    Tensor slabs;  // of d_factor
    if (call_.d_factor != nullptr) {
      slabs = slab.count == 1 ? *call_.d_factor : scratch(slab.count, tiles_.rows, kDType<T>);
      slabs.fill(0);
    }
    if (call_.y != nullptr) parts_ = scratch(call_.side->parts + tiles_.giants, width_, kDType<T>);
    if (width_ > 0) {
      if (tiles_.giants > 0) giants(slabs);
      if (tiles_.tiles > 0) launch(slab, slabs);
    }
    if (call_.d_factor != nullptr && slab.count != 1)
      store_map<M, T>(*call_.d_factor, false, AddSlabs<T>{device_data<T>(slabs), slab.count, tiles_.rows});
    if (call_.y != nullptr) {
      const TileSide& side = *call_.side;
      const Csr shared{side.limit, parts_.rows(), nullptr, nullptr, side.shared.get()};
      spmm_as<M, T, T>(shared, {{call_.left, nullptr, nullptr}, nullptr, nullptr}, parts_, *call_.y, false);
    }
  }

 private:
  /// Elements that all rows can be read and written by at once.
  [[nodiscard]] int vector() const {
    constexpr int kMost = 16 / static_cast<int>(sizeof(T));
    const auto fits = [&](const Tensor* x, int v) {
      return x == nullptr || aligned(device_data<T>(*x), sizeof(T) * static_cast<std::size_t>(v));
    };
    for (int v = kMost; v > 1; v /= 2)
      if (width_ % v == 0 && fits(call_.x, v) && fits(call_.y, v) && fits(call_.other, v)) return v;
    return 1;
  }

  [[nodiscard]] RowSum<T, T> rows_of(const Tensor& x, const Tensor* weight) const {
    const DeviceCsr& csr = device_csr(*call_.csr);
    RowSum<T, T> g{};
    g.indptr = device_data<std::int64_t>(csr.indptr);
    g.indices = device_data<std::int32_t>(csr.indices);
    g.x = device_data<T>(x);
    g.right = device_data_or_null<T>(weight);
    g.limit = x.rows();
    g.bounded = x.rows() < call_.csr->cols;
    g.width = width_;
    g.row_bytes = static_cast<std::uint32_t>(width_ * static_cast<std::int64_t>(sizeof(T)));
    return g;
  }

  void giants(const Tensor& slabs) const {
    const auto rows = [&](const Tensor& x, const Tensor* weight, const Tensor* factor, const Tensor& to) {
      const Tensor chunks = scratch(tiles_.chunk_count, width_, kDType<T>);
      const Csr csr{tiles_.chunk_count, call_.csr->cols, nullptr, nullptr, tiles_.chunks.get()};
      spmm_as<M, T, T>(csr, {{nullptr, weight, nullptr}, nullptr, nullptr}, x, chunks, false);
      store_map<M, T>(
          to, false,
          GiantRows<T>{device_data<T>(chunks), device_data<std::int64_t>(tiles_.giant_first),
                       device_data<std::int32_t>(tiles_.giant_row), device_data_or_null<T>(factor), width_});
    };
    if (call_.d_factor != nullptr) {
      const Tensor a = scratch(tiles_.giants, width_, kDType<T>), b = scratch(tiles_.giants, width_, kDType<T>);
      rows(*call_.x, call_.right, nullptr, a);
      rows(*call_.other, call_.weight, nullptr, b);
      M::teams(tiles_.giants, 0,
               RowDots<T>{device_data<T>(a), device_data<T>(b), device_data<T>(slabs),
                          device_data<std::int32_t>(tiles_.giant_row), width_});
    }
    if (call_.y != nullptr)
      rows(*call_.x, call_.right, call_.factor, parts_.slice(call_.side->parts, call_.side->parts + tiles_.giants));
  }

  void launch(const Slab& slab, const Tensor& slabs) const {
    if constexpr (sizeof(T) == 4) {
      if (vector_ == 4) return launch_as<4>(slab, slabs);
    }
    if (vector_ == 2) return launch_as<2>(slab, slabs);
    launch_as<1>(slab, slabs);
  }

  template <int V>
  void launch_as(const Slab& slab, const Tensor& slabs) const {
    constexpr int kLanes = 256;
    const TileSide& side = *call_.side;
    const std::int64_t sets = call_.d_factor != nullptr ? 2 : 1, groups = kLanes >> slab.shift;
    const auto bytes = static_cast<std::size_t>((sets * tiles_.most_slots + groups) * slab.size) * sizeof(T);
    M::template blocks<kLanes>(
        tiles_.tiles * slab.count, bytes,
        TileSums<T, V>{rows_of(*call_.x, call_.right),
                       call_.other != nullptr ? rows_of(*call_.other, call_.weight) : RowSum<T, T>{},
                       device_data<std::int64_t>(tiles_.first), device_data<std::int64_t>(tiles_.first_long),
                       device_data<std::int32_t>(tiles_.row), device_data_or_null<T>(call_.factor),
                       device_data_or_null<T>(&slabs), device_data<std::int64_t>(side.first), pieces_data(side.contact),
                       device_data<std::uint8_t>(side.slot), device_data_or_null<T>(call_.left),
                       device_data_or_null<T>(call_.y), device_data_or_null<T>(&parts_), slab, width_, tiles_.rows,
                       tiles_.most_slots});
  }

  const DeviceTiles& tiles_;
  const TileCall& call_;
  std::int64_t width_;
  int vector_;
  Tensor parts_{};
};

template <class M>
void add_tiles(DeviceOps& ops) {
  ops.tile_sums = [](const DeviceTiles& tiles, const TileCall& call) {
    with_float("aggregate", call.x->dtype(), [&]<class T>(T) { TileProduct<M, T>(tiles, call).run(); });
  };
  ops.row_dots = [](const Tensor& a, const Tensor& b, const Tensor& to) {
    with_float("aggregate_backward", a.dtype(), [&]<class T>(T) {
      M::teams(a.rows(), 0, RowDots<T>{device_data<T>(a), device_data<T>(b), device_data<T>(to), nullptr, a.cols()});
    });
  };
  ops.inverse_lengths = [](const Csr& csr, std::int64_t limit, const Tensor* factor, const Tensor& y) {
    const DeviceCsr& device = device_csr(csr);
    with_float("aggregate", y.dtype(), [&]<class T>(T) {
      store_map<M, T>(
          y, false,
          InverseLengths<T>{device_data<std::int64_t>(device.indptr), device_data<std::int32_t>(device.indices),
                            device_data_or_null<T>(factor), limit});
    });
  };
}

}  // namespace galena::ops::gpu
