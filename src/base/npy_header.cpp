// The head of a .npy file (numpy.lib.format, versions 1 to 3): six magic bytes, two of version, the length of the
// header (16 or 32 bits), and a Python dictionary of three keys as text:
//   {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "galena/error.hpp"
#include "src/base/npy.hpp"

namespace galena::base {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kMostDimensions = 32;  // NumPy's own bound

struct TypeName {
  std::string_view code;  // without the byte order
  NpyType type;
  std::string_view name;
  std::uint64_t bytes;
};
constexpr std::array kTypes{
    TypeName{"b1", NpyType::boolean, "bool", 1},   TypeName{"i1", NpyType::int8, "int8", 1},
    TypeName{"i2", NpyType::int16, "int16", 2},    TypeName{"i4", NpyType::int32, "int32", 4},
    TypeName{"i8", NpyType::int64, "int64", 8},    TypeName{"u1", NpyType::uint8, "uint8", 1},
    TypeName{"u2", NpyType::uint16, "uint16", 2},  TypeName{"u4", NpyType::uint32, "uint32", 4},
    TypeName{"u8", NpyType::uint64, "uint64", 8},  TypeName{"f4", NpyType::float32, "float32", 4},
    TypeName{"f8", NpyType::float64, "float64", 8}};

// The little of Python's grammar that NumPy writes.
class DictionaryParser {
 public:
  DictionaryParser(std::string_view text, std::uint64_t offset, const std::string& name)
      : text_(text), offset_(offset), name_(name) {}

  NpyHeader parse() {
    NpyHeader header;
    bool descr = false, order = false, shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string_view key = string();
      expect(':');
      if (key == "descr" && !descr) {
        descr = true;
        parse_type(header);
      } else if (key == "fortran_order" && !order) {
        order = true;
        header.fortran_order = boolean();
      } else if (key == "shape" && !shape) {
        shape = true;
        header.shape = tuple();
      } else {
        fail(fmt::format("unexpected key '{}'", key));
      }
      if (!accept(',') && peek() != '}') fail("expected ',' or '}'");
    }
    if (!descr || !order || !shape) fail("expected the keys 'descr', 'fortran_order' and 'shape'");
    skip_spaces();
    if (at_ != text_.size()) fail("something follows the dictionary");
    return header;
  }

 private:
  [[noreturn]] void fail(const std::string& message) const {
    throw InputError(fmt::format("{}: byte {}: not a NumPy header: {}", name_, offset_ + at_, message));
  }
  // Of what NumPy means something by, and Galena does not take.
  [[noreturn]] void refuse(const std::string& message) const {
    throw InputError(fmt::format("{}: {}", name_, message));
  }
  [[noreturn]] void refuse_order(std::string_view descr, std::string_view code) const {
    refuse(fmt::format("values of type '{}' are big-endian, which is not read: save them with .astype('<{}')", descr,
                       code));
  }
  void skip_spaces() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  }
  char peek() {
    skip_spaces();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) {
    if (peek() != c || at_ == text_.size()) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(fmt::format("expected '{}'", c));
  }
  bool accept_word(std::string_view word) {
    skip_spaces();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  std::string_view string() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') fail("expected a quoted word");
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) fail("a quoted word does not end");
    const std::string_view word = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return word;
  }

  bool boolean() {
    if (accept_word("True")) return true;
    if (!accept_word("False")) fail("expected True or False");
    return false;
  }

  std::vector<std::uint64_t> tuple() {
    std::vector<std::uint64_t> sizes;
    expect('(');
    while (!accept(')')) {
      if (sizes.size() == kMostDimensions) fail(fmt::format("more than {} dimensions", kMostDimensions));
      sizes.push_back(size());
      if (!accept(',') && peek() != ')') fail("expected ',' or ')'");
    }
    return sizes;
  }

  std::uint64_t size() {
    skip_spaces();
    std::uint64_t value = 0;
    const char* const begin = text_.data() + at_;
    const auto [after, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (error != std::errc{}) fail("expected a size from 0 to 2^64 - 1");
    at_ += static_cast<std::size_t>(after - begin);
    accept('L');  // Python 2 wrote long integers so
    return value;
  }

  void parse_type(NpyHeader& header) {
    if (peek() == '[')
      refuse("values of a structured type; expected one number a value: save each field as an array of its own");
    const std::string_view descr = string();
    const char order = descr.empty() ? '\0' : descr.front();
    const std::string_view code = descr.substr(descr.empty() ? 0 : 1);
    if (order != '<' && order != '|' && order != '>') fail(fmt::format("unknown type '{}'", descr));
    for (const TypeName& type : kTypes) {
      if (type.code != code) continue;
      if (order == '>') refuse_order(descr, code);
      if (order == '|' && type.bytes > 1) fail(fmt::format("type '{}' has no byte order", descr));
      header.type = type.type;
      header.item_bytes = type.bytes;
      return;
    }
    parse_text_type(header, descr, code);
  }

  static std::string describe(std::string_view descr, std::string_view code) {
    const char* const name = code == "f2"            ? "float16"
                             : code == "f16"         ? "longdouble"
                             : code.starts_with('c') ? "complex"
                             : code.starts_with('O') ? "pickled Python objects"
                                                     : nullptr;
    return name == nullptr ? fmt::format("'{}'", descr) : fmt::format("'{}' ({})", descr, name);
  }

  void parse_text_type(NpyHeader& header, std::string_view descr, std::string_view code) {
    std::uint32_t letters = 0;
    const char* const end = code.data() + code.size();
    const bool is_text = code.starts_with('S') || code.starts_with('U');
    const auto result = std::from_chars(code.data() + (is_text ? 1 : 0), end, letters);
    if (!is_text || result.ec != std::errc{} || result.ptr != end) {
      refuse(fmt::format("values of type {} are not read; expected bool, an integer, float32 or float64{}",
                         describe(descr, code), code.starts_with('f') ? ": save them with .astype(np.float32)" : ""));
    }
    if (descr.front() == '>') refuse_order(descr, code);
    header.type = NpyType::text;
    header.item_bytes = (code.front() == 'U' ? 4 : 1) * std::uint64_t{letters};
  }

  std::string_view text_;
  std::uint64_t offset_;
  const std::string& name_;
  std::size_t at_ = 0;
};

