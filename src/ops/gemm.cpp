// b is cut into panels of a few vectors' width, copied side by side once; rows of c are shared among threads. Where the
// long dimension is summed over, chunks of it are, and their products are added in order.
// In each product, an element of c is summed along the inner dimension in order, in blocks of kDepth: the result
// does not depend on how rows are shared out.
//
// Why not a BLAS: the matrices are tall and narrow, which these few hundred lines serve as well as OpenBLAS does with
// the same instructions, and better where it does not know the CPU (0.3.21 runs Zen 5 as a Haswell, at half the speed);
// and a BLAS brings threads of its own, whose number would decide how sums are rounded.

#include "src/ops/gemm.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "src/ops/check.hpp"
#include "src/ops/device_ops.hpp"
#include "src/ops/gemm_kernels.hpp"
#include "src/ops/parallel.hpp"
#include "src/ops/pointwise.hpp"

namespace galena::ops {
namespace {

/// Multiplications a thread is woken for: some ten microseconds.
constexpr std::int64_t kGemmGrain = 1 << 20;
/// Inner steps in a block: a panel's part stays in the first-level cache.
constexpr std::int64_t kDepth = 256;
/// Rows of c for which a block of a stays in the second-level cache.
constexpr std::int64_t kBlockRows = 168;
/// Bytes of the widest panel's part.
constexpr std::int64_t kPanelBytes = kDepth * kPanelVectors * 64;

thread_local bool tf32_products = false;

/// By the device, as the thread asks for it.
void device_product(const Tensor& a, const Tensor& b, const Tensor& c, GemmCall call) {
  call.tf32 = tf32_products && a.dtype() == DType::f32;
  device_ops().gemm(a, b, c, call);
}

std::int64_t vector_width(float) { return gemm_kernels().width_f32; }
std::int64_t vector_width(double) { return gemm_kernels().width_f64; }
void pack(const GemmPanel<float>& g) { gemm_kernels().pack_f32(g); }
void pack(const GemmPanel<double>& g) { gemm_kernels().pack_f64(g); }
void multiply(const GemmBlock<float>& g) { gemm_kernels().multiply_f32(g); }
void multiply(const GemmBlock<double>& g) { gemm_kernels().multiply_f64(g); }

struct Panel {
  std::int64_t first = 0, columns = 0, stride = 0;  ///< stride: columns and the zeros after them
};

/// Panels of two vectors, or three where one would remain.
template <class T>
std::vector<Panel> panels_of(std::int64_t columns) {
  const std::int64_t width = vector_width(T{});
  std::vector<Panel> panels;
  for (std::int64_t first = 0; first < columns;) {
    const std::int64_t rest = (columns - first + width - 1) / width,
                       vectors = rest == 3 ? 3 : std::min<std::int64_t>(rest, 2);
    panels.push_back({first, std::min(vectors * width, columns - first), vectors * width});
    first += vectors * width;
  }
  return panels;
}

/// Copies a panel's elements, (p, first + j) of b at b[p * row + j * column], for `depth` values of p.
template <class T>
void pack(const Panel& panel, const T* b, std::int64_t row, std::int64_t column, std::int64_t depth, T* out) {
  pack(GemmPanel<T>{b + panel.first * column, row, column, depth, panel.columns, panel.stride, out});
}

int gemm_threads(std::int64_t m, std::int64_t n, std::int64_t k) {
  return base::threads_for(static_cast<std::uint64_t>(m * n) * static_cast<std::uint64_t>(k), kGemmGrain, 0);
}

/// c [n x m] (+)= a [n x k] * b, where element (p, j) of b is at b[p * row + j * column].
template <class T>
void rows_product(const Tensor& a, const T* b, std::int64_t row, std::int64_t column, const Tensor& c,
                  bool accumulate) {
  const std::int64_t n = c.rows(), m = c.cols(), k = a.cols();
  if (k == 0 && !accumulate) return c.fill(0);
  const std::vector<Panel> panels = panels_of<T>(m);
  if (n == 0 || panels.empty()) return;
  const auto count = static_cast<std::int64_t>(panels.size());
  const std::int64_t stride = panels.back().first + panels.back().stride;  // of all panels
  const T* const pa = a.data<T>();
  T* const pc = c.data<T>();
  const Tensor memory = Tensor::empty(stride, k, a.dtype());
  T* const packed = memory.data<T>();
  const int threads = gemm_threads(n, m, k);
#pragma omp parallel num_threads(threads) if (threads > 1)
  {
#pragma omp for schedule(static)
    for (std::int64_t j = 0; j < count; ++j) {
      const Panel& panel = panels[static_cast<std::size_t>(j)];
      pack(panel, b, row, column, k, packed + panel.first * k);
    }
#pragma omp for schedule(dynamic, 1)
    for (std::int64_t begin = 0; begin < n; begin += kBlockRows) {
      for (std::int64_t p = 0; p < k; p += kDepth) {
        for (const Panel& panel : panels) {
          multiply(GemmBlock<T>{std::min(kBlockRows, n - begin), std::min(kDepth, k - p), panel.columns,
                                pa + begin * k + p, k, 1, packed + panel.first * k + p * panel.stride,
                                pc + begin * m + panel.first, m, accumulate || p > 0});
        }
      }
    }
  }
}

/// Rows of a and b in a partial product: few enough products that they fit in memory many times over.
Chunks product_chunks(std::int64_t n, std::int64_t elements) {
  constexpr std::int64_t kMostElements = std::int64_t{1} << 22;
  const std::int64_t most = std::clamp<std::int64_t>(kMostElements / std::max<std::int64_t>(1, elements), 1, 64);
  return Chunks(n, 2048, most);
}

/// Brings a block nearer in the order of memory; tiles then walk down its columns, which no CPU would foresee.
template <class T>
void fetch(const T* block, std::int64_t size) {
  for (std::int64_t i = 0; i < size; i += 64 / static_cast<std::int64_t>(sizeof(T)))
    __builtin_prefetch(block + i, 0, 2);
}

/// out [k x m] (+)= transpose(a) * b over `rows` rows of both.
template <class T>
void chunk_product(const T* a, std::int64_t k, const T* b, std::int64_t m, std::int64_t rows,
                   const std::vector<Panel>& panels, T* out, bool accumulate) {
  alignas(64) T packed[kPanelBytes / sizeof(T)];
  for (std::int64_t p = 0; p < rows; p += kDepth) {
    const std::int64_t depth = std::min(kDepth, rows - p);
    fetch(a + p * k, depth * k);
    for (const Panel& panel : panels) {
      pack(panel, b + p * m, m, 1, depth, packed);
      multiply(
          GemmBlock<T>{k, depth, panel.columns, a + p * k, 1, k, packed, out + panel.first, m, accumulate || p > 0});
    }
  }
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

Tf32Products::Tf32Products(bool rounded) noexcept : before_(std::exchange(tf32_products, rounded)) {}
Tf32Products::~Tf32Products() { tf32_products = before_; }

void matmul(const Tensor& a, const Tensor& b, const Tensor& c, bool accumulate) {
  check_tensor("matmul", "b", b, a.cols(), b.cols(), a.dtype());
  check_tensor("matmul", "c", c, a.rows(), b.cols(), a.dtype());
  if (on_device(a)) return device_product(a, b, c, {.accumulate = accumulate});
  with_float("matmul", a.dtype(), [&]<class T>(T) { rows_product(a, b.data<T>(), b.cols(), 1, c, accumulate); });
}

void matmul_bias(const Tensor& a, const Tensor& b, const Tensor& bias, const Tensor& c) {
  if (on_device(a)) {
    check_tensor("matmul_bias", "b", b, a.cols(), b.cols(), a.dtype());
    check_tensor("matmul_bias", "bias", bias, 1, b.cols(), a.dtype());
    check_tensor("matmul_bias", "c", c, a.rows(), b.cols(), a.dtype());
    return device_product(a, b, c, {.bias = &bias});
  }
  matmul(a, b, c);
  add_row(bias, c);
}

void matmul_nt(const Tensor& a, const Tensor& b, const Tensor& c, bool accumulate) {
  check_tensor("matmul_nt", "b", b, b.rows(), a.cols(), a.dtype());
  check_tensor("matmul_nt", "c", c, a.rows(), b.rows(), a.dtype());
  if (on_device(a)) return device_product(a, b, c, {.transpose_b = true, .accumulate = accumulate});
  with_float("matmul_nt", a.dtype(), [&]<class T>(T) { rows_product(a, b.data<T>(), 1, b.cols(), c, accumulate); });
}

void matmul_tn(const Tensor& a, const Tensor& b, const Tensor& c, bool accumulate) {
  check_tensor("matmul_tn", "b", b, a.rows(), b.cols(), a.dtype());
  check_tensor("matmul_tn", "c", c, a.cols(), b.cols(), a.dtype());
  if (on_device(a)) return device_product(a, b, c, {.transpose_a = true, .accumulate = accumulate});
  with_float("matmul_tn", a.dtype(), [&]<class T>(T) {
    const T *pa = a.data<T>(), *pb = b.data<T>();
    T* const pc = c.data<T>();
    const std::int64_t k = a.cols(), m = b.cols(), size = k * m;
    if (a.rows() == 0 && !accumulate) return c.fill(0);
    const Chunks chunks = product_chunks(a.rows(), size);
    const std::vector<Panel> panels = panels_of<T>(m);
    if (chunks.count <= 1) return chunk_product(pa, k, pb, m, chunks.n, panels, pc, accumulate);
    const Tensor memory = Tensor::empty(chunks.count, size, a.dtype());
    T* const partial = memory.data<T>();
    parallel_chunks(chunks, size, [&](std::int64_t chunk, std::int64_t begin, std::int64_t end) {
      chunk_product(pa + begin * k, k, pb + begin * m, m, end - begin, panels, partial + chunk * size, false);
    });
    add_in_order(partial, chunks.count, pc, size, accumulate);
  });
}

}  // namespace galena::ops
