// SNAP-style edge lists: `u v` a line, any further columns alike on all lines.
//
// The mapped file is cut at newlines into pieces of a megabyte, which threads parse into blocks of ids of
// their own; a block is 32 bits an id unless it holds a larger one, in which case the piece is parsed again
// with 64. Since every piece ends in a newline, the scanning loops need no other bound.

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <limits>
#include <optional>

#include "galena/error.hpp"
#include "src/graph/edge_block.hpp"
#include "src/graph/readers.hpp"
#include "src/graph/scan.hpp"

namespace galena::detail {
namespace {

struct ParsedBlock {
  EdgeBlock edges;
  std::uint64_t lines = 0;                // of any kind
  std::uint64_t first_line = 0;           // of the first edge, from 0
  std::uint32_t columns = 0;              // of that line; all others have as many
  std::optional<std::uint64_t> declared;  // "# Nodes: n" before the first edge
  std::optional<TextError> error;
};

// "# Nodes: 5242 Edges: 28980" -> 5242
std::optional<std::uint64_t> declared_nodes(std::string_view comment) {
  const std::size_t at = comment.find("Nodes:");
  if (at == std::string_view::npos) return std::nullopt;
  const char* number = comment.data() + at + 6;
  while (*number == ' ' || *number == '\t') ++number;
  std::uint64_t nodes = 0;
  const char* after = scan_number(number, nodes);
  return after == nullptr || after == number ? std::nullopt : std::optional(nodes);
}

template <class Id>
class EdgeListParser {
 public:
  EdgeListParser(ParsedBlock& block, std::string_view text, bool labelled)
      : block_(block), begin_(text.data()), end_(begin_ + text.size()), labelled_(labelled) {
    // "0 0\n" is the shortest line; pages that are not reached are never touched.
    ids_ = base::Array<Id>(text.size() / 2 + 2, "the edges of a piece of the file");
  }

  // False if an id does not fit Id: nothing was stored then.
  bool parse() {
    Id* to = ids_.data();
    const char* at = begin_;
    std::uint64_t all = 0;
    while (at != end_) {
      line_ = at;
      at = skip_separators(at);
      if (!is_digit(*at)) {
        if (!skip_other(at)) break;
        continue;
      }
      std::uint64_t ids[2];
      const char* after = scan_pair(at, ids);
      if (after == nullptr) break;
      all |= ids[0] | ids[1];
      if (ids[0] > std::numeric_limits<Id>::max() || ids[1] > std::numeric_limits<Id>::max()) return false;
      std::uint32_t columns = 2;
      if (*after != '\n') after = skip_columns(after, columns);
      if (after == nullptr) break;
      if (to == ids_.data()) {
        block_.columns = columns;
        block_.first_line = block_.lines;
      } else if (columns != block_.columns) {
        wrong_columns(columns);
        break;
      }
      *to++ = static_cast<Id>(ids[0]);
      *to++ = static_cast<Id>(ids[1]);
      ++block_.lines;
      at = after + 1;
    }
    store(static_cast<std::uint64_t>(to - ids_.data()) / 2, all);
    return true;
  }

 private:
  void store(std::uint64_t edges, std::uint64_t all) {
    EdgeBlock& out = block_.edges;
    out.size = edges;
    out.max_id = all;
    if constexpr (sizeof(Id) == 8) {
      out.wide = std::move(ids_);
      out.is_wide = true;
    } else {
      out.narrow = std::move(ids_);
    }
  }

  // A blank line or a comment; anything else is an error.
  bool skip_other(const char*& at) {
    if (*at == '#' || *at == '%') {
      const char* const after = skip_line(at, end_);
      const std::string_view comment(at, static_cast<std::size_t>(after - at));
      if (const char* const found = edge_in_comment(comment)) {
        fail(found, kCarriageReturn);
        return false;
      }
      if (block_.columns == 0 && !block_.declared) {
        block_.declared = declared_nodes(comment);
      }
      at = after;
    } else if (*at == '\n') {
      ++at;
    } else {
      const char* hint = block_.columns == 0 && !is_digit(*at) && *at != '-' ? "; begin a heading with '#'" : "";
      fail(at, explain_bad_id(at) + hint);
      return false;
    }
    ++block_.lines;
    return true;
  }

