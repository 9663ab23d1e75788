#include "codegen/jit/cache.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "galena/error.hpp"
#include "src/base/sha256.hpp"

namespace galena::jit {

namespace fs = std::filesystem;

namespace {

// An entry is the shared object, then its digest, then this mark: loaders ignore what follows
// the sections of an ELF file.
constexpr std::string_view kMark = "galena-kernel-1\n";
constexpr size_t kDigest = 64;
constexpr auto kStale = std::chrono::hours(24);

const char* variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

std::string digest(std::string_view bytes) { return base::sha256_hex(std::as_bytes(std::span(bytes))); }

std::optional<std::string> read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

bool intact(std::string_view bytes) {
  if (bytes.size() < kDigest + kMark.size() || !bytes.ends_with(kMark)) return false;
  const std::string_view object = bytes.substr(0, bytes.size() - kDigest - kMark.size());
  return bytes.substr(object.size(), kDigest) == digest(object);
}

/// EnvironmentError unless the file is ours alone to write.
void check_private(const fs::path& path, const struct stat& info) {
  const bool ours = info.st_uid == geteuid() && (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
  if (ours) return;
  throw EnvironmentError(path.string() + ": refused to load code from it, because another user owns it or can write " +
                         "to it; expected a folder of your own with mode 0700 (remove it, or set GALENA_CACHE)");
}

}  // namespace

std::string cache_folder() {
  if (const char* folder = variable("GALENA_CACHE")) return fs::absolute(folder) / "jit";
  if (const char* folder = variable("XDG_CACHE_HOME")) return fs::absolute(folder) / "galena" / "jit";
  if (const char* home = variable("HOME")) return fs::absolute(home) / ".cache" / "galena" / "jit";
  throw EnvironmentError("no folder for compiled kernels: set GALENA_CACHE or HOME");
}

Cache::Cache(std::string extension) : extension_(std::move(extension)), folder_(cache_folder()) {
  std::error_code error;
  fs::create_directories(folder_.parent_path(), error);
  const bool made = !error && mkdir(folder_.c_str(), 0700) == 0;
  struct stat info {};
  if (!made && (lstat(folder_.c_str(), &info) != 0 || !S_ISDIR(info.st_mode))) {
    throw EnvironmentError(folder_.string() +
                           ": cannot make this folder for compiled kernels; set GALENA_CACHE to one " +
                           "that can be written");
  }
  if (!made) check_private(folder_, info);
}

std::optional<std::string> Cache::bytes(const std::string& key) const {
  const fs::path path = entry(key);
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) return std::nullopt;
  if (!S_ISREG(info.st_mode)) return std::nullopt;
  check_private(path, info);
  std::optional<std::string> bytes = read_file(path);
  if (!bytes || !intact(*bytes)) return std::nullopt;
  std::error_code ignored;
  fs::last_write_time(path, fs::file_time_type::clock::now(), ignored);  // trim() takes the oldest
  bytes->resize(bytes->size() - kDigest - kMark.size());
  return bytes;
}

std::shared_ptr<Kernel> Cache::load(const std::string& key) const {
  return bytes(key) ? Kernel::load(entry(key)) : nullptr;
}

void Cache::keep(const std::string& bytes, const std::string& key) const {
  const fs::path path = scratch(key, ".part");
  std::ofstream(path, std::ios::binary) << bytes;
  publish(path, key);
}

fs::path Cache::scratch(const std::string& key, const std::string& extension) const {
  static std::atomic<unsigned> count{0};
  return folder_ / (key + "." + std::to_string(getpid()) + "." + std::to_string(count++) + extension);
}

void Cache::publish(const fs::path& object, const std::string& key) const {
  const std::optional<std::string> bytes = read_file(object);
  std::ofstream out(object, std::ios::binary | std::ios::app);
  out << digest(bytes.value_or("")) << kMark;
  out.close();
  std::error_code error;
  if (bytes && out) {
    fs::permissions(object, fs::perms::owner_all, error);
    if (!error) fs::rename(object, entry(key), error);
    if (!error) return;
  }
  throw EnvironmentError(object.string() + ": cannot be written: " + (error ? error.message() : "is the disk full?"));
}

void Cache::trim(std::uint64_t bytes) const {
  struct Entry {
    fs::path path;
    fs::file_time_type time;
    std::uint64_t size;
  };
  std::vector<Entry> entries;
  std::uint64_t total = 0;
  std::error_code ignored;
  const auto now = fs::file_time_type::clock::now();
  for (const fs::directory_entry& file : fs::directory_iterator(folder_, ignored)) {
    std::error_code gone;  // another process may remove it meanwhile
    const Entry entry{file.path(), file.last_write_time(gone), file.file_size(gone)};
    if (gone) continue;
    const bool scratch = entry.path.stem().has_extension();
    if (scratch && now - entry.time > kStale) {
      fs::remove(entry.path, ignored);
    } else if (!scratch) {
      entries.push_back(entry);
      total += entry.size;
    }
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.time < b.time; });
  for (const Entry& entry : entries) {
    if (total <= bytes) return;
    if (fs::remove(entry.path, ignored)) total -= entry.size;
  }
}

}  // namespace galena::jit
