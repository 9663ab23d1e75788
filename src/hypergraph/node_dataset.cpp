#include "galena/node_dataset.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "galena/dataset.hpp"
#include "galena/error.hpp"
#include "src/graph/folder.hpp"
#include "src/graph/resolve.hpp"

namespace galena {
namespace fs = std::filesystem;
namespace {

// Row v is vertex v, so an id of the list must be the vertex's.
template <class Structure>
void check_ids(const Structure& structure, const fs::path& folder, const char* file, const char* header) {
  if (structure.original_ids().empty()) return;
  throw InputError(
      fmt::format("{}: its ids have gaps or reach beyond '# {}: n', but row v of features and labels belongs to "
                  "vertex v; number the vertices 0..n-1 and say '# {}: n' in the first line",
                  detail::find_in_folder(folder, file).value_or(folder).string(), header, header));
}

// Lengths of the lists of a CSR.
std::vector<VertexId> degrees_of(std::span<const EdgeOffset> indptr) {
  std::vector<VertexId> degrees;
  for (std::size_t v = 0; v + 1 < indptr.size(); ++v) {
    degrees.push_back(static_cast<VertexId>(indptr[v + 1] - indptr[v]));
  }
  return degrees;
}

std::string folder_name(const fs::path& folder) {
  const fs::path name = folder.filename();
  return name.empty() ? folder.parent_path().filename().string() : name.string();
}

// A hyperedge of one for each vertex that has none.
Hypergraph with_self_loops(const Hypergraph& hypergraph, std::vector<std::string>& notes) {
  HypergraphArrays arrays;
  arrays.num_vertices = hypergraph.num_vertices();
  arrays.indptr.assign(hypergraph.edge_indptr().begin(), hypergraph.edge_indptr().end());
  arrays.members.assign(hypergraph.edge_members().begin(), hypergraph.edge_members().end());
  arrays.edge_weights.assign(hypergraph.edge_weights().begin(), hypergraph.edge_weights().end());
  for (VertexId v = 0; v < hypergraph.num_vertices(); ++v) {
    const auto edges = hypergraph.edges_of(v);
    if (std::ranges::any_of(edges, [&](HyperedgeId e) { return hypergraph.members(e).size() == 1; })) continue;
    arrays.members.push_back(v);
    arrays.indptr.push_back(arrays.members.size());
    if (!arrays.edge_weights.empty()) arrays.edge_weights.push_back(1);
  }
  notes.push_back(fmt::format("{} hyperedges were added, one for each vertex without one of its own.",
                              arrays.indptr.size() - 1 - hypergraph.num_hyperedges()));
  return Hypergraph::from_arrays(std::move(arrays));
}

void load_vertices_of_graph(const fs::path& folder, const NodeDataOptions& options, const LoadOptions& load,
                            NodeDataset& dataset) {
  dataset.graph = load_graph(folder, load);
  check_ids(dataset.graph, folder, "edges.txt", "Nodes");
  dataset.data = load_node_data(folder, dataset.graph.num_vertices(), options, degrees_of(dataset.graph.indptr()));
  const NormalizeReport& report = dataset.graph.report();
  if (report.self_loops + report.duplicates > 0) {
    dataset.data.notes.push_back(
        fmt::format("The graph was made simple: {} self-loops and {} duplicates of {} edges dropped.",
                    report.self_loops, report.duplicates, report.input_edges));
  }
}

void load_vertices_of_hypergraph(const fs::path& folder, const NodeDataOptions& options, const LoadOptions& load,
                                 NodeDataset& dataset) {
  const Hypergraph hypergraph = load_hypergraph(folder, load);
  check_ids(hypergraph, folder, "hyperedges.txt", "Vertices");
  dataset.data = load_node_data(folder, hypergraph.num_vertices(), options, degrees_of(hypergraph.vertex_indptr()));
  if (hypergraph.repeated_members() > 0) {
    dataset.data.notes.push_back(
        fmt::format("{} vertices named twice in a hyperedge were dropped.", hypergraph.repeated_members()));
  }
  dataset.hypergraph = options.self_loops ? with_self_loops(hypergraph, dataset.data.notes) : hypergraph;
}

}  // namespace

bool is_node_dataset(const std::string& name_or_path) {
  if (name_or_path.empty()) return false;
  if (const auto place = detail::find_place(name_or_path)) {
    return fs::exists(*place / "labels.npy") || fs::exists(*place / "labels_multi.npz");
  }
  if (!detail::is_registered(name_or_path)) return false;
  return std::ranges::count(find_dataset(name_or_path).bundled, "labels.npy") > 0;
}

NodeDataset load_node_dataset(const std::string& name_or_path, const NodeDataOptions& options,
                              const LoadOptions& load) {
  const fs::path folder = resolve_folder(name_or_path);
  NodeDataset dataset;
  dataset.name = folder_name(folder);
  if (names_hypergraph(folder.string())) {
    load_vertices_of_hypergraph(folder, options, load, dataset);
  } else {
    load_vertices_of_graph(folder, options, load, dataset);
  }
  return dataset;
}

}  // namespace galena
