#include <set>
#include <string>
#include <vector>

#include "src/base/hash.hpp"
#include "src/base/sha256.hpp"
#include "test/support/catch.hpp"

using namespace galena::base;

namespace {

std::span<const std::byte> bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

}  // namespace

TEST_CASE("hash: every length and every flipped bit gives another value") {
  std::set<std::uint64_t> seen;
  std::string text;
  for (int length = 0; length < 200; ++length, text += static_cast<char>('a' + length % 7)) {
    CHECK(seen.insert(hash_bytes(bytes(text))).second);
  }
  const std::uint64_t before = hash_bytes(bytes(text));
  for (char& c : text) {
    for (int bit = 0; bit < 8; ++bit) {
      c = static_cast<char>(c ^ (1 << bit));
      CHECK(hash_bytes(bytes(text)) != before);
      c = static_cast<char>(c ^ (1 << bit));
    }
  }
  CHECK(hash_bytes(bytes(text), 1) != before);
}

TEST_CASE("hash: a large array's hash does not depend on the number of threads, but on its order") {
  std::vector<std::uint32_t> values(3'000'000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::uint32_t>(i * 2654435761U);
  const auto view = std::as_bytes(std::span(values));
  const std::uint64_t one = hash_large(view, 1);
  CHECK(hash_large(view, 2) == one);
  CHECK(hash_large(view, 5) == one);
  std::swap_ranges(values.begin(), values.begin() + 262144, values.begin() + 262144);  // two whole pieces
  CHECK(hash_large(view, 2) != one);
}

// The examples of FIPS 180-4.
TEST_CASE("sha256: published examples") {
  CHECK(sha256_hex(bytes("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex(bytes("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex(bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(sha256_hex(bytes(std::string(1'000'000, 'a'))) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}
