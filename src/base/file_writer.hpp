#pragma once
// Files that appear whole or not at all.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace galena::base {

/// The file that writing to `path` replaces, at the end of links; empty where it replaces none: of a device, a pipe, or
/// what is open already, as /dev/stdout is.
std::filesystem::path replaced_by(const std::filesystem::path& path);

/// Writes beside `path` (same folder, so that the rename is atomic), and renames in commit().
/// Without commit() - an exception, a full disk - the temporary file is removed and whatever
/// stood at `path` before is untouched. Devices, pipes and what is open (/dev/stdout) are written directly.
class AtomicFile {
 public:
  /// Throws EnvironmentError if the folder does not exist or cannot be written.
  explicit AtomicFile(std::filesystem::path path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  /// Buffered; throws EnvironmentError when the disk is full or fails.
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  template <class T>
  void write_array(std::span<const T> values) {
    write(std::as_bytes(values));
  }
  /// Zero bytes up to the next multiple of `alignment`.
  void pad_to(std::size_t alignment);
  /// Bytes written so far.
  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }
  /// Flushes, syncs and renames. The file is complete on disk when this returns.
  void commit();

 private:
  void flush();
  void write_through(const std::byte* data, std::size_t size);
  [[noreturn]] void fail(const char* what, int error) const;

  std::filesystem::path path_, temporary_;  // temporary_ is empty for what is written directly
  int fd_ = -1;
  std::uint64_t position_ = 0;
  std::vector<std::byte> buffer_;
};

}  // namespace galena::base
