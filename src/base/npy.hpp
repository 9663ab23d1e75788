#pragma once
// NumPy's .npy arrays and .npz archives of them: what datasets, predictions and embeddings are exchanged in.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/mapped_file.hpp"
#include "src/base/zip.hpp"

namespace galena::base {

enum class NpyType { boolean, int8, int16, int32, int64, uint8, uint16, uint32, uint64, float32, float64, text };

/// "float32", ... as NumPy names them.
std::string npy_type_name(NpyType type);

/// The dictionary at the head of an array.
struct NpyHeader {
  NpyType type = NpyType::float32;
  std::uint64_t item_bytes = 4;  ///< of one element
  bool fortran_order = false;
  std::vector<std::uint64_t> shape;  ///< empty for a single value
  std::uint64_t count = 1;           ///< of elements: the product of `shape`
  std::uint64_t data = 0;            ///< where the elements begin
};

/// Reads the header, and checks that exactly count * item_bytes bytes follow it. Throws InputError "name: ..." for
/// anything else, and for types that are not in NpyType (big-endian, complex, half, structured, pickled objects).
NpyHeader parse_npy_header(std::span<const std::byte> bytes, const std::string& name);

/// An array as it stands in a file. A copy shares the bytes.
class NpyArray {
 public:
  /// `owner` keeps `bytes` alive; `name` is the file in messages. Throws as parse_npy_header().
  NpyArray(std::span<const std::byte> bytes, std::string name, std::shared_ptr<const void> owner);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] NpyType type() const noexcept { return header_.type; }
  [[nodiscard]] const std::vector<std::uint64_t>& shape() const noexcept { return header_.shape; }
  [[nodiscard]] std::uint64_t size() const noexcept { return header_.count; }
  /// "(3, 4)"
  [[nodiscard]] std::string shape_text() const;

  /// All elements in C order (last index fastest), whatever the order of the file, as T: float, double or an integer
  /// of 8, 32 or 64 bits. Floats are rounded to T; throws InputError naming the element where a value does not fit,
  /// or has a fraction and T is an integer.
  template <class T>
  [[nodiscard]] std::vector<T> values() const;

  /// A single string (SciPy names a sparse matrix's format so). Throws InputError where it is anything else.
  [[nodiscard]] std::string text() const;

 private:
  template <class T, class Stored>
  void convert(std::vector<T>& out) const;
  template <class Visit>
  void visit_type(const Visit& visit) const;

  std::string name_;
  NpyHeader header_;
  std::span<const std::byte> data_;
  std::shared_ptr<const void> owner_;
};

/// Maps a .npy file. Throws InputError where there is none or it is malformed.
NpyArray read_npy(const std::filesystem::path& path);

/// A .npz file, of which arrays are unpacked when asked for.
class NpzFile {
 public:
  explicit NpzFile(const std::filesystem::path& path);
  /// Of bytes in memory, which must outlive this.
  NpzFile(std::span<const std::byte> bytes, std::string name);
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] bool contains(std::string_view array) const;
  /// The array of this name (without .npy). Throws InputError listing those that are there.
  [[nodiscard]] NpyArray read(std::string_view array) const;

 private:
  MappedFile file_;
  std::string name_;
  ZipArchive archive_;
};

/// Writes `values` (C order, as many as the product of `shape`) beside `path` and renames: no partial file is left.
/// T: float, double, int32, int64 or uint8. Throws InternalError if the sizes differ, EnvironmentError as AtomicFile.
template <class T>
void write_npy(const std::filesystem::path& path, std::span<const std::uint64_t> shape, std::span<const T> values);

}  // namespace galena::base