  const char* scan_pair(const char* at, std::uint64_t (&ids)[2]) {
    const char* after = scan_number(at, ids[0]);
    if (after == nullptr) return fail(at, explain_bad_id(at));
    const char* second = skip_separators(after);
    if (second == after && *second != '\n') return fail(after, separator_expected(after));
    if (*second == '\n' || *second == '#' || *second == '%') {
      return fail(second, "expected a second vertex id, found the end of the line (is the file truncated?)");
    }
    if (has_return(after, second)) return fail(after, kCarriageReturn);
    after = scan_number(second, ids[1]);
    if (after == nullptr || after == second) return fail(second, explain_bad_id(second));
    if (!is_separator(*after) && *after != '\n') return fail(after, separator_expected(after));
    return after;
  }

  // The columns after the second id, of which the first may be the label. Returns where the newline is.
  const char* skip_columns(const char* at, std::uint32_t& columns) {
    for (;;) {
      const char* const gap = at;
      at = skip_separators(at);
      if (*at != '\n' && has_return(gap, at)) return fail(gap, kCarriageReturn);
      if (*at == '#' || *at == '%') {
        const char* const next = skip_line(at, end_);
        const char* const found = edge_in_comment({at, static_cast<std::size_t>(next - at)});
        return found != nullptr ? fail(found, kCarriageReturn) : next - 1;
      }
      if (*at == '\n') break;
      ++columns;
      if (labelled_ && columns == 3 && !read_label(at)) return nullptr;
      while (!is_separator(*at) && *at != '\n') ++at;
    }
    return at;
  }

  bool read_label(const char* at) {
    std::uint64_t label = 0;
    const char* const after = scan_number(at, label);
    const bool good = after != nullptr && after != at && (is_separator(*after) || *after == '\n');
    if (!good || label > std::numeric_limits<Label>::max()) {
      fail(at, fmt::format("expected an edge label below 2^32, found {}", describe(at)));
      return false;
    }
    block_.edges.labels.push_back(static_cast<Label>(label));
    return true;
  }

  static std::string separator_expected(const char* at) {
    return fmt::format("expected a space, tab or comma after a vertex id, found {}", describe(at));
  }

  void wrong_columns(std::uint32_t columns) {
    fail(line_, fmt::format("{} columns, but lines before have {}; all edges need as many "
                            "(for a hyperedge a line, say so by the format 'hyperedges')",
                            columns, block_.columns));
  }

  const char* fail(const char* at, std::string message) {
    block_.error = TextError{block_.lines, static_cast<std::uint64_t>(at - line_) + 1, std::move(message)};
    return nullptr;
  }

