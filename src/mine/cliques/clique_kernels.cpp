// Sets of vertices are values of W words. Where a set has shrunk to half as many words, the graph among its vertices is
// cut out anew, so that deep levels, where most of the work is, run on one word.

#include "src/mine/cliques/clique_kernels.hpp"

#ifdef __BMI2__
#include <immintrin.h>
#endif

namespace galena::mine::GALENA_LEVEL {
namespace {

using u32 = std::uint32_t;
using u64 = std::uint64_t;

template <u32 W>
struct Set {
  u64 word[W];
};

template <u32 W>
Set<W> row_of(const u64* rows, u32 i) {
  Set<W> set;
  for (u32 w = 0; w < W; ++w) set.word[w] = rows[u64{i} * W + w];
  return set;
}

template <u32 W>
Set<W> both(const Set<W>& a, const Set<W>& b) {
  Set<W> set;
  for (u32 w = 0; w < W; ++w) set.word[w] = a.word[w] & b.word[w];
  return set;
}

template <u32 W>
Set<W> without(const Set<W>& a, const Set<W>& b) {
  Set<W> set;
  for (u32 w = 0; w < W; ++w) set.word[w] = a.word[w] & ~b.word[w];
  return set;
}

template <u32 W>
u32 size_of(const Set<W>& a) {
  u32 n = 0;
  for (u32 w = 0; w < W; ++w) n += static_cast<u32>(__builtin_popcountll(a.word[w]));
  return n;
}

template <u32 W>
void drop(Set<W>& a, u32 i) {
  a.word[i / 64] &= ~(u64{1} << (i % 64));
}

/// f(i) for the members in order; f returns false to end.
template <u32 W, class F>
void for_members(const Set<W>& a, const F& f) {
  for (u32 w = 0; w < W; ++w) {
    for (u64 rest = a.word[w]; rest != 0; rest &= rest - 1) {
      if (!f(64 * w + static_cast<u32>(__builtin_ctzll(rest)))) return;
    }
  }
}

u64 extract(u64 bits, u64 mask) {
#ifdef __BMI2__
  return _pext_u64(bits, mask);
#else
  u64 result = 0;
  for (u32 at = 0; mask != 0; mask &= mask - 1, ++at) {
    if ((bits & mask & -mask) != 0) result |= u64{1} << at;
  }
  return result;
#endif
}

/// The graph among the members of `set`, renumbered in their order.
template <u32 W, u32 V>
void cut_out(const u64* rows, const Set<W>& set, u64* out) {
  u32 member = 0;
  for_members(set, [&](u32 i) {
    u64* const to = out + u64{member++} * V;
    for (u32 v = 0; v < V; ++v) to[v] = 0;
    u32 at = 0;
    for (u32 w = 0; w < W; ++w) {
      const u64 mask = set.word[w];
      if (mask == 0) continue;
      const u64 bits = extract(rows[u64{i} * W + w], mask);
      const auto count = static_cast<u32>(__builtin_popcountll(mask));
      to[at / 64] |= bits << (at % 64);
      if (at % 64 != 0 && at / 64 + 1 < V) to[at / 64 + 1] |= bits >> (64 - at % 64);
      at += count;
    }
    return true;
  });
}

template <u32 W>
Set<W> first(u32 n) {
  Set<W> set;
  for (u32 w = 0; w < W; ++w) set.word[w] = n >= 64 * (w + 1) ? ~u64{0} : n <= 64 * w ? 0 : (u64{1} << (n % 64)) - 1;
  return set;
}

/// Smaller sets are not worth a graph of their own.
constexpr u32 kLeastCut = 4;

/// The same walk among the members of a set, on as few words as hold them: f(rows, set).
template <u32 W, u32 V, class F>
void narrowed(const u64* rows, const Set<W>& set, u32 count, const F& f) {
  if constexpr (V < W) {
    if (count <= 64 * V) {
      u64 cut[u64{64} * V * V];
      cut_out<W, V>(rows, set, cut);
      f(static_cast<const u64*>(cut), first<V>(count));
    } else {
      narrowed<W, 2 * V>(rows, set, count, f);
    }
  }
}

struct Pivoting {
  const CliqueTask& task;

