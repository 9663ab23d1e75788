// From edges in any order to a simple, sorted CSR.
//
// Counting degrees and scattering arcs straight to their place touches memory at random: beyond the
// cache, every arc costs a miss or two. Instead, in the manner of propagation blocking (Beamer,
// Asanovic, Patterson, "Reducing PageRank communication via propagation blocking", IPDPS 2017):
//   1. count how many arcs fall into each of some hundred ranges of vertices ("buckets"),
//   2. stream the arcs into their buckets, each thread into its own part,
//   3. within a bucket - whose vertices' counters fit a core's cache - count, place, sort and drop
//      duplicates, vertex by vertex,
//   4. if something was dropped, close the gaps.
// No atomics, and the result does not depend on the number of threads. Input that is sorted stays
// sorted on this way, which the sort of a neighbour list finds out before it works.

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>
#include <utility>

#include "src/base/threads.hpp"
#include "src/device/algorithms.hpp"
#include "src/graph/edge_block.hpp"

namespace galena::detail {
namespace {

constexpr std::uint64_t kEdgesAThread = std::uint64_t{1} << 15;
constexpr std::uint64_t kMostBuckets = 256;                  // as many write streams as a TLB follows
constexpr std::uint64_t kLongList = 192;                     // where counting digits beats comparing
constexpr std::uint64_t kHugeList = std::uint64_t{1} << 20;  // worth all threads

// A neighbour, with the edge's label below it where there are labels: sorts by neighbour, then label.
struct Plain {
  using Value = std::uint32_t;
  struct Arc {
    std::uint32_t source, target;
  };
  static Value value(const Arc& arc) { return arc.target; }
  static VertexId neighbor(Value value) { return value; }
};
struct Labelled {
  using Value = std::uint64_t;
  struct Arc {
    std::uint32_t source, target, label;
  };
  static Value value(const Arc& arc) { return (Value{arc.target} << 32) | arc.label; }
  static VertexId neighbor(Value value) { return static_cast<VertexId>(value >> 32); }
};

std::uint64_t count_edges(const std::vector<EdgeBlock>& blocks) {
  return std::accumulate(blocks.begin(), blocks.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const EdgeBlock& block) { return sum + block.size; });
}

// Least significant digit first, 8 bits at a time, only the digits in which the values differ: for the long lists of
// hubs, which hold most arcs of a skewed graph, several times faster than comparing.
template <class Value>
void radix_sort(std::span<Value> list, std::vector<Value>& scratch) {
  scratch.resize(list.size());
  Value any = 0, all = static_cast<Value>(~Value{0});
  for (const Value value : list) {
    any |= value;
    all &= value;
  }
  const Value varying = any ^ all;
  std::span<Value> from = list, to = scratch;
  for (int digit = 0; digit < static_cast<int>(sizeof(Value)); ++digit) {
    const int shift = 8 * digit;
    if (((varying >> shift) & 255U) == 0) continue;
    std::array<std::size_t, 257> start{};
    for (const Value value : from) ++start[((value >> shift) & 255U) + 1];
    std::partial_sum(start.begin(), start.end(), start.begin());
    for (const Value value : from) to[start[(value >> shift) & 255U]++] = value;
    std::swap(from, to);
  }
  if (from.data() != list.data()) std::ranges::copy(from, list.begin());
}

template <class Kind>
class CsrBuilder {
  using Arc = typename Kind::Arc;
  using Value = typename Kind::Value;

 public:
  CsrBuilder(std::vector<EdgeBlock> blocks, std::uint64_t vertices, bool directed, int threads)
      : blocks_(std::move(blocks)),
        vertices_(vertices),
        directed_(directed),
        threads_(static_cast<std::size_t>(base::threads_for(count_edges(blocks_), kEdgesAThread, threads))),
        shift_(static_cast<int>(std::bit_width(vertices / kMostBuckets))),
        buckets_((vertices >> shift_) + 1) {}

  Csr build() {
    divide_blocks();
    count_arcs();
    place_arcs();
    blocks_.clear();
    csr_.indptr = base::Array<EdgeOffset>(vertices_ + 1, "the offsets of the graph");
    values_ = base::Array<Value>(arcs_.size(), "the neighbours of the graph");
    place_values();
    arcs_ = {};
    std::vector<Value> scratch;
    for (const VertexId v : huge_) finish_list(v, true, scratch);
    count_dropped();
    finish();
    return std::move(csr_);
  }

 private:
  // Part t of the blocks, in order: whole blocks, about as many edges each.
  void divide_blocks() {
    const std::uint64_t edges = count_edges(blocks_);
    csr_.report.input_edges = edges;
    parts_.assign(threads_ + 1, blocks_.size());
    std::uint64_t before = 0;
    std::size_t part = 0;
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      while (part < threads_ && before * threads_ >= edges * part) parts_[part++] = i;
      before += blocks_[i].size;
    }
  }

