#include "src/graph/formats.hpp"

#include <fmt/format.h>

#include <array>
#include <vector>

#include "galena/error.hpp"
#include "src/base/suggest.hpp"

namespace galena {
namespace fs = std::filesystem;
namespace {

struct Extension {
  const char* extension;
  Format format;
};
constexpr std::array kExtensions{
    Extension{".gal", Format::binary},      Extension{".mtx", Format::matrix_market},
    Extension{".graph", Format::metis},     Extension{".metis", Format::metis},
    Extension{".lg", Format::grami},        Extension{".hg", Format::hyperedges},
    Extension{".txt", Format::edge_list},   Extension{".el", Format::edge_list},
    Extension{".edges", Format::edge_list}, Extension{".csv", Format::edge_list},
    Extension{".tsv", Format::edge_list},
};

const Extension* find_extension(const fs::path& path) {
  const fs::path name = path.extension() == ".gz" ? path.stem() : path.filename();
  for (const Extension& known : kExtensions) {
    if (name.extension() == known.extension) return &known;
  }
  return nullptr;
}

bool named_hyperedges(const fs::path& path) { return path.filename().string().starts_with("hyperedges"); }

}  // namespace

namespace detail {

Format format_by_name(const fs::path& path) {
  if (named_hyperedges(path)) return Format::hyperedges;
  const Extension* known = find_extension(path);
  return known == nullptr ? Format::edge_list : known->format;
}

Format format_to_write(const fs::path& path) {
  if (!path.has_filename() || fs::is_directory(path)) return Format::folder;
  if (named_hyperedges(path)) return Format::hyperedges;
  if (const Extension* known = find_extension(path)) return known->format;
  std::vector<std::string> names;
  for (const Extension& known : kExtensions) names.emplace_back(known.extension);
  const std::string extension = path.extension().string();
  throw InputError(fmt::format("{}: no format is named '{}'{}; expected .gal, .txt, .mtx, .graph, .lg (or 'folder/')",
                               path.string(), extension, base::did_you_mean(extension, names)));
}

}  // namespace detail

std::string format_name(Format format) {
  switch (format) {
    case Format::automatic: return "automatic";
    case Format::edge_list: return "edge list";
    case Format::matrix_market: return "Matrix Market";
    case Format::metis: return "METIS";
    case Format::grami: return "GraMi";
    case Format::hyperedges: return "hyperedge list";
    case Format::binary: return "Galena binary";
    case Format::folder: return "dataset folder";
  }
  return "unknown";
}

}  // namespace galena
