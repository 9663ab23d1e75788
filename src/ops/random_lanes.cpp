#include "src/ops/random_lanes.hpp"

namespace galena::ops {

void random_lanes(const RandomKey& key, const std::uint32_t* ids, const std::uint32_t* blocks, std::int64_t count,
                  std::uint16_t* out) {
  for (std::int64_t i = 0; i < count; ++i) {
    const base::PhiloxBlock block = key.draw(ids[i], blocks[i]);
    for (std::int64_t k = 0; k < kLanes; ++k) {
      out[kLanes * i + k] = static_cast<std::uint16_t>(block[static_cast<std::size_t>(k / 2)] >> (16 * (k % 2)));
    }
  }
}

}  // namespace galena::ops