// Nothing where it does not fit 64 bits.
std::optional<std::uint64_t> product(const std::vector<std::uint64_t>& shape, std::uint64_t item_bytes) {
  std::uint64_t bytes = item_bytes;
  for (const std::uint64_t size : shape) {
    if (size == 0) return 0;
  }
  for (const std::uint64_t size : shape) {
    if (bytes > std::numeric_limits<std::uint64_t>::max() / size) return std::nullopt;
    bytes *= size;
  }
  return bytes;
}

std::uint64_t little(std::span<const std::byte> bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(bytes[i]);
  return value;
}

// Where the text of the header begins, and its length.
std::pair<std::uint64_t, std::uint64_t> header_extent(std::span<const std::byte> bytes, const std::string& name) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with(kMagic) || text.size() < 10) {
    throw InputError(name + ": not a NumPy array (.npy): it does not begin with \\x93NUMPY and a version");
  }
  const int version = static_cast<unsigned char>(text[6]);
  if (version < 1 || version > 3) {
    throw InputError(fmt::format("{}: byte 6: version {} of the .npy format; expected 1 to 3", name, version));
  }
  const std::uint64_t width = version == 1 ? 2 : 4;
  const std::uint64_t begin = 8 + width;
  const std::uint64_t length = bytes.size() < begin ? 0 : little(bytes.subspan(8, width));
  if (bytes.size() < begin || bytes.size() - begin < length) {
    throw InputError(fmt::format("{}: byte 8: a header of {} bytes, but the file has {}: truncated or damaged", name,
                                 length, bytes.size()));
  }
  return {begin, length};
}

}  // namespace

std::string npy_type_name(NpyType type) {
  for (const TypeName& entry : kTypes) {
    if (entry.type == type) return std::string(entry.name);
  }
  return "text";
}

NpyHeader parse_npy_header(std::span<const std::byte> bytes, const std::string& name) {
  const auto [begin, length] = header_extent(bytes, name);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + begin, length);
  NpyHeader header = DictionaryParser(text, begin, name).parse();
  header.data = begin + length;
  const auto expected = product(header.shape, header.item_bytes);
  const auto count = product(header.shape, 1);
  const std::uint64_t found = bytes.size() - header.data;
  if (!expected || !count || *expected != found) {
    throw InputError(fmt::format("{}: {} bytes of data, but shape ({}) of {} needs {}: truncated or damaged", name,
                                 found, fmt::join(header.shape, ", "), npy_type_name(header.type),
                                 expected && count ? std::to_string(*expected) : "more than 2^64"));
  }
  header.count = *count;
  return header;
}

}  // namespace galena::base
