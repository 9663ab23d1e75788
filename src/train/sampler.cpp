#include "src/train/sampler.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "src/ops/random_key.hpp"

namespace galena::train {
namespace {

ops::RandomKey random_key(const SampleKey& key) {
  return {key.seed, key.epoch, ops::RandomKey::make_stream(key.call, ops::Purpose::sample)};
}

// Names the route within a draw.
std::uint32_t route_number(const SampleKey& key) {
  return (static_cast<std::uint32_t>(key.sender) << 16) | static_cast<std::uint32_t>(key.receiver);
}

std::uint64_t row_key(const ops::RandomKey& random, VertexId id, std::uint32_t receiver) {
  const auto block = random.draw(id, receiver);
  return (std::uint64_t{block[0]} << 32) | block[1];
}

// Uniform in [0, 1) for the route as a whole; `what` tells draws apart. Row draws have smaller block numbers.
double route_uniform(const SampleKey& key, std::uint32_t what) {
  const auto block = random_key(key).draw(route_number(key), 0x80000000U | what);
  return static_cast<double>((std::uint64_t{block[0]} << 21) ^ (block[1] >> 11)) * 0x1.0p-53;
}

struct Keyed {
  std::uint64_t key;
  std::uint32_t position;
  bool operator<(const Keyed& other) const { return key != other.key ? key < other.key : position < other.position; }
};

std::vector<Keyed> keyed_rows(const Route& route, std::uint32_t begin, std::uint32_t end, const SampleKey& key) {
  const ops::RandomKey random = random_key(key);
  std::vector<Keyed> rows;
  rows.reserve(end - begin);
  for (std::uint32_t k = begin; k < end; ++k)
    rows.push_back({row_key(random, route.ids[k], static_cast<std::uint32_t>(key.receiver)), k});
  return rows;
}

/// The end of a stratum of the uniform draw: rows needed longest stand first.
std::uint32_t end_of(const Route& route, int hops, int stratum) {
  return hops > 0 ? route.hop_count[static_cast<std::size_t>(hops - 1 - stratum)]
                  : static_cast<std::uint32_t>(route.ids.size());
}

}  // namespace

std::uint32_t sample_size(std::uint32_t size, double rate, const SampleKey& key, std::uint32_t stratum) {
  const double wanted = rate * size;
  const double whole = std::floor(wanted);
  const bool up = route_uniform(key, stratum) < wanted - whole;
  return std::min(size, static_cast<std::uint32_t>(whole) + (up ? 1U : 0U));
}

std::uint32_t most_uniform(const Route& route, double rate, int hops, std::uint32_t needed) {
  std::uint32_t begin = 0;
  double most = 0;
  for (int stratum = 0; stratum < std::max(hops, 1) && begin < needed; ++stratum) {
    const std::uint32_t end = end_of(route, hops, stratum);
    most += std::ceil(rate * (end - begin));
    begin = end;
  }
  return std::min(needed, static_cast<std::uint32_t>(most));
}

std::uint32_t most_unequal(std::span<const double> probability, std::uint32_t needed) {
  double most = 0, rest = 0;
  for (const double p : probability) (p >= 1 ? most : rest) += std::min(p, 1.0);
  // The sums that a draw adds up are those of another order, which may round to the next integer.
  return static_cast<std::uint32_t>(std::min<double>(needed, most + std::floor(rest) + 2));
}

Sample sample_uniform(const Route& route, double rate, int hops, const SampleKey& key) {
  Sample sample;
  std::uint32_t begin = 0;
  for (int stratum = 0; stratum < std::max(hops, 1); ++stratum) {
    const std::uint32_t end = end_of(route, hops, stratum);
    const std::uint32_t size = sample_size(end - begin, rate, key, static_cast<std::uint32_t>(stratum));
    auto rows = keyed_rows(route, begin, end, key);
    if (size < rows.size()) {
      std::nth_element(rows.begin(), rows.begin() + size, rows.end());
      rows.resize(size);
    }
    for (const Keyed& row : rows) sample.positions.push_back(row.position);
    begin = end;
  }
  std::sort(sample.positions.begin(), sample.positions.end());
  if (rate < 1) sample.weights.assign(sample.positions.size(), static_cast<float>(1 / rate));
  return sample;
}

Sample sample_unequal(const Route& route, std::span<const double> probability, const SampleKey& key) {
  auto rows = keyed_rows(route, 0, static_cast<std::uint32_t>(route.ids.size()), key);
  std::sort(rows.begin(), rows.end());
  // Row k takes the interval of its probability's length; those with an integer + start in theirs are drawn.
  const double start = route_uniform(key, 0);
  double reached = 0;
  std::vector<std::uint32_t> drawn;
  for (const Keyed& row : rows) {
    const double next = reached + probability[row.position];
    if (probability[row.position] >= 1 || std::ceil(next - start) > std::ceil(reached - start))
      drawn.push_back(row.position);
    if (probability[row.position] < 1) reached = next;
  }
  std::sort(drawn.begin(), drawn.end());
  Sample sample;
  for (const std::uint32_t k : drawn) sample.weights.push_back(static_cast<float>(1 / probability[k]));
  sample.positions = std::move(drawn);
  return sample;
}

std::vector<double> probabilities_by_importance(std::span<const float> importance, double rate) {
  std::vector<double> root(importance.size());
  std::transform(importance.begin(), importance.end(), root.begin(), [](float a) { return std::sqrt(a); });
  std::vector<double> probability(root.size(), 0);
  std::vector<std::size_t> order(root.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return root[a] != root[b] ? root[a] > root[b] : a < b; });
  double left = rate * static_cast<double>(root.size());
  double rest = std::accumulate(root.begin(), root.end(), 0.0);
  // The largest are certain as long as their fair share is 1 or more; the others share what is left.
  std::size_t certain = 0;
  while (certain < order.size() && rest > 0 && root[order[certain]] * left >= rest) {
    probability[order[certain]] = 1;
    rest -= root[order[certain]];
    left -= 1;
    ++certain;
  }
  for (std::size_t k = certain; k < order.size(); ++k)
    probability[order[k]] = rest > 0 ? std::min(1.0, root[order[k]] * left / rest) : 0;
  return probability;
}

}  // namespace galena::train
