#pragma once
// Dividing a graph among processes: every vertex belongs to one part, where it is an inner vertex. The halo of a part
// is the set of vertices of other parts that its inner vertices have edges to; rows of the halo are what parts send
// each other in each layer of training. A directed graph is divided by its edges taken without direction.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "galena/graph.hpp"

namespace galena {

enum class PartitionMethod {
  metis_volume,  ///< METIS, k-way, fewest halo vertices in total
  metis_cut,     ///< METIS, k-way, fewest edges between parts
  random,        ///< a random permutation cut in equal pieces
  streaming,     ///< LDG: one pass in order of ids, each vertex where most neighbours are and there is room
  contiguous,    ///< ranges of ids
};

/// "metis-volume", "metis-cut", "random", "ldg", "contiguous".
std::string partition_method_name(PartitionMethod method);
/// The method of this name. Throws InputError with a suggestion.
PartitionMethod find_partition_method(const std::string& name);
/// All of them, in the order above.
std::span<const PartitionMethod> partition_methods();

struct PartitionOptions {
  int parts = 1;  ///< 1 to 65536
  PartitionMethod method = PartitionMethod::metis_volume;
  /// The most a part may hold of what is balanced, as a multiple of the mean; at least 1. Vertices are always
  /// balanced. METIS and LDG aim at it and may miss it where weights are coarse: partition_report() tells.
  double imbalance = 1.05;
  std::uint64_t seed = 0;
  bool balance_edges = true;  ///< the sum of degrees too
  bool balance_train = true;  ///< and the number of training vertices, where they are given
  /// Afterwards, moves boundary vertices as long as that lowers the sum of the squared halo sizes, within the other
  /// balances. With METIS both of its objectives are tried, whichever the method names, and the better result is kept.
  bool balance_halo = false;
  int threads = 0;  ///< 0 = all cores; the result does not depend on it
  /// Called now and then from the calling thread with the share done in [0, 1]; may throw to stop.
  std::function<void(double)> progress;
};

struct Partition {
  int parts = 1;
  std::vector<std::uint32_t> part_of;   ///< [n], each below `parts`; a part may be empty only if parts > n
  std::uint64_t graph_digest = 0;       ///< Graph::digest() of the graph it was made for
  std::string method = "metis-volume";  ///< name; "" where a file does not say
  std::uint64_t seed = 0;
  double imbalance = 1.05;
  std::string balanced = "vertices";  ///< "vertices edges train halo", as far as asked for and possible
  std::uint64_t train_digest = 0;     ///< of the training vertices that were balanced; 0 = none
  bool reused = false;                ///< read from a file
  std::vector<std::string> notes;     ///< what a person should know, a sentence each; not stored
};

/// Divides the vertices. `train` are ids, in any order, for balance_train; may be empty. The same for the same
/// arguments on every run and any number of threads. With more parts than vertices some are empty.
/// METIS runs in a child process, so that it can neither print nor take this process down.
/// Throws InputError for options or ids out of range; EnvironmentError where METIS fails, or its index type is too
/// narrow for the graph (other methods have no such bound).
Partition partition_graph(const Graph& graph, const PartitionOptions& options = {},
                          std::span<const VertexId> train = {});

struct PartitionReport {
  struct Part {
    std::uint64_t inner = 0;  ///< vertices
    std::uint64_t halo = 0;   ///< vertices of other parts that these have edges to
    std::uint64_t edges = 0;  ///< sum of the inner vertices' degrees: what aggregation costs
    std::uint64_t train = 0;  ///< training vertices among the inner ones
  };
  std::vector<Part> parts;
  std::uint64_t cut_edges = 0;  ///< edges between parts, each once
  std::uint64_t volume = 0;     ///< sum of the halos: rows sent in a layer
  /// Largest part by the mean part; 1 where there is nothing to balance.
  double balance_vertices = 1, balance_edges = 1, balance_train = 1, balance_halo = 1;
};

/// Measures a partition. Throws InputError if it is not of this graph's size, or `train` is out of range.
PartitionReport partition_report(const Graph& graph, const Partition& partition, std::span<const VertexId> train = {},
                                 int threads = 0);

/// Writes the part of each vertex, a line each, as METIS does, after a heading of '#' lines that says how it was made.
/// No partial file is left. Throws EnvironmentError where it cannot be written.
void save_partition(const Partition& partition, const std::filesystem::path& path);

/// Reads such a file, or one of METIS's programs (without the heading, `parts` is the largest number plus one).
/// Throws InputError naming file and line where it is malformed, damaged or of another graph.
Partition load_partition(const std::filesystem::path& path, const Graph& graph);

/// The partition for these arguments from `folder`, else makes it and keeps it there; "" = dataset_cache() /
/// "partitions". A file that is damaged is replaced, and a folder that cannot be written, or a machine without a place
/// for a cache, is done without; `notes` say so.
Partition cached_partition(const Graph& graph, const PartitionOptions& options, std::span<const VertexId> train = {},
                           const std::filesystem::path& folder = {});

}  // namespace galena
