#pragma once
// Files from the network.

#include <filesystem>
#include <functional>
#include <string>

namespace galena::detail {

/// Fetches a URL (https, http, ftp or file) into `path`, whole or not at all. `progress` gets the share done, where
/// the server tells the size. Throws EnvironmentError naming the URL and the reason.
void download(const std::string& url, const std::filesystem::path& path, const std::function<void(double)>& progress);

}  // namespace galena::detail
