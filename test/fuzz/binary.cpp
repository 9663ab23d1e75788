// Binary files. The header's checksum is made right, so that the checks behind it are reached, and what passes the
// check of bounds is used as mining would use it.

#include <cstring>
#include <vector>

#include "galena/stats.hpp"
#include "src/base/hash.hpp"
#include "src/graph/binary.hpp"
#include "src/graph/readers.hpp"
#include "test/fuzz/fuzz.hpp"

namespace {

using Words = std::vector<std::uint64_t>;  // aligned, as a mapping is

std::span<const std::byte> repair(Words& words, std::size_t size) {
  using galena::detail::BinaryHeader;
  auto bytes = std::as_writable_bytes(std::span(words)).first(size);
  if (size >= sizeof(BinaryHeader)) {
    const std::uint64_t hash = galena::base::hash_bytes(bytes.first(offsetof(BinaryHeader, header_hash)));
    std::memcpy(bytes.data() + offsetof(BinaryHeader, header_hash), &hash, sizeof hash);
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto words = std::make_shared<Words>(size / 8 + 1);
  if (size > 0) std::memcpy(words->data(), data, size);
  const auto bytes = repair(*words, size);
  galena::LoadOptions bounds, verify;
  bounds.trusted = false;
  verify.verify = true;
  bounds.threads = verify.threads = 1;
  galena::test::expect_graph_or_error([&] {
    const galena::Graph graph = galena::detail::read_binary(bytes, "input", bounds, words);
    galena::graph_stats(graph, 1);
  });
  return galena::test::expect_graph_or_error(
      [&] { galena::test::expect_sound(galena::detail::read_binary(bytes, "input", verify, words)); });
}
