// Renumbering of sparse ids, in increasing order of the original id.
//
// Two ways to the rank of an id among the distinct ones. Ids that reach not much further than there are
// edges: a bitmap of those that occur, and a running count of its bits a word (the "rank directory" of
// Jacobson, "Space-efficient static trees and graphs", FOCS 1989) - one pass to set, one lookup an id.
// Anything else, hashes say: sort, drop duplicates, search by halves.

#include <algorithm>
#include <atomic>
#include <bit>

#include "src/base/threads.hpp"
#include "src/device/algorithms.hpp"
#include "src/graph/edge_block.hpp"

namespace galena::detail {
namespace {

using base::Array;

template <class F>
void for_each_id(const EdgeBlock& block, F&& f) {
  for (std::uint64_t i = 0; i < 2 * block.size; ++i) f(block.is_wide ? block.wide[i] : block.narrow[i]);
}

template <class F>
void parallel_blocks(std::vector<EdgeBlock>& blocks, int threads, const F& f) {
#pragma omp parallel for schedule(dynamic, 1) num_threads(base::threads_for(blocks.size(), 1, threads))
  for (std::size_t b = 0; b < blocks.size(); ++b) f(b);
}

// rank(id) must be exact for every id of the blocks.
template <class Rank>
void renumber(std::vector<EdgeBlock>& blocks, std::uint64_t base, int threads, const Rank& rank) {
  // Arrays may fail to be had, which may not happen inside the parallel loop.
  for (EdgeBlock& block : blocks) {
    if (block.is_wide) block.narrow = Array<std::uint32_t>(2 * block.size, "the renumbered edges");
  }
  parallel_blocks(blocks, threads, [&](std::size_t b) {
    EdgeBlock& block = blocks[b];
    for (std::uint64_t i = 0; i < 2 * block.size; ++i) {
      const std::uint64_t id = block.is_wide ? block.wide[i] : block.narrow[i];
      block.narrow[i] = static_cast<std::uint32_t>(id < base ? id : base + rank(id));
    }
    block.is_wide = false;
  });
  for (EdgeBlock& block : blocks) block.wide = {};
}

Array<std::uint64_t> with_identity(std::uint64_t base, std::span<const std::uint64_t> distinct) {
  Array<std::uint64_t> ids(base + distinct.size(), "the original ids");
  for (std::uint64_t i = 0; i < base; ++i) ids[i] = i;
  std::ranges::copy(distinct, ids.data() + base);
  return ids;
}

Array<std::uint64_t> compact_by_bitmap(std::vector<EdgeBlock>& blocks, std::uint64_t base, std::uint64_t max_id,
                                       int threads) {
  std::vector<std::uint64_t> bits(max_id / 64 + 1), before(bits.size());
  parallel_blocks(blocks, threads, [&](std::size_t b) {
    for_each_id(blocks[b], [&](std::uint64_t id) {
      if (id < base) return;
      std::atomic_ref<std::uint64_t> word(bits[id / 64]);
      const std::uint64_t bit = std::uint64_t{1} << (id % 64);
      // Most ids come many times: looking first spares the costly write.
      if ((word.load(std::memory_order_relaxed) & bit) == 0) word.fetch_or(bit, std::memory_order_relaxed);
    });
  });
  std::vector<std::uint64_t> distinct;
  for (std::size_t w = 0; w < bits.size(); ++w) {
    before[w] = distinct.size();
    for (std::uint64_t rest = bits[w]; rest != 0; rest &= rest - 1) {
      distinct.push_back(64 * w + static_cast<unsigned>(std::countr_zero(rest)));
    }
  }
  renumber(blocks, base, threads, [&](std::uint64_t id) {
    const std::uint64_t below = (std::uint64_t{1} << (id % 64)) - 1;
    return before[id / 64] + static_cast<unsigned>(std::popcount(bits[id / 64] & below));
  });
  return with_identity(base, distinct);
}

Array<std::uint64_t> compact_by_sorting(std::vector<EdgeBlock>& blocks, std::uint64_t base, int threads) {
  std::vector<std::uint64_t> begin(blocks.size() + 1);
  for (std::size_t b = 0; b < blocks.size(); ++b) begin[b + 1] = begin[b] + 2 * blocks[b].size;
  Array<std::uint64_t> all(begin.back(), "the ids of the edges");
  parallel_blocks(blocks, threads, [&](std::size_t b) {
    std::uint64_t* to = all.data() + begin[b];
    for_each_id(blocks[b], [&](std::uint64_t id) { *to++ = id; });
  });
  device::sort(all.span(), threads);
  auto distinct = all.span().first(device::unique(all.span(), threads));
  distinct = distinct.subspan(static_cast<std::size_t>(std::ranges::lower_bound(distinct, base) - distinct.begin()));
  auto ids = with_identity(base, distinct);
  renumber(blocks, base, threads, [&](std::uint64_t id) {
    return static_cast<std::uint64_t>(std::ranges::lower_bound(distinct, id) - distinct.begin());
  });
  return ids;
}

}  // namespace

base::Array<std::uint64_t> compact_ids(std::vector<EdgeBlock>& blocks, std::uint64_t base, int threads) {
  std::uint64_t max_id = 0, edges = 0;
  for (const EdgeBlock& block : blocks) {
    max_id = std::max(max_id, block.max_id);
    edges += block.size;
  }
  // At two 8-byte words for 64 ids, the bitmap is then no larger than the edges themselves.
  if (max_id / 64 <= edges) return compact_by_bitmap(blocks, base, max_id, threads);
  return compact_by_sorting(blocks, base, threads);
}

}  // namespace galena::detail
