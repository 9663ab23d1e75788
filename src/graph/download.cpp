// By libcurl, which is looked for when something is to be fetched: it brings some thirty libraries along, and opening
// them would take longer than many a query.

#include "src/graph/download.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <array>
#include <exception>
#include <memory>

#include "galena/error.hpp"
#include "src/base/file_writer.hpp"
#include "src/base/shared_library.hpp"

namespace galena::detail {
namespace {

constexpr const char* kByOtherMeans =
    "fetch the file by other means into a folder and name it with --mirror or GALENA_MIRROR";

/// The functions of the library that are used.
struct Curl {
  base::SharedLibrary file{"libcurl",
                           "GALENA_CURL",
                           {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.so"},
                           std::string("install libcurl4, ") + kByOtherMeans};
  decltype(&curl_global_init) global_init = nullptr;
  decltype(&curl_easy_init) init = nullptr;
  decltype(&curl_easy_setopt) set = nullptr;
  decltype(&curl_easy_perform) perform = nullptr;
  decltype(&curl_easy_cleanup) cleanup = nullptr;
  decltype(&curl_easy_strerror) error = nullptr;

  /// Throws EnvironmentError where one is missing or the library cannot start.
  Curl() {
    file.find("curl_global_init", global_init).find("curl_easy_init", init).find("curl_easy_setopt", set);
    file.find("curl_easy_perform", perform).find("curl_easy_cleanup", cleanup).find("curl_easy_strerror", error);
    file.require();
    if (global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) throw EnvironmentError("libcurl cannot start");
  }
};

struct Transfer {
  base::AtomicFile file;
  const std::function<void(double)>& progress;
  std::exception_ptr error;  // may not pass through C code
};

std::size_t on_data(char* data, std::size_t, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  try {
    transfer.file.write(std::string_view(data, size));
    return size;
  } catch (...) {
    transfer.error = std::current_exception();
    return 0;
  }
}

int on_progress(void* user, curl_off_t total, curl_off_t done, curl_off_t, curl_off_t) {
  auto& transfer = *static_cast<Transfer*>(user);
  try {
    if (transfer.progress && total > 0) transfer.progress(static_cast<double>(done) / static_cast<double>(total));
    return 0;
  } catch (...) {
    transfer.error = std::current_exception();
    return 1;
  }
}

}  // namespace

void download(const std::string& url, const std::filesystem::path& path, const std::function<void(double)>& progress) {
  static const Curl library;
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(library.init(), library.cleanup);
  if (!curl) throw EnvironmentError("libcurl cannot start");
  Transfer transfer{base::AtomicFile(path), progress, nullptr};
  std::array<char, CURL_ERROR_SIZE> message{};
  const auto set = [&](CURLoption option, auto value) { library.set(curl.get(), option, value); };
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_ERRORBUFFER, message.data());
  set(CURLOPT_FAILONERROR, 1L);
  set(CURLOPT_FOLLOWLOCATION, 1L);
  set(CURLOPT_REDIR_PROTOCOLS_STR, "https,http,ftp");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_CONNECTTIMEOUT, 20L);
  set(CURLOPT_LOW_SPEED_LIMIT, 100L);  // bytes a second, for a minute: the server is gone
  set(CURLOPT_LOW_SPEED_TIME, 60L);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, on_progress);
  set(CURLOPT_XFERINFODATA, &transfer);
  set(CURLOPT_WRITEFUNCTION, on_data);
  set(CURLOPT_WRITEDATA, &transfer);
  const CURLcode status = library.perform(curl.get());
  if (transfer.error) std::rethrow_exception(transfer.error);
  if (status != CURLE_OK) {
    throw EnvironmentError(fmt::format("cannot fetch {}: {}; {}", url,
                                       message[0] != 0 ? message.data() : library.error(status), kByOtherMeans));
  }
  transfer.file.commit();
}

}  // namespace galena::detail
