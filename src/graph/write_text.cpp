#include <fmt/format.h>

#include "galena/error.hpp"
#include "src/graph/writers.hpp"

namespace galena::detail {
namespace {

// Calls f(u, v, arc) for every edge, undirected ones once with u < v.
template <class F>
void for_each_edge(const Graph& graph, F&& f) {
  const auto indptr = graph.indptr();
  for (VertexId u = 0; u < graph.num_vertices(); ++u) {
    for (EdgeOffset arc = indptr[u]; arc < indptr[u + 1]; ++arc) {
      const VertexId v = graph.indices()[arc];
      if (graph.directed() || u < v) f(u, v, arc);
    }
  }
}

void refuse_vertex_labels(const Graph& graph, const char* format) {
  if (graph.vertex_labels().empty()) return;
  throw InputError(
      fmt::format("{} has no place for the graph's vertex labels; write .gal, .lg or a dataset folder, or leave them "
                  "out (--drop-labels)",
                  format));
}

void put_edges(const Graph& graph, TextOut& out, bool labels) {
  out.put(fmt::format("# {} graph\n# Nodes: {} Edges: {}\n", graph.directed() ? "Directed" : "Undirected",
                      graph.num_vertices(), graph.num_edges()));
  for_each_edge(graph, [&](VertexId u, VertexId v, EdgeOffset arc) {
    out.put(graph.original_id(u));
    out.put(' ');
    out.put(graph.original_id(v));
    if (labels) {
      out.put(' ');
      out.put(std::uint64_t{graph.edge_labels()[arc]});
    }
    out.end_line();
  });
}

}  // namespace

void write_edge_list(const Graph& graph, TextOut& out) {
  refuse_vertex_labels(graph, "an edge list");
  put_edges(graph, out, !graph.edge_labels().empty());
}

void write_plain_edges(const Graph& graph, TextOut& out) { put_edges(graph, out, false); }

void write_edge_labels(const Graph& graph, TextOut& out) {
  for_each_edge(graph, [&](VertexId, VertexId, EdgeOffset arc) {
    out.put(std::uint64_t{graph.edge_labels()[arc]});
    out.end_line();
  });
}

void write_matrix_market(const Graph& graph, TextOut& out) {
  refuse_vertex_labels(graph, "a Matrix Market file");
  const bool labelled = !graph.edge_labels().empty();
  out.put(fmt::format("%%MatrixMarket matrix coordinate {} {}\n{} {} {}\n", labelled ? "integer" : "pattern",
                      graph.directed() ? "general" : "symmetric", graph.num_vertices(), graph.num_vertices(),
                      graph.num_edges()));
  for_each_edge(graph, [&](VertexId u, VertexId v, EdgeOffset arc) {
    // Symmetric files hold the lower triangle: row >= column.
    const VertexId row = graph.directed() ? u : v, column = graph.directed() ? v : u;
    out.put(std::uint64_t{row} + 1);
    out.put(' ');
    out.put(std::uint64_t{column} + 1);
    if (labelled) {
      out.put(' ');
      out.put(std::uint64_t{graph.edge_labels()[arc]});
    }
    out.end_line();
  });
}

void write_metis(const Graph& graph, TextOut& out) {
  if (graph.directed()) throw InputError("a METIS file has no place for directed edges; write another format");
  const bool vertex_labels = !graph.vertex_labels().empty(), edge_labels = !graph.edge_labels().empty();
  out.put(fmt::format("{} {}", graph.num_vertices(), graph.num_edges()));
  if (vertex_labels || edge_labels) out.put(fmt::format(" 0{}{}", vertex_labels ? 1 : 0, edge_labels ? 1 : 0));
  out.end_line();
  for (VertexId v = 0; v < graph.num_vertices(); ++v) {
    if (vertex_labels) out.put(std::uint64_t{graph.vertex_labels()[v]});
    bool first = !vertex_labels;
    for (EdgeOffset arc = graph.indptr()[v]; arc < graph.indptr()[v + 1]; ++arc) {
      if (!first) out.put(' ');
      first = false;
      out.put(std::uint64_t{graph.indices()[arc]} + 1);
      if (!edge_labels) continue;
      out.put(' ');
      out.put(std::uint64_t{graph.edge_labels()[arc]});
    }
    out.end_line();
  }
}

void write_grami(const Graph& graph, TextOut& out) {
  out.put("t # 1\n");
  for (VertexId v = 0; v < graph.num_vertices(); ++v) {
    out.put(fmt::format("v {} {}", v, graph.vertex_labels().empty() ? 0 : graph.vertex_labels()[v]));
    out.end_line();
  }
  for_each_edge(graph, [&](VertexId u, VertexId v, EdgeOffset arc) {
    out.put(fmt::format("e {} {} {}", u, v, graph.edge_labels().empty() ? 0 : graph.edge_labels()[arc]));
    out.end_line();
  });
}

void write_labels(std::span<const Label> labels, TextOut& out) {
  for (const Label label : labels) {
    out.put(std::uint64_t{label});
    out.end_line();
  }
}

}  // namespace galena::detail
