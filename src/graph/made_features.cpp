// Features of vertices that a dataset does not have.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>
#include <numeric>
#include <optional>

#include "galena/error.hpp"
#include "src/base/random.hpp"
#include "src/graph/node_files.hpp"

namespace galena::detail {
namespace {

constexpr std::uint64_t kNoiseColumns = 100;
constexpr std::uint64_t kNoiseStream = 0x6e6f6973;

// A one in column columns[v] of row v.
FeatureMatrix one_hot(std::vector<std::uint32_t> columns, std::uint64_t cols) {
  FeatureMatrix matrix;
  matrix.rows = columns.size();
  matrix.cols = cols;
  matrix.indptr.resize(columns.size() + 1);
  std::iota(matrix.indptr.begin(), matrix.indptr.end(), EdgeOffset{0});
  matrix.values.assign(columns.size(), 1.0F);
  matrix.indices = std::move(columns);
  return matrix;
}

// SIGMA of "label-noise:SIGMA"; nothing where it is not that.
std::optional<double> noise_of(std::string_view text) {
  constexpr std::string_view kPrefix = "label-noise:";
  if (!text.starts_with(kPrefix)) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  double sigma = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), sigma);
  const bool good = error == std::errc() && end == text.data() + text.size() && std::isfinite(sigma) && sigma >= 0;
  return good ? std::optional(sigma) : std::nullopt;
}

// Box and Muller's.
double normal(base::RandomStream& random) {
  const double radius = std::sqrt(-2 * std::log(1 - random.uniform()));
  return radius * std::cos(2 * std::numbers::pi * random.uniform());
}

// Chien et al. (ICLR 2022) give the vertices of networks without features their label with noise.
FeatureMatrix noisy_labels(VertexId vertices, double sigma, std::uint64_t seed, const NodeData& data) {
  FeatureMatrix matrix;
  matrix.rows = vertices;
  matrix.cols = std::max<std::uint64_t>(kNoiseColumns, data.num_classes);
  matrix.dense.resize(matrix.rows * matrix.cols);
  for (VertexId v = 0; v < vertices; ++v) {
    base::RandomStream random(seed, kNoiseStream, v);
    float* const row = matrix.dense.data() + v * matrix.cols;
    for (std::uint64_t c = 0; c < matrix.cols; ++c) row[c] = static_cast<float>(sigma * normal(random));
    if (data.multi_label) {
      for (std::uint32_t c = 0; c < data.num_classes; ++c) {
        row[c] += data.label_matrix[std::size_t{v} * data.num_classes + c];
      }
    } else if (data.labels[v] >= 0) {
      row[data.labels[v]] += 1;
    }
  }
  return matrix;
}

}  // namespace

void make_features(VertexId vertices, const NodeDataOptions& options, std::span<const VertexId> degrees,
                   NodeData& data) {
  if (const auto sigma = noise_of(options.no_features)) {
    data.features = noisy_labels(vertices, *sigma, options.seed, data);
    data.notes.push_back(
        fmt::format("The dataset has no features: {} columns of normal noise of deviation {}, seed {}, and 1 added to "
                    "the column of each vertex's class, of test vertices too.",
                    data.features.cols, *sigma, options.seed));
  } else if (options.no_features == "identity") {
    std::vector<std::uint32_t> columns(vertices);
    std::iota(columns.begin(), columns.end(), 0U);
    data.features = one_hot(std::move(columns), vertices);
    data.notes.emplace_back("The dataset has no features: column v is 1 for vertex v alone (identity).");
  } else if (options.no_features == "degree") {
    if (degrees.size() != vertices) {
      throw InputError(fmt::format("features from degrees need {} degrees, found {}; choose no_features 'identity'",
                                   vertices, degrees.size()));
    }
    data.features = one_hot({degrees.begin(), degrees.end()}, std::uint64_t{std::ranges::max(degrees)} + 1);
    data.notes.emplace_back("The dataset has no features: column d is 1 for the vertices of degree d.");
  } else {
    throw InputError(
        fmt::format("no_features is '{}'; expected 'identity', 'degree' or 'label-noise:SIGMA'", options.no_features));
  }
}

}  // namespace galena::detail
