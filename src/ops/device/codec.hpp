#pragma once
// Rows to and from few bits, as kernels: the CPU's bytes, bit for bit (src/ops/codec_kernels.cpp says why they are
// unbiased). A warp a row; a lane codes the eight elements of a block of draws. Elements are f32. Sums over coded rows go as
// those over others (spmm.hpp).

#include <bit>
#include <cfloat>

#include "src/ops/codec_math.hpp"
#include "src/ops/device/pieces.hpp"
#include "src/ops/device/training.hpp"
#include "src/ops/device_packed.hpp"

namespace galena::ops::gpu {

constexpr std::uint32_t kNan = 0x7fc00000U;

/// Plain pointers of DevicePacked.
struct Packed {
  const std::uint8_t* bits;
  const std::int64_t* offset;
  std::uint8_t* bytes;
  float *zero, *scale;
  std::int64_t cols;

  explicit Packed(const DevicePacked& p)
      : bits(device_data<std::uint8_t>(p.bits)),
        offset(device_data<std::int64_t>(p.offset)),
        bytes(device_data<std::uint8_t>(p.bytes)),
        zero(device_data<float>(p.zero)),
        scale(device_data<float>(p.scale)),
        cols(p.cols) {}

  /// Element c of row r, before its parameters: a code, or the number itself.
  GALENA_KERNEL float element(std::int64_t r, std::int64_t c) const {
    const std::uint8_t* const row = bytes + offset[r];
    const int b = bits[r];
    if (b <= 8) return static_cast<float>((row[c * b / 8] >> (c * b % 8)) & ((1 << b) - 1));
    const std::uint8_t* const at = row + c * b / 8;  // rows begin at any byte
    const std::uint32_t low = at[0] | std::uint32_t{at[1]} << 8;
    if (b == 16) return std::bit_cast<float>(low << 16);
    return std::bit_cast<float>(low | std::uint32_t{at[2]} << 16 | std::uint32_t{at[3]} << 24);
  }
};

/// A row that cannot be coded arrives as NaN at any width, and is reported: any such row, where there are several.
struct PackRow {
  Packed out;
  const float* x;
  const VertexId *index, *ids;
  DeviceKey key;
  std::int32_t* refused;
  template <class Team>
  GALENA_KERNEL void operator()(Team& team, std::int64_t r) const {
    const float* const row = x + (index != nullptr ? std::int64_t{index[r]} : r) * out.cols;
    const std::int64_t n = out.cols;
    const int bits = out.bits[r];
    const float limit = bits == 32 ? FLT_MAX : kLargestCoded;
    const bool bad = team.max([&](int lane) {
      float any = 0;
      for (std::int64_t c = lane; c < n; c += team.lanes()) any = row[c] <= limit && row[c] >= -limit ? any : 1.0F;
      return any;
    }) > 0;
    if (bad) return refuse(team, r, bits);
    RowParameters parameters{0, 1};
    if (bits <= 8 && n > 0) {
      const float high = team.max([&](int lane) {
        float most = row[0];
        for (std::int64_t c = lane; c < n; c += team.lanes()) most = row[c] > most ? row[c] : most;
        return most;
      });
      const float low = -team.max([&](int lane) {
        float most = -row[0];
        for (std::int64_t c = lane; c < n; c += team.lanes()) most = -row[c] > most ? -row[c] : most;
        return most;
      });
      parameters = math::parameters_of({low, high, true}, bits);
    }
    const RandomKey now = key_now(key);
    team.each([&](int lane) {
      if (lane == 0) {
        out.zero[r] = parameters.zero;
        out.scale[r] = parameters.scale;
      }
      for (std::int64_t block = lane; 8 * block < n; block += team.lanes()) code(now, r, row, block, bits, parameters);
    });
  }

