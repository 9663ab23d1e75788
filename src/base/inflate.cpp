#include "src/base/inflate.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <limits>

#include "galena/error.hpp"
#include "src/base/memory.hpp"

namespace galena::base {
namespace {

constexpr int kGzipWindow = 15 + 16;            // zlib's way to say: 32 KiB window, gzip header
constexpr int kRawWindow = -15;                 // and no header
constexpr std::uint64_t kMostExpansion = 1032;  // deflate's best: 258 bytes for two bits

}  // namespace

struct Inflater::Stream {
  z_stream z{};
};

bool is_gzip(std::span<const std::byte> bytes) noexcept {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b};
}

Inflater::Inflater(std::span<const std::byte> bytes, std::string name)
    : stream_(std::make_unique<Stream>()), bytes_(bytes), name_(std::move(name)) {
  if (::inflateInit2(&stream_->z, kGzipWindow) != Z_OK) throw EnvironmentError("zlib cannot start: out of memory");
}

Inflater::~Inflater() { ::inflateEnd(&stream_->z); }

void Inflater::refill() {
  z_stream& z = stream_->z;
  if (z.avail_in != 0) return;
  const std::size_t piece = std::min<std::size_t>(bytes_.size() - consumed_, std::numeric_limits<uInt>::max() / 2);
  z.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes_.data() + consumed_));
  z.avail_in = static_cast<uInt>(piece);
  consumed_ += piece;
}

// Files may be concatenations of gzip files (pigz and bgzip write such), or be padded with zeros (tapes).
bool Inflater::next_member() {
  z_stream& z = stream_->z;
  const std::uint64_t at = consumed_ - z.avail_in;
  const auto rest = bytes_.subspan(at);
  if (std::ranges::all_of(rest, [](std::byte b) { return b == std::byte{0}; })) return false;
  if (!is_gzip(rest)) {
    throw InputError(
        fmt::format("{}: byte {}: something that is not gzip data follows the compressed data; "
                    "expected the end of the file",
                    name_, at));
  }
  ::inflateReset2(&z, kGzipWindow);
  return true;
}

std::size_t Inflater::read(std::string& text, std::size_t most) {
  if (ended_) return 0;
  z_stream& z = stream_->z;
  const std::size_t before = text.size();
  most = std::min<std::size_t>(most, std::numeric_limits<uInt>::max() / 2);
  text.resize(before + most);
  z.next_out = reinterpret_cast<Bytef*>(text.data() + before);
  z.avail_out = static_cast<uInt>(most);
  while (z.avail_out > 0) {
    refill();
    const int status = ::inflate(&z, Z_NO_FLUSH);
    if (status == Z_STREAM_END) {
      ended_ = !next_member();
      if (ended_) break;
    } else if (status == Z_MEM_ERROR) {
      throw EnvironmentError("zlib is out of memory");
    } else if (status == Z_BUF_ERROR ||
               (status == Z_OK && z.avail_in == 0 && consumed_ == bytes_.size() && z.avail_out > 0)) {
      throw InputError(
          fmt::format("{}: the compressed data end too early: the file is truncated; fetch it again", name_));
    } else if (status != Z_OK) {
      throw InputError(fmt::format("{}: byte {}: damaged gzip data ({}); fetch it again", name_, consumed_ - z.avail_in,
                                   z.msg != nullptr ? z.msg : "no preset dictionary expected"));
    }
  }
  text.resize(before + most - z.avail_out);
  return text.size() - before;
}

std::string inflate_all(std::span<const std::byte> bytes, const std::string& name) {
  Inflater inflater(bytes, name);
  std::string text;
  std::size_t piece = std::size_t{1} << 16;
  while (inflater.read(text, piece) > 0) piece = std::min<std::size_t>(2 * piece, std::size_t{1} << 26);
  return text;
}

