// Zip archives (PKWARE, "APPNOTE.TXT - .ZIP File Format Specification", version 6.3). The directory stands at the
// end: a record of fixed size, found backwards from the end of the file, says where it begins. What needs more than
// 32 bits (zip64) is in a second such record before it, and in an extra field of a member's entry.

#include "src/base/zip.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "galena/error.hpp"
#include "src/base/inflate.hpp"

namespace galena::base {
namespace {

constexpr std::uint64_t kEntryMark = 0x02014b50, kLocalMark = 0x04034b50, kEndMark = 0x06054b50;
constexpr std::uint64_t kWideEndMark = 0x06064b50, kWideLocatorMark = 0x07064b50;
constexpr std::uint64_t kEntryBytes = 46, kLocalBytes = 30, kEndBytes = 22, kWideEndBytes = 56, kWideLocatorBytes = 20;
constexpr std::uint64_t kLongestComment = 0xffff;
constexpr std::uint64_t kSeeWide = 0xffffffff;  // a 32-bit field whose value is in the zip64 one
constexpr std::uint64_t kWideField = 1;         // the extra field with 64-bit sizes
constexpr std::uint16_t kEncrypted = 1, kStored = 0, kDeflated = 8;

}  // namespace

struct ZipArchive::Directory {
  std::uint64_t entries = 0, size = 0, begin = 0;
};

ZipArchive::ZipArchive(std::span<const std::byte> bytes, std::string name) : bytes_(bytes), name_(std::move(name)) {
  read_directory(find_directory());
}

void ZipArchive::fail(const std::string& message) const {
  throw InputError(fmt::format("{}: {}; write or fetch the file again", name_, message));
}

// Little-endian, of `width` bytes at `at`, which must be within the file.
std::uint64_t ZipArchive::number(std::uint64_t at, int width) const {
  std::uint64_t value = 0;
  for (int i = width; i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(bytes_[at + std::uint64_t(i)]);
  return value;
}

void ZipArchive::check_within(std::uint64_t at, std::uint64_t size, const char* what) const {
  if (at <= bytes_.size() && size <= bytes_.size() - at) return;
  fail(fmt::format("a zip archive with {} bytes of {} at {}, but the file has {}", size, what, at, bytes_.size()));
}

std::string_view ZipArchive::text(std::uint64_t at, std::uint64_t size, const char* what) const {
  check_within(at, size, what);
  return {reinterpret_cast<const char*>(bytes_.data()) + at, size};
}

ZipArchive::Directory ZipArchive::find_directory() const {
  const std::uint64_t size = bytes_.size();
  if (size < kEndBytes) fail(fmt::format("{} bytes, too few for a zip archive", size));
  std::uint64_t end = size - kEndBytes;
  const std::uint64_t lowest = end - std::min(end, kLongestComment);
  while (number(end, 4) != kEndMark || end + kEndBytes + number(end + 20, 2) != size) {
    if (end-- == lowest) fail("no zip archive, or a truncated one: its end record is missing");
  }
  if (end >= kWideLocatorBytes && number(end - kWideLocatorBytes, 4) == kWideLocatorMark) {
    const std::uint64_t wide = number(end - kWideLocatorBytes + 8, 8);
    check_within(wide, kWideEndBytes, "zip64 end record");
    if (number(wide, 4) != kWideEndMark) fail(fmt::format("byte {}: expected a zip64 end record", wide));
    return {number(wide + 32, 8), number(wide + 40, 8), number(wide + 48, 8)};
  }
  if (number(end + 4, 2) != 0 || number(end + 6, 2) != 0) fail("a zip archive of several volumes; expected one");
  return {number(end + 10, 2), number(end + 12, 4), number(end + 16, 4)};
}

void ZipArchive::read_directory(const Directory& directory) {
  check_within(directory.begin, directory.size, "directory");
  if (directory.entries > directory.size / kEntryBytes) {
    fail(fmt::format("a zip directory of {} bytes cannot list the {} members that its end record says", directory.size,
                     directory.entries));
  }
  std::uint64_t at = directory.begin;
  for (std::uint64_t i = 0; i < directory.entries; ++i) at = read_entry(at);
  std::vector<std::string_view> names;
  for (const ZipMember& member : members_) names.push_back(member.name);
  std::ranges::sort(names);
  const auto twice = std::ranges::adjacent_find(names);
  if (twice != names.end()) fail(fmt::format("two members are named '{}'", *twice));
}

std::uint64_t ZipArchive::read_entry(std::uint64_t at) {
  check_within(at, kEntryBytes, "directory entry");
  if (number(at, 4) != kEntryMark) fail(fmt::format("byte {}: expected an entry of the zip directory", at));
  ZipMember member;
  const auto flags = static_cast<std::uint16_t>(number(at + 8, 2));
  member.method = static_cast<std::uint16_t>(number(at + 10, 2));
  member.crc = static_cast<std::uint32_t>(number(at + 16, 4));
  member.compressed = number(at + 20, 4);
  member.size = number(at + 24, 4);
  member.header = number(at + 42, 4);
  const std::uint64_t name = number(at + 28, 2), extra = number(at + 30, 2), comment = number(at + 32, 2);
  member.name = text(at + kEntryBytes, name, "member's name");
  check_within(at + kEntryBytes + name, extra + comment, "extra fields");
  apply_wide_sizes(member, at + kEntryBytes + name, extra);
  check_member(member, flags);
  members_.push_back(std::move(member));
  return at + kEntryBytes + name + extra + comment;
}

// The zip64 field holds, in this order, those of the three numbers that did not fit 32 bits.
void ZipArchive::apply_wide_sizes(ZipMember& member, std::uint64_t at, std::uint64_t size) const {
  const std::uint64_t end = at + size;
  while (end - at >= 4) {
    const std::uint64_t kind = number(at, 2), length = number(at + 2, 2);
    at += 4;
    if (length > end - at) fail(fmt::format("member {}: an extra field is longer than all of them", member.name));
    if (kind == kWideField) {
      std::uint64_t next = at;
      for (std::uint64_t* field : {&member.size, &member.compressed, &member.header}) {
        if (*field != kSeeWide) continue;
        if (at + length - next < 8) fail(fmt::format("member {}: its 64-bit sizes are missing", member.name));
        *field = number(next, 8);
        next += 8;
      }
      return;
    }
    at += length;
  }
}

void ZipArchive::check_member(const ZipMember& member, std::uint16_t flags) const {
  if ((flags & kEncrypted) != 0) fail(fmt::format("member {} is encrypted", member.name));
  if (member.method != kStored && member.method != kDeflated) {
    fail(fmt::format("member {} is packed by method {}; expected stored (0) or deflated (8)", member.name,
                     member.method));
  }
  if (member.method == kStored && member.size != member.compressed) {
    fail(fmt::format("member {} is stored, but its two sizes differ: {} and {}", member.name, member.size,
                     member.compressed));
  }
}

const ZipMember* ZipArchive::find(std::string_view member) const noexcept {
  const auto at = std::ranges::find(members_, member, &ZipMember::name);
  return at == members_.end() ? nullptr : &*at;
}

std::string ZipArchive::read(const ZipMember& member) const {
  const std::string place = fmt::format("{}: member {}", name_, member.name);
  check_within(member.header, kLocalBytes, "member");
  if (number(member.header, 4) != kLocalMark) fail(fmt::format("byte {}: expected a member's header", member.header));
  const std::uint64_t name = number(member.header + 26, 2), extra = number(member.header + 28, 2);
  if (text(member.header + kLocalBytes, name, "member's name") != member.name) {
    fail(fmt::format("member {} is named otherwise in the directory", member.name));
  }
  const std::string_view data =
      text(member.header + kLocalBytes + name + extra, member.compressed, "member's compressed data");
  std::string contents =
      member.method == kStored ? std::string(data) : inflate_raw(std::as_bytes(std::span(data)), member.size, place);
  if (crc32(std::as_bytes(std::span(contents))) != member.crc) {
    throw InputError(fmt::format("{}: damaged: its checksum is wrong; write or fetch the file again", place));
  }
  return contents;
}

}  // namespace galena::base
