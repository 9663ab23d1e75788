#pragma once
// Reading and writing graphs. Formats are recognised by name and first bytes.

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "galena/graph.hpp"

namespace galena {

enum class Format {
  automatic,
  edge_list,      ///< SNAP style: `u v [edge label]` a line, `#`/`%` comments; spaces, tabs, commas; .gz too
  matrix_market,  ///< .mtx, coordinate, pattern/integer/real, general/symmetric
  metis,          ///< .graph
  grami,          ///< .lg: `t # id`, `v id label`, `e u v label`
  hyperedges,     ///< a hyperedge a line
  binary,         ///< Galena's own (.gal): checksummed, opened by memory mapping
  folder,         ///< a dataset folder: edges.txt[.gz], vlabels.txt, edge_labels.txt
};

/// Labels that were not all whole numbers from 0 on: label i stands for values[i], in ascending order.
struct NumberedLabels {
  std::string of;  ///< "vertex" or "edge"
  std::vector<double> values;
};

struct LoadOptions {
  Format format = Format::automatic;
  bool directed = false;
  int threads = 0;  ///< 0 = all cores
  /// Where edge lists of more than two columns carry an edge label in the third.
  bool edge_labels = false;
  /// Verify the checksums of the payload of a binary file (the header's always is),
  /// and every invariant of the graph.
  bool verify = false;
  /// A binary file is taken at its word, and opens in microseconds. False: read it once to see
  /// that no offset or id points outside, as one must with a file from strangers.
  bool trusted = true;
  /// Called now and then from the calling thread with the share done in [0, 1].
  std::function<void(double)> progress;
  /// Told where labels were numbered.
  std::function<void(const NumberedLabels&)> numbered;
};

/// Loads a file or a dataset folder. Throws InputError naming file, line and what was
/// expected; EnvironmentError where the file cannot be read.
Graph load_graph(const std::filesystem::path& path, const LoadOptions& options = {});

/// Writes beside `path` and renames: no partial file is left. `automatic` goes by extension.
void save_graph(const Graph& graph, const std::filesystem::path& path, Format format = Format::automatic);

/// Short name as in messages: "edge list", "Matrix Market", ...
std::string format_name(Format format);

}  // namespace galena
