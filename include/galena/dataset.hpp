#pragma once
// Datasets by name: bundled ones, downloads that are kept in a cache, and folders of $GALENA_DATA_DIR.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "galena/graph.hpp"
#include "galena/io.hpp"

namespace galena {

/// An entry of the registry (datasets/registry.json, compiled in).
struct DatasetInfo {
  std::string name;  ///< lower case: "ca-grqc"
  std::string kind;  ///< "graph" or "hypergraph"
  std::string description;
  std::vector<std::string> urls;     ///< tried in order; empty for bundled ones
  std::vector<std::string> bundled;  ///< files of its folder that are compiled in
  std::string sha256;                ///< of the download; "" = checked by the counts below
  std::uint64_t vertices = 0;
  std::uint64_t edges = 0;  ///< of the simple undirected graph; hyperedges of a hypergraph
  std::optional<std::uint64_t> triangles;
  std::string citation;
};

/// All entries, bundled ones first.
const std::vector<DatasetInfo>& dataset_registry();

/// The entry of this name, capitals aside. Throws InputError with a suggestion.
const DatasetInfo& find_dataset(const std::string& name);

/// Where downloads are kept: $GALENA_CACHE, else $XDG_CACHE_HOME/galena, else ~/.cache/galena.
std::filesystem::path dataset_cache();

struct DatasetOptions {
  /// A folder tried before the network, with files named as in the URLs or a dataset folder named as the
  /// dataset; "" = $GALENA_MIRROR, if set.
  std::string mirror;
  bool refresh = false;  ///< fetch again what the cache has
  int threads = 0;
  std::function<void(double)> progress;  ///< share of the download in [0, 1], from the calling thread
};

/// The names of the dataset folders of $GALENA_DATA_DIR, in order: those that have edges or hyperedges.
std::vector<std::string> data_folders();

/// Where a name is looked for, for errors: "in the folder $GALENA_DATA_DIR (/data), ...".
std::string where_datasets_are();

/// Makes sure that the dataset is here, and returns its place: a .gal file of the cache, or for bundled ones a folder
/// there. A download is checked (SHA-256 where known; vertices, edges, triangles) before it is put in the cache.
/// Throws InputError for unknown names and for data that fail the checks, EnvironmentError without a network.
std::filesystem::path get_dataset(const std::string& name, const DatasetOptions& options = {});

/// Whether the dataset is bundled or in the cache.
bool have_dataset(const DatasetInfo& info);

/// Checks what is here against the registry: checksums of the file, vertices, edges, triangles. Folders of
/// $GALENA_DATA_DIR that the registry does not know are read, as whatever they hold.
/// Throws InputError naming the first difference; returns a line for each check made.
std::vector<std::string> verify_dataset(const std::string& name, int threads = 0);

/// The dataset folder that a word names: a path, a folder of $GALENA_DATA_DIR, or a bundled dataset, which is then
/// written to the cache. Throws InputError with a suggestion.
std::filesystem::path resolve_folder(const std::string& name_or_path);

/// The graph that a word on the command line names: a path to a file or dataset folder, a folder of
/// $GALENA_DATA_DIR, or a registry name, which is fetched if it is not in the cache. Binary files given by path
/// are checked for ids out of range (LoadOptions::trusted is ignored).
/// Throws InputError with a suggestion where there is no such thing.
Graph resolve_graph(const std::string& name_or_path, const LoadOptions& options = {});

}  // namespace galena
