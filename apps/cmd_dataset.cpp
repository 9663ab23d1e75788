// galena dataset: what is known, what is here, and is it sound.

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "apps/cli.hpp"
#include "galena/dataset.hpp"
#include "galena/hypergraph.hpp"

namespace galena::cli {
namespace {

using Json = nlohmann::ordered_json;

bool in_data_folder(const std::string& name) { return std::ranges::binary_search(data_folders(), name); }

const char* place(const DatasetInfo& info) {
  if (in_data_folder(info.name)) return "folder";
  return !info.bundled.empty() ? "bundled" : have_dataset(info) ? "here" : "to fetch";
}

/// Folders of GALENA_DATA_DIR that the registry does not know.
std::vector<std::string> other_folders() {
  std::vector<std::string> names = data_folders();
  std::erase_if(names, [](const std::string& name) {
    return std::ranges::any_of(dataset_registry(), [&](const DatasetInfo& info) { return info.name == name; });
  });
  return names;
}

void run_list(const Common& common) {
  if (common.json) {
    Json list = Json::array();
    for (const DatasetInfo& info : dataset_registry()) {
      list.push_back({{"name", info.name},
                      {"kind", info.kind},
                      {"vertices", info.vertices},
                      {"edges", info.edges},
                      {"state", place(info)},
                      {"description", info.description},
                      {"urls", info.urls},
                      {"citation", info.citation}});
      if (info.triangles) list.back()["triangles"] = *info.triangles;
    }
    for (const std::string& name : other_folders())
      list.push_back({{"name", name}, {"state", "folder"}, {"path", resolve_folder(name).string()}});
    return print_json(Json{{"datasets", list}, {"cache", dataset_cache().string()}});
  }
  fmt::print("{:<16} {:>10} {:>11}  {:<9} {}\n", "name", "vertices", "edges", "state", "description");
  for (const DatasetInfo& info : dataset_registry()) {
    fmt::print("{:<16} {:>10} {:>11}  {:<9} {}\n", info.name, format_count(info.vertices), format_count(info.edges),
               place(info), info.description);
  }
  for (const std::string& name : other_folders())
    fmt::print("{:<16} {:>10} {:>11}  {:<9} {}\n", name, "", "", "folder", resolve_folder(name).string());
}

void run_get(const std::vector<std::string>& names, DatasetOptions options, const Common& common) {
  const auto here = [&options](const std::string& name) { return !options.refresh && in_data_folder(name); };
  for (const std::string& name : names)
    if (!here(name)) find_dataset(name);  // a wrong name stops before any download
  Json list = Json::array();
  for (const std::string& name : names) {
    Progress progress(common, "fetching " + name);
    options.threads = common.threads;
    options.progress = [&](double share) {
      check_interrupted();
      progress.update(share);
    };
    const std::string path = (here(name) ? resolve_folder(name) : get_dataset(name, options)).string();
    list.push_back({{"name", name}, {"path", path}});
    if (!common.json) fmt::print("{}\n", path);
  }
  if (common.json) print_json(Json{{"datasets", list}});
}

/// Of a hypergraph's folder that it can be read; the library checks all else.
std::vector<std::string> checks_of(const std::string& name, const Common& common) {
  if (!in_data_folder(name) || !names_hypergraph(name)) return verify_dataset(name, common.threads);
  LoadOptions load;
  load.threads = common.threads;
  const Hypergraph hypergraph = resolve_hypergraph(name, load);
  return {resolve_folder(name).string(), fmt::format("{} vertices", hypergraph.num_vertices()),
          fmt::format("{} hyperedges", hypergraph.num_hyperedges())};
}

void run_verify(std::vector<std::string> names, const Common& common) {
  if (names.empty()) {
    for (const DatasetInfo& info : dataset_registry()) {
      if (have_dataset(info) || in_data_folder(info.name)) names.push_back(info.name);
    }
    for (const std::string& name : other_folders()) names.push_back(name);
  }
  Json list = Json::array();
  for (const std::string& name : names) {
    check_interrupted();
    const std::vector<std::string> checks = checks_of(name, common);
    list.push_back({{"name", name}, {"checks", checks}});
    if (!common.json) fmt::print("{}: {}\n", name, fmt::join(checks, ", "));
  }
  if (common.json) print_json(Json{{"datasets", list}});
}

}  // namespace

void add_dataset(CLI::App& app, Common& common) {
  CLI::App* command = app.add_subcommand("dataset", "List, fetch and verify known datasets");
  command->require_subcommand(1);
  command->footer(
      "Datasets are kept in $GALENA_CACHE, else ~/.cache/galena. Wherever a graph is asked for, the name of "
      "a dataset will do, or that of a folder with edges.txt or hyperedges.txt in the folder "
      "$GALENA_DATA_DIR.\n\nExamples:\n  galena dataset list\n  galena dataset get ca-grqc\n"
      "  galena dataset get ca-grqc --mirror /data/snap");

  CLI::App& list = subcommand(*command, common, "list", "The known datasets");
  list.callback([&common] { run_list(common); });

  auto names = std::make_shared<std::vector<std::string>>();
  auto options = std::make_shared<DatasetOptions>();
  CLI::App& get =
      subcommand(*command, common, "get",
                 "Fetch datasets into the cache, unless a folder of yours has them, and print where they are");
  get.add_option("name", *names, "Names, as in 'galena dataset list'")->required();
  get.add_option("--mirror", options->mirror,
                 "A folder tried before the network, with files named as in the URLs (default: $GALENA_MIRROR)");
  get.add_flag("--refresh", options->refresh, "Fetch again what is here");
  get.callback([names, options, &common] { run_get(*names, *options, common); });

  CLI::App& verify = subcommand(*command, common, "verify", "Check datasets against checksums and known counts");
  verify.add_option("name", *names, "Names (default: all that are here)");
  verify.callback([names, &common] { run_verify(*names, common); });
}

}  // namespace galena::cli
