// Hyperedge lists and incidence matrices.

#include "src/hypergraph/readers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "galena/dataset.hpp"
#include "galena/error.hpp"
#include "src/base/inflate.hpp"
#include "src/base/mapped_file.hpp"
#include "src/base/npy.hpp"
#include "src/device/algorithms.hpp"
#include "src/graph/folder.hpp"
#include "src/graph/formats.hpp"
#include "src/graph/line_reader.hpp"
#include "src/graph/readers.hpp"
#include "src/graph/resolve.hpp"

namespace galena {
namespace fs = std::filesystem;
namespace detail {
namespace {

constexpr std::uint64_t kMostVertices = std::numeric_limits<VertexId>::max() - 1;

struct HyperedgeBlock {
  std::vector<std::uint64_t> ids;    // of all hyperedges, one after the other
  std::vector<std::uint64_t> sizes;  // of each
  std::uint64_t lines = 0;
  std::optional<std::uint64_t> declared;  // "# Vertices: n" before the first hyperedge
  std::optional<TextError> error;
};

std::optional<std::uint64_t> declared_vertices(std::string_view comment) {
  const std::size_t at = comment.find("Vertices:");
  if (at == std::string_view::npos) return std::nullopt;
  const char* const number = skip_separators(comment.data() + at + 9);
  std::uint64_t vertices = 0;
  const char* const after = scan_number(number, vertices);
  return after == nullptr || after == number ? std::nullopt : std::optional(vertices);
}

// One hyperedge from `at`; false and an error in the block if a word is no id.
bool parse_hyperedge(HyperedgeBlock& block, const char* line, const char* at) {
  const std::size_t before = block.ids.size();
  const auto fail = [&](const char* place, std::string message) {
    block.error = TextError{block.lines, static_cast<std::uint64_t>(place - line) + 1, std::move(message)};
    return false;
  };
  while (*at != '\n' && *at != '#' && *at != '%') {
    std::uint64_t id = 0;
    const char* const after = scan_number(at, id);
    const bool good = after != nullptr && after != at && (is_separator(*after) || *after == '\n');
    if (!good) return fail(at, explain_bad_id(at));
    block.ids.push_back(id);
    at = skip_separators(after);
    if (*at != '\n' && has_return(after, at)) return fail(after, kCarriageReturn);
  }
  block.sizes.push_back(block.ids.size() - before);
  return true;
}

void parse_hyperedges(HyperedgeBlock& block, std::string_view text) {
  const char* const end = text.data() + text.size();
  for (const char* line = text.data(); line != end; ++block.lines) {
    const char* const next = skip_line(line, end);
    const char* const at = skip_separators(line);
    if (*at == '#' || *at == '%') {
      if (const char* const found = edge_in_comment({line, static_cast<std::size_t>(next - line)})) {
        block.error = TextError{block.lines, static_cast<std::uint64_t>(found - line) + 1, kCarriageReturn};
        return;
      }
      if (block.sizes.empty() && !block.declared) {
        block.declared = declared_vertices({line, static_cast<std::size_t>(next - line)});
      }
    } else if (*at != '\n' && !parse_hyperedge(block, line, at)) {
      return;
    }
    line = next;
  }
}

// Ids that are dense or declared are kept; others are renumbered in increasing order.
HypergraphArrays number_vertices(std::vector<std::uint64_t> ids, std::vector<EdgeOffset> indptr,
                                 std::optional<std::uint64_t> declared, const std::string& name, int threads) {
  HypergraphArrays arrays;
  arrays.indptr = std::move(indptr);
  const std::uint64_t largest = ids.empty() ? 0 : *std::ranges::max_element(ids);
  const bool fits = declared && (ids.empty() || largest < *declared);
  const bool dense = !declared && largest < 4 * ids.size() && largest < kMostVertices;
  if (fits) check_declared_vertices(name, *declared, ids.size());
  arrays.members.resize(ids.size());
  if (fits || dense) {
    arrays.num_vertices = fits ? *declared : ids.empty() ? 0 : largest + 1;
    std::ranges::transform(ids, arrays.members.begin(), [](std::uint64_t id) { return static_cast<VertexId>(id); });
  } else {
    auto& distinct = arrays.original_ids = ids;
    device::sort(std::span(distinct), threads);
    distinct.resize(device::unique(std::span(distinct), threads));
    arrays.num_vertices = distinct.size();
    std::ranges::transform(ids, arrays.members.begin(), [&](std::uint64_t id) {
      return static_cast<VertexId>(std::ranges::lower_bound(distinct, id) - distinct.begin());
    });
    // Ids without gaps need no names.
    if (!distinct.empty() && distinct.back() + 1 == distinct.size()) distinct.clear();
  }
  if (arrays.num_vertices > kMostVertices || arrays.indptr.size() > kMostVertices) {
    throw InputError(fmt::format("{}: {} vertices and {} hyperedges do not fit 32-bit ids", name, arrays.num_vertices,
                                 arrays.indptr.size() - 1));
  }
  return arrays;
}

// Sorts the members of each hyperedge and drops repeats.
void normalise(HypergraphArrays& arrays) {
  EdgeOffset to = 0, begin = 0;
  for (std::size_t e = 0; e + 1 < arrays.indptr.size(); ++e) {
    const EdgeOffset end = arrays.indptr[e + 1];
    const auto list = std::span(arrays.members).subspan(begin, end - begin);
    std::ranges::sort(list);
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (i == 0 || list[i] != list[i - 1]) arrays.members[to++] = list[i];
    }
    begin = end;
    arrays.indptr[e + 1] = to;
  }
  arrays.repeated_members = arrays.members.size() - to;
  arrays.members.resize(to);
}

EdgeWeights read_weights(const fs::path& file) {
  const base::NpyArray array = base::read_npy(file);
  if (array.shape().size() != 1) {
    throw InputError(
        fmt::format("{}: shape {}; expected (hyperedges,), a number each", file.string(), array.shape_text()));
  }
  return {file.string(), array.values<float>()};
}

void check_weights(const EdgeWeights& weights, std::uint64_t hyperedges, const std::string& list) {
  if (weights.file.empty()) return;
  if (weights.values.size() != hyperedges) {
    throw InputError(fmt::format("{}: {} weights for {} hyperedges of {}; expected one each", weights.file,
                                 weights.values.size(), hyperedges, list));
  }
  const auto bad = std::ranges::find_if_not(weights.values, [](float w) { return std::isfinite(w) && w >= 0; });
  if (bad == weights.values.end()) return;
  throw InputError(fmt::format("{}: the weight of hyperedge {} is {}; expected a number of 0 or more", weights.file,
                               bad - weights.values.begin(), *bad));
}

}  // namespace

Hypergraph read_hyperedges(const TextSource& source, const LoadOptions& options, EdgeWeights weights) {
  BlockLoop loop;
  loop.threads = options.threads;
  loop.progress = options.progress;
  const auto blocks = parse_blocks<HyperedgeBlock>(source, loop, parse_hyperedges);
  std::vector<std::uint64_t> ids;
  std::vector<EdgeOffset> indptr{0};
  std::optional<std::uint64_t> declared;
  std::uint64_t lines = 0;
  for (const HyperedgeBlock& block : blocks) {
    if (block.error) throw_at(source.name, lines + block.error->line + 1, block.error->column, block.error->message);
    lines += block.lines;
    if (indptr.size() == 1 && !declared) declared = block.declared;
    for (const std::uint64_t size : block.sizes) indptr.push_back(indptr.back() + size);
    ids.insert(ids.end(), block.ids.begin(), block.ids.end());
  }
  if (indptr.size() == 1 && !declared) {
    throw InputError(source.name + ": no hyperedges; expected lines of vertex ids, or a '# Vertices: n' header");
  }
  HypergraphArrays arrays = number_vertices(std::move(ids), std::move(indptr), declared, source.name, options.threads);
  normalise(arrays);
  check_weights(weights, arrays.indptr.size() - 1, source.name);
  arrays.edge_weights = std::move(weights.values);
  return Hypergraph::from_arrays(std::move(arrays));
}

Hypergraph read_incidence_matrix(const TextSource& source) {
  LineReader lines(source);
  if (!lines.next_line()) throw InputError(source.name + ": empty; expected '%%MatrixMarket matrix coordinate ...'");
  if (!lines.rest().starts_with("%%MatrixMarket matrix coordinate")) {
    lines.fail("expected '%%MatrixMarket matrix coordinate ...'");
  }
  if (lines.rest().find("general") == std::string_view::npos) lines.fail("expected a 'general' matrix");
  if (!lines.next_data_line('%')) throw InputError(source.name + ": ends within its header: the file is truncated");
  const std::uint64_t rows = lines.number("the number of rows (vertices)", kMostVertices);
  const std::uint64_t columns = lines.number("the number of columns (hyperedges)", kMostVertices);
  const std::uint64_t entries = lines.number("the number of entries");
  check_declared_vertices(source.name, std::max(rows, columns), entries);
  std::vector<std::uint64_t> pairs;  // hyperedge above vertex: sorting groups them
  pairs.reserve(std::min<std::uint64_t>(entries, lines.size() / 4));
  while (lines.next_data_line('%')) {
    const std::uint64_t row = lines.number("a row", rows), column = lines.number("a column", columns);
    if (row == 0 || column == 0) lines.fail("rows and columns are numbered from 1");
    pairs.push_back(((column - 1) << 32) | (row - 1));
  }
  if (pairs.size() != entries) {
    throw InputError(fmt::format("{}: {} entries, but the header says {}", source.name, pairs.size(), entries));
  }
  device::sort(std::span(pairs));
  HypergraphArrays arrays;
  arrays.num_vertices = rows;
  arrays.indptr.assign(columns + 1, 0);
  for (const std::uint64_t pair : pairs) {
    ++arrays.indptr[(pair >> 32) + 1];
    arrays.members.push_back(static_cast<VertexId>(pair));
  }
  for (std::uint64_t e = 1; e <= columns; ++e) arrays.indptr[e] += arrays.indptr[e - 1];
  normalise(arrays);
  return Hypergraph::from_arrays(std::move(arrays));
}

}  // namespace detail

