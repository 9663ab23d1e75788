#pragma once
// How many chunks a launch may have where launches must be short.

#include <algorithm>
#include <cstddef>
#include <limits>

namespace galena::mine::gpu {

/// Doubled and halved by how long the last ones took. Systems end kernels after two seconds or more.
class Pace {
 public:
  explicit Pace(bool hurried) : hurried_(hurried), most_(hurried ? kFirst : std::numeric_limits<std::size_t>::max()) {}

  [[nodiscard]] std::size_t most() const { return most_; }
  void took(double seconds) {
    if (!hurried_) return;
    if (seconds < kShort) most_ = std::min(2 * most_, kLast);
    if (seconds > 2 * kShort) most_ = std::max<std::size_t>(1, most_ / 2);
  }

 private:
  static constexpr std::size_t kFirst = 256, kLast = std::size_t{1} << 40;
  static constexpr double kShort = 0.2;
  bool hurried_;
  std::size_t most_;
};

}  // namespace galena::mine::gpu
