#include "src/comm/link.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace galena::comm {

LinkModel::LinkModel(const Link& link, int ranks) : link_(link), ranks_(ranks) {
  if (!(link.latency >= 0) || !(link.bytes_per_second > 0))
    throw InputError(
        fmt::format("a simulated link has a latency of 0 s or more and a rate above 0; found {} s, {} bytes/s",
                    link.latency, link.bytes_per_second));
  const std::size_t ends = link.shared == Link::Shared::pair ? std::size_t(ranks) * ranks : ranks;
  out_free_.assign(ends, 0.0);
  in_free_.assign(link.shared == Link::Shared::pair ? 0 : ends, 0.0);
}

LinkModel::Times LinkModel::send(int from, int to, std::uint64_t bytes, double now) {
  if (from == to) return {now, now};  // crosses no wire
  const double seconds = static_cast<double>(bytes) / link_.bytes_per_second;
  const bool pair = link_.shared == Link::Shared::pair;
  double& out = out_free_[pair ? std::size_t(from) * ranks_ + to : from];
  const double begin = std::max(now, out);
  out = begin + seconds;
  if (pair) return {out, out + link_.latency};
  // Its first byte reaches the receiver's port a latency after it left; it may queue there behind others' messages.
  double& in = in_free_[to];
  in = std::max(begin + link_.latency, in) + seconds;
  return {out, in};
}

}  // namespace galena::comm
