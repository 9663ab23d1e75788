#pragma once
// What all that runs a Program shares: its parts as kernels take them, and turns.

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>

#include "galena/tensor.hpp"
#include "src/hypergraph/choice_kernels.hpp"
#include "src/hypergraph/program.hpp"

namespace galena::hyper {

inline void run(const RowSums<float>& g) { tile_kernels().sums_f32(g); }
inline void run(const RowSums<double>& g) { tile_kernels().sums_f64(g); }
inline void run(const RowPushes<float>& g) { tile_kernels().pushes_f32(g); }
inline void run(const RowPushes<double>& g) { tile_kernels().pushes_f64(g); }
inline void run(const RowDots<float>& g) { tile_kernels().dots_f32(g); }
inline void run(const RowDots<double>& g) { tile_kernels().dots_f64(g); }

/// The sums of a part, but for where from and where to.
template <class T>
RowSums<T> sums_of(const RowList& list, std::size_t part) {
  const RowStart &start = list.start[part], &end = list.start[part + 1];
  RowSums<T> g;
  g.groups = list.groups.data() + start.group;
  g.group_count = end.group - start.group;
  g.target = list.target.data() + start.row;
  g.target_end = list.target.data() + end.row;
  g.factor_at = list.factor.empty() ? g.target : list.factor.data() + start.row;
  g.source = list.source.data() + start.source;
  g.source_end = list.source.data() + end.source;
  return g;
}

template <class T>
const T* data_of(const Tensor* tensor) {
  return tensor != nullptr ? tensor->data<T>() : nullptr;
}

/// So many orders of tiles, each of which a tile keeps.
class Turns {
 public:
  explicit Turns(std::int64_t count) : done_(new std::atomic<std::int64_t>[static_cast<std::size_t>(count)]) {
    for (std::int64_t i = 0; i < count; ++i) done_[static_cast<std::size_t>(i)] = 0;
  }
  /// Calls f when all tiles before this one have had their turn. Tiles must be begun in order.
  template <class F>
  void take(std::int64_t order, std::int64_t tile, const F& f) {
    std::atomic<std::int64_t>& done = done_[static_cast<std::size_t>(order)];
    for (int spins = 0; done.load(std::memory_order_acquire) != tile; ++spins) {
      if (spins > kSpins) std::this_thread::yield();  // there may be fewer cores than threads
    }
    f();
    done.store(tile + 1, std::memory_order_release);
  }

 private:
  static constexpr int kSpins = 2000;
  std::unique_ptr<std::atomic<std::int64_t>[]> done_;
};

}  // namespace galena::hyper
