#include "src/ops/tensor_memory.hpp"

#include <omp.h>

#include "galena/tensor.hpp"
#include "test/support/catch.hpp"

using namespace galena;
using ops::tensor_memory_use;

namespace {

constexpr std::int64_t kCols = 1024;  // 4 KiB a row

Tensor megabytes(std::int64_t count) { return Tensor::empty(count * 256, kCols); }
constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

}  // namespace

TEST_CASE("freed memory of large tensors is used again") {
  ops::release_tensor_memory();
  Tensor first = megabytes(8);
  const Tensor other = megabytes(40);
  const std::byte* const address = first.raw();
  first = {};
  CHECK(tensor_memory_use().kept == 8 * kMiB);
  CHECK(megabytes(8).raw() == address);
  CHECK(megabytes(4).raw() != address);
}

TEST_CASE("memory that is held is bounded by what was in use at a time") {
  ops::release_tensor_memory();
  const std::uint64_t before = tensor_memory_use().live;
  for (std::int64_t size = 2; size < 60; ++size) {
    const Tensor a = megabytes(size), b = megabytes(1);
    const auto use = tensor_memory_use();
    CHECK(use.live >= before + (static_cast<std::uint64_t>(size) + 1) * kMiB);
    CHECK(static_cast<double>(use.live + use.kept) <= ops::kMostHeld * static_cast<double>(use.peak));
    CHECK(use.peak <= before + (static_cast<std::uint64_t>(size) * 17 / 16 + 2) * kMiB);
  }
  ops::release_tensor_memory();
  CHECK(tensor_memory_use().kept == 0);
  CHECK(tensor_memory_use().live == before);
}

TEST_CASE("tensors come and go in several threads") {
  bool good = true;
#pragma omp parallel for num_threads(4) reduction(&& : good)
  for (int k = 0; k < 200; ++k) {
    const Tensor tensor = megabytes(1 + k % 5);
    tensor.slice(0, 1).fill(k);
    good = good && tensor.item(0, kCols - 1) == k;
  }
  CHECK(good);
}
