#pragma once
// The rest of a program that counts one query's patterns on a GPU and needs nothing of Galena: reads an edge list,
// cuts the graph into chunks, runs the kernels, prints. Included by emitted programs only, which
// nvcc compiles.

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

#include "codegen/runtime/gpu_job.h"

namespace galena::rt::standalone {

using KernelFn = void (*)(GpuJob);

struct Kernel {
  KernelFn warps, blocks;
  uint32_t slots, counters, marks, locals, outputs;
};

/// A number to print: a sum of a kernel, by what symmetry it counts too often.
struct Number {
  const char* name;
  int kernel, output;
  uint64_t divisor;
  int64_t coefficient;  ///< in the total
};

#define GALENA_CALL(call)                                                  \
  do {                                                                     \
    const cudaError_t status = (call);                                     \
    if (status != cudaSuccess) {                                           \
      std::fprintf(stderr, "%s: %s\n", #call, cudaGetErrorString(status)); \
      return false;                                                        \
    }                                                                      \
  } while (false)

/// A simple undirected graph, numbered by decreasing degree.
struct HostGraph {
  std::vector<uint64_t> indptr{0};
  std::vector<vid> indices, split;
  vid n = 0, max_degree = 0;
};

inline bool read_graph(const char* path, HostGraph& graph) {
  std::ifstream in(path);
  if (!in) {
    std::fprintf(stderr, "%s: cannot be read\n", path);
    return false;
  }
  std::vector<std::pair<uint64_t, uint64_t>> arcs;
  uint64_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.empty() || line[0] == '#' || line[0] == '%') continue;
    std::istringstream fields(line);
    uint64_t u = 0, v = 0;
    if (!(fields >> u >> v)) {
      std::fprintf(stderr, "%s:%llu: expected two vertices\n", path, static_cast<unsigned long long>(number));
      return false;
    }
    if (u == v) continue;
    arcs.emplace_back(u, v);
    arcs.emplace_back(v, u);
  }
  std::sort(arcs.begin(), arcs.end());
  arcs.erase(std::unique(arcs.begin(), arcs.end()), arcs.end());
  std::vector<uint64_t> ids, degree;
  for (const auto& arc : arcs) {
    if (ids.empty() || ids.back() != arc.first) ids.push_back(arc.first), degree.push_back(0);
    ++degree.back();
  }
  if (ids.size() >= 0xffffffffU) {
    std::fprintf(stderr, "%s: more than 2^32 - 2 vertices\n", path);
    return false;
  }
  graph.n = static_cast<vid>(ids.size());
  std::vector<vid> order(graph.n), place(graph.n);
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](vid a, vid b) { return degree[a] > degree[b]; });
  for (vid i = 0; i < graph.n; ++i) place[order[i]] = i;
  std::vector<uint64_t> begin(graph.n + 1ULL, 0);
  for (vid v = 0; v < graph.n; ++v) begin[v + 1] = begin[v] + degree[v];
  for (const vid v : order) {
    const size_t from = graph.indices.size();
    for (uint64_t a = begin[v]; a < begin[v + 1]; ++a)
      graph.indices.push_back(
          place[static_cast<size_t>(std::lower_bound(ids.begin(), ids.end(), arcs[a].second) - ids.begin())]);
    const auto first = graph.indices.begin() + static_cast<std::ptrdiff_t>(from);
    std::sort(first, graph.indices.end());
    graph.split.push_back(static_cast<vid>(std::lower_bound(first, graph.indices.end(), place[v]) - first));
    graph.indptr.push_back(graph.indices.size());
  }
  graph.max_degree = graph.n == 0 ? 0 : static_cast<vid>(degree[order[0]]);
  return true;
}

/// Chunks of like numbers of units; hubs' units come in chunks of their own.
inline std::vector<Piece> cut(const HostGraph& graph) {
  constexpr uint64_t kPieces = 1 << 16, kLeast = 64;
  const uint64_t units = graph.n + graph.indices.size(), size = std::max<uint64_t>(kLeast, units / kPieces);
  std::vector<Piece> chunks;
  uint64_t first = 0;
  for (uint64_t begin = 0; begin < units; begin += size) {
    const Chunk chunk{begin, std::min(units, begin + size), 0, 1};
    while (first + 1 + graph.indptr[first + 1] <= chunk.begin) ++first;
    uint64_t end = first + 1;
    while (end + graph.indptr[end] < chunk.end) ++end;
    chunks.push_back(whole_piece(chunk, 0, first, end - first));
  }
  return chunks;
}

