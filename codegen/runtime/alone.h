#pragma once
// What one lane does alone with rows of a local graph (bits.h), all of which are kept and short: sets are values of W
// words, which stay in registers. So a team runs a nest of loops over such rows with a round in each lane, where a
// collective for each set would leave most lanes idle. Emitted text says the same to a team and to a lane: what is `x`
// in one is `y` in the other. Included by prim_cuda.h only.

namespace galena::rt::gpu {

/// A set of positions; those outside of [begin, end) are not in it.
template <int W>
struct Row {
  uint32_t word[W];
  vid begin, end;

  [[nodiscard]] GALENA_DEVICE Row below(vid to) const {
    Row r{{}, begin, lesser(greater(to, begin), end)};
    for (int w = 0; w < W; ++w) r.word[w] = word[w] & mask(w, to);
    return r;
  }
  [[nodiscard]] GALENA_DEVICE Row from(vid first) const {
    Row r{{}, lesser(greater(first, begin), end), end};
    for (int w = 0; w < W; ++w) r.word[w] = word[w] & ~mask(w, first);
    return r;
  }

 private:
  /// The bits of word w below a position.
  GALENA_DEVICE static uint32_t mask(int w, vid position) {
    if (w == 0) return low_ones(position);
    const auto first = static_cast<vid>(32 * w);
    return low_ones(position > first ? position - first : 0);
  }
};

template <int W>
GALENA_DEVICE static inline Row<W> bits_below(const Row<W>& r, vid at) {
  return r.below(at);
}
template <int W>
GALENA_DEVICE static inline Row<W> bits_from(const Row<W>& r, vid at) {
  return r.from(at);
}
template <int W>
GALENA_DEVICE static inline Row<W> bits_part(const Row<W>& r, uint64_t first, uint64_t last) {
  return r.from(r.begin + static_cast<vid>(first)).below(r.begin + static_cast<vid>(last));
}
template <int W>
GALENA_DEVICE static inline bool none_of(const Row<W>& r) {
  uint32_t any = 0;
  for (int w = 0; w < W; ++w) any |= r.word[w];
  return any == 0;
}
template <int W>
GALENA_DEVICE static inline bool fewer_than(vid n, const Row<W>& r) {
  uint32_t found = 0;
  for (int w = 0; w < W; ++w) found += bits_in(r.word[w]);
  return found < n;
}

/// What the text of a nest calls, by one lane.
template <int W>
class Alone {
 public:
  GALENA_DEVICE explicit Alone(const Local& g) : g_(g) {}

  /// No buffers.
  [[nodiscard]] GALENA_DEVICE static int slot(int /*s*/) { return 0; }

  /// Words of rows have no bits beyond the columns.
  [[nodiscard]] GALENA_DEVICE Row<W> row(const Local& /*g*/, vid at) const {
    const uint32_t* const words = row_at(g_, at);
    Row<W> r{{}, 0, g_.columns.n};
    for (int w = 0; w < W; ++w) r.word[w] = static_cast<vid>(32 * w) < r.end ? words[w] : 0;
    return r;
  }
  [[nodiscard]] GALENA_DEVICE Row<W> kept_row(int /*slot*/, const Local& g, vid at) const { return row(g, at); }
  [[nodiscard]] GALENA_DEVICE Row<W> others(int /*slot*/, const Local& g, vid at) const {
    Row<W> r = row(g, at);
    for (int w = 0; w < W; ++w) r.word[w] = ~r.word[w];
    return r.below(r.end);
  }
  template <class A>
  [[nodiscard]] GALENA_DEVICE Row<W> both(int /*slot*/, const A& a, const Row<W>& b) const {
    Row<W> r = taken(a);
    for (int w = 0; w < W; ++w) r.word[w] &= b.word[w];
    return r;
  }
  template <class A>
  [[nodiscard]] GALENA_DEVICE Row<W> without(int /*slot*/, const A& a, const Row<W>& b) const {
    Row<W> r = taken(a);
    for (int w = 0; w < W; ++w) r.word[w] &= ~b.word[w];
    return r;
  }

