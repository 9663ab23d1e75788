#pragma once
// Set operations by a team: each lane takes an element of the shorter list and searches for it in the
// longer one; what is kept is compacted by votes, so results are in order and alike in every run.
// Included by prim_cuda.h only.

namespace galena::rt::gpu {

/// Calls f(i) for each i in [begin, end), each in one lane. f calls no collective.
template <class T, class F>
GALENA_DEVICE static inline void each(const T& team, uint64_t begin, uint64_t end, F&& f) {
  team.lanes([&](int lane) {
    for (uint64_t i = begin + static_cast<uint64_t>(lane); i < end; i += T::kLanes) f(i);
  });
}

/// Calls put(i, k) for the k-th i in [0, n) that keep(i) holds for; returns how many those are.
template <class T, class Keep, class Put>
GALENA_DEVICE static inline uint64_t compact(const T& team, uint64_t n, Keep&& keep, Put&& put) {
  uint64_t kept = 0;
  for (uint64_t base = 0; base < n; base += T::kLanes) {
    const auto votes = team.vote([&](int lane) {
      const uint64_t i = base + static_cast<uint64_t>(lane);
      return i < n && keep(i);
    });
    team.lanes([&](int lane) {
      if (votes.has(lane)) put(base + static_cast<uint64_t>(lane), kept + votes.rank(lane));
    });
    kept += votes.count();
  }
  return kept;
}

/// The number of i in [0, n) that keep(i) holds for.
template <class T, class Keep>
GALENA_DEVICE static inline vid count_if(const T& team, vid n, Keep&& keep) {
  if (n <= T::kLanes)
    return team.vote([&](int lane) { return static_cast<uint64_t>(lane) < n && keep(static_cast<uint64_t>(lane)); })
        .count();
  uint32_t mine = 0;
  each(team, 0, n, [&](uint64_t i) { mine += keep(i) ? 1 : 0; });
  return team.total(mine);
}

/// Searches in one list, whose pivots (the last elements of kPivots - 1 of its kPivots equal parts)
/// the team keeps in shared memory until it searches another list: five steps of each search
/// never leave the processor.
class Finder {
 public:
  /// Makes `list` the one that is searched. A collective.
  template <class T>
  GALENA_DEVICE void prepare(const T& team, Span list) {
    if (list.n < kLeast || (list.p == list_.p && list.n == list_.n)) {
      if (list.n < kLeast) list_ = Span{nullptr, 0};
      return;
    }
    list_ = list;
    pivots_ = team.pivots();
    vid* const pivots = pivots_;
    team.sync();  // others may still search by the old ones
    team.lanes([&](int lane) {
      const auto i = static_cast<vid>(lane);
      if (i < kPivots - 1) pivots[i] = list.p[part(list.n, i + 1) - 1];
    });
    team.sync();
  }

  /// Whether the list that was prepared has x.
  [[nodiscard]] GALENA_DEVICE bool has(Span list, vid x) const {
    if (list_.p == nullptr) return gpu::has(list, x);
    const vid i = lower(Span{pivots_, kPivots - 1}, x), begin = part(list.n, i);
    return gpu::has(Span{list.p + begin, part(list.n, i + 1) - begin}, x);
  }

  /// To be called when memory that may have been prepared is written.
  GALENA_DEVICE void forget() { list_ = Span{nullptr, 0}; }

 private:
  static constexpr vid kLeast = 2 * kPivots;

  /// Where the i-th part begins.
  GALENA_DEVICE static vid part(vid n, vid i) { return n / kPivots * i + n % kPivots * i / kPivots; }

  Span list_{nullptr, 0};
  vid* pivots_ = nullptr;
};

/// The range of two sets of bits: that of a, but where there was no memory for b.
GALENA_DEVICE static inline Bits met(Bits a, Bits b) { return Bits{a.p, a.begin, a.end < b.end ? a.end : b.end}; }

/// One lane's share in counting bits: each `step`-th word of a range.
struct Share {
  vid first, step;

  [[nodiscard]] GALENA_DEVICE int64_t both_part(Bits a, Bits b) const {
    return count(met(a, b), [&](vid word) { return a.p[word] & b.p[word]; });
  }
  [[nodiscard]] GALENA_DEVICE int64_t without_part(Bits a, Bits b) const {
    return count(met(a, b), [&](vid word) { return a.p[word] & ~b.p[word]; });
  }
  [[nodiscard]] GALENA_DEVICE int64_t ones_part(Bits a) const {
    return count(a, [&](vid word) { return a.p[word]; });
  }
  [[nodiscard]] GALENA_DEVICE int64_t zeros_part(Bits a) const {
    return count(a, [&](vid word) { return ~a.p[word]; });
  }
  /// A row that is there.
  [[nodiscard]] GALENA_DEVICE static Bits row(const Local& g, vid at) {
    return Bits{row_at(g, entry_of(g, at)), 0, g.columns.n};
  }
  /// What only one of those that share has of what all have.
  template <class N>
  [[nodiscard]] GALENA_DEVICE N once(N value) const {
    return first == 0 ? value : 0;
  }