template <class T>
bool upload(T*& to, const T* from, size_t n) {
  GALENA_CALL(cudaMalloc(reinterpret_cast<void**>(&to), std::max<size_t>(1, n) * sizeof(T)));
  if (n > 0) GALENA_CALL(cudaMemcpy(to, from, n * sizeof(T), cudaMemcpyHostToDevice));
  return true;
}

template <class T>
bool zeros(T*& to, uint64_t n) {
  GALENA_CALL(cudaMalloc(reinterpret_cast<void**>(&to), std::max<uint64_t>(1, n) * sizeof(T)));
  GALENA_CALL(cudaMemset(to, 0, std::max<uint64_t>(1, n) * sizeof(T)));
  return true;
}

/// Words of a worker's local graph: room for all rows, or for as many as the limit allows.
inline uint64_t local_capacity(bool blocks, const GraphView& graph) {
  const uint64_t row = (graph.max_degree + 63ULL) / 64 * 2 + 1;  // row_words() is for the device
  const uint64_t most = blocks ? kBlockLocal : kWarpLocal;
  return std::min(graph.max_degree * row, std::max(most, row));
}

/// The chunks of a launch, whole, and room for the pieces that its teams give each other.
struct Queue {
  static constexpr uint64_t kMostGiven = 1 << 15;

  std::vector<Piece> pieces;
  uint64_t chunks = 0;

  explicit Queue(const std::vector<Piece>& whole) : pieces(whole), chunks(whole.size()) {
    for (size_t i = 0; i < pieces.size(); ++i) pieces[i].of = i;
    pieces.resize(pieces.size() + kMostGiven);
  }
  /// In device memory, with nothing taken.
  bool start(GpuJob& job) const {
    job.n_chunks = chunks;
    job.most_given = kMostGiven;
    job.give_every = kGiveEvery;
    return upload(job.pieces, pieces.data(), pieces.size()) && upload(job.unfinished, &chunks, 1) &&
           zeros(job.next, 1) && zeros(job.tickets, 1) && zeros(job.given, 1) && zeros(job.ready, kMostGiven) &&
           zeros(job.stop, 1) && zeros(job.found, 1) && zeros(job.states, pieces.size()) &&
           zeros(job.sums, pieces.size() * job.n_outputs);
  }
};

template <class T>
bool download(std::vector<T>& to, const T* from) {
  GALENA_CALL(cudaMemcpy(to.data(), from, to.size() * sizeof(T), cudaMemcpyDeviceToHost));
  return true;
}

/// What a launch found: sums of chunks that are done are added, those that did not fit their buffers are put into `left`.
inline bool collect(const GpuJob& job, const std::vector<Piece>& chunks, std::vector<i128>& sums,
                    std::vector<Piece>& left) {
  std::vector<uint64_t> count(1);
  if (!download(count, job.given)) return false;
  const uint64_t given = std::min(count[0], job.most_given), all = chunks.size() + given;
  std::vector<ChunkState> states(all);
  std::vector<i128> found(all * job.n_outputs);
  std::vector<Piece> pieces(all);
  if (!download(states, job.states) || !download(found, job.sums) || !download(pieces, job.pieces)) return false;
  settle(states.data(), chunks.size(), pieces.data() + chunks.size(), given);
  for (size_t i = 0; i < all; ++i) {
    const ChunkState state = states[pieces[i].of];
    if (state == ChunkState::overflow && i < chunks.size()) left.push_back(chunks[i]);
    if (state == ChunkState::overflow) continue;
    if (state != ChunkState::done) {
      std::fprintf(stderr, "a sum left 128 bits, or a chunk was not run\n");
      return false;
    }
    for (uint32_t o = 0; o < job.n_outputs; ++o) {
      if (!__builtin_add_overflow(sums[o], found[i * job.n_outputs + o], &sums[o])) continue;
      std::fprintf(stderr, "a sum left 128 bits\n");
      return false;
    }
  }
  return true;
}

