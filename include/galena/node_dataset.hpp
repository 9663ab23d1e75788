#pragma once
// Datasets for node classification: a graph or hypergraph with features, labels and a split, from a dataset folder.
//
// Files of the folder: `edges.txt[.gz]`, or `hyperedges.txt[.gz]`; `features.npy` (dense), `features.npz` (sparse, as SciPy saves a CSR matrix)
// or neither; `labels.npy` (class ids, or a 0/1 matrix where a vertex may have several classes) or `labels_multi.npz`
// (that matrix, sparse); `train.txt`, `valid.txt`, `test.txt` (a vertex id a line) or `split.npz` (the same as arrays
// `train`, `valid`, `test` of ids, or of bools, one a vertex; and published splits as 0/1 matrices `train_masks`, ... of
// shape [splits, vertices]).
// Row v of every array belongs to vertex v of the edge list; nothing is renumbered.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "galena/graph.hpp"
#include "galena/hypergraph.hpp"
#include "galena/io.hpp"

namespace galena {

/// [rows, cols] of 32-bit floats: dense, or in compressed sparse rows.
struct FeatureMatrix {
  std::uint64_t rows = 0, cols = 0;
  std::vector<float> dense;            ///< [rows * cols], row-major; empty where sparse
  std::vector<EdgeOffset> indptr;      ///< [rows + 1] where sparse, else empty
  std::vector<std::uint32_t> indices;  ///< columns, increasing within a row
  std::vector<float> values;           ///< as many as `indices`; zeros that the file stores are kept
  [[nodiscard]] bool sparse() const noexcept { return !indptr.empty(); }
  /// Stored values: rows * cols where dense.
  [[nodiscard]] std::uint64_t nonzeros() const noexcept { return sparse() ? values.size() : dense.size(); }
};

/// What is known of the vertices 0..n-1.
struct NodeData {
  FeatureMatrix features;  ///< n rows
  std::uint32_t num_classes = 0;
  bool multi_label = false;
  std::vector<std::int32_t> labels;          ///< [n], 0..num_classes-1, -1 = none; empty where multi_label
  std::vector<std::uint8_t> label_matrix;    ///< [n * num_classes], 0 or 1, row-major; empty unless multi_label
  std::vector<std::int64_t> class_ids;       ///< [num_classes]: what class c is called in the file
  std::vector<VertexId> train, valid, test;  ///< increasing, disjoint, none empty, all labelled
  std::string split;               ///< what was used: "train.txt, valid.txt, test.txt", "random:60/20/20, seed 0"
  std::vector<std::string> notes;  ///< each step of preprocessing, a sentence
};

struct NodeDataset {
  std::string name;
  Graph graph;                           ///< without vertices where `hypergraph` is there
  std::optional<Hypergraph> hypergraph;  ///< in the place of `graph`
  NodeData data;
  [[nodiscard]] VertexId num_vertices() const { return hypergraph ? hypergraph->num_vertices() : graph.num_vertices(); }
};

enum class Normalize {
  none,
  automatic,    ///< row_l1 of sparse features, as papers on bags of words do; dense ones stay
  binary,       ///< 1 wherever there is a number other than 0: of counts of words, which words there are
  row_l1,       ///< each row divided by the sum of its absolute values; rows of zeros stay
  standardize,  ///< each column less its mean, by its standard deviation, both over the training vertices; dense only
};

struct NodeDataOptions {
  /// "default": train.txt, valid.txt and test.txt, else the arrays of split.npz.
  /// "mask:3": row 3 (from 0) of split.npz's train_masks, valid_masks and test_masks.
  /// "random:60/20/20": percentages of the labelled vertices.
  /// "planetoid" or "planetoid:20/500/1000": 20 training vertices a class, then 500 and 1000 of the rest.
  /// "per-class:20/30": 20 training and 30 validation vertices a class, the rest for testing (Shchur et al. 2018).
  std::string split = "default";
  std::uint64_t seed = 0;  ///< of the splits that are drawn, and of noise
  Normalize normalize = Normalize::none;
  /// Where the folder has no features: "identity" (column v is vertex v), "degree" (a column a degree) or
  /// "label-noise:1" (the label's column 1, and normal noise of this deviation, drawn by `seed`, on 100 columns; for
  /// comparisons with papers that do so).
  std::string no_features = "identity";
  /// Of a hypergraph: a hyperedge of its own for each vertex that has none, after the others, so that a vertex hears
  /// itself, as AllSet and UniGNN do. Its weight is 1.
  bool self_loops = true;
  int threads = 0;  ///< 0 = all cores
};

/// Whether the word means a folder with labels of vertices, or a bundled dataset that has them. Throws nothing but
/// EnvironmentError where the place cannot be looked at.
bool is_node_dataset(const std::string& name_or_path);

/// Loads the folder that `name_or_path` means (resolve_folder() in galena/dataset.hpp says how; "karate" is bundled).
/// A folder with hyperedges and no edges is a hypergraph. Throws InputError naming the file and the place for: arrays whose rows are not as many as the vertices, ids that
/// the edge list would renumber, features that are no finite floats, labels that are no classes or of one class only,
/// and a split that is empty, overlaps, repeats an id, or names a vertex that does not exist or has no label.
NodeDataset load_node_dataset(const std::string& name_or_path, const NodeDataOptions& options = {},
                              const LoadOptions& load = {});

/// Features, labels and split of a folder alone, for `num_vertices` vertices of which `degrees` has as many (only for
/// no_features = "degree"; may be empty otherwise). Throws as load_node_dataset().
NodeData load_node_data(const std::filesystem::path& folder, VertexId num_vertices, const NodeDataOptions& options = {},
                        std::span<const VertexId> degrees = {});

}  // namespace galena
