#pragma once
// The aggregate of a single tile whose vertices stand in ranges: a thread reads and writes whole pages of its own.

#include "src/hypergraph/tile_work.hpp"

namespace galena::hyper {

/// Threads by ranges of vertices, one slab of columns after the other. Each range has slots of its own, which are then
/// added up in the order of ranges. `slots`: as many rows of `slab_size` elements as ranges and slots; `others`: the same
/// for d_edge.
template <class T>
void run_ranged(const Job<T>& job, std::int64_t slab_size, std::int64_t slabs, int threads, T* slots, T* others);

extern template void run_ranged<float>(const Job<float>&, std::int64_t, std::int64_t, int, float*, float*);
extern template void run_ranged<double>(const Job<double>&, std::int64_t, std::int64_t, int, double*, double*);

}  // namespace galena::hyper