  void leaf(u32 held, u32 free, u64 times = 1) const { task.leaves[held * task.stride + free] += times; }

  template <u32 W>
  void visit(const u64* rows, const Set<W>& set, u32 held, u32 free) const {
    const u32 count = size_of(set);
    if (W > 1 && count >= kLeastCut && count <= 32 * W) {
      narrowed<W, 1>(rows, set, count,
                     [&]<u32 V>(const u64* cut, const Set<V>& all) { walk<V>(cut, all, count, held, free); });
    } else {
      walk<W>(rows, set, count, held, free);
    }
  }

  template <u32 W>
  void walk(const u64* rows, Set<W> set, u32 count, u32 held, u32 free) const {
    for (;;) {
      if (held + free + count < task.least) return;
      if (count == 0 || held == task.most) return leaf(held, free);
      if (W > 1 && task.stop != nullptr && *task.stop != 0) return;
      u32 pivot = 0, joined = 0;
      bool any = false;
      for_members(set, [&](u32 u) {
        const u32 n = size_of(both(set, row_of<W>(rows, u)));
        if (!any || n > joined) {
          pivot = u;
          joined = n;
          any = true;
        }
        return joined + 1 < count;
      });
      if (joined == 0) {  // nobody is joined to anybody
        leaf(held, free + 1);
        if (count > 1) leaf(held + 1, free, count - 1);
        return;
      }
      const Set<W> near = row_of<W>(rows, pivot);
      if (joined + 1 < count) {
        Set<W> rest = set;
        drop(rest, pivot);
        for_members(without(rest, near), [&](u32 w) {
          visit(rows, both(rest, row_of<W>(rows, w)), held + 1, free);
          drop(rest, w);
          return true;
        });
      }
      set = both(set, near);
      count = joined;
      ++free;
    }
  }
};

/// Cliques of `size` vertices among the members of a set.
template <u32 W>
u64 count_cliques(const u64* rows, Set<W> set, u32 size) {
  if (size == 1) return size_of(set);
  u64 total = 0;
  for_members(set, [&](u32 u) {
    drop(set, u);
    const Set<W> near = both(set, row_of<W>(rows, u));
    if (size == 2) {
      total += size_of(near);
      return true;
    }
    const u32 count = size_of(near);
    if (count + 1 < size) return true;
    if (W > 1 && size > 3 && count <= 32 * W) {
      narrowed<W, 1>(rows, near, count,
                     [&]<u32 V>(const u64* cut, const Set<V>& all) { total += count_cliques<V>(cut, all, size - 1); });
    } else {
      total += count_cliques<W>(rows, near, size - 1);
    }
    return true;
  });
  return total;
}

/// f.template operator()<W>() with the task's words.
template <u32 W, class F>
void with_words(u32 words, const F& f) {
  if (words <= W) {
    f(Set<W>{});
  } else if constexpr (W < kMaxCliqueWords) {
    with_words<2 * W>(words, f);
  }
}

void pivot(const CliqueTask& task) {
  with_words<1>(task.words, [&]<u32 W>(const Set<W>&) { Pivoting{task}.visit(task.rows, first<W>(task.n), 1, 0); });
}

u64 enumerate(const CliqueTask& task) {
  u64 total = 0;
  with_words<1>(task.words, [&]<u32 W>(const Set<W>&) {
    total = task.most == 1 ? 1 : count_cliques<W>(task.rows, first<W>(task.n), task.most - 1);
  });
  return total;
}

}  // namespace

extern const CliqueKernels clique_kernels_table;
const CliqueKernels clique_kernels_table = {pivot, enumerate};

}  // namespace galena::mine::GALENA_LEVEL
