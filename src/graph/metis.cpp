// METIS graph files (G. Karypis, "METIS: a software package for partitioning unstructured graphs", manual of
// version 5, section 4.1.1): "n m [fmt [ncon]]", then a line a vertex: [size] [weights] neighbour [weight] ...
// Neighbours are numbered from 1, and every edge stands in the lines of both its ends.

#include <fmt/format.h>

#include "galena/error.hpp"
#include "src/graph/line_reader.hpp"
#include "src/graph/readers.hpp"
#include "src/graph/storage.hpp"

namespace galena::detail {
namespace {

constexpr std::uint64_t kMostLabel = std::numeric_limits<Label>::max();

class MetisReader {
 public:
  explicit MetisReader(const TextSource& source) : name_(source.name), lines_(source) {}

  Graph read(const LoadOptions& options) {
    read_header();
    for (std::uint64_t v = 0; v < vertices_; ++v) read_vertex(v);
    if (lines_.next_data_line('%')) {
      lines_.fail(fmt::format("more lines than the {} vertices that the header says", vertices_));
    }
    const std::uint64_t entries = edges_.source.size();
    if (entries != 2 * declared_edges_) {
      throw InputError(
          fmt::format("{}: the header says {} edges, but the lines list {} neighbours; expected twice as "
                      "many as edges, for both ends list an edge",
                      name_, declared_edges_, entries));
    }
    BuildOptions build;
    build.num_vertices = vertices_;
    build.threads = options.threads;
    return count_edges_once(build_graph(std::move(edges_), build), entries, options.directed);
  }

 private:
  void read_header() {
    if (!lines_.next_data_line('%')) throw InputError(name_ + ": empty; expected 'vertices edges' first");
    vertices_ = lines_.number("the number of vertices", std::numeric_limits<VertexId>::max() - 1);
    declared_edges_ = lines_.number("the number of edges");
    const std::uint64_t flags = lines_.at_end() ? 0 : lines_.number("the format flags (000 to 111)", 111);
    if (flags % 10 > 1 || flags / 10 % 10 > 1) lines_.fail("expected format flags of three digits 0 or 1");
    has_sizes_ = flags / 100 == 1;
    has_edge_weights_ = flags % 10 == 1;
    weights_ = flags / 10 % 10;
    if (!lines_.at_end()) weights_ = lines_.number("the number of weights of a vertex", 1U << 16);
    if (!lines_.at_end()) lines_.fail("more than four numbers in the header");
    // A line a vertex: a forged header cannot make more room than the text is long.
    if (vertices_ > lines_.size()) lines_.fail("more vertices than the file has lines");
    edges_.source.reserve(lines_.size() / 8);
    edges_.target.reserve(lines_.size() / 8);
  }

  // Blank lines count: they are vertices without neighbours.
  void read_vertex(std::uint64_t v) {
    do {
      if (!lines_.next_line()) {
        throw InputError(fmt::format("{}: ends after {} of {} vertices: the file is truncated", name_, v, vertices_));
      }
    } while (!lines_.at_end() && lines_.peek() == '%');
    if (has_sizes_) lines_.number("the size of the vertex");
    for (std::uint64_t w = 0; w < weights_; ++w) {
      const std::uint64_t weight = lines_.number("a vertex weight", kMostLabel);
      if (weights_ == 1) vertex_labels_.push_back(static_cast<Label>(weight));
    }
    while (!lines_.at_end()) {
      const std::uint64_t u = lines_.number("a neighbour");
      if (u == 0 || u > vertices_) lines_.fail(fmt::format("neighbour {} is outside 1..{}", u, vertices_));
      edges_.source.push_back(v);
      edges_.target.push_back(u - 1);
      if (has_edge_weights_) edges_.labels.push_back(static_cast<Label>(lines_.number("an edge weight", kMostLabel)));
    }
  }

  // That the second end lists an edge again is no duplicate.
  Graph count_edges_once(const Graph& graph, std::uint64_t entries, bool directed) {
    auto storage = share_storage(graph);
    storage->directed = directed;
    NormalizeReport& report = storage->report;
    const std::uint64_t distinct = graph.num_edges() + report.self_loops;
    report.input_edges = entries / 2;
    report.duplicates = report.input_edges > distinct ? report.input_edges - distinct : 0;
    if (!vertex_labels_.empty()) storage->vertex_labels = storage->keep(std::move(vertex_labels_));
    return Graph(std::move(storage));
  }

  std::string name_;
  LineReader lines_;
  std::uint64_t vertices_ = 0, declared_edges_ = 0, weights_ = 0;
  bool has_sizes_ = false, has_edge_weights_ = false;
  EdgeList edges_;
  std::vector<Label> vertex_labels_;
};

}  // namespace

Graph read_metis(const TextSource& source, const LoadOptions& options) { return MetisReader(source).read(options); }

}  // namespace galena::detail