 private:
  template <class Team>
  GALENA_KERNEL void refuse(Team& team, std::int64_t r, int bits) const {
    team.each([&](int lane) {
      if (lane == 0) {
        out.zero[r] = out.scale[r] = std::bit_cast<float>(kNan);
        if (refused != nullptr) *refused = static_cast<std::int32_t>(ids[r] + 1);  // of 2^31 - 1 it is a sign
      }
      if (bits <= 8) return;
      const std::uint32_t element = bits == 16 ? kNan >> 16 : kNan;
      for (std::int64_t b = lane; b < out.cols * bits / 8; b += team.lanes())
        out.bytes[out.offset[r] + b] = static_cast<std::uint8_t>(element >> (8 * (b % (bits / 8))));
    });
  }
  /// Elements 8 block .. of the row, which are `bits` bytes.
  GALENA_KERNEL void code(const RandomKey& now, std::int64_t r, const float* row, std::int64_t block, int bits,
                          const RowParameters& parameters) const {
    std::uint8_t* const to = out.bytes + out.offset[r] + block * bits;
    const int count = static_cast<int>(out.cols - 8 * block < 8 ? out.cols - 8 * block : 8);
    const base::PhiloxBlock draws = now.draw(ids[r], static_cast<std::uint32_t>(block));
    const float step = parameters.scale == 0 ? 1 : parameters.scale;
    std::uint64_t word = 0;  // of 8 bits and less
    for (int k = 0; k < count; ++k) {
      const float value = row[8 * block + k];
      if (bits <= 8) {
        const float t = (value - parameters.zero) / step;
        const auto below = static_cast<std::int32_t>(t);
        const float fraction = t - static_cast<float>(below);
        const auto threshold = static_cast<std::int32_t>(fraction * 65536 + 0.5F);
        const std::int32_t levels = (1 << bits) - 1;
        const std::int32_t code = below + (static_cast<std::int32_t>(lane_of(draws, k)) < threshold ? 1 : 0);
        word |= static_cast<std::uint64_t>(code > levels ? levels : code) << (k * bits);
      } else {
        const auto whole = std::bit_cast<std::uint32_t>(value);
        const std::uint32_t coded = bits == 16 ? (whole + lane_of(draws, k)) >> 16 : whole;
        for (int b = 0; b < bits / 8; ++b) to[k * bits / 8 + b] = static_cast<std::uint8_t>(coded >> (8 * b));
      }
    }
    if (bits > 8) return;
    for (int b = 0; b < (count * bits + 7) / 8; ++b) to[b] = static_cast<std::uint8_t>(word >> (8 * b));
  }
};

/// Exact variance of a row's code, and its squared norm: a warp a row.
struct MeasureRow {
  Packed packed;
  const float* x;
  double *variance, *energy;
  template <class Team>
  GALENA_KERNEL void operator()(Team& team, std::int64_t r) const {
    const float* const row = x + r * packed.cols;
    const double spread = team.sum([&](int lane) {
      double sum = 0;
      for (std::int64_t c = lane; c < packed.cols; c += team.lanes()) sum += spread_of(row[c], r);
      return sum;
    });
    const double squares = team.sum([&](int lane) {
      double sum = 0;
      for (std::int64_t c = lane; c < packed.cols; c += team.lanes())
        sum += static_cast<double>(row[c]) * static_cast<double>(row[c]);
      return sum;
    });
    team.each([&](int lane) {
      if (lane != 0) return;
      variance[r] = spread;
      energy[r] = squares;
    });
  }

 private:
  GALENA_KERNEL double spread_of(float value, std::int64_t r) const {
    const int bits = packed.bits[r];
    if (bits == 32) return 0;
    if (bits == 16) {
      const auto whole = std::bit_cast<std::uint32_t>(value);
      const auto below = std::bit_cast<float>(whole & 0xffff0000U), above = std::bit_cast<float>((whole | 0xffffU) + 1);
      const double fraction = (whole & 0xffffU) / 65536.0,
                   step = static_cast<double>(above) - static_cast<double>(below);
      return fraction * (1 - fraction) * step * step;
    }
    const float scale = packed.scale[r];
    if (scale == 0) return 0;
    const float t = (value - packed.zero[r]) / scale;
    const double fraction = static_cast<double>(t - static_cast<float>(static_cast<std::int32_t>(t)));
    return fraction * (1 - fraction) * static_cast<double>(scale) * static_cast<double>(scale);
  }
};

/// A parameter is the upper half of its number; what has none is 0 and 1.
struct WireParameters {
  Packed packed;
  const std::int64_t *zero_at, *scale_at;
  bool to_wire;
  GALENA_KERNEL void operator()(std::int64_t r) const {
    if (to_wire) {
      put(zero_at[r], packed.zero[r]);
      put(scale_at[r], packed.scale[r]);
    } else {
      packed.zero[r] = zero_at[r] < 0 ? 0.0F : get(zero_at[r]);
      packed.scale[r] = scale_at[r] < 0 ? 1.0F : get(scale_at[r]);
    }
  }

