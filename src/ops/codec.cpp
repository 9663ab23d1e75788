#include "src/ops/codec.hpp"

#include "src/ops/codec_math.hpp"

namespace galena::ops {

RowParameters parameters_of(const RowRange& range, int bits) { return math::parameters_of(range, bits); }

}  // namespace galena::ops
