// Fetching, checking and keeping datasets.

#include "galena/dataset.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "galena/error.hpp"
#include "galena/stats.hpp"
#include "src/base/file_writer.hpp"
#include "src/base/mapped_file.hpp"
#include "src/base/sha256.hpp"
#include "src/graph/download.hpp"
#include "src/graph/embedded.hpp"
#include "src/graph/folder.hpp"
#include "src/graph/readers.hpp"
#include "src/graph/resolve.hpp"

namespace galena {
namespace fs = std::filesystem;
namespace {

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

fs::path cached_file(const DatasetInfo& info) { return dataset_cache() / (info.name + ".gal"); }

void create_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error) return;
  throw EnvironmentError(fmt::format("{}: cannot create the folder: {}; choose another one with GALENA_CACHE",
                                     folder.string(), error.message()));
}

void expect_equal(const DatasetInfo& info, const char* what, std::uint64_t found, std::uint64_t expected) {
  if (found == expected) return;
  throw InputError(fmt::format("{}: {} {}, but the registry says {}: the source has changed or is damaged", info.name,
                               found, what, expected));
}

// A line for each check, or an exception.
std::vector<std::string> check_counts(const DatasetInfo& info, const Graph& graph, int threads) {
  expect_equal(info, "vertices", graph.num_vertices(), info.vertices);
  expect_equal(info, "edges", graph.num_edges(), info.edges);
  std::vector<std::string> checks{fmt::format("{} vertices", info.vertices), fmt::format("{} edges", info.edges)};
  if (info.triangles) {
    expect_equal(info, "triangles", count_triangles(graph, threads), *info.triangles);
    checks.push_back(fmt::format("{} triangles", *info.triangles));
  }
  return checks;
}

void check_sha256(const DatasetInfo& info, const fs::path& file) {
  if (info.sha256.empty()) return;
  const base::MappedFile mapped(file);
  const std::string found = base::sha256_hex(mapped.bytes());
  if (found == info.sha256) return;
  throw InputError(
      fmt::format("{}: SHA-256 is {}, expected {}: damaged or changed", file.string(), found, info.sha256));
}

std::string file_name(const std::string& url) { return url.substr(url.rfind('/') + 1); }

// The dataset in the mirror, if it has it: the file as published, or a dataset folder.
std::optional<Graph> from_mirror(const DatasetInfo& info, const DatasetOptions& options) {
  const fs::path mirror = options.mirror.empty() ? environment("GALENA_MIRROR") : options.mirror;
  if (mirror.empty()) return std::nullopt;
  if (!fs::is_directory(mirror)) throw InputError(fmt::format("{}: the mirror is not a folder", mirror.string()));
  LoadOptions load;
  load.threads = options.threads;
  for (const std::string& url : info.urls) {
    const fs::path file = mirror / file_name(url);
    if (!fs::exists(file)) continue;
    check_sha256(info, file);
    return load_graph(file, load);
  }
  if (fs::is_directory(mirror / info.name)) return load_graph(mirror / info.name, load);
  return std::nullopt;
}

struct TemporaryFile {
  fs::path path;
  ~TemporaryFile() {
    std::error_code ignored;
    fs::remove(path, ignored);
  }
};

Graph from_network(const DatasetInfo& info, const DatasetOptions& options) {
  std::string reasons;
  for (const std::string& url : info.urls) {
    const TemporaryFile file{dataset_cache() / (info.name + "." + file_name(url))};
    try {
      detail::download(url, file.path, options.progress);
    } catch (const EnvironmentError& error) {
      reasons += (reasons.empty() ? "" : "; ") + std::string(error.what());
      continue;
    }
    check_sha256(info, file.path);
    LoadOptions load;
    load.threads = options.threads;
    return load_graph(file.path, load);
  }
  throw EnvironmentError(reasons);
}

// Bundled files become a folder of the cache. Written every time: they are small, and may have changed.
fs::path unpack(const DatasetInfo& info) {
  const fs::path folder = dataset_cache() / info.name;
  create_folder(folder);
  for (const std::string& name : info.bundled) {
    base::AtomicFile file(folder / name);
    file.write(detail::embedded_file(info.name + "/" + name).text());
    file.commit();
  }
  return folder;
}

