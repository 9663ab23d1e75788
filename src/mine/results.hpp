#pragma once
// Writing rows of matches as text, CSV or binary.

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace galena::mine {

enum class RowFormat { text, csv, binary };

/// By extension: .csv, .bin (64-bit little-endian ids, row after row), anything else is text
/// (ids separated by a tab).
RowFormat row_format(const std::filesystem::path& path);

/// Writes rows beside `path` (or to standard output where it is empty); commit() renames.
/// Throws EnvironmentError on a full disk; no partial file is left then.
class RowWriter {
 public:
  RowWriter(const std::filesystem::path& path, RowFormat format, const std::vector<std::string>& columns);
  ~RowWriter();
  RowWriter(const RowWriter&) = delete;
  RowWriter& operator=(const RowWriter&) = delete;
  void write(std::span<const std::uint64_t> row);
  void commit();

 private:
  void flush();
  struct Target;
  std::unique_ptr<Target> target_;
  RowFormat format_;
  std::string buffer_;
};

}  // namespace galena::mine
