#pragma once
// The writers of each format into an open file, which save_graph() then commits.

#include <span>

#include "galena/graph.hpp"
#include "src/base/file_writer.hpp"
#include "src/graph/text_out.hpp"

namespace galena::detail {

/// "# Nodes: n Edges: m", then `u v [label]` a line; undirected edges once, smaller id first. Original ids where
/// there are any. Throws InputError if vertices have labels, which the format lacks.
void write_edge_list(const Graph& graph, TextOut& out);
/// The edges in the same order, without labels.
void write_plain_edges(const Graph& graph, TextOut& out);
/// Of the edges in the same order, a label a line.
void write_edge_labels(const Graph& graph, TextOut& out);
/// 1-based coordinates; pattern, or integer where edges have labels; symmetric unless directed. No vertex labels.
void write_matrix_market(const Graph& graph, TextOut& out);
/// Labels become weights. Throws InputError for directed graphs, which the format lacks.
void write_metis(const Graph& graph, TextOut& out);
/// Label 0 where there are none.
void write_grami(const Graph& graph, TextOut& out);
/// A label a line.
void write_labels(std::span<const Label> labels, TextOut& out);
void write_binary(const Graph& graph, base::AtomicFile& file);

}  // namespace galena::detail
