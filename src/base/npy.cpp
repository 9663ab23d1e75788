#include "src/base/npy.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <type_traits>
#include <utility>

#include "galena/error.hpp"
#include "src/base/file_writer.hpp"
#include "src/base/memory.hpp"

namespace galena::base {
namespace {

// bool has its own value() below: any byte but 0 is true.
struct Boolean {
  std::uint8_t byte;
};

template <class Stored>
Stored load(const std::byte* at) {
  Stored value;
  std::memcpy(&value, at, sizeof value);  // a file need not align its elements
  return value;
}

// Whether `value` can be a T, and what it is then.
template <class T, class Stored>
bool fits(Stored value, T& out) {
  if constexpr (std::is_same_v<Stored, Boolean>) {
    out = static_cast<T>(value.byte != 0);
    return true;
  } else if constexpr (std::is_floating_point_v<T>) {
    out = static_cast<T>(value);
    if constexpr (std::is_floating_point_v<Stored>) return std::isfinite(out) || !std::isfinite(value);
    return true;
  } else if constexpr (std::is_floating_point_v<Stored>) {
    // 2^digits is exact in Stored, and the first value above T's largest.
    const Stored above = std::ldexp(Stored{1}, std::numeric_limits<T>::digits);
    if (!(value >= (std::is_signed_v<T> ? -above : Stored{0}) && value < above) || value != std::trunc(value)) {
      return false;
    }
    out = static_cast<T>(value);
    return true;
  } else {
    out = static_cast<T>(value);  // NOLINT(bugprone-signed-char-misuse): an int8 is a number here
    return std::in_range<T>(value);
  }
}

// Walks positions of a Fortran-ordered array (first index fastest) in C order.
class FortranWalk {
 public:
  explicit FortranWalk(const std::vector<std::uint64_t>& shape) : shape_(shape), index_(shape.size()) {
    std::uint64_t stride = 1;
    for (const std::uint64_t size : shape) {
      strides_.push_back(stride);
      stride *= size;
    }
  }
  [[nodiscard]] std::uint64_t position() const { return position_; }
  void advance() {
    for (std::size_t d = shape_.size(); d-- > 0;) {
      position_ += strides_[d];
      if (++index_[d] < shape_[d]) return;
      position_ -= strides_[d] * shape_[d];
      index_[d] = 0;
    }
  }

 private:
  const std::vector<std::uint64_t>& shape_;
  std::vector<std::uint64_t> index_, strides_;
  std::uint64_t position_ = 0;
};

std::string index_text(const std::vector<std::uint64_t>& shape, std::uint64_t element) {
  std::vector<std::uint64_t> index(shape.size());
  for (std::size_t d = shape.size(); d-- > 0;) {
    index[d] = element % shape[d];
    element /= shape[d];
  }
  return fmt::format("[{}]", fmt::join(index, ", "));
}

template <class T>
constexpr const char* type_code() {
  if constexpr (std::is_same_v<T, float>) return "<f4";
  if constexpr (std::is_same_v<T, double>) return "<f8";
  if constexpr (std::is_same_v<T, std::int32_t>) return "<i4";
  if constexpr (std::is_same_v<T, std::int64_t>) return "<i8";
  if constexpr (std::is_same_v<T, std::uint8_t>) return "|u1";
}

// Version 1, padded so that the elements begin at a multiple of 64 bytes.
std::string npy_head(const char* type, std::span<const std::uint64_t> shape) {
  constexpr std::size_t kBefore = 10, kAlignment = 64;
  const char* const comma = shape.size() == 1 ? "," : "";
  std::string text =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}", type, fmt::join(shape, ", "), comma);
  text.resize((kBefore + text.size() + 1 + kAlignment - 1) / kAlignment * kAlignment - kBefore - 1, ' ');
  text += '\n';
  std::string head("\x93NUMPY\x01\x00", 8);
  head += static_cast<char>(text.size() & 0xff);
  head += static_cast<char>(text.size() >> 8);
  return head + text;
}

std::string archive_list(const ZipArchive& archive) {
  std::string names;
  for (const ZipMember& member : archive.members()) names += (names.empty() ? "" : ", ") + member.name;
  return names.empty() ? "nothing" : names;
}

}  // namespace

NpyArray::NpyArray(std::span<const std::byte> bytes, std::string name, std::shared_ptr<const void> owner)
    : name_(std::move(name)),
      header_(parse_npy_header(bytes, name_)),
      data_(bytes.subspan(header_.data)),
      owner_(std::move(owner)) {}

std::string NpyArray::shape_text() const {
  return fmt::format("({}{})", fmt::join(header_.shape, ", "), header_.shape.size() == 1 ? "," : "");
}

