#pragma once
// Reading zip archives in memory, as far as .npz files need it.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace galena::base {

struct ZipMember {
  std::string name;
  std::uint64_t size = 0;        ///< bytes when unpacked
  std::uint64_t compressed = 0;  ///< bytes in the archive
  std::uint64_t header = 0;      ///< where its local header begins
  std::uint32_t crc = 0;
  std::uint16_t method = 0;  ///< 0 stored, 8 deflated
};

/// The directory of an archive. Members stored or deflated, with 64-bit sizes too; no encryption, one volume.
/// Every offset and size is checked against the file before it is followed.
class ZipArchive {
 public:
  /// `bytes` must outlive this; `name` is the file in messages. Throws InputError where it is no archive, is
  /// truncated or contradicts itself.
  ZipArchive(std::span<const std::byte> bytes, std::string name);

  [[nodiscard]] const std::vector<ZipMember>& members() const noexcept { return members_; }
  /// The member of this name, or null.
  [[nodiscard]] const ZipMember* find(std::string_view member) const noexcept;
  /// Its contents; the checksum is verified. Throws InputError naming file and member.
  [[nodiscard]] std::string read(const ZipMember& member) const;

 private:
  struct Directory;
  [[nodiscard]] std::uint64_t number(std::uint64_t at, int width) const;
  void check_within(std::uint64_t at, std::uint64_t size, const char* what) const;
  [[nodiscard]] std::string_view text(std::uint64_t at, std::uint64_t size, const char* what) const;
  [[nodiscard]] Directory find_directory() const;
  void read_directory(const Directory& directory);
  std::uint64_t read_entry(std::uint64_t at);
  void apply_wide_sizes(ZipMember& member, std::uint64_t at, std::uint64_t size) const;
  void check_member(const ZipMember& member, std::uint16_t flags) const;
  [[noreturn]] void fail(const std::string& message) const;

  std::span<const std::byte> bytes_;
  std::string name_;
  std::vector<ZipMember> members_;
};

}  // namespace galena::base
