// Matrix Market coordinate files (R. Boisvert, R. Pozo, K. Remington, "The Matrix Market exchange
// formats: initial design", NISTIR 5935, 1996): a header, comments, "rows columns entries", an entry a line.

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <sstream>

#include "galena/error.hpp"
#include "src/graph/readers.hpp"
#include "src/graph/scan.hpp"
#include "src/graph/storage.hpp"

namespace galena::detail {
namespace {

struct MatrixHeader {
  bool symmetric = false;
  bool integer = false;
  std::uint64_t rows = 0, columns = 0, entries = 0;
  std::uint64_t lines = 0;   // up to and with the line of sizes
  std::size_t position = 0;  // after it
};

class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  MatrixHeader parse() {
    read_kind(next_line());
    std::string_view line = next_line();
    while (line.starts_with('%') || line.find_first_not_of(" \t\r\n") == std::string_view::npos) line = next_line();
    read_sizes(line);
    return header_;
  }

 private:
  std::string_view next_line() {
    const std::size_t newline = text_.find('\n', header_.position);
    if (newline == std::string_view::npos) {
      fail("the file ends within its header; expected '%%MatrixMarket ...' and 'rows columns entries'");
    }
    const auto line = text_.substr(header_.position, newline + 1 - header_.position);
    header_.position = newline + 1;
    ++header_.lines;
    return line;
  }

  void read_kind(std::string_view line) {
    std::string lower(line);
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    std::istringstream words(lower);
    std::string banner, object, layout, field, symmetry;
    words >> banner >> object >> layout >> field >> symmetry;
    if (banner != "%%matrixmarket" || object != "matrix") fail("expected '%%MatrixMarket matrix coordinate ...'");
    if (layout != "coordinate") fail(fmt::format("a '{}' matrix; only 'coordinate' (sparse) ones are graphs", layout));
    const auto one_of = [](const std::string& word, std::initializer_list<const char*> known) {
      return std::ranges::any_of(known, [&](const char* k) { return word == k; });
    };
    if (!one_of(field, {"pattern", "integer", "real", "complex"})) fail(fmt::format("unknown field '{}'", field));
    if (!one_of(symmetry, {"general", "symmetric", "skew-symmetric", "hermitian"})) {
      fail(fmt::format("unknown symmetry '{}'; expected general or symmetric", symmetry));
    }
    header_.symmetric = symmetry != "general";
    header_.integer = field == "integer";
  }

  void read_sizes(std::string_view line) {
    const char* at = line.data();
    for (std::uint64_t* size : {&header_.rows, &header_.columns, &header_.entries}) {
      const char* const word = skip_separators(at);
      at = scan_number(word, *size);
      if (at == nullptr || at == word) fail(fmt::format("expected 'rows columns entries', found {}", describe(word)));
    }
    if (*skip_separators(at) != '\n')
      fail(fmt::format("expected three sizes only, found {}", describe(skip_separators(at))));
  }

  [[noreturn]] void fail(const std::string& message) const { throw_at(name_, header_.lines, 1, message); }

  std::string_view text_;
  const std::string& name_;
  MatrixHeader header_;
};

// From 1-based to 0-based, checked.
void shift_ids(std::vector<EdgeBlock>& blocks, std::uint64_t size, const std::string& name) {
  std::uint64_t entry = 0;
  for (EdgeBlock& block : blocks) {
    for (std::uint64_t i = 0; i < 2 * block.size; ++i) {
      const std::uint64_t id = block.is_wide ? block.wide[i] : block.narrow[i];
      if (id == 0 || id > size) {
        throw InputError(fmt::format("{}: entry {}: index {} is outside 1..{}", name, entry + i / 2 + 1, id, size));
      }
      // A wide block fails the check sooner or later, for `size` fits 32 bits; it has no narrow ids to write.
      if (!block.is_wide) block.narrow[i] = static_cast<std::uint32_t>(id - 1);
    }
    entry += block.size;
  }
}

}  // namespace

Graph read_matrix_market(const TextSource& source, const LoadOptions& options) {
  std::string storage;
  const std::string_view text = whole_text(source, storage);
  const MatrixHeader header = HeaderParser(text, source.name).parse();
  if (header.rows != header.columns) {
    throw InputError(
        fmt::format("{}: a {} x {} matrix; a graph needs a square one (an incidence matrix is a hypergraph)",
                    source.name, header.rows, header.columns));
  }
  if (options.edge_labels && !header.integer) {
    throw InputError(source.name + ": edge labels were asked for, but the matrix has no integer values");
  }
  if (header.rows >= std::numeric_limits<VertexId>::max()) {
    throw InputError(fmt::format("{}: {} vertices do not fit 32-bit ids", source.name, header.rows));
  }
  check_declared_vertices(source.name, header.rows, header.entries);
  EdgeLines lines = parse_edge_lines(TextSource(text.substr(header.position), source.name), options,
                                     options.edge_labels, header.lines);
  if (lines.edges != header.entries) {
    throw InputError(fmt::format("{}: {} entries, but the header says {}: {}", source.name, lines.edges, header.entries,
                                 lines.edges < header.entries ? "the file is truncated" : "the header is wrong"));
  }
  shift_ids(lines.blocks, header.rows, source.name);
  BlockOptions build;
  build.ids = IdPolicy::keep;
  build.num_vertices = header.rows;
  build.directed = options.directed && !header.symmetric;
  build.threads = options.threads;
  Graph graph = build_from_blocks(std::move(lines.blocks), build);
  if (!options.directed || !header.symmetric) return graph;
  auto both = share_storage(graph);  // a symmetric matrix as a directed graph: both arcs are there
  both->directed = true;
  return Graph(std::move(both));
}

}  // namespace galena::detail
