// galena dataset: what is known, what is here, and is it sound.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "apps/cli.hpp"
#include "galena/dataset.hpp"

namespace galena::cli {
namespace {

using Json = nlohmann::ordered_json;

const char* place(const DatasetInfo& info) {
  return !info.bundled.empty() ? "bundled" : have_dataset(info) ? "here" : "to fetch";
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
    return print_json(Json{{"datasets", list}, {"cache", dataset_cache().string()}});
  }
  fmt::print("{:<16} {:>10} {:>11}  {:<9} {}\n", "name", "vertices", "edges", "state", "description");
  for (const DatasetInfo& info : dataset_registry()) {
    fmt::print("{:<16} {:>10} {:>11}  {:<9} {}\n", info.name, format_count(std::to_string(info.vertices)),
               format_count(std::to_string(info.edges)), place(info), info.description);
  }
}

void run_get(const std::vector<std::string>& names, DatasetOptions options, const Common& common) {
  for (const std::string& name : names) find_dataset(name);  // a wrong name stops before any download
  Json list = Json::array();
  for (const std::string& name : names) {
    Progress progress(common, "fetching " + name);
    options.threads = common.threads;
    options.progress = [&](double share) {
      check_interrupted();
      progress.update(share);
    };
    const std::string path = get_dataset(name, options).string();
    list.push_back({{"name", name}, {"path", path}});
    if (!common.json) fmt::print("{}\n", path);
  }
  if (common.json) print_json(Json{{"datasets", list}});
}

void run_verify(std::vector<std::string> names, const Common& common) {
  if (names.empty()) {
    for (const DatasetInfo& info : dataset_registry()) {
      if (have_dataset(info)) names.push_back(info.name);
    }
  }
  Json list = Json::array();
  for (const std::string& name : names) {
    const std::vector<std::string> checks = verify_dataset(name, common.threads);
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
      "a dataset will do.\n\nExamples:\n  galena dataset list\n  galena dataset get ca-grqc\n"
      "  galena dataset get ca-grqc --mirror /data/snap");

  CLI::App& list = subcommand(*command, common, "list", "The known datasets");
  list.callback([&common] { run_list(common); });

  auto names = std::make_shared<std::vector<std::string>>();
  auto options = std::make_shared<DatasetOptions>();
  CLI::App& get = subcommand(*command, common, "get", "Fetch datasets into the cache, and print where they are");
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
