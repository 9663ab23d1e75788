#pragma once
// Sums over rows, one a column: of normalisations, of biases.

#include <vector>

#include "src/ops/parallel.hpp"

namespace galena::ops {

/// Lets row(i, partial) add row i's part to `width` sums in double, by chunks; total(c, sum) receives each. The order
/// of additions depends on n alone.
template <class Row, class Total>
void reduce_rows(std::int64_t n, std::int64_t width, const Row& row, const Total& total) {
  const Chunks chunks(n);
  std::vector<double> partial(static_cast<std::size_t>(chunks.count * width));
  parallel_chunks(chunks, width, [&](std::int64_t chunk, std::int64_t begin, std::int64_t end) {
    double* sums = partial.data() + chunk * width;
    for (std::int64_t i = begin; i < end; ++i) row(i, sums);
  });
  for (std::int64_t c = 0; c < width; ++c) {
    double sum = 0;
    for (std::int64_t chunk = 0; chunk < chunks.count; ++chunk) {
      sum += partial[static_cast<std::size_t>(chunk * width + c)];
    }
    total(c, sum);
  }
}

}  // namespace galena::ops
