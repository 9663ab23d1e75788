// Rows coded on a device are the CPU's, byte for byte.

#include <array>
#include <cmath>
#include <numeric>

#include "galena/error.hpp"
#include "src/ops/device_csr.hpp"
#include "src/ops/device_packed.hpp"
#include "test/ops/reference.hpp"
#include "test/support/device_under_test.hpp"

using namespace galena;
using galena::test::random_tensor;

namespace {

/// 40 rows of all widths, of numbers of either sign, some of them constant or zero.
struct Rows {
  explicit Rows(std::int64_t cols) : x(random_tensor(50, cols, DType::f32, 1, -5, 3)) {
    x.slice(4, 5).fill(0);
    x.slice(5, 6).fill(1.7);
    for (std::size_t r = 0; r < 40; ++r) {
      constexpr std::array<std::uint8_t, 6> kWidths{1, 2, 4, 8, 16, 32};
      bits.push_back(kWidths[r % 6]);
      index.push_back(static_cast<VertexId>(r + 3));
      ids.push_back(static_cast<VertexId>(7 * r + 1));
    }
  }
  Tensor x;
  std::vector<std::uint8_t> bits;
  std::vector<VertexId> index, ids;
};

Tensor ids_to_device(const std::vector<VertexId>& ids) {
  return ops::to_device(reinterpret_cast<const std::int32_t*>(ids.data()), ids.size());
}

}  // namespace

TEST_CASE("packed rows are the CPU's bytes, and decode to its elements") {
  GALENA_NEEDS_DEVICE();
  for (const std::int64_t cols : {1, 7, 8, 64, 77}) {
    const Rows rows(cols);
    const ops::RandomKey key{3, 4, 5};
    ops::PackedRows want = ops::layout_rows(cols, rows.bits);
    const ops::DevicePacked got = ops::to_device(want);
    ops::pack_rows(rows.x, rows.index, rows.ids, key, want);
    const Tensor index = ids_to_device(rows.index), ids = ids_to_device(rows.ids), x = rows.x.to(Device::cuda);
    ops::device_ops().pack_rows(x, ops::device_data<VertexId>(index), ops::device_data<VertexId>(ids), key, got,
                                nullptr);
    const Tensor bytes = got.bytes.to(Device::cpu), zero = got.zero.to(Device::cpu), scale = got.scale.to(Device::cpu);
    CAPTURE(cols);
    CHECK(std::equal(want.bytes.begin(), want.bytes.begin() + static_cast<std::ptrdiff_t>(want.offset.back()),
                     bytes.data<std::uint8_t>()));
    CHECK(std::equal(want.zero.begin(), want.zero.end(), zero.data<float>()));
    CHECK(std::equal(want.scale.begin(), want.scale.end(), scale.data<float>()));
    const Tensor decoded = Tensor::empty(40, cols), there = decoded.to(Device::cuda);
    ops::unpack_rows(want, decoded);
    ops::device_ops().unpack_rows(got, there);
    CHECK(test::largest_difference(there.to(Device::cpu), decoded) == 0);
  }
}

TEST_CASE("rows that cannot be coded are NaN at any width, and one of them is told") {
  GALENA_NEEDS_DEVICE();
  for (const float bad : {std::nanf(""), HUGE_VALF, -HUGE_VALF, 2e38F})
    for (const std::size_t r : {0U, 3U, 4U, 5U, 39U}) {
      Rows rows(61);
      rows.ids[39] = 0x7fffffffU;
      if (rows.bits[r] == 32 && bad == 2e38F) continue;  // is a number like others
      rows.x.at<float>(rows.index[r], 17) = bad;
      CAPTURE(bad, r);
      const ops::DevicePacked packed = ops::to_device(ops::layout_rows(61, rows.bits));
      const Tensor index = ids_to_device(rows.index), ids = ids_to_device(rows.ids), x = rows.x.to(Device::cuda);
      const Tensor refused = Tensor::zeros(1, 1, DType::i32).to(Device::cuda);
      const ops::RandomKey key{1, 2, 3};
      ops::device_ops().pack_rows(x, ops::device_data<VertexId>(index), ops::device_data<VertexId>(ids), key, packed,
                                  &refused);
      CHECK(static_cast<VertexId>(static_cast<std::int64_t>(refused.item())) == rows.ids[r] + 1);
      const Tensor decoded = Tensor::empty(40, 61).to(Device::cuda);
      ops::device_ops().unpack_rows(packed, decoded);
      const Tensor host = decoded.to(Device::cpu);
      for (std::int64_t i = 0; i < 40; ++i)
        for (std::int64_t c = 0; c < 61; ++c)
          CHECK(std::isnan(host.at<float>(i, c)) == (i == static_cast<std::int64_t>(r)));
    }
  CHECK_THROWS_WITH(ops::fail_refused(31), galena::test::contains("vertex 31"));
}

