// A task is a tile and a slab of columns, and a tile's slabs follow each other. Threads take tasks in order, one after
// another or in turn; vertices that several tiles share are added to in the order of tiles, stripe by stripe, so that the
// sums are the same for any number of threads and no thread waits for another's whole tile. The first tile of a vertex
// writes it, and those that follow come after it at their turn.

#include "src/hypergraph/fused.hpp"

#include <algorithm>
#include <atomic>

#include "src/base/threads.hpp"
#include "src/hypergraph/tile_run.hpp"
#include "src/ops/check.hpp"
#include "src/ops/parallel.hpp"

namespace galena::hyper {
namespace {

/// Bytes of a row that a task takes. A single tile is shared out by columns only, so it takes fewer where there are few.
constexpr std::int64_t kSlabBytes = 256, kOnlySlabBytes = 128, kLine = 64;
/// Results from this size on are stored past the caches.
constexpr std::int64_t kStreamBytes = std::int64_t{16} << 20;
/// Inputs of a single tile from this size on are read in order.
constexpr std::int64_t kPushBytes = std::int64_t{4} << 20;
/// Threads have the same tasks in every call where inputs are no larger, so that they find them in their own caches.
constexpr std::int64_t kOwnBytes = std::int64_t{2} << 20;
/// Slabs of inputs from this size on are fetched before their turn.
constexpr std::int64_t kFarBytes = std::int64_t{1} << 19;

/// Slabs of equal width, a multiple of a cache line but for the last: by shape alone.
struct Slabs {
  std::int64_t width = 0, count = 0, size = 0;
  Slabs(const Program& program, std::int64_t width_, DType dtype) : width(width_) {
    const auto element = static_cast<std::int64_t>(size_of(dtype));
    const bool narrow = program.tiles == 1 && width * element < 2 * kSlabBytes;
    const std::int64_t most = (narrow ? kOnlySlabBytes : kSlabBytes) / element, line = kLine / element;
    count = (width + most - 1) / most;
    if (count == 0) return;
    size = ((width + count - 1) / count + line - 1) / line * line;
    count = (width + size - 1) / size;
  }
};

/// The rows of hyperedges of which a task begins: of these vertices, so weighted.
template <class T>
struct Input {
  const Side* side = nullptr;
  const T* x = nullptr;
  const T* weight = nullptr;
};

template <class T>
struct Job {
  const Program* program = nullptr;
  std::int64_t width = 0;
  Input<T> input;
  const T* edge = nullptr;
  const Side* output = nullptr;
  T* y = nullptr;  ///< or null: only d_edge is wanted
  const T* left = nullptr;
  Input<T> other;       ///< d_edge only: whose rows are multiplied with those of `input`
  T* d_edge = nullptr;  ///< or null; [slabs x edges]
};

/// Whether y is so large that its rows would be gone from the near caches before anybody reads them: then they had better
/// not be fetched to be written.
template <class T>
bool streams(const Job<T>& job) {
  if (job.y == nullptr) return false;
  const std::int64_t row = job.width * static_cast<std::int64_t>(sizeof(T));
  return row % kLine == 0 && reinterpret_cast<std::uintptr_t>(job.y) % kLine == 0 &&
         row * job.output->limit >= kStreamBytes;
}

template <class T>
class Fused {
 public:
  Fused(const Job<T>& job, const Slabs& slabs)
      : job_(job), slabs_(slabs), turns_(slabs.count * kStripes), stream_(streams(job)) {}

  void run_all(const Tensor& tiles, int threads) {
    const std::int64_t tasks = slabs_.count * job_.program->tiles;
    const std::int64_t stride = tiles.cols();
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
      T* const tile = tiles.data<T>() + omp_get_thread_num() * stride;
      if (job_.program->tiles == 1) {
#pragma omp for schedule(static) nowait
        for (std::int64_t slab = 0; slab < slabs_.count; ++slab) run_task(slab, 0, tile);
      } else if (bytes_of(job_.input, job_.width) <= kOwnBytes) {
#pragma omp for schedule(static, 1) nowait
        for (std::int64_t task = 0; task < tasks; ++task) run_task(task % slabs_.count, task / slabs_.count, tile);
      } else {
        for (std::int64_t task = next_++; task < tasks; task = next_++) {
          run_task(task % slabs_.count, task / slabs_.count, tile);
        }
      }
    }
  }