  ParsedBlock& block_;
  const char* begin_;
  const char* end_;
  bool labelled_;
  const char* line_ = nullptr;  // where the current line begins
  base::Array<Id> ids_;
};

void parse_block(ParsedBlock& block, std::string_view text, bool labelled) {
  if (EdgeListParser<std::uint32_t>(block, text, labelled).parse()) return;
  block = {};
  EdgeListParser<std::uint64_t>(block, text, labelled).parse();
}

// The first error by position; also a piece whose lines have another number of columns than the first's.
void check_blocks(const std::deque<ParsedBlock>& blocks, const TextSource& source, bool labelled, std::uint64_t lines) {
  std::uint32_t columns = 0;
  for (const ParsedBlock& block : blocks) {
    if (columns != 0 && block.columns != 0 && columns != block.columns) {
      throw_at(source.name, lines + block.first_line + 1, 1,
               fmt::format("{} columns, but lines before have {}; all edges need as many", block.columns, columns));
    }
    if (columns == 0) columns = block.columns;
    if (block.error) throw_at(source.name, lines + block.error->line + 1, block.error->column, block.error->message);
    lines += block.lines;
  }
  if (labelled && columns == 2) {
    throw InputError(fmt::format("{}: edge labels were asked for, but the lines have no third column", source.name));
  }
}

// Labels by edge line, handed to the blocks in order.
void attach_labels(std::vector<EdgeBlock>& blocks, const std::vector<Label>& labels, const std::string& name) {
  std::uint64_t edges = 0;
  for (const EdgeBlock& block : blocks) edges += block.size;
  if (edges != labels.size()) {
    throw InputError(fmt::format("{}: {} edges, but there are {} edge labels: expected a label for every edge line",
                                 name, edges, labels.size()));
  }
  auto next = labels.begin();
  for (EdgeBlock& block : blocks) {
    const auto end = next + static_cast<std::ptrdiff_t>(block.size);
    block.labels.assign(next, end);
    next = end;
  }
}

// A SNAP header counts the vertices that occur: where some id is beyond that number, ids have gaps, and renumbering
// them gives the graph as it was published.
void apply_header(std::optional<std::uint64_t> nodes, const std::vector<EdgeBlock>& blocks, const std::string& name,
                  BlockOptions& options) {
  if (!nodes) return;
  std::uint64_t edges = 0, bound = 0;
  for (const EdgeBlock& block : blocks) {
    edges += block.size;
    if (block.max_id < *nodes || bound >= *nodes) continue;
    for (std::uint64_t i = 0; i < 2 * block.size; ++i) {
      bound = std::max<std::uint64_t>(bound, block.is_wide ? block.wide[i] : block.narrow[i]);
    }
  }
  if (bound >= *nodes) {
    options.ids = IdPolicy::compact;
  } else {
    check_declared_vertices(name, *nodes, edges);
    options.num_vertices = *nodes;
  }
}

}  // namespace

void check_declared_vertices(const std::string& name, std::uint64_t vertices, std::uint64_t edges) {
  constexpr std::uint64_t kAlways = std::uint64_t{1} << 22, kAnEdge = 1024;
  if (vertices <= kAlways || vertices / kAnEdge <= edges) return;
  throw InputError(fmt::format("{}: the header declares {} vertices, but there are only {} edges; correct the header",
                               name, vertices, edges));
}

EdgeLines parse_edge_lines(const TextSource& source, const LoadOptions& options, bool labelled,
                           std::uint64_t lines_before) {
  BlockLoop loop;
  loop.threads = options.threads;
  loop.progress = options.progress;
  auto parsed = parse_blocks<ParsedBlock>(
      source, loop, [&](ParsedBlock& block, std::string_view text) { parse_block(block, text, labelled); });
  check_blocks(parsed, source, labelled, lines_before);
  EdgeLines lines;
  for (ParsedBlock& block : parsed) {
    if (lines.edges == 0 && !lines.declared) lines.declared = block.declared;
    lines.edges += block.edges.size;
    lines.blocks.push_back(std::move(block.edges));
  }
  return lines;
}

Graph read_edge_list(const TextSource& source, const LoadOptions& options, const std::vector<Label>* line_labels) {
  EdgeLines lines = parse_edge_lines(source, options, options.edge_labels && line_labels == nullptr, 0);
  if (lines.edges == 0 && !lines.declared) {
    throw InputError(
        fmt::format("{}: no edges; expected lines of two vertex ids, or a '# Nodes: n' header", source.name));
  }
  if (line_labels != nullptr) attach_labels(lines.blocks, *line_labels, source.name);
  BlockOptions build;
  build.directed = options.directed;
  build.threads = options.threads;
  apply_header(lines.declared, lines.blocks, source.name, build);
  return build_from_blocks(std::move(lines.blocks), build);
}

}  // namespace galena::detail
