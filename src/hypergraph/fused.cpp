// A task is a tile and a slab of columns, and a tile's slabs follow each other. Threads take tasks in order, one after
// another or in turn; vertices that several tiles share are added to in the order of tiles, stripe by stripe, so that the
// sums are the same for any number of threads and no thread waits for another's whole tile. The first tile of a vertex
// writes it, and those that follow come after it at their turn.

#include "src/hypergraph/fused.hpp"

#include <algorithm>
#include <atomic>

#include "src/base/threads.hpp"
#include "src/hypergraph/ranged.hpp"
#include "src/hypergraph/tile_work.hpp"
#include "src/ops/check.hpp"
#include "src/ops/parallel.hpp"

namespace galena::hyper {
namespace {

/// Bytes of a row that a task takes. A single tile is shared out by columns only, so it takes fewer where there are few
/// and several threads.
constexpr std::int64_t kSlabBytes = 256, kOnlySlabBytes = 128;
/// Threads have the same tasks in every call where inputs are no larger, so that they find them in their own caches.
constexpr std::int64_t kOwnBytes = std::int64_t{2} << 20;

/// Slabs of equal width, a multiple of a cache line but for the last.
struct Slabs {
  std::int64_t width = 0, count = 0, size = 0;
  Slabs(const Program& program, std::int64_t width_, DType dtype, bool shared_out) : width(width_) {
    const auto element = static_cast<std::int64_t>(size_of(dtype));
    const bool narrow = shared_out && program.tiles == 1 && program.ranges == 1 && width * element < 2 * kSlabBytes;
    const std::int64_t most = (narrow ? kOnlySlabBytes : kSlabBytes) / element, line = ops::kLineBytes / element;
    count = (width + most - 1) / most;
    if (count == 0) return;
    size = ((width + count - 1) / count + line - 1) / line * line;
    count = (width + size - 1) / size;
  }
};

template <class T>
class Fused {
 public:
  Fused(const Job<T>& job, const Slabs& slabs)
      : job_(job), slabs_(slabs), turns_(job.program->tiles > 1 ? slabs.count * kStripes : 0), stream_(streams(job)) {}

  /// `tiles`: `stride` elements a thread.
  void run_all(T* tiles, std::int64_t stride, int threads) {
    const std::int64_t tasks = slabs_.count * job_.program->tiles;
    if (threads == 1) {
      for (std::int64_t task = 0; task < tasks; ++task) run_task(task, tiles);
      return;
    }
#pragma omp parallel num_threads(threads)
    {
      T* const tile = tiles + omp_get_thread_num() * stride;
      if (job_.program->tiles == 1) {
#pragma omp for schedule(static) nowait
        for (std::int64_t task = 0; task < tasks; ++task) run_task(task, tile);
      } else if (job_.input.bytes(job_.width) <= kOwnBytes) {
#pragma omp for schedule(static, 1) nowait
        for (std::int64_t task = 0; task < tasks; ++task) run_task(task, tile);
      } else {
        for (std::int64_t task = next_++; task < tasks; task = next_++) run_task(task, tile);
      }
    }
  }

 private:
  void gather(const Input<T>& input, std::size_t tile, const Slab& slab, const T* factor, T* slots) const {
    if (pushes(*job_.program, input, job_.width)) return push(input, slab, factor, slots);
    gather_rows(input, sums_of<T>(input.side->down, tile), job_.width, slab, factor, slots);
    spread_rows(job_.program->nodes_down, tile, slab, factor, Held::scaled_too, slots);
  }

  /// The same in the order of vertices, for a single tile.
  void push(const Input<T>& input, const Slab& slab, const T* factor, T* slots) const {
    std::fill_n(slots, static_cast<std::int64_t>(job_.program->most_slots) * slab.stride, T{0});
    push_rows(input, sums_of<T>(input.side->inner, 0), job_.width, slab, slots);
    spread_rows<T>(job_.program->nodes_down, 0, slab, nullptr, Held::scaled_too, slots);
    if (factor) run(dots_of<T>(job_, 0, slab, nullptr, slots));
  }

