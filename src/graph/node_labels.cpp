// Labels of vertices: one class each, or a row of a 0/1 matrix.

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "galena/error.hpp"
#include "src/base/mapped_file.hpp"
#include "src/base/memory.hpp"
#include "src/graph/folder.hpp"
#include "src/graph/node_files.hpp"
#include "src/graph/readers.hpp"

namespace galena::detail {
namespace fs = std::filesystem;
namespace {

// Class ids become 0..C-1 in increasing order; -1 stays.
void read_ids(const std::string& name, const std::vector<std::int64_t>& ids, NodeData& data) {
  for (std::size_t v = 0; v < ids.size(); ++v) {
    if (ids[v] >= -1) continue;
    throw InputError(fmt::format("{}: row {} is {}; expected a class from 0, or -1 for none", name, v, ids[v]));
  }
  std::vector<std::int64_t> classes = ids;
  std::ranges::sort(classes);
  classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
  if (!classes.empty() && classes.front() == -1) classes.erase(classes.begin());
  if (classes.size() < 2) {
    const std::string found =
        classes.empty() ? "no vertex has a label" : fmt::format("every label is {}", classes.front());
    throw InputError(
        fmt::format("{}: {}; expected two classes or more, for one class leaves nothing to learn", name, found));
  }
  data.labels.resize(ids.size());
  std::ranges::transform(ids, data.labels.begin(), [&](std::int64_t id) {
    return id < 0 ? -1 : static_cast<std::int32_t>(std::ranges::lower_bound(classes, id) - classes.begin());
  });
  data.num_classes = static_cast<std::uint32_t>(classes.size());
  if (classes.back() + 1 != static_cast<std::int64_t>(classes.size())) {
    data.notes.push_back(fmt::format("{}: class ids from {} to {} were renumbered 0 to {}.", name, classes.front(),
                                     classes.back(), classes.size() - 1));
  }
  data.class_ids = std::move(classes);
}

// [n * classes] zeros, and the other fields of a multi-label dataset.
void begin_matrix(const std::string& file, std::uint64_t rows, std::uint64_t classes, NodeData& data) {
  if (classes == 0 || classes > static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max())) {
    throw InputError(fmt::format("{}: {} classes; expected 1 to 2^31 - 1", file, classes));
  }
  data.multi_label = true;
  data.num_classes = static_cast<std::uint32_t>(classes);
  data.class_ids.resize(classes);
  std::iota(data.class_ids.begin(), data.class_ids.end(), std::int64_t{0});
  base::check_memory(rows * classes, "the label matrix");  // both below 2^32
  data.label_matrix.assign(rows * classes, 0);
}

[[noreturn]] void throw_no_bit(const std::string& file, std::uint64_t row, std::uint64_t column, double value) {
  throw InputError(
      fmt::format("{}: row {}, column {} is {}; expected 0 or 1 in a matrix of labels", file, row, column, value));
}

void read_matrix(const base::NpyArray& array, NodeData& data) {
  const std::uint64_t classes = array.shape()[1];
  const std::vector<double> values = array.values<double>();
  begin_matrix(array.name(), array.shape()[0], classes, data);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] != 0 && values[i] != 1) throw_no_bit(array.name(), i / classes, i % classes, values[i]);
    data.label_matrix[i] = values[i] != 0 ? 1 : 0;
  }
}

void read_sparse_matrix(const fs::path& file, VertexId vertices, const fs::path& folder, NodeData& data) {
  const FeatureMatrix matrix = read_scipy_csr(base::NpzFile(file), data.notes);
  check_rows(file.string(), matrix.rows, vertices, folder);
  begin_matrix(file.string(), matrix.rows, matrix.cols, data);
  for (std::uint64_t row = 0; row < matrix.rows; ++row) {
    for (EdgeOffset i = matrix.indptr[row]; i < matrix.indptr[row + 1]; ++i) {
      const float value = matrix.values[i];
      if (value != 0 && value != 1) throw_no_bit(file.string(), row, matrix.indices[i], value);
      data.label_matrix[row * matrix.cols + matrix.indices[i]] = value != 0 ? 1 : 0;
    }
  }
}

/// The labels of the graph itself, as Galena writes them.
void read_vertex_labels(const fs::path& folder, VertexId vertices, NodeData& data) {
  const auto path = find_in_folder(folder, "vlabels.txt");
  if (!path)
    throw InputError(
        fmt::format("{}: no labels.npy, labels_multi.npz or vlabels.txt here; learning classes needs one of them",
                    folder.string()));
  const base::MappedFile file(*path);
  const std::vector<Label> labels = read_labels(TextSource(file.bytes(), path->string()));
  check_rows(path->string(), labels.size(), vertices, folder);
  data.notes.push_back(fmt::format("Classes are the labels of {}.", path->filename().string()));
  read_ids(path->string(), {labels.begin(), labels.end()}, data);
}

}  // namespace

void read_node_labels(const fs::path& folder, VertexId vertices, NodeData& data) {
  const fs::path file = folder / "labels.npy", sparse = folder / "labels_multi.npz";
  const bool has_file = fs::exists(file), has_sparse = fs::exists(sparse);
  if (has_file && has_sparse) {
    throw InputError(fmt::format("{}: both labels.npy and labels_multi.npz; expected one of them", folder.string()));
  }
  if (!has_file && !has_sparse) return read_vertex_labels(folder, vertices, data);
  if (has_sparse) return read_sparse_matrix(sparse, vertices, folder, data);
  const base::NpyArray array = base::read_npy(file);
  const std::vector<std::uint64_t>& shape = array.shape();
  if (shape.empty() || shape.size() > 2) {
    throw InputError(
        fmt::format("{}: shape {}; expected (vertices,) or (vertices, classes)", file.string(), array.shape_text()));
  }
  check_rows(file.string(), shape[0], vertices, folder);
  if (shape.size() == 1 || shape[1] == 1) return read_ids(array.name(), array.values<std::int64_t>(), data);
  read_matrix(array, data);
}

}  // namespace galena::detail
