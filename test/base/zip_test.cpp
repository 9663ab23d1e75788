// Zip archives: each kind that is read, and every way of being wrong.

#include "src/base/zip.hpp"

#include "galena/error.hpp"
#include "src/base/inflate.hpp"
#include "test/support/catch.hpp"
#include "test/support/npz.hpp"

using namespace galena;
using base::ZipArchive;
using test::contains;
using test::little;
using test::ZipStyle;
using test::ZipWriter;

namespace {

ZipArchive open(const std::string& bytes) { return {std::as_bytes(std::span(bytes)), "a.zip"}; }

std::string read(const ZipArchive& archive, const std::string& member) {
  const base::ZipMember* const found = archive.find(member);
  return found == nullptr ? "no member " + member : archive.read(*found);
}

// With `bytes` in place of those at `at`.
std::string patched(std::string archive, std::size_t at, const std::string& bytes) {
  return archive.replace(at, bytes.size(), bytes);
}

const std::string kLong = std::string(100000, 'x') + "end";

// Where the parts of a deflated archive of one member "a" begin.
struct Layout {
  std::string bytes = ZipWriter().add("a", kLong).finish();
  std::size_t directory = bytes.rfind(little(0x02014b50, 4)), end = bytes.rfind(little(0x06054b50, 4));
};

}  // namespace

TEST_CASE("zip: stored and deflated, with 64-bit sizes and without, with a comment and without") {
  for (const bool deflated : {false, true}) {
    for (const bool zip64 : {false, true}) {
      for (const std::string& comment : {std::string(), std::string(65535, 'c'), little(0x06054b50, 4)}) {
        CAPTURE(deflated, zip64, comment.size());
        const std::string bytes = ZipWriter({deflated, zip64, comment}).add("a", kLong).add("dir/b", "").finish();
        const ZipArchive archive = open(bytes);
        CHECK(archive.members().size() == 2);
        CHECK(read(archive, "a") == kLong);
        CHECK(read(archive, "dir/b").empty());
        CHECK(archive.find("b") == nullptr);
      }
    }
  }
  CHECK(open(ZipWriter().finish()).members().empty());
}

TEST_CASE("zip: what is damaged is refused and named") {
  const Layout good;
  const auto refused = [](const std::string& bytes, const std::string& message) {
    const auto use = [&] { return read(open(bytes), "a"); };
    CHECK_THROWS_AS(use(), InputError);
    CHECK_THROWS_WITH(use(), contains("a.zip: ") && contains(message));
  };
  refused("", "too few for a zip archive");
  refused(std::string(100000, '\0'), "end record is missing");
  refused(patched(good.bytes, good.end + 4, little(1, 2)), "several volumes");
  refused(patched(good.bytes, good.end + 10, little(2, 2)), "cannot list the 2 members");
  refused(patched(good.bytes, good.end + 12, little(0xfffffff0, 4)), "of directory at");
  refused(patched(good.bytes, good.end + 16, little(1, 4)), "expected an entry of the zip directory");
  refused(patched(good.bytes, good.directory + 8, little(1, 2)), "member a is encrypted");
  refused(patched(good.bytes, good.directory + 10, little(12, 2)), "packed by method 12");
  refused(patched(good.bytes, good.directory + 10, little(0, 2)), "its two sizes differ");
  refused(patched(good.bytes, good.directory + 16, little(0, 4)), "checksum is wrong");
  refused(patched(good.bytes, good.directory + 20, little(0x7fffffff, 4)), "compressed data at");
  refused(patched(good.bytes, good.directory + 20, little(110, 4)), "member a: damaged or truncated");
  refused(patched(good.bytes, good.directory + 24, little(100, 4)), "expected 100");
  refused(patched(good.bytes, good.directory + 24, little(100004, 4)), "give 100003 bytes, expected 100004");
  refused(patched(good.bytes, good.directory + 24, little(0xfffffff0, 4)), "cannot become the 4294967280");
  refused(patched(good.bytes, good.directory + 24, little(0xffffffff, 4)), "cannot become the 4294967295");
  refused(patched(good.bytes, good.directory + 42, little(1, 4)), "expected a member's header");
  refused(patched(good.bytes, good.directory + 28, little(60000, 2)), "member's name at");
  refused(patched(good.bytes, 30, "b"), "named otherwise in the directory");
  refused(ZipWriter().add("a", "1").add("a", "2").finish(), "two members are named 'a'");
}