  // Calls f(source, target, label) for every arc of part t; self-loops are left out.
  template <class F>
  std::uint64_t for_each_arc(std::size_t part, F&& f) const {
    std::uint64_t loops = 0;
    for (std::size_t b = parts_[part]; b < parts_[part + 1]; ++b) {
      const EdgeBlock& block = blocks_[b];
      const std::uint32_t* const ids = block.narrow.data();
      for (std::uint64_t i = 0; i < block.size; ++i) {
        const std::uint32_t s = ids[2 * i], t = ids[2 * i + 1];
        const Label label = block.labels.empty() ? 0 : block.labels[i];
        if (s == t) {
          ++loops;
          continue;
        }
        f(s, t, label);
        if (!directed_) f(t, s, label);
      }
    }
    return loops;
  }

  void count_arcs() {
    starts_.assign(threads_ * buckets_, 0);
    std::uint64_t loops = 0;
#pragma omp parallel for schedule(static, 1) reduction(+ : loops) num_threads(static_cast <int>(threads_))
    for (std::size_t part = 0; part < threads_; ++part) {
      std::vector<std::uint64_t> counts(buckets_);  // apart from the others': no false sharing
      loops += for_each_arc(part, [&](std::uint32_t s, std::uint32_t, Label) { ++counts[s >> shift_]; });
      std::ranges::copy(counts, starts_.begin() + static_cast<std::ptrdiff_t>(part * buckets_));
    }
    csr_.report.self_loops = loops;
    std::uint64_t total = 0;
    bucket_begin_.assign(buckets_ + 1, 0);
    for (std::uint64_t bucket = 0; bucket < buckets_; ++bucket) {
      bucket_begin_[bucket] = total;
      for (std::size_t part = 0; part < threads_; ++part) {
        std::uint64_t& start = starts_[part * buckets_ + bucket];
        total += std::exchange(start, total);
      }
    }
    bucket_begin_[buckets_] = total;
  }

  void place_arcs() {
    arcs_ = base::Array<Arc>(bucket_begin_[buckets_], "the edges of the graph");
#pragma omp parallel for schedule(static, 1) num_threads(static_cast <int>(threads_))
    for (std::size_t part = 0; part < threads_; ++part) {
      const auto from = starts_.begin() + static_cast<std::ptrdiff_t>(part * buckets_);
      std::vector<std::uint64_t> next(from, from + static_cast<std::ptrdiff_t>(buckets_));
      for_each_arc(part, [&](std::uint32_t s, std::uint32_t t, Label label) {
        Arc& arc = arcs_[next[s >> shift_]++];
        if constexpr (std::is_same_v<Kind, Labelled>) {
          arc = {s, t, label};
        } else {
          arc = {s, t};
        }
      });
    }
  }

  // After this, list v stands at values_[raw_begin_[v] ...], its final length in indptr[v + 1].
  void place_values() {
    raw_begin_ = base::Array<EdgeOffset>(vertices_ + 1, "the offsets of the graph");
    raw_begin_[vertices_] = arcs_.size();
#pragma omp parallel for schedule(dynamic, 1) num_threads(static_cast <int>(threads_))
    for (std::uint64_t bucket = 0; bucket < buckets_; ++bucket) place_bucket(bucket);
    std::ranges::sort(huge_);
  }

  void place_bucket(std::uint64_t bucket) {
    const std::uint64_t first = bucket << shift_;
    const std::uint64_t last = std::min(vertices_, (bucket + 1) << shift_);
    if (first >= last) return;
    const std::span<const Arc> arcs(arcs_.data() + bucket_begin_[bucket], arcs_.data() + bucket_begin_[bucket + 1]);
    std::vector<EdgeOffset> next(last - first + 1);
    for (const Arc& arc : arcs) ++next[arc.source - first + 1];
    next[0] = bucket_begin_[bucket];
    for (std::uint64_t i = 1; i < next.size(); ++i) next[i] += next[i - 1];
    std::copy(next.begin(), next.end() - 1, raw_begin_.data() + first);
    for (const Arc& arc : arcs) values_[next[arc.source - first]++] = Kind::value(arc);
    std::vector<Value> scratch;
    // Now next[i] is where list i ends.
    for (std::uint64_t v = first; v < last; ++v) {
      const std::uint64_t length = next[v - first] - raw_begin_[v];
      csr_.indptr[v + 1] = length;
      if (length < kHugeList) {
        finish_list(static_cast<VertexId>(v), false, scratch);
      } else {
#pragma omp critical(galena_huge_list)
        huge_.push_back(static_cast<VertexId>(v));
      }
    }
  }