Hypergraph load_hypergraph(const fs::path& path, const LoadOptions& options) {
  fs::path file = path;
  detail::EdgeWeights weights;
  if (fs::is_directory(path)) {
    const fs::path weights_file = path / "hyperedge_weights.npy";
    if (fs::exists(weights_file)) weights = detail::read_weights(weights_file);
    const auto found = detail::find_in_folder(path, "hyperedges.txt");
    if (!found) throw InputError(fmt::format("{}: no hyperedges.txt or hyperedges.txt.gz here", path.string()));
    file = *found;
  }
  const base::MappedFile mapped(file);
  const detail::TextSource source(mapped.bytes(), file.string());
  const Format format = options.format == Format::automatic ? detail::format_by_name(file) : options.format;
  if (format == Format::matrix_market) return detail::read_incidence_matrix(source);
  return detail::read_hyperedges(source, options, std::move(weights));
}

Hypergraph resolve_hypergraph(const std::string& name_or_path, const LoadOptions& options) {
  if (const auto place = detail::find_place(name_or_path)) return load_hypergraph(*place, options);
  if (!detail::is_registered(name_or_path)) detail::throw_unknown(name_or_path);
  const DatasetInfo& info = find_dataset(name_or_path);
  if (info.kind != "hypergraph") throw InputError(info.name + " is a graph, but a hypergraph is needed here");
  const std::string file = info.name + "/hyperedges.txt";
  return detail::read_hyperedges(detail::TextSource(detail::embedded_text(file), file), options);
}

bool names_hypergraph(const std::string& name_or_path) {
  if (const auto place = detail::find_place(name_or_path)) {
    if (!fs::is_directory(*place)) return detail::format_by_name(*place) == Format::hyperedges;
    return detail::find_in_folder(*place, "hyperedges.txt") && !detail::find_in_folder(*place, "edges.txt");
  }
  return detail::is_registered(name_or_path) && find_dataset(name_or_path).kind == "hypergraph";
}

}  // namespace galena