TEST_CASE("zip: 64-bit sizes that lead nowhere") {
  const std::string bytes = ZipWriter({true, true, ""}).add("a", kLong).finish();
  const std::size_t directory = bytes.rfind(little(0x02014b50, 4)), wide = bytes.rfind(little(0x06064b50, 4));
  const std::size_t locator = bytes.rfind(little(0x07064b50, 4)), extra = directory + 46 + 1;
  const std::string most = little(~std::uint64_t{0}, 8);
  CHECK_THROWS_WITH(open(patched(bytes, locator + 8, most)), contains("zip64 end record at"));
  CHECK_THROWS_WITH(open(patched(bytes, locator + 8, little(0, 8))), contains("expected a zip64 end record"));
  CHECK_THROWS_WITH(open(patched(bytes, wide + 32, most)), contains("cannot list the"));
  CHECK_THROWS_WITH(open(patched(bytes, wide + 40, most)), contains("of directory at"));
  CHECK_THROWS_WITH(open(patched(bytes, wide + 48, most)), contains("of directory at"));
  CHECK_THROWS_WITH(open(patched(bytes, extra + 2, little(25, 2))), contains("longer than all of them"));
  CHECK_THROWS_WITH(open(patched(bytes, extra + 2, little(8, 2))), contains("64-bit sizes are missing"));
  const std::string far = patched(bytes, extra + 20, most);
  CHECK_THROWS_WITH(read(open(far), "a"), contains("of member at 18446744073709551615"));
}

TEST_CASE("zip: every truncation is refused, every damaged byte found or harmless") {
  const std::string contents = "some text, some more text, and some more text";
  const std::string bytes = ZipWriter({true, true, ""}).add("a", contents).finish();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CAPTURE(size);
    CHECK_THROWS_AS(open(bytes.substr(0, size)), InputError);
  }
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const char flip : {'\x01', '\x80', '\x7f'}) {
      const std::string bad = patched(bytes, at, std::string(1, static_cast<char>(bytes[at] ^ flip)));
      try {
        const ZipArchive archive = open(bad);
        const base::ZipMember* const member = archive.find("a");
        const std::string found = member == nullptr ? contents : archive.read(*member);
        CHECK(found == contents);
      } catch (const InputError& error) {
        CHECK(std::string(error.what()).starts_with("a.zip: "));
      }
    }
  }
}

TEST_CASE("inflate_raw: exactly as many bytes as said, and the checksum of gzip") {
  const std::string bytes = ZipWriter().add("a", kLong).finish();
  const ZipArchive archive = open(bytes);
  const base::ZipMember& member = archive.members().front();
  const auto data = std::as_bytes(std::span(bytes)).subspan(31, member.compressed);
  CHECK(base::inflate_raw(data, kLong.size(), "x") == kLong);
  CHECK_THROWS_AS(base::inflate_raw(data, kLong.size() - 1, "x"), InputError);
  CHECK_THROWS_AS(base::inflate_raw(data, kLong.size() + 1, "x"), InputError);
  CHECK_THROWS_AS(base::inflate_raw(data.first(10), kLong.size(), "x"), InputError);
  CHECK_THROWS_AS(base::inflate_raw({}, 0, "x"), InputError);
  CHECK_THROWS_WITH(base::inflate_raw(data, ~std::uint64_t{0}, "x"), contains("cannot become"));
  CHECK(base::crc32(std::as_bytes(std::span(std::string_view("123456789")))) == 0xcbf43926);  // the standard check
}