 private:
  [[nodiscard]] static std::int64_t bytes_of(const Input<T>& input, std::int64_t width) {
    return input.side->limit * width * static_cast<std::int64_t>(sizeof(T));
  }
  /// Whether a single tile's input is so large that it had better be read once, in order, than gathered.
  [[nodiscard]] bool pushes(const Input<T>& input) const {
    return job_.program->tiles == 1 && bytes_of(input, job_.width) >= kPushBytes;
  }

  void gather(const Input<T>& input, std::size_t tile, std::int64_t column, std::int64_t width, const T* factor,
              T* slots) const {
    if (pushes(input)) return push(input, column, width, factor, slots);
    RowSums<T> g = sums_of<T>(input.side->down, tile);
    g.from = input.x + column;
    g.from_stride = job_.width;
    g.weight = input.weight;
    g.to = slots;
    g.to_stride = slabs_.size;
    g.width = width;
    g.factor = factor;
    g.far = bytes_of(input, width) >= kFarBytes ? Far::from : Far::none;
    run(g);
    spread(job_.program->nodes_down, tile, width, factor, Held::scaled_too, slots);
  }

  /// The same in the order of vertices, for a single tile.
  void push(const Input<T>& input, std::int64_t column, std::int64_t width, const T* factor, T* slots) const {
    const RowList& list = input.side->inner;
    std::fill_n(slots, static_cast<std::int64_t>(job_.program->most_slots) * slabs_.size, T{0});
    RowPushes<T> g;
    g.groups = list.groups.data();
    g.group_count = list.groups.size();
    g.row = list.target.data();
    g.row_end = g.row + list.target.size();
    g.target = list.source.data();
    g.weight = input.weight;
    g.from = input.x + column;
    g.from_stride = job_.width;
    g.to = slots;
    g.to_stride = slabs_.size;
    g.width = width;
    run(g);
    spread(job_.program->nodes_down, 0, width, nullptr, Held::scaled_too, slots);
    if (factor) run(dots(0, width, nullptr, slots));
  }

  /// Products of a tile's rows with others, where there are any, and then the factors.
  RowDots<T> dots(std::size_t tile, std::int64_t width, const T* others, T* slots) const {
    const Program& p = *job_.program;
    RowDots<T> g;
    g.a = others;
    g.b = slots;
    g.rows = static_cast<std::int64_t>(p.first_edge[tile + 1] - p.first_edge[tile]);
    g.stride = slabs_.size;
    g.width = width;
    g.at = p.slot_edge.data() + p.first_edge[tile];
    g.factor = job_.edge;
    return g;
  }

  void spread(const RowList& nodes, std::size_t tile, std::int64_t width, const T* factor, Held held, T* slots) const {
    RowSums<T> g = sums_of<T>(nodes, tile);
    g.from = g.to = slots;
    g.from_stride = g.to_stride = slabs_.size;
    g.width = width;
    g.factor = factor;
    g.held = held;
    if (g.group_count > 0) run(g);
  }

  void scatter(RowSums<T> g, std::int64_t column, std::int64_t width, Held held, const T* slots) const {
    g.from = slots;
    g.from_stride = slabs_.size;
    g.to = job_.y + column;
    g.to_stride = job_.width;
    g.width = width;
    g.factor = job_.left;
    g.held = held;
    g.far = Far::to;
    g.stream = stream_;
    if (g.group_count > 0) run(g);
  }

  void run_task(std::int64_t slab, std::int64_t tile, T* slots) {
    const Program& p = *job_.program;
    const auto t = static_cast<std::size_t>(tile);
    const std::int64_t column = slab * slabs_.size, width = std::min(slabs_.size, job_.width - column);
    gather(job_.input, t, column, width, job_.d_edge ? nullptr : job_.edge, slots);
    if (job_.d_edge) {
      T* const others = slots + static_cast<std::int64_t>(p.most_slots) * slabs_.size;
      gather(job_.other, t, column, width, nullptr, others);
      RowDots<T> g = dots(t, width, others, slots);
      g.out = job_.d_edge + slab * static_cast<std::int64_t>(p.slot_edge.size());
      run(g);
    }
    if (!job_.y) return;
    spread(p.nodes_up, t, width, nullptr, Held::dropped, slots);
    scatter(sums_of<T>(job_.output->inner, t), column, width, Held::dropped, slots);
    for (std::uint32_t stripe = 0; stripe < kStripes; ++stripe) {
      turns_.take(slab * kStripes + stripe, tile, [&] {
        scatter(sums_of<T>(job_.output->shared, t * kStripes + stripe), column, width, Held::added_to, slots);
      });
    }
  }

