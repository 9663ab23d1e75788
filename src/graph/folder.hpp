#pragma once
// Dataset folders, as far as they hold a graph.

#include <filesystem>
#include <optional>
#include <string>

#include "galena/io.hpp"

namespace galena::detail {

/// `folder/name` or `folder/name.gz`, whichever exists.
std::optional<std::filesystem::path> find_in_folder(const std::filesystem::path& folder, const std::string& name);

/// edges.txt[.gz] with vlabels.txt and edge_labels.txt (each optional, .gz too).
Graph load_folder(const std::filesystem::path& folder, const LoadOptions& options);

}  // namespace galena::detail
