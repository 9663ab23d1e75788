#include <fmt/format.h>

#include "galena/error.hpp"
#include "src/graph/folder.hpp"
#include "src/graph/node_files.hpp"

namespace galena {
namespace fs = std::filesystem;

namespace detail {

void check_rows(const std::string& file, std::uint64_t rows, VertexId vertices, const fs::path& folder) {
  if (rows == vertices) return;
  const auto edges = find_in_folder(folder, "edges.txt");
  const fs::path list = edges ? *edges : find_in_folder(folder, "hyperedges.txt").value_or(folder);
  const std::string found = fmt::format("{}: {} rows, but {} has {} vertices", file, rows, list.string(), vertices);
  if (rows < vertices) throw InputError(fmt::format("{}: there is no row for the vertices from {} on", found, rows));
  throw InputError(fmt::format("{}; where vertices without edges are missing, say '# {}: {}' in its first line", found,
                               edges ? "Nodes" : "Vertices", rows));
}

}  // namespace detail

NodeData load_node_data(const fs::path& folder, VertexId num_vertices, const NodeDataOptions& options,
                        std::span<const VertexId> degrees) {
  if (num_vertices == 0) throw InputError(fmt::format("{}: no vertices, so nothing to learn from", folder.string()));
  NodeData data;
  detail::read_node_labels(folder, num_vertices, data);
  detail::read_features(folder, num_vertices, options, degrees, data);
  detail::read_split(folder, num_vertices, options, data);
  detail::normalize_features(options, data);
  return data;
}

}  // namespace galena