 private:
  GALENA_KERNEL void put(std::int64_t at, float value) const {
    if (at < 0) return;
    const auto bits = std::bit_cast<std::uint32_t>(value);
    packed.bytes[at] = static_cast<std::uint8_t>(bits >> 16);
    packed.bytes[at + 1] = static_cast<std::uint8_t>(bits >> 24);
  }
  GALENA_KERNEL float get(std::int64_t at) const {
    return std::bit_cast<float>(std::uint32_t{packed.bytes[at]} << 16 | std::uint32_t{packed.bytes[at + 1]} << 24);
  }
};

template <class T>
struct Unpack {
  Packed packed;
  GALENA_KERNEL T operator()(std::int64_t i) const {
    const std::int64_t r = i / packed.cols, c = i % packed.cols;
    return static_cast<T>(packed.zero[r]) + static_cast<T>(packed.element(r, c)) * static_cast<T>(packed.scale[r]);
  }
};

/// Of a packed row, V elements that begin at a multiple of V: bytes as they lie there, and what they mean. V is 1 or 4.
template <int V>
struct PackedPart {
  std::uint32_t word[V] = {};
  int bits = 32, shift = 0;

  GALENA_KERNEL void load(const std::uint8_t* row, std::int64_t c) {
    const std::uint8_t* const at = row + c * bits / 8;
    shift = static_cast<int>(c * bits % 8);
    if (bits <= 8) {
      word[0] = bytes(at, (V * bits + 7) / 8);
    } else if (bits == 16) {
      GALENA_UNROLL
      for (int k = 0; k < (V + 1) / 2; ++k) word[k] = bytes(at + 4 * k, V == 1 ? 2 : 4);
    } else {
      GALENA_UNROLL
      for (int k = 0; k < V; ++k) word[k] = bytes(at + 4 * k, 4);
    }
  }
  GALENA_KERNEL float element(int e) const {
    if (bits <= 8) return static_cast<float>((word[0] >> (shift + e * bits)) & ((1U << bits) - 1));
    if (bits == 16) return std::bit_cast<float>(word[e / 2] >> (16 * (e % 2)) << 16);
    return std::bit_cast<float>(word[e]);
  }

 private:
  /// Up to four. Rows begin at any byte, but often at one of a word's.
  GALENA_KERNEL static std::uint32_t bytes(const std::uint8_t* at, int count) {
    if (count == 4 && reinterpret_cast<std::uintptr_t>(at) % 4 == 0) return *reinterpret_cast<const std::uint32_t*>(at);
    std::uint32_t word = at[0];
    if (count > 1) word |= std::uint32_t{at[1]} << 8;
    if (count > 2) word |= std::uint32_t{at[2]} << 16 | std::uint32_t{at[3]} << 24;
    return word;
  }
};

/// What sums over packed rows have in common; a RowSum to those who launch it. Lanes decode as they add.
template <class T>
struct PackedRowSum {
  using Part = T;
  Packed packed;
  const std::int32_t* indices;
  const T *left, *right;
  T* y;
  std::int64_t limit;  ///< packed rows: columns from there on take no part
  std::int64_t rows, width;
  bool bounded;

  GALENA_KERNEL CsrPiece clipped(const CsrPiece& piece) const {
    return bounded ? piece_below(indices, piece, limit) : piece;
  }
  GALENA_KERNEL void join(T& sum, const T& other) const { sum += other; }
  /// As RowSum's. Of four rows all is asked for before the first is added.
  template <int V, int N>
  GALENA_KERNEL void gather(const CsrPiece& piece, std::int32_t begin, std::int32_t step, std::int64_t c,
                            T (&sum)[N][V]) const {
    static_assert(N == 1);
    constexpr int U = 4;
    const auto count = static_cast<std::int32_t>(piece.count);
    in_turns<U>(indices + piece.first, count, begin, step,
                [&](auto all, std::int32_t k, const auto& j) { add(all, j, count - k, step, c, sum[0]); });
  }
  template <int V>
  GALENA_KERNEL void finish(std::int64_t i, std::int64_t c, const T* sum) const {
    auto& to = *reinterpret_cast<Pack<T, V>*>(y + i * width + c);
    const T scale = left != nullptr ? left[i] : T{1};
    Pack<T, V> out = to;
    GALENA_UNROLL
    for (int e = 0; e < V; ++e) out.at[e] += scale * sum[e];
    to = out;
  }