namespace {

struct RawStream {
  z_stream z{};
  RawStream() {
    if (::inflateInit2(&z, kRawWindow) != Z_OK) throw EnvironmentError("zlib cannot start: out of memory");
  }
  RawStream(const RawStream&) = delete;
  RawStream& operator=(const RawStream&) = delete;
  ~RawStream() { ::inflateEnd(&z); }
};

constexpr std::uint64_t kMostAtOnce = std::numeric_limits<uInt>::max() / 2;  // zlib counts in 32 bits

}  // namespace

std::string inflate_raw(std::span<const std::byte> bytes, std::uint64_t size, const std::string& name) {
  if (size / kMostExpansion > bytes.size() + 1) {
    throw InputError(fmt::format("{}: {} compressed bytes cannot become the {} that the archive says; it is damaged",
                                 name, bytes.size(), size));
  }
  check_memory(size, name);
  std::string text(size + 1, '\0');  // one byte more, to see data that do not end where they should
  RawStream stream;
  z_stream& z = stream.z;
  std::uint64_t in = 0, out = 0;
  int status = Z_OK;
  while (status == Z_OK) {
    z.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data() + in));
    z.avail_in = static_cast<uInt>(std::min<std::uint64_t>(bytes.size() - in, kMostAtOnce));
    z.next_out = reinterpret_cast<Bytef*>(text.data() + out);
    z.avail_out = static_cast<uInt>(std::min<std::uint64_t>(text.size() - out, kMostAtOnce));
    status = ::inflate(&z, Z_NO_FLUSH);
    in = static_cast<std::uint64_t>(reinterpret_cast<const std::byte*>(z.next_in) - bytes.data());
    out = static_cast<std::uint64_t>(reinterpret_cast<char*>(z.next_out) - text.data());
  }
  if (status == Z_MEM_ERROR) throw EnvironmentError("zlib is out of memory");
  if (status != Z_STREAM_END || out != size) {
    const std::string why = z.msg != nullptr ? fmt::format(" ({})", z.msg) : "";
    throw InputError(fmt::format("{}: damaged or truncated: the compressed data give {} bytes{}, expected {}", name,
                                 std::min(out, size), why, size));
  }
  text.resize(size);
  return text;
}

std::uint32_t crc32(std::span<const std::byte> bytes) noexcept {
  uLong sum = ::crc32(0, nullptr, 0);
  while (!bytes.empty()) {
    const auto piece = bytes.first(std::min<std::uint64_t>(bytes.size(), kMostAtOnce));
    sum = ::crc32(sum, reinterpret_cast<const Bytef*>(piece.data()), static_cast<uInt>(piece.size()));
    bytes = bytes.subspan(piece.size());
  }
  return static_cast<std::uint32_t>(sum);
}

struct GzipWriter::Stream {
  z_stream z{};
  std::string out = std::string(std::size_t{1} << 18, '\0');
};

GzipWriter::GzipWriter(AtomicFile& file) : stream_(std::make_unique<Stream>()), file_(file) {
  if (::deflateInit2(&stream_->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw EnvironmentError("zlib cannot start: out of memory");
  }
}

GzipWriter::~GzipWriter() { ::deflateEnd(&stream_->z); }

void GzipWriter::write(std::string_view text) {
  constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;
  for (; !text.empty(); text.remove_prefix(std::min(text.size(), kMostAtOnce))) {
    deflate_all(text.substr(0, kMostAtOnce), Z_NO_FLUSH);
  }
}

void GzipWriter::finish() { deflate_all({}, Z_FINISH); }

void GzipWriter::deflate_all(std::string_view text, int flush) {
  z_stream& z = stream_->z;
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  do {
    z.next_out = reinterpret_cast<Bytef*>(stream_->out.data());
    z.avail_out = static_cast<uInt>(stream_->out.size());
    ::deflate(&z, flush);
    file_.write(std::string_view(stream_->out).substr(0, stream_->out.size() - z.avail_out));
  } while (z.avail_out == 0);  // there may be more to come while the output was filled to its end
}

}  // namespace galena::base