  template <class A>
  [[nodiscard]] GALENA_DEVICE int64_t both_part(const A& a, const Row<W>& b) const {
    return ones(both(0, a, b));
  }
  template <class A>
  [[nodiscard]] GALENA_DEVICE int64_t without_part(const A& a, const Row<W>& b) const {
    return ones(without(0, a, b));
  }
  template <class A>
  [[nodiscard]] GALENA_DEVICE int64_t ones_part(const A& a) const {
    return ones(taken(a));
  }
  template <class A>
  [[nodiscard]] GALENA_DEVICE int64_t zeros_part(const A& a) const {
    return static_cast<int64_t>(a.end - a.begin) - ones(taken(a));
  }
  template <class N>
  [[nodiscard]] GALENA_DEVICE static N once(N value) {
    return value;
  }

  /// Calls f(i, this, sums) for each i in the set.
  template <class Nest, class A, class Sums, class F>
  [[nodiscard]] GALENA_DEVICE bool apart(Nest /*nest*/, const Local& /*g*/, const A& set, Sums& sums, F&& f) const {
    const Row<W> r = taken(set);
    uint32_t word = r.word[0];
    if constexpr (W == 1) {
      for (; word != 0; word &= word - 1) f(first_one(word), *this, sums);
      return false;
    }
    uint32_t left = 0;  // words that have bits, besides the one at hand
    for (int w = 1; w < W; ++w) left |= static_cast<uint32_t>(r.word[w] != 0) << w;
    for (vid w = 0; (word | left) != 0; word &= word - 1) {
      if (word == 0) {
        w = first_one(left);
        left &= left - 1;
        word = word_of(r, w);
      }
      f(32 * w + first_one(word), *this, sums);
    }
    return false;
  }

 protected:
  [[nodiscard]] GALENA_DEVICE static const Row<W>& taken(const Row<W>& r) { return r; }
  [[nodiscard]] GALENA_DEVICE static Row<W> taken(Bits b) {
    Row<W> r{{}, 0, b.end};
    for (int w = 0; w < W; ++w) r.word[w] = static_cast<vid>(32 * w) < b.end ? b.p[w] : 0;
    return r.from(b.begin).below(b.end);
  }
  [[nodiscard]] GALENA_DEVICE static uint32_t ones(const Row<W>& r) {
    uint32_t n = 0;
    for (int w = 0; w < W; ++w) n += bits_in(r.word[w]);
    return n;
  }
  /// Not indexed by a variable, which would put the words into memory: halved by each bit of `which`. W is a power of 2.
  [[nodiscard]] GALENA_DEVICE static uint32_t word_of(Row<W> r, vid which) {
    for (int step = 1; step < W; step *= 2)
      for (int w = 0; w < W; w += 2 * step)
        r.word[w] = (which & static_cast<vid>(step)) != 0 ? r.word[w + step] : r.word[w];
    return r.word[0];
  }

 private:
  const Local& g_;
};

/// Counts the rounds of the loop within a round, instead of running them.
template <int W>
class RoundCounter : public Alone<W> {
 public:
  GALENA_DEVICE RoundCounter(const Local& g, uint32_t& rounds) : Alone<W>(g), rounds_(rounds) {}

  template <class Nest, class A, class Sums, class F>
  [[nodiscard]] GALENA_DEVICE bool apart(Nest /*nest*/, const Local& /*g*/, const A& set, Sums& /*sums*/,
                                         F&& /*f*/) const {
    rounds_ += this->ones(this->taken(set));
    return false;
  }

 private:
  uint32_t& rounds_;
};

/// Runs one of those rounds.
template <int W>
class OneRound : public Alone<W> {
 public:
  GALENA_DEVICE OneRound(const Local& g, uint32_t round) : Alone<W>(g), round_(round) {}