  const Job<T>& job_;
  const Slabs& slabs_;
  Turns turns_;  ///< by slab and stripe
  std::atomic<std::int64_t> next_{0};
  bool stream_;
};

std::int64_t tile_elements(const Program& program, const Slabs& slabs, bool edge_gradient) {
  return static_cast<std::int64_t>(program.most_slots) * slabs.size * (edge_gradient ? 2 : 1);
}

int threads_for(const Program& program, const Slabs& slabs) {
  const std::uint64_t work = program.input.down.source.size() + program.output_side().inner.source.size();
  const int threads = base::threads_for(work * static_cast<std::uint64_t>(slabs.width), ops::kElementGrain, 0);
  return static_cast<int>(std::min<std::int64_t>(threads, slabs.count * program.tiles));
}

template <class T>
void run_job(const Job<T>& job) {
  const Slabs slabs(*job.program, job.width, kDType<T>);
  if (slabs.count == 0) return;
  const int threads = threads_for(*job.program, slabs);
  const Tensor tiles = Tensor::empty(threads, tile_elements(*job.program, slabs, job.d_edge != nullptr), kDType<T>);
  Fused<T>(job, slabs).run_all(tiles, threads);
}

/// Adds up slabs' parts of d_edge in order.
template <class T>
void add_slabs(const Tensor& parts, const Tensor& d_edge) {
  const T* const from = parts.data<T>();
  T* const to = d_edge.data<T>();
  const std::int64_t edges = d_edge.rows(), slabs = parts.rows();
  ops::parallel_ranges(edges, slabs, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t e = begin; e < end; ++e) {
      T sum{};
      for (std::int64_t slab = 0; slab < slabs; ++slab) sum += from[slab * edges + e];
      to[e] = sum;
    }
  });
}

}  // namespace

void fused(const Program& program, const Scale& scale, const Tensor& x, const Tensor& y) {
  ops::with_float("aggregate", x.dtype(), [&](auto type) {
    using T = decltype(type);
    Job<T> job;
    job.program = &program;
    job.width = x.cols();
    job.input = {&program.input, x.data<T>(), data_of<T>(scale.right)};
    job.edge = data_of<T>(scale.edge);
    job.output = &program.output_side();
    job.y = y.data<T>();
    job.left = data_of<T>(scale.left);
    run_job(job);
  });
}

void fused_backward(const Program& program, const Scale& scale, const Tensor& x, const Tensor& dy, const Tensor& dx,
                    const Tensor& d_edge) {
  ops::with_float("aggregate_backward", dy.dtype(), [&](auto type) {
    using T = decltype(type);
    Job<T> job;
    job.program = &program;
    job.width = dy.cols();
    job.input = {&program.output_side(), dy.data<T>(), data_of<T>(scale.left)};
    job.edge = data_of<T>(scale.edge);
    job.output = &program.input;
    job.y = dx.defined() ? dx.data<T>() : nullptr;
    job.left = data_of<T>(scale.right);
    Tensor parts;
    if (d_edge.defined() && job.width == 0) d_edge.fill(0);
    if (d_edge.defined() && job.width > 0) {
      const Slabs slabs(program, job.width, kDType<T>);
      parts = slabs.count == 1 ? d_edge : Tensor::empty(slabs.count, d_edge.rows(), kDType<T>);
      job.other = {&program.input, x.data<T>(), data_of<T>(scale.right)};
      job.d_edge = parts.data<T>();
    }
    run_job(job);
    if (parts.defined() && !parts.same_memory(d_edge)) add_slabs<T>(parts, d_edge);
  });
}

std::int64_t fused_tasks(const Program& program, std::int64_t width, DType dtype) {
  return program.tiles * std::max<std::int64_t>(Slabs(program, width, dtype).count, 1);
}

std::uint64_t fused_bytes(const Program& program, std::int64_t width, DType dtype, bool edge_gradient, int threads) {
  const Slabs slabs(program, width, dtype);
  return static_cast<std::uint64_t>(tile_elements(program, slabs, edge_gradient)) * size_of(dtype) *
         static_cast<std::uint64_t>(std::max(threads, 1));
}

}  // namespace galena::hyper
