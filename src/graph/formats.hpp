#pragma once
// Which format a name stands for.

#include <filesystem>

#include "galena/io.hpp"

namespace galena::detail {

/// By extension, `.gz` aside; an edge list where it says nothing.
Format format_by_name(const std::filesystem::path& path);

/// The same for a file to be written: no extension and a trailing slash mean a folder; throws InputError where
/// the extension says nothing, for then nobody could read the file by its name.
Format format_to_write(const std::filesystem::path& path);

}  // namespace galena::detail
