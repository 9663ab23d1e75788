#include "src/base/file_writer.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <utility>

#include "galena/error.hpp"

namespace galena::base {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 20;

bool is_special(const std::filesystem::path& path) {
  std::error_code ignored;
  const auto status = std::filesystem::status(path, ignored);
  return std::filesystem::exists(status) && !std::filesystem::is_regular_file(status) &&
         !std::filesystem::is_directory(status);
}

// The number of the open file that /proc/self/fd/N or /dev/fd/N names; -1 where the path is another.
int open_file(const std::filesystem::path& path) {
  std::error_code error;
  const auto folder = std::filesystem::canonical(path.parent_path(), error);
  if (error || folder != std::filesystem::canonical("/proc/self/fd", error)) return -1;
  const std::string name = path.filename();
  int number = -1;
  const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), number);
  return bad == std::errc() && end == name.data() + name.size() ? number : -1;
}

// A rename over a symbolic link would replace the link: write where it points instead, as far as links go on. Of an open
// file, such as /dev/stdout is, the link that names it.
std::filesystem::path follow_links(std::filesystem::path path) {
  constexpr int kMostLinks = 40;  // as many as Linux follows
  std::error_code error;
  for (int k = 0; k < kMostLinks && std::filesystem::is_symlink(path, error) && open_file(path) < 0; ++k)
    path = path.parent_path() / std::filesystem::read_symlink(path, error);
  return path;
}

// Unique among the threads of this process and the processes of this machine.
std::filesystem::path beside(const std::filesystem::path& path) {
  static std::atomic<unsigned> counter{0};
  auto name = path;
  name += fmt::format(".{}.{}.tmp", ::getpid(), counter++);
  return name;
}

// The rename itself is durable only once the folder is synced; file systems that cannot do that say so, and need not.
void sync_folder(const std::filesystem::path& path) {
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

}  // namespace

std::filesystem::path replaced_by(const std::filesystem::path& path) {
  const std::filesystem::path place = follow_links(path);
  if (open_file(place) >= 0 || is_special(place)) return {};
  return std::filesystem::weakly_canonical(place);
}

AtomicFile::AtomicFile(std::filesystem::path path) : path_(follow_links(std::move(path))) {
  if (std::filesystem::is_directory(path_)) fail("cannot write a file here", EISDIR);
  if (const int open = open_file(path_); open < 0 && std::filesystem::is_symlink(path_)) {
    fail("cannot write", ELOOP);
  } else if (open >= 0) {
    fd_ = ::fcntl(open, F_DUPFD_CLOEXEC, 0);  // where it stands, and appending if it appends
  } else if (is_special(path_)) {
    fd_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
  } else {
    temporary_ = beside(path_);
    fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  }
  if (fd_ < 0) fail("cannot create", errno);
  buffer_.reserve(kBufferBytes);
}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  position_ += bytes.size();
  if (buffer_.size() + bytes.size() > kBufferBytes) flush();
  if (bytes.size() >= kBufferBytes) {
    write_through(bytes.data(), bytes.size());
  } else {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }
}

void AtomicFile::pad_to(std::size_t alignment) {
  const std::vector<std::byte> zeros((alignment - position_ % alignment) % alignment);
  write(zeros);
}

void AtomicFile::commit() {
  flush();
  // EINVAL: a pipe or device that cannot be synced.
  if (::fsync(fd_) != 0 && errno != EINVAL) fail("cannot sync", errno);
  // A network file system may report a full disk only here.
  if (::close(std::exchange(fd_, -1)) != 0) {
    const int error = errno;
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
    fail("cannot close", error);
  }
  if (temporary_.empty()) return;
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary_.c_str());
    fail("cannot rename the finished file", error);
  }
  sync_folder(path_);
}

void AtomicFile::flush() {
  write_through(buffer_.data(), buffer_.size());
  buffer_.clear();
}

void AtomicFile::write_through(const std::byte* data, std::size_t size) {
  constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;  // Linux writes at most 2^31 - 4096 bytes a call
  while (size > 0) {
    const ssize_t written = ::write(fd_, data, std::min(size, kMostAtOnce));
    if (written < 0) {
      if (errno == EINTR) continue;
      fail("cannot write", errno);
    }
    data += written;
    size -= static_cast<std::size_t>(written);
  }
}

void AtomicFile::fail(const char* what, int error) const {
  const char* remedy = error == ENOSPC || error == EDQUOT ? "; free some space or choose another place"
                       : error == ENOENT                  ? "; create the folder first"
                                                          : "";
  throw EnvironmentError(fmt::format("{}: {}: {}{}", path_.string(), what, std::strerror(error), remedy));
}

}  // namespace galena::base