// Without touching the disk.
Graph load_bundled(const DatasetInfo& info, const LoadOptions& options) {
  if (info.kind != "graph") {
    throw InputError(
        fmt::format("{} is a hypergraph, but a graph is needed here; expand it with "
                    "'galena convert {} graph.gal --expand clique'",
                    info.name, info.name));
  }
  const auto source = [&](const std::string& file) {
    return detail::TextSource(detail::embedded_file(info.name + "/" + file).text(), info.name + "/" + file);
  };
  Graph graph = detail::read_edge_list(source("edges.txt"), options);
  const bool labelled = std::ranges::find(info.bundled, "vlabels.txt") != info.bundled.end();
  return labelled ? with_vertex_labels(graph, detail::read_labels(source("vlabels.txt"), "vertex", options)) : graph;
}

std::vector<std::string> verify_folder(const std::string& name, const LoadOptions& load) {
  const fs::path folder = resolve_folder(name);
  const Graph graph = load_graph(folder, load);
  std::vector<std::string> checks{folder.string()};
  const std::vector<std::string> counts =
      detail::is_registered(name)
          ? check_counts(find_dataset(name), graph, load.threads)
          : std::vector{fmt::format("{} vertices", graph.num_vertices()), fmt::format("{} edges", graph.num_edges())};
  checks.insert(checks.end(), counts.begin(), counts.end());
  return checks;
}

}  // namespace

fs::path dataset_cache() {
  if (const std::string cache = environment("GALENA_CACHE"); !cache.empty()) return cache;
  if (const std::string xdg = environment("XDG_CACHE_HOME"); !xdg.empty()) return fs::path(xdg) / "galena";
  if (const std::string home = environment("HOME"); !home.empty()) return fs::path(home) / ".cache" / "galena";
  throw EnvironmentError("no place for downloads: set GALENA_CACHE to a folder (HOME is not set)");
}

bool have_dataset(const DatasetInfo& info) { return !info.bundled.empty() || fs::exists(cached_file(info)); }

fs::path get_dataset(const std::string& name, const DatasetOptions& options) {
  const DatasetInfo& info = find_dataset(name);
  if (!info.bundled.empty()) return unpack(info);
  const fs::path file = cached_file(info);
  if (fs::exists(file) && !options.refresh) return file;
  create_folder(file.parent_path());
  std::optional<Graph> graph = from_mirror(info, options);
  if (!graph) graph = from_network(info, options);
  check_counts(info, *graph, options.threads);
  save_graph(*graph, file);
  return file;
}

std::vector<std::string> verify_dataset(const std::string& name, int threads) {
  LoadOptions load;
  load.threads = threads;
  load.verify = true;
  const bool cached = detail::is_registered(name) && have_dataset(find_dataset(name));
  if (const std::vector<std::string> folders = data_folders(); !cached && std::ranges::binary_search(folders, name))
    return verify_folder(name, load);
  const DatasetInfo& info = find_dataset(name);
  if (!info.bundled.empty() && info.kind == "graph") return check_counts(info, load_bundled(info, load), threads);
  if (!info.bundled.empty()) return {"bundled"};
  if (!have_dataset(info)) {
    throw InputError(fmt::format("{} is not in the cache ({}); fetch it with 'galena dataset get {}'", info.name,
                                 dataset_cache().string(), info.name));
  }
  const Graph graph = load_graph(cached_file(info), load);
  std::vector<std::string> checks{"checksums of " + cached_file(info).string()};
  for (std::string& check : check_counts(info, graph, threads)) checks.push_back(std::move(check));
  return checks;
}

namespace detail {

Graph load_registered(const DatasetInfo& info, const LoadOptions& options) {
  if (!info.bundled.empty()) return load_bundled(info, options);
  DatasetOptions get;
  get.threads = options.threads;
  get.progress = options.progress;
  return load_graph(get_dataset(info.name, get), options);
}

}  // namespace detail
}  // namespace galena