 private:
  /// Adds U rows, or those of them for which there are nonzeros, every `step`-th of `rest`.
  template <bool kAll, int U, int V>
  GALENA_KERNEL void add(std::bool_constant<kAll>, const std::uint32_t (&j)[U], std::int32_t rest, std::int32_t step,
                         std::int64_t c, T (&sum)[V]) const {
    std::int64_t offset[U] = {};
    PackedPart<V> part[U];
    T scale[U] = {}, zero[U] = {}, weight[U] = {};
    GALENA_UNROLL
    for (int u = 0; u < U; ++u) {
      if (!kAll && u * step >= rest) continue;
      offset[u] = packed.offset[j[u]];
      part[u].bits = packed.bits[j[u]];
      scale[u] = static_cast<T>(packed.scale[j[u]]);
      zero[u] = static_cast<T>(packed.zero[j[u]]);
      weight[u] = right != nullptr ? right[j[u]] : T{1};
    }
    GALENA_UNROLL
    for (int u = 0; u < U; ++u)
      if (kAll || u * step < rest) part[u].load(packed.bytes + offset[u], c);
    GALENA_UNROLL
    for (int u = 0; u < U; ++u) {
      if (!kAll && u * step >= rest) continue;
      GALENA_UNROLL
      for (int e = 0; e < V; ++e)
        sum[e] += weight[u] * scale[u] * static_cast<T>(part[u].element(e)) + weight[u] * zero[u];
    }
  }
};

template <class M>
void add_codec(DeviceOps& ops) {
  ops.pack_rows = [](const Tensor& x, const VertexId* index, const VertexId* ids, const RandomKey& key,
                     const DevicePacked& out, const Tensor* refused) {
    if (x.dtype() != DType::f32) fail_type("pack_rows on a GPU", x.dtype());
    M::teams(out.rows, 0,
             PackRow{Packed(out), device_data<float>(x), index, ids, device_key(key),
                     device_data_or_null<std::int32_t>(refused)});
  };
  ops.measure_rows = [](const Tensor& x, const DevicePacked& packed, const Tensor& variance, const Tensor& energy) {
    if (x.dtype() != DType::f32) fail_type("measure_rows on a GPU", x.dtype());
    M::teams(
        packed.rows, 0,
        MeasureRow{Packed(packed), device_data<float>(x), device_data<double>(variance), device_data<double>(energy)});
  };
  ops.wire_parameters = [](const DevicePacked& packed, const WirePlaces& places, bool to_wire) {
    M::map(packed.rows, WireParameters{Packed(packed), device_data<std::int64_t>(places.zero),
                                       device_data<std::int64_t>(places.scale), to_wire});
  };
  ops.unpack_rows = [](const DevicePacked& packed, const Tensor& y) {
    with_float("unpack_rows", y.dtype(), [&]<class T>(T) { store_map<M, T>(y, false, Unpack<T>{Packed(packed)}); });
  };
  ops.spmm_packed = [](const Csr& csr, const Tensor* left, const Tensor* right, const DevicePacked& packed,
                       const Tensor& y) {
    const DeviceCsr& device = device_csr(csr);
    if (packed.cols == 0) return;
    with_float("spmm_packed", y.dtype(), [&]<class T>(T) {
      const PackedRowSum<T> g{Packed(packed),
                              device_data<std::int32_t>(device.indices),
                              device_data_or_null<T>(left),
                              device_data_or_null<T>(right),
                              device_data<T>(y),
                              packed.rows,
                              y.rows(),
                              packed.cols,
                              packed.rows < csr.cols};
      if (g.width % 4 == 0 && aligned(g.y, alignof(Pack<T, 4>)))
        return launch_rows<M, 4, 1>(device, g, shift_for(g.width / 4));
      launch_rows<M, 1, 1>(device, g, shift_for(g.width));
    });
  };
}

}  // namespace galena::ops::gpu
