#include <fmt/format.h>

#include "galena/error.hpp"
#include "galena/hypergraph.hpp"
#include "src/base/file_writer.hpp"
#include "src/graph/formats.hpp"
#include "src/graph/text_out.hpp"

namespace galena {
namespace {

void write_list(const Hypergraph& hypergraph, detail::TextOut& out) {
  out.put(fmt::format("# Vertices: {} Hyperedges: {} Incidences: {}\n", hypergraph.num_vertices(),
                      hypergraph.num_hyperedges(), hypergraph.num_incidences()));
  for (HyperedgeId e = 0; e < hypergraph.num_hyperedges(); ++e) {
    const auto members = hypergraph.members(e);
    if (members.empty()) {
      throw InputError(fmt::format("hyperedge {} has no members, which a hyperedge list cannot say; write .mtx", e));
    }
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (i > 0) out.put(' ');
      out.put(hypergraph.original_id(members[i]));
    }
    out.end_line();
  }
}

void write_matrix(const Hypergraph& hypergraph, detail::TextOut& out) {
  out.put(
      fmt::format("%%MatrixMarket matrix coordinate pattern general\n% incidence: rows are vertices, columns "
                  "hyperedges\n{} {} {}\n",
                  hypergraph.num_vertices(), hypergraph.num_hyperedges(), hypergraph.num_incidences()));
  for (HyperedgeId e = 0; e < hypergraph.num_hyperedges(); ++e) {
    for (const VertexId v : hypergraph.members(e)) {
      out.put(std::uint64_t{v} + 1);
      out.put(' ');
      out.put(std::uint64_t{e} + 1);
      out.end_line();
    }
  }
}

}  // namespace

void save_hypergraph(const Hypergraph& hypergraph, const std::filesystem::path& path) {
  base::AtomicFile file(path);
  detail::TextOut out(file, path.extension() == ".gz");
  if (detail::format_by_name(path) == Format::matrix_market) {
    write_matrix(hypergraph, out);
  } else {
    write_list(hypergraph, out);
  }
  out.finish();
  file.commit();
}

}  // namespace galena