  void finish_list(VertexId v, bool all_threads, std::vector<Value>& scratch) {
    const std::span<Value> list(values_.data() + raw_begin_[v], csr_.indptr[v + 1]);
    if (!std::ranges::is_sorted(list)) {
      if (all_threads) {
        device::sort(list, static_cast<int>(threads_));
      } else if (list.size() >= kLongList) {
        radix_sort(list, scratch);
      } else {
        std::ranges::sort(list);
      }
    }
    const auto same = [](Value a, Value b) { return Kind::neighbor(a) == Kind::neighbor(b); };
    // Counted before duplicates are overwritten; there are few lists with any.
    if (std::ranges::adjacent_find(list, same) == list.end()) return;
    if constexpr (std::is_same_v<Kind, Labelled>) count_conflicts(list);
    csr_.indptr[v + 1] = static_cast<EdgeOffset>(std::unique(list.begin(), list.end(), same) - list.begin());
  }

  void count_conflicts(std::span<const Value> list) {
    std::uint64_t conflicts = 0;
    Value kept = list[0];
    for (const Value value : list.subspan(1)) {
      if (Kind::neighbor(value) != Kind::neighbor(kept)) {
        kept = value;
      } else if (value != kept) {
        ++conflicts;
      }
    }
#pragma omp atomic
    csr_.report.label_conflicts += conflicts;
  }

  // Every duplicate of an undirected edge was seen from both its ends.
  void count_dropped() {
    csr_.indptr[0] = 0;
    std::uint64_t kept = 0;
#pragma omp parallel for schedule(static) reduction(+ : kept) num_threads(static_cast <int>(threads_))
    for (std::uint64_t v = 0; v < vertices_; ++v) kept += csr_.indptr[v + 1];
    const std::uint64_t ends = directed_ ? 1 : 2;
    csr_.report.duplicates = (values_.size() - kept) / ends;
    csr_.report.label_conflicts /= ends;
    kept_ = kept;
  }

  void finish() {
    const bool gaps = kept_ != values_.size();
    if constexpr (std::is_same_v<Kind, Plain>) {
      if (!gaps) {
        csr_.indices = std::move(values_);
        csr_.indptr = std::move(raw_begin_);
        return;
      }
    }
    // A scan of the lengths, shifted by one, gives the offsets.
    device::exclusive_scan(csr_.indptr.span().subspan(1), static_cast<int>(threads_));
    csr_.indices = base::Array<VertexId>(kept_, "the neighbours of the graph");
    if constexpr (std::is_same_v<Kind, Labelled>) csr_.labels = base::Array<Label>(kept_, "the edge labels");
      // indptr[v + 1] is where list v begins for now, so that vertex n-1's end is still missing.
#pragma omp parallel for schedule(dynamic, 4096) num_threads(static_cast <int>(threads_))
    for (std::uint64_t v = 0; v < vertices_; ++v) copy_list(v);
    std::copy(csr_.indptr.data() + 1, csr_.indptr.data() + vertices_ + 1, csr_.indptr.data());
    csr_.indptr[vertices_] = kept_;
  }

  void copy_list(std::uint64_t v) {
    const EdgeOffset begin = csr_.indptr[v + 1];
    const EdgeOffset end = v + 1 < vertices_ ? csr_.indptr[v + 2] : kept_;
    const Value* from = values_.data() + raw_begin_[v];
    for (EdgeOffset at = begin; at < end; ++at, ++from) {
      csr_.indices[at] = Kind::neighbor(*from);
      if constexpr (std::is_same_v<Kind, Labelled>) csr_.labels[at] = static_cast<Label>(*from);
    }
  }

  std::vector<EdgeBlock> blocks_;
  std::uint64_t vertices_;
  bool directed_;
  std::size_t threads_;
  int shift_;
  std::uint64_t buckets_;
  std::vector<std::size_t> parts_;           // blocks of part t: parts_[t] .. parts_[t + 1]
  std::vector<std::uint64_t> starts_;        // where part t writes in bucket b: [t * buckets_ + b]
  std::vector<std::uint64_t> bucket_begin_;  // in arcs_ and values_
  base::Array<Arc> arcs_;
  base::Array<Value> values_;
  base::Array<EdgeOffset> raw_begin_;  // where list v begins in values_, before gaps are closed
  std::vector<VertexId> huge_;         // vertices whose lists are sorted by all threads together
  std::uint64_t kept_ = 0;
  Csr csr_;
};

}  // namespace

Csr build_csr(std::vector<EdgeBlock> blocks, std::uint64_t vertices, bool directed, int threads) {
  const bool labelled = std::ranges::any_of(blocks, [](const EdgeBlock& block) { return !block.labels.empty(); });
  if (labelled) return CsrBuilder<Labelled>(std::move(blocks), vertices, directed, threads).build();
  return CsrBuilder<Plain>(std::move(blocks), vertices, directed, threads).build();
}

}  // namespace galena::detail
