#pragma once
// Which boundary rows are sent: all, a uniform sample (BNS-GCN), or a sample with a probability for each row. Both ends
// of a route draw the same sample from a counter-based generator, so no index is sent.
//
// BNS-GCN (C. Wan et al., MLSys 2022) takes floor(p |B|) rows and weights them by |B| / |S|; where p |B| < 1 it drops a
// peer for good, which biases every sum. Here the size is p |B| rounded up or down at random, so that every row has
// probability p exactly and weight 1 / p.

#include <cstdint>
#include <span>
#include <vector>

#include "src/train/share.hpp"

namespace galena::train {

/// A sample of a route: positions in it, increasing, and the weight 1 / probability of each.
struct Sample {
  std::vector<std::uint32_t> positions;
  std::vector<float> weights;  ///< empty: all 1
};

/// Names the draw; both ends know it.
struct SampleKey {
  std::uint64_t seed = 0;
  std::uint32_t epoch = 0;
  std::uint32_t call = 0;  ///< exchange; equal for all exchanges that share a sample, see shared_call()
  int sender = 0, receiver = 0;
};

/// SampleKey::call where all exchanges of a direction share their sample. Those of a hypergraph's two directions are
/// independent, so that the sum over both is unbiased.
inline std::uint32_t shared_call(const Share& share, int hop) {
  return share.back && hop % 2 != 0 ? ~std::uint32_t{0} : 0;
}

/// How many of `size` rows are drawn at rate p: p * size rounded at random. `stratum` is part of the draw's name.
std::uint32_t sample_size(std::uint32_t size, double rate, const SampleKey& key, std::uint32_t stratum);

/// Uniform at rate p in [0, 1] without replacement, stratum by stratum: rows needed at the same hops are a stratum, so
/// that the bytes of every hop are those of the rate. `hops` 0: the whole route is one stratum (no pruning).
Sample sample_uniform(const Route& route, double rate, int hops, const SampleKey& key);

/// Row k with probability[k] (0 .. 1), systematically in a random order: the size differs from the sum of the
/// probabilities by less than 1. (W. Madow, 1949.)
Sample sample_unequal(const Route& route, std::span<const double> probability, const SampleKey& key);

/// The most of the first `needed` rows that a draw may have.
std::uint32_t most_uniform(const Route& route, double rate, int hops, std::uint32_t needed);
std::uint32_t most_unequal(std::span<const double> probability, std::uint32_t needed);

/// Probabilities proportional to the square roots of `importance`, at most 1, that sum to rate * size.
std::vector<double> probabilities_by_importance(std::span<const float> importance, double rate);

}  // namespace galena::train
