#pragma once
// The readers of text formats. Each parses text in memory (a mapped file, a test, a fuzzer's input),
// plain or gzip, and throws InputError "name:line:column: what was found and expected".

#include <cstdint>
#include <vector>

#include "galena/graph.hpp"
#include "galena/io.hpp"
#include "src/graph/edge_block.hpp"
#include "src/graph/text_source.hpp"

namespace galena::detail {

/// SNAP style; LoadOptions: directed, threads, edge_labels, progress.
/// `line_labels`, if given, has the label of the k-th edge line.
Graph read_edge_list(const TextSource& source, const LoadOptions& options,
                     const std::vector<Label>* line_labels = nullptr);

/// Lines of edges as they stand, not yet a graph: for formats that have such a part.
struct EdgeLines {
  std::vector<EdgeBlock> blocks;
  std::uint64_t edges = 0;
  std::optional<std::uint64_t> declared;  ///< "# Nodes: n"
};
/// `labelled`: the third column is a label. `lines_before`: in the file, for messages.
EdgeLines parse_edge_lines(const TextSource& source, const LoadOptions& options, bool labelled,
                           std::uint64_t lines_before);

/// Square matrices; entries (i, j) become edges i-1, j-1, values edge labels if LoadOptions::edge_labels.
Graph read_matrix_market(const TextSource& source, const LoadOptions& options);
/// Vertex weights (where there is one a vertex) and edge weights become labels.
Graph read_metis(const TextSource& source, const LoadOptions& options);
/// `t # name`, then `v id label` for ids 0..n-1 and `e u v [label]`.
Graph read_grami(const TextSource& source, const LoadOptions& options);

/// A label a line (vlabels.txt, edge_labels.txt); comment lines and blank lines are skipped.
/// `of`: "vertex" or "edge".
std::vector<Label> read_labels(const TextSource& source, const std::string& of = "vertex",
                               const LoadOptions& options = {});

/// The graph of a binary file's bytes, which `owner` keeps alive; see binary.cpp.
Graph read_binary(std::span<const std::byte> bytes, const std::string& name, const LoadOptions& options,
                  std::shared_ptr<const void> owner);
/// Whether the bytes begin as Galena's binary files do.
bool is_binary_graph(std::span<const std::byte> bytes) noexcept;

/// Throws InputError where a header declares so many more vertices than there are edges that it must be wrong:
/// a graph costs 8 bytes a vertex, which a forged line may not make this program pay.
void check_declared_vertices(const std::string& name, std::uint64_t vertices, std::uint64_t edges);

}  // namespace galena::detail
