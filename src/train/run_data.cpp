#include "src/train/run_data.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <span>

#include "galena/error.hpp"
#include "src/base/hash.hpp"

namespace galena::train {
namespace {

void require(bool holds, const std::string& what) {
  if (!holds) throw InputError(what);
}

void check_dense(const FeatureMatrix& features) {
  require(features.dense.size() == features.rows * features.cols,
          fmt::format("features of {} rows and {} columns: dense has {} values; expected {}", features.rows,
                      features.cols, features.dense.size(), features.rows * features.cols));
}

void check_sparse(const FeatureMatrix& features) {
  const std::vector<EdgeOffset>& indptr = features.indptr;
  const std::vector<std::uint32_t>& indices = features.indices;
  require(indptr.size() == features.rows + 1, fmt::format("features of {} rows: indptr has {} entries; expected {}",
                                                          features.rows, indptr.size(), features.rows + 1));
  require(indices.size() == features.values.size(),
          fmt::format("features: {} indices, but {} values", indices.size(), features.values.size()));
  require(indptr.front() == 0 && indptr.back() == indices.size(),
          fmt::format("features: indptr runs from {} to {}; expected 0 to {}, the entries of indices", indptr.front(),
                      indptr.back(), indices.size()));
  const auto drop = std::ranges::adjacent_find(indptr, std::greater<>());
  if (drop != indptr.end())
    throw InputError(fmt::format("features: indptr[{}] is {}, but indptr[{}] before it is {}; expected no decrease",
                                 drop - indptr.begin() + 1, drop[1], drop - indptr.begin(), drop[0]));
  const auto high = std::ranges::find_if(indices, [&](std::uint32_t column) { return column >= features.cols; });
  if (high != indices.end())
    throw InputError(fmt::format("features: indices[{}] is {}, but there are {} columns", high - indices.begin(), *high,
                                 features.cols));
}

void check_features(const FeatureMatrix& features, std::uint64_t n) {
  require(features.rows == n, fmt::format("features of {} vertices for a graph of {}", features.rows, n));
  require(features.cols <= std::numeric_limits<std::uint32_t>::max(),
          fmt::format("features of {} columns; expected fewer than 2^32", features.cols));
  features.sparse() ? check_sparse(features) : check_dense(features);
}

void check_labels(const NodeData& data, std::size_t n) {
  const std::size_t known = data.multi_label ? data.label_matrix.size() : data.labels.size();
  const std::size_t expected = data.multi_label ? n * data.num_classes : n;
  require(known == expected, fmt::format("{} labels of {} vertices; expected {}", known, n, expected));
  const auto bad = std::ranges::find_if(data.label_matrix, [](std::uint8_t label) { return label > 1; });
  if (data.multi_label && bad != data.label_matrix.end()) {
    const auto at = static_cast<std::size_t>(bad - data.label_matrix.begin());
    throw InputError(fmt::format("vertex {} has {} for class {}; expected 0 or 1", at / data.num_classes, *bad,
                                 at % data.num_classes));
  }
}

/// What losses index by: kernels do not look again.
void check_splits(const NodeData& data, std::size_t n) {
  for (const auto* const split : {&data.train, &data.valid, &data.test})
    for (const VertexId v : *split) {
      if (v >= n) throw InputError(fmt::format("vertex {} is in a split of a graph of {} vertices", v, n));
      if (data.multi_label) continue;
      if (const std::int64_t label = data.labels[v]; label < 0 || label >= std::int64_t{data.num_classes})
        throw InputError(fmt::format("vertex {} has label {}; expected 0 to {}, of {} classes", v, label,
                                     std::int64_t{data.num_classes} - 1, data.num_classes));
    }
}

template <class T>
std::uint64_t digest_of(const std::vector<T>& values, int threads) {
  return base::hash_large(std::as_bytes(std::span(values)), threads);
}

}  // namespace

void check_data(const NodeDataset& set) {
  check_features(set.data.features, set.num_vertices());
  require(!set.data.train.empty(), "no training vertices");
  check_labels(set.data, set.num_vertices());
  check_splits(set.data, set.num_vertices());
}

DataDigests digest_data(const NodeData& data, int threads) {
  const FeatureMatrix& f = data.features;
  DataDigests digests;
  digests.features = digest_of(f.dense, threads);
  if (f.sparse())
    digests.features = base::hash_combine(
        base::hash_combine(digest_of(f.indptr, threads), digest_of(f.indices, threads)), digest_of(f.values, threads));
  digests.labels = data.multi_label ? digest_of(data.label_matrix, threads) : digest_of(data.labels, threads);
  digests.train = digest_of(data.train, threads);
  digests.valid = digest_of(data.valid, threads);
  digests.test = digest_of(data.test, threads);
  return digests;
}

}  // namespace galena::train
