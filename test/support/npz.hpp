#pragma once
// Makes .npy and .npz bytes for tests, by another hand than the reader's: the dictionary is given as text, and archives
// can be wrong on purpose.

#include <zlib.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace galena::test {

/// The bytes of `values`.
template <class T>
std::string raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

/// The low `width` bytes of `value`, least first.
inline std::string little(std::uint64_t value, int width) {
  std::string bytes;
  for (int i = 0; i < width; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xff);
  return bytes;
}

/// A .npy file of version `version` with this dictionary and data.
inline std::string npy(const std::string& dictionary, const std::string& data, int version = 1) {
  return "\x93NUMPY" + little(static_cast<std::uint64_t>(version), 2) +
         little(dictionary.size(), version == 1 ? 2 : 4) + dictionary + data;
}

/// The same for an array of this type ("<f4") and shape ("2, 3").
inline std::string npy(const std::string& type, const std::string& shape, const std::string& data) {
  return npy("{'descr': '" + type + "', 'fortran_order': False, 'shape': (" + shape + "), }", data);
}

/// What an archive may be like.
struct ZipStyle {
  bool deflated = true;
  bool zip64 = false;  ///< 64-bit sizes in the directory and its end record
  std::string comment;
};

/// A zip archive, member by member.
class ZipWriter {
 public:
  explicit ZipWriter(ZipStyle style = {}) : style_(std::move(style)) {}

  ZipWriter& add(const std::string& name, const std::string& contents) {
    const std::string data = style_.deflated ? deflated(contents) : contents;
    const std::uint64_t header = bytes_.size(), method = style_.deflated ? 8 : 0;
    const std::uint64_t crc =
        ::crc32(0, reinterpret_cast<const Bytef*>(contents.data()), static_cast<uInt>(contents.size()));
    const auto size = [&](std::uint64_t value) { return little(style_.zip64 ? 0xffffffff : value, 4); };
    const std::string wide =
        little(1, 2) + little(24, 2) + little(contents.size(), 8) + little(data.size(), 8) + little(header, 8);
    const std::string extra = style_.zip64 ? wide : "";
    const std::string common = little(20, 2) + little(0, 2) + little(method, 2) + little(0, 4) + little(crc, 4);
    bytes_ += little(0x04034b50, 4) + common + little(data.size(), 4) + little(contents.size(), 4) +
              little(name.size(), 2) + little(0, 2) + name + data;
    directory_ += little(0x02014b50, 4) + little(20, 2) + common + size(data.size()) + size(contents.size()) +
                  little(name.size(), 2) + little(extra.size(), 2) + little(0, 2) + little(0, 2) + little(0, 2) +
                  little(0, 4) + size(header) + name + extra;
    ++members_;
    return *this;
  }

  /// The archive.
  [[nodiscard]] std::string finish() const {
    std::string end = bytes_ + directory_;
    if (style_.zip64) {
      const std::uint64_t wide = end.size();
      end += little(0x06064b50, 4) + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 4) + little(0, 4) +
             little(members_, 8) + little(members_, 8) + little(directory_.size(), 8) + little(bytes_.size(), 8);
      end += little(0x07064b50, 4) + little(0, 4) + little(wide, 8) + little(1, 4);
    }
    const auto field = [&](std::uint64_t value, int width) {
      return little(style_.zip64 ? ~std::uint64_t{0} : value, width);
    };
    return end + little(0x06054b50, 4) + little(0, 4) + field(members_, 2) + field(members_, 2) +
           field(directory_.size(), 4) + field(bytes_.size(), 4) + little(style_.comment.size(), 2) + style_.comment;
  }

 private:
  static std::string deflated(const std::string& contents) {
    z_stream z{};
    ::deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
    std::string out(::deflateBound(&z, static_cast<uLong>(contents.size())), '\0');
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(contents.data()));
    z.avail_in = static_cast<uInt>(contents.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    ::deflate(&z, Z_FINISH);
    out.resize(z.total_out);
    ::deflateEnd(&z);
    return out;
  }

  ZipStyle style_;
  std::string bytes_, directory_;
  std::uint64_t members_ = 0;
};

/// What scipy.sparse.save_npz() writes for a CSR matrix.
inline std::string scipy_csr(std::uint64_t rows, std::uint64_t cols, const std::vector<std::int64_t>& indptr,
                             const std::vector<std::int32_t>& indices, const std::vector<float>& values,
                             const std::string& format = "csr") {
  const auto shape = [](std::size_t size) { return std::to_string(size) + ","; };
  return ZipWriter()
      .add("indptr.npy", npy("<i8", shape(indptr.size()), raw(indptr)))
      .add("indices.npy", npy("<i4", shape(indices.size()), raw(indices)))
      .add("data.npy", npy("<f4", shape(values.size()), raw(values)))
      .add("shape.npy", npy("<i8", "2,", little(rows, 8) + little(cols, 8)))
      .add("format.npy", npy("|S3", "", format))
      .finish();
}

}  // namespace galena::test
