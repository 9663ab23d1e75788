// Features of vertices: read, checked and scaled.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "galena/error.hpp"
#include "src/base/threads.hpp"
#include "src/graph/node_files.hpp"

namespace galena::detail {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kMostColumns = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t kGrain = 1 << 12;  // rows for which another thread pays

void check_columns(const std::string& file, std::uint64_t columns) {
  if (columns > 0 && columns <= kMostColumns) return;
  throw InputError(fmt::format("{}: {} columns; expected 1 to {}", file, columns, kMostColumns));
}

// Offsets from 0 to the number of entries that do not decrease.
void check_offsets(const std::string& file, const std::vector<EdgeOffset>& indptr, std::uint64_t entries) {
  if (indptr.front() != 0 || indptr.back() != entries) {
    throw InputError(fmt::format("{}: indptr runs from {} to {}; expected 0 to {}, the entries of indices", file,
                                 indptr.front(), indptr.back(), entries));
  }
  const auto drop = std::ranges::adjacent_find(indptr, std::greater<>());
  if (drop != indptr.end()) {
    throw InputError(fmt::format("{}: indptr[{}] is {}, but indptr[{}] before it is {}; expected no decrease", file,
                                 drop - indptr.begin() + 1, drop[1], drop - indptr.begin(), drop[0]));
  }
}

void check_indices(const std::string& file, const FeatureMatrix& matrix) {
  const auto high = std::ranges::find_if(matrix.indices, [&](std::uint32_t column) { return column >= matrix.cols; });
  if (high == matrix.indices.end()) return;
  throw InputError(fmt::format("{}: indices[{}] is {}, but there are {} columns", file, high - matrix.indices.begin(),
                               *high, matrix.cols));
}

bool columns_increase(const FeatureMatrix& matrix) {
  for (std::uint64_t row = 0; row < matrix.rows; ++row) {
    const auto begin = matrix.indices.begin() + static_cast<std::ptrdiff_t>(matrix.indptr[row]);
    const auto end = matrix.indices.begin() + static_cast<std::ptrdiff_t>(matrix.indptr[row + 1]);
    if (std::adjacent_find(begin, end, std::greater_equal<>()) != end) return false;
  }
  return true;
}

// SciPy allows columns in any order, and repeats, which count as their sum.
void sort_columns(FeatureMatrix& matrix) {
  std::vector<std::pair<std::uint32_t, float>> row;
  std::uint64_t to = 0, from = 0;
  for (std::uint64_t r = 0; r < matrix.rows; ++r) {
    row.clear();
    for (; from < matrix.indptr[r + 1]; ++from) row.emplace_back(matrix.indices[from], matrix.values[from]);
    std::ranges::stable_sort(row, {}, &std::pair<std::uint32_t, float>::first);
    matrix.indptr[r + 1] = to;  // for now: where the row begins
    const std::uint64_t begin = to;
    for (const auto& [column, value] : row) {
      if (to > begin && matrix.indices[to - 1] == column) {
        matrix.values[to - 1] += value;
      } else {
        matrix.indices[to] = column;
        matrix.values[to++] = value;
      }
    }
    matrix.indptr[r + 1] = to;
  }
  matrix.indices.resize(to);
  matrix.values.resize(to);
}

// The first value that is no finite number, in whatever order threads look.
std::uint64_t first_bad(const std::vector<float>& values) {
  const auto bad = std::ranges::find_if_not(values, [](float value) { return std::isfinite(value); });
  return static_cast<std::uint64_t>(bad - values.begin());
}

void check_finite(const std::string& file, const FeatureMatrix& matrix) {
  const std::vector<float>& values = matrix.sparse() ? matrix.values : matrix.dense;
  const std::uint64_t at = first_bad(values);
  if (at == values.size()) return;
  std::uint64_t row = 0, column = 0;
  if (matrix.sparse()) {
    row = static_cast<std::uint64_t>(std::ranges::upper_bound(matrix.indptr, at) - matrix.indptr.begin()) - 1;
    column = matrix.indices[at];
  } else {
    row = at / matrix.cols;
    column = at % matrix.cols;
  }
  throw InputError(fmt::format("{}: row {}, column {} is {}; expected a finite number (replace or drop such values)",
                               file, row, column, values[at]));
}

FeatureMatrix read_dense(const fs::path& file) {
  const base::NpyArray array = base::read_npy(file);
  if (array.shape().size() != 2) {
    throw InputError(fmt::format("{}: shape {}; expected (vertices, columns)", file.string(), array.shape_text()));
  }
  FeatureMatrix matrix;
  matrix.rows = array.shape()[0];
  matrix.cols = array.shape()[1];
  check_columns(file.string(), matrix.cols);
  matrix.dense = array.values<float>();
  return matrix;
}

void divide_rows(FeatureMatrix& matrix, int threads) {
  std::vector<float>& values = matrix.sparse() ? matrix.values : matrix.dense;
#pragma omp parallel for num_threads(base::threads_for(matrix.rows, kGrain, threads))
  for (std::uint64_t row = 0; row < matrix.rows; ++row) {
    const std::uint64_t begin = matrix.sparse() ? matrix.indptr[row] : row * matrix.cols;
    const std::uint64_t end = matrix.sparse() ? matrix.indptr[row + 1] : begin + matrix.cols;
    double sum = 0;
    for (std::uint64_t i = begin; i < end; ++i) sum += std::abs(static_cast<double>(values[i]));
    if (sum == 0) continue;
    for (std::uint64_t i = begin; i < end; ++i) values[i] = static_cast<float>(values[i] / sum);
  }
}

// The mean of each column over these rows. Of a column that is constant there it is that very value, which a rounded sum
// would miss.
std::vector<double> column_means(const FeatureMatrix& matrix, const std::vector<VertexId>& rows) {
  std::vector<double> mean(matrix.cols);
  std::vector<std::uint8_t> varies(matrix.cols);
  const float* const first = matrix.dense.data() + rows.front() * matrix.cols;
  for (const VertexId v : rows) {
    const float* const values = matrix.dense.data() + v * matrix.cols;
    for (std::uint64_t c = 0; c < matrix.cols; ++c) {
      mean[c] += values[c];
      varies[c] |= values[c] != first[c] ? 1 : 0;
    }
  }
  const auto count = static_cast<double>(rows.size());
  for (std::uint64_t c = 0; c < matrix.cols; ++c) mean[c] = varies[c] != 0 ? mean[c] / count : first[c];
  return mean;
}

// A column that is constant over the training vertices is only shifted.
void standardize(FeatureMatrix& matrix, const std::vector<VertexId>& train, int threads) {
  const std::vector<double> mean = column_means(matrix, train);
  std::vector<double> square(matrix.cols);
  for (const VertexId v : train) {  // a second pass: squares less the mean's square would cancel
    for (std::uint64_t c = 0; c < matrix.cols; ++c) {
      const double difference = matrix.dense[v * matrix.cols + c] - mean[c];
      square[c] += difference * difference;
    }
  }
  const auto count = static_cast<double>(train.size());
  std::vector<double> scale(matrix.cols);
  std::ranges::transform(square, scale.begin(), [&](double s) { return s > 0 ? 1 / std::sqrt(s / count) : 1.0; });
#pragma omp parallel for num_threads(base::threads_for(matrix.rows, kGrain, threads))
  for (std::uint64_t row = 0; row < matrix.rows; ++row) {
    float* const values = matrix.dense.data() + row * matrix.cols;
    for (std::uint64_t c = 0; c < matrix.cols; ++c) values[c] = static_cast<float>((values[c] - mean[c]) * scale[c]);
  }
}

}  // namespace

