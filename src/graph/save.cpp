// Writing of graphs: a file beside, then a rename; a folder likewise, file by file.

#include <fmt/format.h>

#include "galena/error.hpp"
#include "galena/io.hpp"
#include "src/base/suggest.hpp"
#include "src/graph/formats.hpp"
#include "src/graph/writers.hpp"

namespace galena {
namespace fs = std::filesystem;
namespace {

using Writer = void (*)(const Graph&, detail::TextOut&);

void save_text(const Graph& graph, const fs::path& path, Writer write) {
  base::AtomicFile file(path);
  detail::TextOut out(file, path.extension() == ".gz");
  write(graph, out);
  out.finish();
  file.commit();
}

// The labels come before the edges, so that a folder with edges is complete.
void save_folder(const Graph& graph, const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw EnvironmentError(fmt::format("{}: cannot create the folder: {}", folder.string(), error.message()));
  if (graph.directed()) throw InputError("a dataset folder holds undirected graphs; write .gal instead");
  const auto write_or_remove = [&](const char* name, bool there, Writer write) {
    if (there) return save_text(graph, folder / name, write);
    fs::remove(folder / name, error);  // of another graph that was here
  };
  write_or_remove("vlabels.txt", !graph.vertex_labels().empty(),
                  [](const Graph& g, detail::TextOut& out) { detail::write_labels(g.vertex_labels(), out); });
  write_or_remove("edge_labels.txt", !graph.edge_labels().empty(), detail::write_edge_labels);
  save_text(graph, folder / "edges.txt.gz", detail::write_plain_edges);
  fs::remove(folder / "edges.txt", error);
}

}  // namespace

void save_graph(const Graph& graph, const fs::path& path, Format format) {
  switch (format == Format::automatic ? detail::format_to_write(path) : format) {
    case Format::edge_list: return save_text(graph, path, detail::write_edge_list);
    case Format::matrix_market: return save_text(graph, path, detail::write_matrix_market);
    case Format::metis: return save_text(graph, path, detail::write_metis);
    case Format::grami: return save_text(graph, path, detail::write_grami);
    case Format::folder: return save_folder(graph, path);
    case Format::hyperedges:
      throw InputError(path.string() +
                       ": a graph is not written as a hyperedge list; choose .gal, .txt or another format");
    default: break;
  }
  base::AtomicFile file(path);
  detail::write_binary(graph, file);
  file.commit();
}

}  // namespace galena
