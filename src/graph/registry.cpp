// The registry of known datasets.

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "galena/dataset.hpp"
#include "galena/error.hpp"
#include "src/base/suggest.hpp"
#include "src/graph/embedded.hpp"
#include "src/graph/resolve.hpp"

namespace galena {
namespace {

std::vector<DatasetInfo> parse_registry() {
  const auto root = nlohmann::json::parse(detail::embedded_file("registry.json").text());
  std::vector<DatasetInfo> all;
  for (const auto& entry : root.at("datasets")) {
    DatasetInfo info;
    info.name = entry.at("name");
    info.kind = entry.at("kind");
    info.description = entry.at("description");
    info.urls = entry.value("urls", std::vector<std::string>{});
    info.bundled = entry.value("bundled", std::vector<std::string>{});
    info.sha256 = entry.value("sha256", "");
    info.vertices = entry.at("vertices");
    info.edges = entry.at("edges");
    if (entry.contains("triangles")) info.triangles = entry.at("triangles").get<std::uint64_t>();
    info.citation = entry.at("citation");
    all.push_back(std::move(info));
  }
  return all;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

namespace detail {

const EmbeddedFile& embedded_file(std::string_view name) {
  for (const EmbeddedFile& file : embedded_files()) {
    if (file.name == name) return file;
  }
  throw InternalError(fmt::format("the file {} was not compiled in", name));
}

std::string_view embedded_text(std::string_view name) { return embedded_file(name).text(); }

}  // namespace detail

const std::vector<DatasetInfo>& dataset_registry() {
  static const std::vector<DatasetInfo> registry = parse_registry();
  return registry;
}

const DatasetInfo& find_dataset(const std::string& name) {
  const std::string wanted = lower(name);
  std::vector<std::string> names;
  for (const DatasetInfo& info : dataset_registry()) {
    if (info.name == wanted) return info;
    names.push_back(info.name);
  }
  throw InputError(
      fmt::format("no dataset is named '{}'{} (see 'galena dataset list')", name, base::did_you_mean(name, names)));
}

}  // namespace galena
