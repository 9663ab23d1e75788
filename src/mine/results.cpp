#include "src/mine/results.hpp"

#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>

#include "galena/error.hpp"
#include "src/base/file_writer.hpp"

namespace galena::mine {

namespace {
constexpr std::size_t kBuffer = 1U << 16;
}

struct RowWriter::Target {
  std::optional<base::AtomicFile> file;  ///< none: standard output
};

RowFormat row_format(const std::filesystem::path& path) {
  for (const char* compressed : {".gz", ".bz2", ".xz", ".zst"})
    if (path.extension() == compressed)
      throw InputError(path.string() +
                       ": rows are not written compressed; leave the last ending off, and compress it after");
  if (path.extension() == ".csv") return RowFormat::csv;
  return path.extension() == ".bin" ? RowFormat::binary : RowFormat::text;
}

RowWriter::RowWriter(const std::filesystem::path& path, RowFormat format, const std::vector<std::string>& columns)
    : target_(std::make_unique<Target>()), format_(format) {
  if (!path.empty()) target_->file.emplace(path);
  if (format_ == RowFormat::binary) return;
  if (format_ == RowFormat::text) buffer_ += "# ";
  for (std::size_t i = 0; i < columns.size(); ++i)
    buffer_ += (i == 0 ? "" : format_ == RowFormat::csv ? "," : "\t") + columns[i];
  buffer_ += '\n';
}

RowWriter::~RowWriter() = default;

void RowWriter::write(std::span<const std::uint64_t> row) {
  if (format_ == RowFormat::binary) {
    for (const std::uint64_t id : row)
      for (int byte = 0; byte < 8; ++byte) buffer_ += static_cast<char>((id >> (8 * byte)) & 0xffU);
  } else {
    char digits[24];
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) buffer_ += format_ == RowFormat::csv ? ',' : '\t';
      buffer_.append(digits, std::to_chars(digits, digits + sizeof digits, row[i]).ptr);
    }
    buffer_ += '\n';
  }
  if (buffer_.size() >= kBuffer) flush();
}

void RowWriter::flush() {
  if (target_->file)
    target_->file->write(buffer_);
  else if (std::fwrite(buffer_.data(), 1, buffer_.size(), stdout) != buffer_.size())
    throw EnvironmentError(std::string("cannot write to standard output: ") + std::strerror(errno));
  buffer_.clear();
}

void RowWriter::commit() {
  flush();
  if (target_->file) target_->file->commit();
}

}  // namespace galena::mine
