#pragma once
// How long a transfer takes: latency + bytes * seconds_per_byte, fitted to measured ones. Conventions: allocate.hpp.

#include <cstdint>
#include <span>

namespace galena::train {

struct LinkFit {
  double latency = 0;           ///< seconds, >= 0
  double seconds_per_byte = 0;  ///< >= 0
  double spread = 0;            ///< median of |measured - fitted| / fitted: how far to trust it
};

struct LinkSample {
  double bytes = 0;    ///< >= 0
  double seconds = 0;  ///< > 0
};

/// Fits both, neither negative. Samples of two sizes at least, many of each if they are noisy; a minority that
/// was held up (by another process, say) does not count. Anything else is an InputError.
LinkFit fit_link(std::span<const LinkSample> samples);

}  // namespace galena::train