  /// Tasks are tiles' slabs, one tile's after the other's.
  void run_task(std::int64_t task, T* slots) {
    const Program& p = *job_.program;
    const std::int64_t number = task % slabs_.count, tile = task / slabs_.count, column = number * slabs_.size;
    const auto t = static_cast<std::size_t>(tile);
    const Slab slab{number, column, std::min(slabs_.size, job_.width - column), slabs_.size};
    gather(job_.input, t, slab, job_.d_edge ? nullptr : job_.edge, slots);
    if (job_.d_edge) {
      T* const others = slots + static_cast<std::int64_t>(p.most_slots) * slabs_.size;
      gather(job_.other, t, slab, nullptr, others);
      run(dots_of<T>(job_, t, slab, others, slots));
    }
    if (!job_.y) return;
    spread_rows<T>(p.nodes_up, t, slab, nullptr, Held::dropped, slots);
    scatter_rows(job_, sums_of<T>(job_.output->inner, t), slab, Held::dropped, stream_, slots);
    if (p.tiles == 1) return;
    for (std::uint32_t stripe = 0; stripe < kStripes; ++stripe) {
      turns_.take(number * kStripes + stripe, tile, [&] {
        scatter_rows(job_, sums_of<T>(job_.output->shared, t * kStripes + stripe), slab, Held::added_to, stream_,
                     slots);
      });
    }
  }

  const Job<T>& job_;
  const Slabs& slabs_;
  Turns turns_;  ///< by slab and stripe
  std::atomic<std::int64_t> next_{0};
  bool stream_;
};

/// Of all that threads hold.
std::int64_t tile_elements(const Program& program, const Slabs& slabs, bool edge_gradient, int threads) {
  const std::int64_t copies = program.ranges > 1 ? program.ranges : threads;
  return copies * static_cast<std::int64_t>(program.most_slots) * slabs.size * (edge_gradient ? 2 : 1);
}

/// Parts that threads share out.
std::int64_t tasks_of(const Program& program, const Slabs& slabs) {
  return program.ranges > 1 ? program.ranges : std::max<std::int64_t>(slabs.count, 1) * program.tiles;
}

int threads_for(const Program& program, const Slabs& slabs) {
  const std::uint64_t work = program.input.down.source.size() + program.output_side().inner.source.size();
  const int threads = base::threads_for(work * static_cast<std::uint64_t>(slabs.width), ops::kElementGrain, 0);
  return static_cast<int>(std::min<std::int64_t>(threads, tasks_of(program, slabs)));
}

template <class T>
void run_job(const Job<T>& job) {
  const Program& program = *job.program;
  if (job.width == 0) return;
  const bool gradient = job.d_edge != nullptr;
  const unsigned kind = (sizeof(T) == 8 ? 1U : 0U) | (gradient ? 2U : 0U) | (job.y ? 4U : 0U) |
                        (job.input.side == &program.input ? 8U : 0U);
  const auto key = static_cast<std::uint64_t>(job.width) << 4 | kind;
  const Slabs shared_out(program, job.width, kDType<T>, true);
  program.threads->run(key, threads_for(program, shared_out), [&](int threads) {
    // Gradients of hyperedges' factors are added up by slab, and are to be the same for any number of threads.
    const Slabs slabs = gradient ? shared_out : Slabs(program, job.width, kDType<T>, threads > 1);
    const Tensor tiles = Tensor::empty(1, tile_elements(program, slabs, gradient, threads), kDType<T>);
    T* const slots = tiles.data<T>();
    if (program.ranges > 1) {
      run_ranged(job, slabs.size, slabs.count, threads, slots, gradient ? slots + tiles.cols() / 2 : nullptr);
    } else {
      Fused<T>(job, slabs).run_all(slots, tiles.cols() / threads, threads);
    }
  });
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
      const Slabs slabs(program, job.width, kDType<T>, true);
      parts = slabs.count == 1 ? d_edge : Tensor::empty(slabs.count, d_edge.rows(), kDType<T>);
      job.other = {&program.input, x.data<T>(), data_of<T>(scale.right)};
      job.d_edge = parts.data<T>();
    }
    run_job(job);
    if (parts.defined() && !parts.same_memory(d_edge)) add_slabs<T>(parts, d_edge);
  });
}

std::int64_t fused_tasks(const Program& program, std::int64_t width, DType dtype) {
  return tasks_of(program, Slabs(program, width, dtype, true));
}

std::uint64_t fused_bytes(const Program& program, std::int64_t width, DType dtype, bool edge_gradient, int threads) {
  const Slabs slabs(program, width, dtype, edge_gradient || threads > 1);
  return static_cast<std::uint64_t>(tile_elements(program, slabs, edge_gradient, std::max(threads, 1))) *
         size_of(dtype);
}

}  // namespace galena::hyper
