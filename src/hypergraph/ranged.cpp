// Why not by columns, which needs no sums over ranges: rows then lie in pieces of one or two lines that belong to
// different threads, and each core's prefetching takes the other's lines away.

#include "src/hypergraph/ranged.hpp"

#include <omp.h>

namespace galena::hyper {
namespace {

template <class T>
class Ranged {
 public:
  Ranged(const Job<T>& job, T* slots, T* others) : job_(job), slots_(slots), others_(others) {}

  /// By one thread of `threads`, which all call it.
  void run_slab(const Slab& slab, std::int64_t thread, std::int64_t threads) const {
    const Program& p = *job_.program;
    const bool gradient = job_.d_edge != nullptr;
    const T* const factor = gradient ? nullptr : job_.edge;
    const auto for_own = [&](const auto& f) {
      for (std::int64_t r = thread; r < p.ranges; r += threads) f(static_cast<std::size_t>(r));
    };
    for_own([&](std::size_t r) {
      gather(job_.input, r, slab, slots_);
      if (gradient) gather(job_.other, r, slab, others_);
    });
#pragma omp barrier
    for_own([&](std::size_t r) {
      spread_rows(p.merge, r, slab, factor, Held::dropped, slots_);
      if (gradient) spread_rows<T>(p.merge, r, slab, nullptr, Held::dropped, others_);
    });
#pragma omp barrier
    if (thread == 0) between(slab, factor);
#pragma omp barrier
    if (job_.y) {
      for_own([&](std::size_t r) {
        scatter_rows(job_, sums_of<T>(job_.output->range_inner, r), slab, Held::dropped, streams(job_), slots_);
      });
    }
#pragma omp barrier
  }

 private:
  void gather(const Input<T>& input, std::size_t range, const Slab& slab, T* slots) const {
    T* const own = slots + static_cast<std::int64_t>(range) * job_.program->most_slots * slab.stride;
    if (!pushes(*job_.program, input, job_.width)) {
      return gather_rows<T>(input, sums_of<T>(input.side->range_down, range), job_.width, slab, nullptr, own);
    }
    std::fill_n(own, static_cast<std::int64_t>(job_.program->most_slots) * slab.stride, T{0});
    push_rows(input, sums_of<T>(input.side->range_inner, range), job_.width, slab, own);
  }

  /// Shared sums, and hyperedges' gradients: few rows, which one thread has to itself.
  void between(const Slab& slab, const T* factor) const {
    const Program& p = *job_.program;
    spread_rows(p.nodes_down, 0, slab, factor, Held::scaled_too, slots_);
    if (job_.d_edge) {
      spread_rows<T>(p.nodes_down, 0, slab, nullptr, Held::scaled_too, others_);
      run(dots_of(job_, 0, slab, others_, slots_));
    }
    if (job_.y) spread_rows<T>(p.nodes_up, 0, slab, nullptr, Held::dropped, slots_);
  }

  const Job<T>& job_;
  T *slots_, *others_;
};

}  // namespace

template <class T>
void run_ranged(const Job<T>& job, std::int64_t slab_size, std::int64_t slabs, int threads, T* slots, T* others) {
  const Ranged<T> ranged(job, slots, others);
#pragma omp parallel num_threads(threads) if (threads > 1)
  {
    for (std::int64_t s = 0; s < slabs; ++s) {
      const std::int64_t column = s * slab_size;
      ranged.run_slab({s, column, std::min(slab_size, job.width - column), slab_size}, omp_get_thread_num(),
                      omp_get_num_threads());
    }
  }
}

template void run_ranged<float>(const Job<float>&, std::int64_t, std::int64_t, int, float*, float*);
template void run_ranged<double>(const Job<double>&, std::int64_t, std::int64_t, int, double*, double*);

}  // namespace galena::hyper
