#include "src/ops/gemm.hpp"

#include <algorithm>

#include "src/base/memory.hpp"
#include "src/ops/blas.hpp"
#include "src/ops/check.hpp"
#include "src/ops/parallel.hpp"

namespace galena::ops {
namespace {

/// Multiplications a thread is woken for: some ten microseconds.
constexpr std::int64_t kGemmGrain = 1 << 20;

/// Rows of c in one call of BLAS, by the shape alone. Each call packs b anew, so they are not too few.
std::int64_t block_rows(std::int64_t rows) { return std::clamp<std::int64_t>((rows + 63) / 64, 192, 2048) / 16 * 16; }

int gemm_threads(std::int64_t m, std::int64_t n, std::int64_t k) {
  return base::threads_for(static_cast<std::uint64_t>(m) * static_cast<std::uint64_t>(n * k), kGemmGrain, 0);
}

void row_blocks(const char* op, bool transpose_b, const Tensor& a, const Tensor& b, const Tensor& c, bool accumulate) {
  with_float(op, a.dtype(), [&](auto type) {
    using T = decltype(type);
    const T *pa = a.data<T>(), *pb = b.data<T>();
    T* const pc = c.data<T>();
    const std::int64_t rows = c.rows(), n = c.cols(), k = a.cols(), size = block_rows(rows);
    const int threads = gemm_threads(rows, n, k);
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1) if (threads > 1)
    for (std::int64_t begin = 0; begin < rows; begin += size) {
      const GemmShape shape{false, transpose_b, std::min(size, rows - begin), n, k, k, b.cols(), n};
      blas_gemm(shape, pa + begin * k, pb, pc + begin * n, accumulate);
    }
  });
}

/// Rows of a and b in a partial product: few enough products that they fit in memory many times over.
Chunks product_chunks(std::int64_t n, std::int64_t elements) {
  constexpr std::int64_t kMostElements = std::int64_t{1} << 22;
  const std::int64_t most = std::clamp<std::int64_t>(kMostElements / std::max<std::int64_t>(1, elements), 1, 64);
  return Chunks(n, 1024, most);
}

/// c (+)= sum of `count` matrices of c's size, in order.
template <class T>
void add_in_order(const T* partial, std::int64_t count, T* c, std::int64_t size, bool accumulate) {
  parallel_ranges(size, count, [=](std::int64_t begin, std::int64_t end) {
    if (!accumulate) std::copy(partial + begin, partial + end, c + begin);
    for (std::int64_t p = accumulate ? 0 : 1; p < count; ++p) {
      for (std::int64_t i = begin; i < end; ++i) c[i] += partial[p * size + i];
    }
  });
}

}  // namespace

void matmul(const Tensor& a, const Tensor& b, const Tensor& c, bool accumulate) {
  check_tensor("matmul", "b", b, a.cols(), b.cols(), a.dtype());
  check_tensor("matmul", "c", c, a.rows(), b.cols(), a.dtype());
  row_blocks("matmul", false, a, b, c, accumulate);
}

void matmul_nt(const Tensor& a, const Tensor& b, const Tensor& c, bool accumulate) {
  check_tensor("matmul_nt", "b", b, b.rows(), a.cols(), a.dtype());
  check_tensor("matmul_nt", "c", c, a.rows(), b.rows(), a.dtype());
  row_blocks("matmul_nt", true, a, b, c, accumulate);
}

void matmul_tn(const Tensor& a, const Tensor& b, const Tensor& c, bool accumulate) {
  check_tensor("matmul_tn", "b", b, a.rows(), b.cols(), a.dtype());
  check_tensor("matmul_tn", "c", c, a.cols(), b.cols(), a.dtype());
  with_float("matmul_tn", a.dtype(), [&](auto type) {
    using T = decltype(type);
    const T *pa = a.data<T>(), *pb = b.data<T>();
    T* const pc = c.data<T>();
    const std::int64_t k = a.cols(), m = b.cols(), size = k * m;
    const Chunks chunks = product_chunks(a.rows(), size);
    const auto product = [=](std::int64_t begin, std::int64_t end, T* out, bool add) {
      blas_gemm({true, false, k, m, end - begin, k, m, m}, pa + begin * k, pb + begin * m, out, add);
    };
    if (chunks.count <= 1) return product(0, chunks.n, pc, accumulate);
    base::Array<T> partial(static_cast<std::uint64_t>(chunks.count * size), "partial products");
    parallel_chunks(chunks, size, [&](std::int64_t chunk, std::int64_t begin, std::int64_t end) {
      product(begin, end, partial.data() + chunk * size, false);
    });
    add_in_order(partial.data(), chunks.count, pc, size, accumulate);
  });
}

}  // namespace galena::ops