template <class Visit>
void NpyArray::visit_type(const Visit& visit) const {
  switch (header_.type) {
    case NpyType::boolean: return visit(Boolean{});
    case NpyType::int8: return visit(std::int8_t{});
    case NpyType::int16: return visit(std::int16_t{});
    case NpyType::int32: return visit(std::int32_t{});
    case NpyType::int64: return visit(std::int64_t{});
    case NpyType::uint8: return visit(std::uint8_t{});
    case NpyType::uint16: return visit(std::uint16_t{});
    case NpyType::uint32: return visit(std::uint32_t{});
    case NpyType::uint64: return visit(std::uint64_t{});
    case NpyType::float32: return visit(float{});
    case NpyType::float64: return visit(double{});
    case NpyType::text: break;
  }
  throw InputError(fmt::format("{}: an array of text; expected numbers", name_));
}

template <class T, class Stored>
void NpyArray::convert(std::vector<T>& out) const {
  const bool transpose = header_.fortran_order && header_.shape.size() > 1;
  FortranWalk walk(header_.shape);
  for (std::uint64_t i = 0; i < header_.count; ++i) {
    const Stored value = load<Stored>(data_.data() + (transpose ? walk.position() : i) * sizeof(Stored));
    if (transpose) walk.advance();
    if (fits(value, out[i])) continue;
    if constexpr (!std::is_same_v<Stored, Boolean>) {
      const char* const wanted = std::is_floating_point_v<T> ? "a float"
                                 : std::is_signed_v<T>       ? "a signed integer"
                                                             : "an unsigned integer";
      throw InputError(fmt::format("{}: element {} is {}; expected {} of {} bits", name_, index_text(header_.shape, i),
                                   value, wanted, 8 * sizeof(T)));
    }
  }
}

template <class T>
std::vector<T> NpyArray::values() const {
  check_memory(header_.count * sizeof(T), name_);  // no overflow: the file has at least `count` bytes
  std::vector<T> out;
  visit_type([&]<class Stored>(Stored) {
    out.resize(header_.count);
    convert<T, Stored>(out);
  });
  return out;
}

template std::vector<float> NpyArray::values() const;
template std::vector<double> NpyArray::values() const;
template std::vector<std::int32_t> NpyArray::values() const;
template std::vector<std::int64_t> NpyArray::values() const;
template std::vector<std::uint8_t> NpyArray::values() const;
template std::vector<std::uint32_t> NpyArray::values() const;
template std::vector<std::uint64_t> NpyArray::values() const;

std::string NpyArray::text() const {
  if (header_.type != NpyType::text || header_.count != 1) {
    throw InputError(
        fmt::format("{}: {} of shape {}; expected a single string", name_, npy_type_name(header_.type), shape_text()));
  }
  std::string text;  // bytes, or UTF-32 of which the first of four bytes is the letter where it is ASCII
  for (const std::byte byte : data_) {
    if (byte != std::byte{0}) text += std::to_integer<char>(byte);
  }
  return text;
}

NpyArray read_npy(const std::filesystem::path& path) {
  const auto file = std::make_shared<const MappedFile>(path);
  return {file->bytes(), path.string(), file};
}

NpzFile::NpzFile(const std::filesystem::path& path)
    : file_(path), name_(path.string()), archive_(file_.bytes(), name_) {}

NpzFile::NpzFile(std::span<const std::byte> bytes, std::string name) : name_(std::move(name)), archive_(bytes, name_) {}

bool NpzFile::contains(std::string_view array) const { return archive_.find(fmt::format("{}.npy", array)) != nullptr; }

NpyArray NpzFile::read(std::string_view array) const {
  const ZipMember* const member = archive_.find(fmt::format("{}.npy", array));
  if (member == nullptr) {
    throw InputError(fmt::format("{}: no array '{}'; it holds {}", name_, array, archive_list(archive_)));
  }
  const auto contents = std::make_shared<const std::string>(archive_.read(*member));
  return {std::as_bytes(std::span(*contents)), fmt::format("{}:{}", name_, member->name), contents};
}

template <class T>
void write_npy(const std::filesystem::path& path, std::span<const std::uint64_t> shape, std::span<const T> values) {
  std::uint64_t count = 1;
  for (const std::uint64_t size : shape) count *= size;
  if (count != values.size()) {
    throw InternalError(
        fmt::format("{}: {} values for shape ({})", path.string(), values.size(), fmt::join(shape, ", ")));
  }
  AtomicFile file(path);
  file.write(npy_head(type_code<T>(), shape));
  file.write_array(values);
  file.commit();
}

template void write_npy(const std::filesystem::path&, std::span<const std::uint64_t>, std::span<const float>);
template void write_npy(const std::filesystem::path&, std::span<const std::uint64_t>, std::span<const double>);
template void write_npy(const std::filesystem::path&, std::span<const std::uint64_t>, std::span<const std::int32_t>);
template void write_npy(const std::filesystem::path&, std::span<const std::uint64_t>, std::span<const std::int64_t>);
template void write_npy(const std::filesystem::path&, std::span<const std::uint64_t>, std::span<const std::uint8_t>);

}  // namespace galena::base
