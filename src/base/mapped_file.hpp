#pragma once
// A file mapped into memory for reading.

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace galena::base {

/// Owns a read-only mapping; movable. An empty file maps to an empty span.
/// A file that shrinks while it is mapped kills the process that reads past its end (SIGBUS):
/// writers must rename over it, as AtomicFile does, never truncate it.
class MappedFile {
 public:
  MappedFile() = default;
  /// Throws InputError if there is no such file or it is a folder,
  /// EnvironmentError if it cannot be read or mapped.
  explicit MappedFile(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
  [[nodiscard]] std::string_view text() const noexcept { return {reinterpret_cast<const char*>(data_), size_}; }
  /// Tells the kernel that the file is about to be read from front to back.
  void advise_sequential() const noexcept;

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace galena::base
