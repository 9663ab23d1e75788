#pragma once
// Gzip: decompression of data in memory, compression into a file; and what a zip archive needs of the same.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "src/base/file_writer.hpp"

namespace galena::base {

/// Whether the data begin as a gzip file does.
bool is_gzip(std::span<const std::byte> bytes) noexcept;

/// Inflates a gzip file (of one or more members) piece by piece.
class Inflater {
 public:
  /// `bytes` must outlive this; `name` is the file in messages.
  Inflater(std::span<const std::byte> bytes, std::string name);
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater();

  /// Appends at most `most` bytes to `text`; returns how many, 0 at the end. Throws InputError naming
  /// the file where the data are truncated or damaged (every member's checksum is verified).
  std::size_t read(std::string& text, std::size_t most);
  /// Compressed bytes consumed so far.
  [[nodiscard]] std::uint64_t consumed() const noexcept { return consumed_; }

 private:
  void refill();
  bool next_member();

  struct Stream;
  std::unique_ptr<Stream> stream_;
  std::span<const std::byte> bytes_;
  std::string name_;
  std::uint64_t consumed_ = 0;
  bool ended_ = false;
};

/// All of it. `name` is the file in messages.
std::string inflate_all(std::span<const std::byte> bytes, const std::string& name);

/// Inflates deflate data without a header (a member of a zip archive) that should become exactly `size` bytes.
/// Throws InputError naming `name` where they are damaged or become more or fewer; no more than that is allocated,
/// and that only if so few compressed bytes can hold so many at all.
std::string inflate_raw(std::span<const std::byte> bytes, std::uint64_t size, const std::string& name);

/// The CRC-32 of gzip and zip.
std::uint32_t crc32(std::span<const std::byte> bytes) noexcept;

/// Compresses text into an open file, as one gzip member.
class GzipWriter {
 public:
  explicit GzipWriter(AtomicFile& file);
  GzipWriter(const GzipWriter&) = delete;
  GzipWriter& operator=(const GzipWriter&) = delete;
  ~GzipWriter();
  /// Throws EnvironmentError as AtomicFile does.
  void write(std::string_view text);
  /// Writes the end; to be called once, before the file's commit().
  void finish();

 private:
  void deflate_all(std::string_view text, int flush);

  struct Stream;
  std::unique_ptr<Stream> stream_;
  AtomicFile& file_;
};

}  // namespace galena::base