FeatureMatrix read_scipy_csr(const base::NpzFile& file, std::vector<std::string>& notes) {
  if (file.contains("format") && file.read("format").text() != "csr") {
    throw InputError(
        fmt::format("{}: a sparse matrix in format '{}'; save it with scipy.sparse.save_npz(path, "
                    "matrix.tocsr())",
                    file.name(), file.read("format").text()));
  }
  const std::vector<std::uint64_t> shape = file.read("shape").values<std::uint64_t>();
  if (shape.size() != 2) throw InputError(fmt::format("{}: {} dimensions; expected 2", file.name(), shape.size()));
  FeatureMatrix matrix;
  matrix.rows = shape[0];
  matrix.cols = shape[1];
  check_columns(file.name(), matrix.cols);
  matrix.indptr = file.read("indptr").values<EdgeOffset>();
  matrix.indices = file.read("indices").values<std::uint32_t>();
  matrix.values = file.read("data").values<float>();
  if (matrix.indptr.empty() || matrix.indptr.size() - 1 != matrix.rows) {
    throw InputError(fmt::format("{}: indptr has {} entries, but shape says {} rows; expected one more than rows",
                                 file.name(), matrix.indptr.size(), matrix.rows));
  }
  if (matrix.indices.size() != matrix.values.size()) {
    throw InputError(
        fmt::format("{}: {} indices, but {} values", file.name(), matrix.indices.size(), matrix.values.size()));
  }
  check_offsets(file.name(), matrix.indptr, matrix.indices.size());
  check_indices(file.name(), matrix);
  if (!columns_increase(matrix)) {
    const std::uint64_t before = matrix.values.size();
    sort_columns(matrix);
    notes.push_back(fmt::format("{}: columns were sorted within rows, and {} repeated entries added up.", file.name(),
                                before - matrix.values.size()));
  }
  return matrix;
}

void read_features(const fs::path& folder, VertexId vertices, const NodeDataOptions& options,
                   std::span<const VertexId> degrees, NodeData& data) {
  const fs::path dense = folder / "features.npy", sparse = folder / "features.npz";
  const bool is_dense = fs::exists(dense), is_sparse = fs::exists(sparse);
  if (is_dense && is_sparse) {
    throw InputError(fmt::format("{}: both features.npy and features.npz; expected one of them", folder.string()));
  }
  if (!is_dense && !is_sparse) return make_features(vertices, options, degrees, data);
  const std::string file = (is_dense ? dense : sparse).string();
  data.features = is_dense ? read_dense(dense) : read_scipy_csr(base::NpzFile(sparse), data.notes);
  check_rows(file, data.features.rows, vertices, folder);
  check_finite(file, data.features);
}

void normalize_features(const NodeDataOptions& options, NodeData& data) {
  FeatureMatrix& features = data.features;
  const bool rows = options.normalize == Normalize::automatic && features.sparse();
  if (rows || options.normalize == Normalize::row_l1) {
    divide_rows(features, options.threads);
    data.notes.emplace_back("Each row of features was divided by the sum of its absolute values.");
  } else if (options.normalize == Normalize::binary) {
    for (float& value : features.sparse() ? features.values : features.dense) value = value != 0 ? 1 : 0;
    data.notes.emplace_back("Each feature other than 0 was set to 1.");
  } else if (options.normalize == Normalize::standardize) {
    if (features.sparse()) {
      throw InputError(
          "--normalize standardize would make a sparse feature matrix dense; choose rows (divided by their sums), "
          "binary or none");
    }
    standardize(features, data.train, options.threads);
    data.notes.emplace_back(
        "Each column of features was shifted and scaled to mean 0 and standard deviation 1 over the training "
        "vertices.");
  }
}

}  // namespace galena::detail
