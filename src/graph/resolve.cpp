#include "src/graph/resolve.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <iterator>

#include "galena/error.hpp"
#include "src/base/suggest.hpp"

namespace galena {
namespace fs = std::filesystem;
namespace {

fs::path data_dir() {
  const char* const value = std::getenv("GALENA_DATA_DIR");
  return value == nullptr ? "" : value;
}

bool looks_like_path(const std::string& word) {
  return word.find('/') != std::string::npos || fs::path(word).has_extension();
}

void add_names(const fs::path& folder, bool folders_only, std::vector<std::string>& names) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (!folders_only || entry.is_directory(error)) names.push_back(entry.path().filename().string());
  }
}

bool holds_dataset(const fs::path& folder) {
  std::error_code unreadable;
  for (const char* file : {"edges.txt", "edges.txt.gz", "hyperedges.txt", "hyperedges.txt.gz"})
    if (fs::exists(folder / file, unreadable)) return true;
  return false;
}

}  // namespace

std::vector<std::string> data_folders() {
  std::vector<std::string> names, found;
  if (!data_dir().empty()) add_names(data_dir(), true, names);
  std::ranges::copy_if(names, std::back_inserter(found),
                       [](const std::string& name) { return holds_dataset(data_dir() / name); });
  std::ranges::sort(found);
  return found;
}

std::string where_datasets_are() {
  const std::string here = "looked for here, among the datasets of 'galena dataset list', ";
  std::error_code error;
  if (data_dir().empty())
    return here + "and not in a folder of yours: GALENA_DATA_DIR, which would name it, is not set";
  if (!fs::is_directory(data_dir(), error))
    return here + fmt::format("and in GALENA_DATA_DIR, but {} is no folder", data_dir().string());
  return here + fmt::format("and in GALENA_DATA_DIR, {}", data_dir().string());
}

namespace detail {

std::optional<fs::path> find_place(const std::string& name_or_path) {
  if (name_or_path.empty()) throw InputError("an empty name: expected a file, a dataset folder or a dataset's name");
  std::error_code error;
  if (fs::exists(name_or_path, error)) return name_or_path;
  if (error && error.value() != ENOENT && error.value() != ENOTDIR && error.value() != ENAMETOOLONG) {
    throw EnvironmentError(fmt::format("{}: {}", name_or_path, error.message()));
  }
  const fs::path folder = data_dir();
  if (!folder.empty() && !looks_like_path(name_or_path) && fs::exists(folder / name_or_path, error)) {
    return folder / name_or_path;
  }
  return std::nullopt;
}

bool is_registered(const std::string& name) {
  std::string wanted = name;
  std::ranges::transform(wanted, wanted.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::ranges::any_of(dataset_registry(), [&](const DatasetInfo& info) { return info.name == wanted; });
}

void throw_unknown(const std::string& word) {
  std::vector<std::string> names;
  if (looks_like_path(word)) {
    const fs::path folder = fs::path(word).parent_path();
    add_names(folder.empty() ? "." : folder, false, names);
    throw InputError(fmt::format("{}: no such file or folder{}", word,
                                 base::did_you_mean(fs::path(word).filename().string(), names)));
  }
  for (const DatasetInfo& info : dataset_registry()) names.push_back(info.name);
  if (!data_dir().empty()) add_names(data_dir(), true, names);
  throw InputError(fmt::format("no file, folder or dataset is named '{}'{} ({})", word, base::did_you_mean(word, names),
                               where_datasets_are()));
}

}  // namespace detail

fs::path resolve_folder(const std::string& name_or_path) {
  if (const auto place = detail::find_place(name_or_path)) {
    if (fs::is_directory(*place)) return *place;
    throw InputError(fmt::format("{}: a file, but a dataset folder is needed here", name_or_path));
  }
  if (!detail::is_registered(name_or_path)) detail::throw_unknown(name_or_path);
  const DatasetInfo& info = find_dataset(name_or_path);
  if (!info.bundled.empty()) return get_dataset(info.name);
  throw InputError(
      fmt::format("{} is a graph without features or labels, but a dataset folder is needed here", info.name));
}

Graph resolve_graph(const std::string& name_or_path, const LoadOptions& options) {
  if (const auto place = detail::find_place(name_or_path)) {
    LoadOptions careful = options;
    careful.trusted = false;
    return load_graph(*place, careful);
  }
  if (!detail::is_registered(name_or_path)) detail::throw_unknown(name_or_path);
  return detail::load_registered(find_dataset(name_or_path), options);
}

}  // namespace galena
