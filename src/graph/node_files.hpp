#pragma once
// The parts of a node dataset, each from its files; see galena/node_dataset.hpp.

#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "galena/node_dataset.hpp"
#include "src/base/npy.hpp"

namespace galena::detail {

/// A sparse matrix as SciPy's save_npz() writes it; columns are sorted, repeated entries added up.
/// `notes` gets a sentence where that changed anything. Throws InputError for offsets or columns out of range.
FeatureMatrix read_scipy_csr(const base::NpzFile& file, std::vector<std::string>& notes);

/// Fills data.features, and says in data.notes where they are made up, which may take the labels.
void read_features(const std::filesystem::path& folder, VertexId vertices, const NodeDataOptions& options,
                   std::span<const VertexId> degrees, NodeData& data);

/// As asked for by options.no_features.
void make_features(VertexId vertices, const NodeDataOptions& options, std::span<const VertexId> degrees,
                   NodeData& data);

/// As asked for by options.normalize; needs data.train.
void normalize_features(const NodeDataOptions& options, NodeData& data);

/// Fills num_classes, multi_label, labels or label_matrix, and class_ids.
void read_node_labels(const std::filesystem::path& folder, VertexId vertices, NodeData& data);

/// Fills train, valid, test and split; needs the labels.
void read_split(const std::filesystem::path& folder, VertexId vertices, const NodeDataOptions& options, NodeData& data);

/// A drawn split: "random", "planetoid" and "per-class" with their numbers. False if `options.split` is none of them.
bool draw_split(VertexId vertices, const NodeDataOptions& options, NodeData& data);

/// Throws InputError "FILE: R rows, but WHAT has N vertices" unless they agree.
void check_rows(const std::string& file, std::uint64_t rows, VertexId vertices, const std::filesystem::path& folder);

}  // namespace galena::detail