 private:
  template <class F>
  GALENA_DEVICE int64_t count(Bits b, F&& word) const {
    if (b.begin >= b.end) return 0;
    uint32_t n = 0;
    for (vid at = b.begin / 32 + first; at <= (b.end - 1) / 32; at += step)
      n += bits_in(word(at) & word_within(at, b.begin, b.end));
    return n;
  }
};

/// The position of the one number k of a word that has more than k.
GALENA_DEVICE static inline vid nth_one(uint32_t word, vid k) {
  vid at = 0;
  for (vid half = kWarp / 2; half > 0; half /= 2) {
    const vid below = bits_in(word & ((1U << half) - 1));
    if (k < below) continue;
    k -= below;
    at += half;
    word >>= half;
  }
  return at;
}

/// The position number k in the set, from 0 on, or b.end.
GALENA_DEVICE static inline vid nth_bit(Bits b, vid k) {
  for (vid at = b.begin / 32; b.begin < b.end && at <= (b.end - 1) / 32; ++at) {
    const uint32_t word = b.p[at] & word_within(at, b.begin, b.end);
    const vid n = bits_in(word);
    if (k < n) return 32 * at + nth_one(word, k);
    k -= n;
  }
  return b.end;
}

/// out = which of the columns are in the list: the fewer are searched for in the more. Not inlined, as tasks ask for
/// rows in many places, but fill each once. Pivots are other ones afterwards.
template <class T>
GALENA_DEVICE GALENA_NOINLINE static void fill_row(T team, uint32_t* out, Span columns, Span list) {
  const auto words = static_cast<vid>(row_words(columns.n));
  team.sync();  // others may still read what was there
  if (list.n < columns.n) {
    each(team, 0, words, [&](uint64_t i) { out[i] = 0; });
    team.sync();
    each(team, 0, list.n, [&](uint64_t i) {
      const vid x = list.p[i], at = place(columns, x);
      if (columns.p[at] == x) raise_bits(out + at / 32, 1U << (at % 32));
    });
  } else {
    Finder finder;
    finder.prepare(team, list);
    for (uint64_t base = 0; base < static_cast<uint64_t>(words) * kWarp; base += T::kLanes) {
      const auto votes = team.vote([&](int lane) {
        const uint64_t i = base + static_cast<uint64_t>(lane);
        return i < columns.n && finder.has(list, columns.p[i]);
      });
      team.lanes([&](int lane) {
        const uint64_t word = (base + static_cast<uint64_t>(lane)) / kWarp;
        if (lane % kWarp == 0 && word < words) out[word] = votes.of_warp(lane);
      });
    }
  }
  team.sync();
}

struct Pair {
  vid row, column;
};

/// The pair number k < 2^20 of those of column < row, in the order of rows.
GALENA_DEVICE static inline Pair pair_at(vid k) {
  auto row = static_cast<vid>((1 + sqrtf(1 + 8 * static_cast<float>(k))) / 2);  // or one off
  row -= static_cast<vid>(row * (row - 1) / 2 > k);
  row += static_cast<vid>((row + 1) * row / 2 <= k);
  return Pair{row, k - row * (row - 1) / 2};
}

/// Fills all rows of a local graph that keeps them, and whose rows and columns are one list: a lane a pair. `below(v)`:
/// the neighbours of v below v, which are few where vertices stand by decreasing degree.
template <class T, class Below>
GALENA_DEVICE static inline void fill_matrix(const T& team, const Local& g, Below&& below) {
  const vid n = g.columns.n;
  team.sync();  // others may still read what was there
  each(team, 0, static_cast<uint64_t>(n) * g.stride, [&](uint64_t i) { g.bits[i] = 0; });
  each(team, 0, n, [&](uint64_t i) { g.tags[i] = static_cast<vid>(i) + 1; });
  team.sync();
  each(team, 0, static_cast<uint64_t>(n) * (n - (n > 0)) / 2, [&](uint64_t i) {
    const Pair pair = pair_at(static_cast<vid>(i));
    if (has(below(g.rows.p[pair.row]), g.columns.p[pair.column])) {
      raise_bits(row_at(g, pair.row) + pair.column / kWarp, 1U << (pair.column % kWarp));
      raise_bits(row_at(g, pair.column) + pair.row / kWarp, 1U << (pair.row % kWarp));
    }
  });
  team.sync();
}

}  // namespace galena::rt::gpu
