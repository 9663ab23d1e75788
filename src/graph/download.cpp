#include "src/graph/download.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <array>
#include <exception>
#include <memory>

#include "galena/error.hpp"
#include "src/base/file_writer.hpp"

namespace galena::detail {
namespace {

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
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(), curl_easy_cleanup);
  if (started != CURLE_OK || !curl) throw EnvironmentError("libcurl cannot start");
  Transfer transfer{base::AtomicFile(path), progress, nullptr};
  std::array<char, CURL_ERROR_SIZE> message{};
  CURL* const c = curl.get();
  curl_easy_setopt(c, CURLOPT_URL, url.c_str());
  curl_easy_setopt(c, CURLOPT_ERRORBUFFER, message.data());
  curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "https,http,ftp");
  curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, 20L);
  curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 100L);  // bytes a second, for a minute: the server is gone
  curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, 60L);
  curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(c, CURLOPT_XFERINFODATA, &transfer);
  curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
  curl_easy_setopt(c, CURLOPT_WRITEDATA, &transfer);
  const CURLcode status = curl_easy_perform(c);
  if (transfer.error) std::rethrow_exception(transfer.error);
  if (status != CURLE_OK) {
    throw EnvironmentError(
        fmt::format("cannot fetch {}: {}; fetch the file by other means into a folder and name it "
                    "with --mirror or GALENA_MIRROR",
                    url, message[0] != 0 ? message.data() : curl_easy_strerror(status)));
  }
  transfer.file.commit();
}

}  // namespace galena::detail