TEST_CASE("rows packed from their place are measured as the CPU measures them") {
  GALENA_NEEDS_DEVICE();
  for (const std::int64_t cols : {1, 61, 200}) {
    const Rows rows(cols);
    ops::PackedRows want = ops::layout_rows(cols, rows.bits);
    const Tensor x = rows.x.slice(3, 43);
    std::vector<VertexId> in_place(40);
    std::iota(in_place.begin(), in_place.end(), VertexId{0});
    std::vector<double> variance(40), energy(40);
    const ops::RandomKey key{3, 4, 5};
    ops::pack_rows(x, in_place, rows.ids, key, want, variance, energy);
    const ops::DevicePacked got = ops::to_device(want);
    const Tensor ids = ids_to_device(rows.ids), there = x.to(Device::cuda);
    const Tensor v = Tensor::zeros(40, 1, DType::f64).to(Device::cuda), e = v.clone();
    got.zero.fill(-1);
    ops::device_ops().pack_rows(there, nullptr, ops::device_data<VertexId>(ids), key, got, nullptr);
    ops::device_ops().measure_rows(there, got, v, e);
    CHECK(std::equal(want.zero.begin(), want.zero.end(), got.zero.to(Device::cpu).data<float>()));
    for (std::int64_t r = 0; r < 40; ++r) {
      CAPTURE(cols, r);
      CHECK(std::fabs(v.item(r) - variance[static_cast<std::size_t>(r)]) <=
            1e-5 * variance[static_cast<std::size_t>(r)]);
      CHECK(std::fabs(e.item(r) - energy[static_cast<std::size_t>(r)]) <= 1e-12 * energy[static_cast<std::size_t>(r)]);
    }
  }
}

TEST_CASE("sums of packed rows decode as they add") {
  GALENA_NEEDS_DEVICE();
  const std::int64_t cols = GENERATE(1, 37, 40, 148);
  CAPTURE(cols);
  ops::CsrArrays csr = test::random_csr(30, 45, 12, 2);
  csr.on_device = ops::to_device(csr.view());
  const Rows rows(cols);
  ops::PackedRows packed = ops::layout_rows(cols, rows.bits);
  ops::pack_rows(rows.x, rows.index, rows.ids, {1, 2, 3}, packed);
  for (EdgeOffset k = 0; k < csr.indices.size(); ++k) REQUIRE(csr.indices[k] < 45);
  const ops::DevicePacked there = ops::to_device(packed);
  const Tensor left = random_tensor(30, 1, DType::f32, 4), right = random_tensor(45, 1, DType::f32, 5),
               y = random_tensor(30, cols, DType::f32, 6);
  const Tensor got = y.to(Device::cuda), l = left.to(Device::cuda), r = right.to(Device::cuda);
  // The CPU's kernel takes a packed row for each column: the first 40.
  ops::CsrArrays part = csr;
  part.cols = 40;
  part.indices.clear();
  part.indptr.assign(1, 0);
  for (std::size_t i = 0; i < 30; ++i) {
    for (EdgeOffset k = csr.indptr[i]; k < csr.indptr[i + 1]; ++k)
      if (csr.indices[k] < 40) part.indices.push_back(csr.indices[k]);
    part.indptr.push_back(part.indices.size());
  }
  ops::spmm_packed(part.view(), &left, &right, packed, y);
  ops::device_ops().spmm_packed(csr.view(), &l, &r, there, got);
  CHECK(test::largest_difference(got.to(Device::cpu), y) <= 2e-5);
}