  template <class Nest, class A, class Sums, class F>
  [[nodiscard]] GALENA_DEVICE bool apart(Nest /*nest*/, const Local& /*g*/, const A& set, Sums& sums, F&& f) const {
    const Row<W> r = this->taken(set);
    uint32_t left = round_, found = 0;
    vid at = 0;
    bool over = false;
    for (int w = 0; w < W; ++w) {
      const uint32_t n = bits_in(r.word[w]);
      if (!over && left < n) {
        over = true;
        at = static_cast<vid>(32 * w);
        found = r.word[w];
      }
      if (!over) left -= n;
    }
    f(at + nth_one(found, left), static_cast<const Alone<W>&>(*this), sums);
    return false;
  }

 private:
  uint32_t round_;
};

template <int W>
struct Words {
  static constexpr int kWords = W;
};
/// Calls f(Words<W>) for the least W of those there are that holds a row.
template <class F>
GALENA_DEVICE static inline void in_words(const Local& g, F&& f) {
  const vid n = g.columns.n;
  if (n <= kWarp)
    f(Words<1>{});
  else if (n <= 2 * kWarp)
    f(Words<2>{});
  else if (n <= 4 * kWarp)
    f(Words<4>{});
  else
    f(Words<kAloneColumns / kWarp>{});
}

/// Rounds by a lane each, counted in 64 bits: of the positions in a set,
template <class T, class Y, class F, int N>
GALENA_DEVICE static inline void each_one(const T& team, Bits set, Y& y, i128 (&sums)[N], F& f) {
  team.lanes([&](int lane) {
    int64_t own[N] = {};
    for (vid k = static_cast<vid>(lane), i = nth_bit(set, k); i < set.end; k += T::kLanes, i = nth_bit(set, k))
      f(i, y, own);
    for (int o = 0; o < N; ++o) sums[o] += own[o];
  });
}
template <int W, class T, class F, int N>
GALENA_DEVICE static inline void each_alone(const T& team, const Local& g, Bits set, i128 (&sums)[N], F& f) {
  Alone<W> y(g);
  each_one(team, set, y, sums, f);
}
/// of rows,
template <int W, class T, class F, int N>
GALENA_DEVICE static inline void each_row(const T& team, const Local& g, vid begin, vid end, i128 (&sums)[N], F& f) {
  Alone<W> y(g);
  team.lanes([&](int lane) {
    int64_t own[N] = {};
    for (vid i = begin + static_cast<vid>(lane); i < end; i += T::kLanes) f(i, y, own);
    for (int o = 0; o < N; ++o) sums[o] += own[o];
  });
}
/// and of pairs of a row and a position in the loop below; of at most as many rows as there are lanes. Returns how many
/// pairs those were.
template <int W, class T, class F, int N>
GALENA_DEVICE static inline uint32_t each_pair(const T& team, const Local& g, vid begin, vid end, i128 (&sums)[N],
                                               F& f) {
  const uint32_t* const first = team.offsets([&](int lane) {
    uint32_t rounds = 0;
    int64_t none[N] = {};
    RoundCounter<W> y(g, rounds);
    const vid i = begin + static_cast<vid>(lane);
    if (i < end) f(i, y, none);
    return rounds;
  });
  const uint32_t pairs = first[T::kLanes];
  team.lanes([&](int lane) {
    int64_t own[N] = {};
    for (uint32_t k = static_cast<uint32_t>(lane); k < pairs; k += T::kLanes) {
      uint32_t row = 0;  // the last that begins at k or before
      for (uint32_t step = T::kLanes / 2; step > 0; step /= 2) row += first[row + step] <= k ? step : 0;
      OneRound<W> y(g, k - first[row]);
      f(begin + row, y, own);
    }
    for (int o = 0; o < N; ++o) sums[o] += own[o];
  });
  return pairs;
}

}  // namespace galena::rt::gpu
