// The labelled graphs of GraMi (M. Elseidy, E. Abdelhamid, S. Skiadopoulos, P. Kalnis, "GraMi: frequent
// subgraph and pattern mining in a single large graph", VLDB 2014) and, of one graph, gSpan:
// `t # name`, `v id label`, `e u v label`; `t # -1` may end the file.

#include <fmt/format.h>

#include "galena/error.hpp"
#include "src/graph/labels.hpp"
#include "src/graph/line_reader.hpp"
#include "src/graph/readers.hpp"

namespace galena::detail {
namespace {

class GramiReader {
 public:
  explicit GramiReader(const TextSource& source) : name_(source.name), lines_(source) {}

  Graph read(const LoadOptions& options) {
    while (lines_.next_data_line('#')) {
      const char kind = lines_.peek();
      if (kind != 't' && kind != 'v' && kind != 'e') unknown_line();
      lines_.skip_char();
      if (!is_separator(lines_.peek())) unknown_line();
      if (kind == 't') {
        begin_graph();
      } else if (kind == 'v') {
        read_vertex();
      } else {
        read_edge();
      }
    }
    if (labels_.empty()) throw InputError(name_ + ": no vertices; expected lines 'v id label'");
    BuildOptions build;
    build.directed = options.directed;
    build.num_vertices = labels_.size();
    build.threads = options.threads;
    edges_.labels = encode_labels(edge_labels_, "edge", options);
    return with_vertex_labels(build_graph(std::move(edges_), build), encode_labels(labels_, "vertex", options));
  }

 private:
  [[noreturn]] void unknown_line() { lines_.fail("expected a line 't # name', 'v id label' or 'e u v label'"); }

  void begin_graph() {
    if (!lines_.at_end() && lines_.peek() == '#') lines_.skip_char();
    const bool end_mark = !lines_.at_end() && lines_.peek() == '-';
    if (end_mark) return;
    if (begun_ || !labels_.empty()) lines_.fail("a second graph; expected one graph in the file");
    begun_ = true;
  }

  void read_vertex() {
    const std::uint64_t id = lines_.number("a vertex id");
    if (id != labels_.size())
      lines_.fail(fmt::format("vertex {} out of order; expected vertex {}", id, labels_.size()));
    if (labels_.size() >= std::numeric_limits<VertexId>::max() - 1) lines_.fail("too many vertices for 32-bit ids");
    labels_.push_back(label("a vertex label"));
  }

  void read_edge() {
    for (auto* ends : {&edges_.source, &edges_.target}) {
      const std::uint64_t id = lines_.number("a vertex id");
      if (id >= labels_.size()) {
        lines_.fail(fmt::format("vertex {} has no 'v' line before this edge ({} vertices so far)", id, labels_.size()));
      }
      ends->push_back(id);
    }
    const bool labelled = !lines_.at_end();
    if (edges_.source.size() > 1 && labelled == edge_labels_.empty()) {
      lines_.fail("expected a label on every edge, or on none");
    }
    if (labelled) edge_labels_.push_back(label("an edge label"));
  }

  // The last word of a line.
  std::string_view label(const char* what) {
    const std::string_view word = lines_.word();
    if (!is_label(word)) lines_.fail(fmt::format("expected {} (a number), found '{}'", what, word.substr(0, 24)));
    if (!lines_.at_end()) lines_.fail("expected the end of the line");
    return word;
  }

  std::string name_;
  LineReader lines_;
  bool begun_ = false;
  EdgeList edges_;
  std::vector<std::string_view> labels_, edge_labels_;
};

}  // namespace

Graph read_grami(const TextSource& source, const LoadOptions& options) { return GramiReader(source).read(options); }

}  // namespace galena::detail
