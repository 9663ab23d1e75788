// Which reader, which writer.

#include "galena/io.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "galena/error.hpp"
#include "src/base/inflate.hpp"
#include "src/base/mapped_file.hpp"
#include "src/graph/folder.hpp"
#include "src/graph/formats.hpp"
#include "src/graph/readers.hpp"

namespace galena {
namespace fs = std::filesystem;
namespace {

bool begins_with(std::span<const std::byte> bytes, std::string_view text) {
  return bytes.size() >= text.size() && std::equal(text.begin(), text.end(), bytes.begin(), [](char c, std::byte b) {
           return static_cast<unsigned char>(c) == std::to_integer<unsigned char>(b);
         });
}

// First bytes are better evidence than names.
Format recognise(std::span<const std::byte> bytes, const fs::path& path) {
  if (detail::is_binary_graph(bytes)) return Format::binary;
  std::string head;
  if (base::is_gzip(bytes)) {
    base::Inflater(bytes, path.string()).read(head, 64);
    bytes = std::as_bytes(std::span(head));
  }
  bytes = detail::without_mark(bytes);
  if (begins_with(bytes, "%%MatrixMarket")) return Format::matrix_market;
  if (begins_with(bytes, "t # ")) return Format::grami;
  return detail::format_by_name(path);
}

[[noreturn]] void refuse_hypergraph(const fs::path& path) {
  throw InputError(
      fmt::format("{}: a hypergraph, but a graph is needed here; expand it with "
                  "'galena convert {} graph.gal --expand clique'",
                  path.string(), path.string()));
}

Graph load_file(const fs::path& path, const LoadOptions& options) {
  auto file = std::make_shared<const base::MappedFile>(path);
  const Format format = options.format == Format::automatic ? recognise(file->bytes(), path) : options.format;
  if (format == Format::binary) return detail::read_binary(file->bytes(), path.string(), options, file);
  file->advise_sequential();
  const detail::TextSource source(file->bytes(), path.string());
  switch (format) {
    case Format::matrix_market: return detail::read_matrix_market(source, options);
    case Format::metis: return detail::read_metis(source, options);
    case Format::grami: return detail::read_grami(source, options);
    case Format::hyperedges: refuse_hypergraph(path);
    case Format::folder: throw InputError(path.string() + ": a file, expected a dataset folder");
    default: return detail::read_edge_list(source, options);
  }
}

}  // namespace

Graph load_graph(const fs::path& path, const LoadOptions& options) {
  if (fs::is_directory(path)) {
    if (options.format != Format::automatic && options.format != Format::folder) {
      throw InputError(
          fmt::format("{}: a folder, expected a file in the format '{}'", path.string(), format_name(options.format)));
    }
    return detail::load_folder(path, options);
  }
  return load_file(path, options);
}

}  // namespace galena
