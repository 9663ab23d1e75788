#pragma once
// Numbers and words into a file, compressed or not.

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "src/base/file_writer.hpp"
#include "src/base/inflate.hpp"

namespace galena::detail {

/// Collects a megabyte at a time. finish() comes before the file's commit().
class TextOut {
 public:
  TextOut(base::AtomicFile& file, bool gzip) : file_(file) {
    if (gzip) gzip_.emplace(file);
  }
  void put(std::string_view text) { buffer_ += text; }
  void put(char c) { buffer_ += c; }
  void put(std::uint64_t number) {
    char digits[20];
    buffer_.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
  }
  void end_line() {
    buffer_ += '\n';
    if (buffer_.size() >= kPiece) flush();
  }
  void finish() {
    flush();
    if (gzip_) gzip_->finish();
  }

 private:
  static constexpr std::size_t kPiece = std::size_t{1} << 20;
  void flush() {
    gzip_ ? gzip_->write(buffer_) : file_.write(buffer_);
    buffer_.clear();
  }

  base::AtomicFile& file_;
  std::optional<base::GzipWriter> gzip_;
  std::string buffer_;
};

}  // namespace galena::detail