/// Runs the chunks; those that did not fit their buffers are put into `left`, the others added to `sums`.
inline bool launch(const Kernel& kernel, bool blocks, uint64_t slot_capacity, const GraphView& graph,
                   const std::vector<Piece>& chunks, std::vector<i128>& sums, std::vector<Piece>& left) {
  const uint64_t per_block = blocks ? 1 : kWorkersPerBlock;
  const int threads = 32 * (blocks ? kWarpsPerWorker : kWorkersPerBlock);
  const KernelFn function = blocks ? kernel.blocks : kernel.warps;
  int device = 0, processors = 0, resident = 0;
  size_t free = 0, all = 0;
  GALENA_CALL(cudaGetDevice(&device));
  GALENA_CALL(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device));
  GALENA_CALL(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&resident, function, threads, 0));
  if (resident == 0) {
    std::fprintf(stderr, "a processor of this device has not the registers or shared memory that a block needs\n");
    return false;
  }
  GpuJob job{};
  job.n_padded = (static_cast<uint64_t>(graph.n) + 63) / 64 * 64;
  const uint64_t bytes = kernel.slots * slot_capacity * sizeof(vid) +
                         job.n_padded * (4ULL * kernel.counters + kernel.marks) +
                         kernel.locals * local_capacity(blocks, graph) * sizeof(uint32_t);
  GALENA_CALL(cudaMemGetInfo(&free, &all));
  uint64_t workers = static_cast<uint64_t>(processors) * static_cast<uint64_t>(resident) * per_block;
  if (bytes > 0) workers = std::min<uint64_t>(workers, free / 2 / bytes / per_block * per_block);
  if (workers == 0) {
    std::fprintf(stderr, "not enough device memory: a worker needs %llu bytes\n",
                 static_cast<unsigned long long>(bytes));
    return false;
  }
  job.graph = graph;
  job.n_outputs = kernel.outputs;
  job.n_slots = kernel.slots;
  job.n_counters = kernel.counters;
  job.n_marks = kernel.marks;
  job.n_locals = kernel.locals;
  job.local_capacity = local_capacity(blocks, graph);
  job.slot_capacity = slot_capacity;
  if (!Queue(chunks).start(job) || !zeros(job.slots, workers * kernel.slots * slot_capacity) ||
      !zeros(job.counters, workers * kernel.counters * job.n_padded) ||
      !zeros(job.marks, workers * kernel.marks * job.n_padded) ||
      !zeros(job.locals, workers * kernel.locals * job.local_capacity))
    return false;
  function<<<static_cast<unsigned>(workers / per_block), static_cast<unsigned>(threads)>>>(job);
  GALENA_CALL(cudaGetLastError());
  GALENA_CALL(cudaDeviceSynchronize());
  if (!collect(job, chunks, sums, left)) return false;
  void* const used[] = {job.pieces, job.unfinished, job.next, job.tickets, job.given,    job.ready, job.stop,
                        job.found,  job.states,     job.sums, job.slots,   job.counters, job.marks, job.locals};
  for (void* memory : used) GALENA_CALL(cudaFree(memory));
  return true;
}

inline std::string decimal(i128 value) {
  std::string digits;
  u128 rest = value < 0 ? -static_cast<u128>(value) : static_cast<u128>(value);
  for (; rest != 0 || digits.empty(); rest /= 10)
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
  return (value < 0 ? "-" : "") + digits;
}

/// Whole program. `total`: the numbers are summands of one.
inline bool run(const char* path, const std::vector<Kernel>& kernels, const std::vector<Number>& numbers, bool total) {
  HostGraph host;
  if (!read_graph(path, host)) return false;
  GraphView graph{};
  uint64_t* indptr = nullptr;
  vid *indices = nullptr, *split = nullptr;
  if (!upload(indptr, host.indptr.data(), host.indptr.size()) ||
      !upload(indices, host.indices.data(), host.indices.size()) ||
      !upload(split, host.split.data(), host.split.size()))
    return false;
  graph = GraphView{host.n, host.max_degree, indptr, indices, split, nullptr, nullptr};
  std::vector<std::vector<i128>> sums;
  for (const Kernel& kernel : kernels) {
    constexpr uint64_t kWarpSlot = 4096;
    const uint64_t largest = std::max<uint64_t>(host.max_degree, 2);  // a row of one column has two words
    sums.emplace_back(kernel.outputs, i128{0});
    std::vector<Piece> chunks = cut(host), left, none;
    const bool tables = kernel.counters + kernel.marks > 0;
    if (!tables) {
      if (!chunks.empty() && !launch(kernel, false, std::min(kWarpSlot, largest), graph, chunks, sums.back(), left))
        return false;
      chunks.swap(left);
    }
    if (!chunks.empty() && !launch(kernel, true, largest, graph, chunks, sums.back(), none)) return false;
    if (!none.empty()) {
      std::fprintf(stderr, "a set did not fit its buffer\n");
      return false;
    }
  }
  i128 all = 0;
  for (const Number& number : numbers) {
    const i128 count = sums[static_cast<size_t>(number.kernel)][static_cast<size_t>(number.output)] /
                       static_cast<i128>(number.divisor);
    all += count * number.coefficient;
    std::printf("%s%s\t%s\n", total ? "part: " : "", number.name, decimal(count).c_str());
  }
  if (total) std::printf("total\t%s\n", decimal(all).c_str());
  GALENA_CALL(cudaFree(indptr));
  GALENA_CALL(cudaFree(indices));
  GALENA_CALL(cudaFree(split));
  return true;
}

}  // namespace galena::rt::standalone
