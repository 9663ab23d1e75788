#pragma once
// What tests of kernels for GPUs share: the same operation on the CPU and on a device, and the comparison of the two. Sums of
// n terms may differ by their rounding: the tolerance is a number of units in the last place of the largest element.

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "src/ops/device_csr.hpp"
#include "src/ops/device_ops.hpp"
#include "test/ops/reference.hpp"
#include "test/support/device_under_test.hpp"

namespace galena::test {

using Tensors = std::vector<Tensor>;
using Operation = std::function<void(const Tensors&)>;

inline double largest_of(const Tensor& x) {
  double largest = 0;
  for (std::int64_t i = 0; i < x.rows(); ++i)
    for (std::int64_t c = 0; c < x.cols(); ++c) largest = std::max(largest, std::abs(x.item(i, c)));
  return largest;
}

inline Tensors copied(const Tensors& tensors, Device device) {
  Tensors copies;
  for (const Tensor& x : tensors) copies.push_back(x.clone().to(device));
  return copies;
}

/// Runs `on_cpu` and `on_device` on copies of the same tensors; afterwards all must be equal within `ulps`.
/// `ulps`: of each result's type, or of f32 where an f64 is computed from f32.
inline void check_same(const Tensors& tensors, const Operation& on_cpu, const Operation& on_device, double ulps,
                       DType computed = DType::f64) {
  const Tensors want = copied(tensors, Device::cpu), there = copied(tensors, Device::cuda);
  on_cpu(want);
  {
    const OnDevice scope(Device::cuda);
    on_device(there);
  }
  const Tensors got = copied(there, Device::cpu);
  for (std::size_t k = 0; k < got.size(); ++k) {
    const bool wide = want[k].dtype() == DType::f64 && computed == DType::f64;
    const double unit =
        wide ? std::numeric_limits<double>::epsilon() : static_cast<double>(std::numeric_limits<float>::epsilon());
    CAPTURE(k, want[k].rows(), want[k].cols());
    CHECK(largest_difference(got[k], want[k]) <= ulps * unit * std::max(1e-30, largest_of(want[k])));
  }
}

inline void check_twin(const Tensors& tensors, const Operation& operation, double ulps) {
  check_same(tensors, operation, operation, ulps);
}

/// A view that has a copy on the device.
struct OnBoth {
  explicit OnBoth(ops::CsrArrays arrays) : csr(std::move(arrays)) { csr.on_device = ops::to_device(csr.view()); }
  ops::CsrArrays csr;
  [[nodiscard]] ops::Csr view() const { return csr.view(); }
};

inline constexpr DType kTypes[] = {DType::f32, DType::f64};

}  // namespace galena::test
