#pragma once
// From a word on the command line to a place.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "galena/dataset.hpp"

namespace galena::detail {

/// A path that exists, else a folder of $GALENA_DATA_DIR.
std::optional<std::filesystem::path> find_place(const std::string& name_or_path);

/// Throws InputError: no such file or dataset, with a suggestion.
[[noreturn]] void throw_unknown(const std::string& name_or_path);

/// Whether the registry has it.
bool is_registered(const std::string& name);

/// A file of a bundled dataset: "davis/hyperedges.txt".
std::string_view embedded_text(std::string_view name);

/// The graph of a registry entry, fetched if need be.
Graph load_registered(const DatasetInfo& info, const LoadOptions& options);

}  // namespace galena::detail
