// Galena's binary files: read back, and damaged in every way.

#include <chrono>
#include <cstring>
#include <fstream>

#include "galena/error.hpp"
#include "galena/generate.hpp"
#include "galena/io.hpp"
#include "galena/stats.hpp"
#include "src/base/hash.hpp"
#include "src/graph/binary.hpp"
#include "src/graph/readers.hpp"
#include "test/graph/reference.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"

using namespace galena;
namespace fs = std::filesystem;

namespace {

Graph labelled_graph() {
  return with_random_labels(build_graph(test::random_edges(2000, std::uint64_t{1} << 40, 1, 3)), 4, 1);
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

enum class How { quick, bounds, verify };

Graph open(std::string bytes, How how) {
  LoadOptions options;
  options.verify = how == How::verify;
  options.trusted = how != How::bounds;
  auto owner = std::make_shared<std::vector<std::uint64_t>>(bytes.size() / 8 + 1);  // aligned, as a mapping is
  std::memcpy(owner->data(), bytes.data(), bytes.size());
  return detail::read_binary(std::as_bytes(std::span(*owner)).first(bytes.size()), "g.gal", options, owner);
}

// A file with this change of its header, whose checksum is right again.
template <class Change>
std::string forge(std::string bytes, const Change& change) {
  detail::BinaryHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  change(header);
  header.header_hash =
      base::hash_bytes(std::as_bytes(std::span(&header, 1)).first(offsetof(detail::BinaryHeader, header_hash)));
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

std::string file_of(const Graph& graph) {
  const test::TemporaryFolder folder;
  save_graph(graph, folder.path() / "g.gal");
  return read_file(folder.path() / "g.gal");
}

}  // namespace

TEST_CASE("binary: everything is read back") {
  const test::TemporaryFolder folder;
  EdgeList arcs = test::random_edges(500, 60, 2);
  BuildOptions directed;
  directed.directed = true;
  for (const Graph& g : {Graph(), labelled_graph(), build_graph(arcs, directed), generate_path(5)}) {
    save_graph(g, folder.path() / "g.gal");
    LoadOptions verify;
    verify.verify = true;
    const Graph again = load_graph(folder.path() / "g.gal", verify);
    CHECK(again.digest() == g.digest());
    CHECK(again.report() == g.report());
    CHECK(again.directed() == g.directed());
    CHECK(again.max_degree() == g.max_degree());
    CHECK(std::ranges::equal(again.indptr(), g.indptr()));
    CHECK(std::ranges::equal(again.indices(), g.indices()));
    CHECK(std::ranges::equal(again.vertex_labels(), g.vertex_labels()));
    CHECK(std::ranges::equal(again.edge_labels(), g.edge_labels()));
    CHECK(std::ranges::equal(again.original_ids(), g.original_ids()));
  }
}

TEST_CASE("binary: opening does not read the arrays") {
  const test::TemporaryFolder folder;
  const fs::path path = folder.path() / "g.gal";
  save_graph(generate_rmat(18, 8, 1), path);
  const auto start = std::chrono::steady_clock::now();
  const Graph g = load_graph(path);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  CHECK(g.num_vertices() == 1U << 18);
  CHECK(seconds < 0.02);  // microseconds; a busy machine may pause us. Reading takes longer than this
}

TEST_CASE("binary: cut off, appended to, of another kind") {
  const std::string bytes = file_of(labelled_graph());
  for (std::size_t size = 0; size < bytes.size(); size += 1 + bytes.size() / 97) {
    CHECK_THROWS_AS(open(bytes.substr(0, size), How::quick), InputError);
  }
  CHECK_THROWS_WITH(open(bytes.substr(0, bytes.size() - 1), How::quick),
                    test::contains("g.gal: ") && test::contains("truncated"));
  CHECK_THROWS_WITH(open(bytes + "x", How::quick), test::contains("something was appended"));
  CHECK_THROWS_WITH(open(std::string(400, 'x'), How::quick), test::contains("does not begin as a Galena binary graph"));
  CHECK_THROWS_WITH(open(forge(bytes, [](auto& h) { h.version = 7; }), How::quick), test::contains("format version 7"));
  CHECK_THROWS_WITH(open(forge(bytes, [](auto& h) { h.byte_order = 0x04030201; }), How::quick),
                    test::contains("another byte order"));
}

TEST_CASE("binary: every flipped bit is found by verification, in the header always") {
  const std::string bytes = file_of(labelled_graph());
  base::RandomStream random(1, 1);
  for (int i = 0; i < 400; ++i) {
    std::string damaged = bytes;
    const std::size_t at = i < 200 ? random.below(sizeof(detail::BinaryHeader)) : random.below(bytes.size());
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << random.below(8)));
    CAPTURE(at);
    if (i < 200) CHECK_THROWS_AS(open(damaged, How::quick), InputError);
    detail::BinaryHeader header;
    std::memcpy(&header, bytes.data(), sizeof header);
    const bool covered = std::ranges::any_of(
        header.arrays, [&](const detail::BinaryArray& a) { return at >= a.offset && at < a.offset + a.bytes; });
    if (covered) CHECK_THROWS_WITH(open(damaged, How::verify), test::contains("wrong checksum"));
  }
}

TEST_CASE("binary: forged headers cannot point outside the file") {
  const std::string bytes = file_of(labelled_graph());
  using Header = detail::BinaryHeader;
  const std::vector<void (*)(Header&)> changes{
      [](Header& h) { h.vertices += 1; },
      [](Header& h) { h.vertices = ~std::uint64_t{0}; },
      [](Header& h) { h.vertices = 0; },
      [](Header& h) { h.arcs += 2; },
      [](Header& h) { h.arcs = ~std::uint64_t{0}; },
      [](Header& h) { h.arrays[1].offset = ~std::uint64_t{63}; },
      [](Header& h) { h.arrays[1].offset += 64 * 1000; },
      [](Header& h) { h.arrays[1].offset += 4; },
      [](Header& h) { h.arrays[0].bytes = 0; },
      [](Header& h) { h.arrays[4].bytes -= 8; },
      [](Header& h) { h.file_bytes += 64; },
      [](Header& h) { h.directed = 2; },
      [](Header& h) { h.max_degree = h.vertices + 1; },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    CAPTURE(i);
    CHECK_THROWS_AS(open(forge(bytes, changes[i]), How::quick), InputError);
  }
}

TEST_CASE("binary: a hostile payload is found before it is used") {
  const std::string bytes = file_of(generate_rmat(8, 8, 1));
  detail::BinaryHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  const auto with_word = [&](std::uint64_t at, auto value) {
    std::string changed = bytes;
    std::memcpy(changed.data() + at, &value, sizeof value);
    return changed;
  };
  const std::string far_offset = with_word(header.arrays[0].offset + 8 * 5, std::uint64_t{1} << 50);
  CHECK_THROWS_WITH(open(far_offset, How::bounds), test::contains("offsets are out of order"));
  const std::string far_id = with_word(header.arrays[1].offset + 4 * 7, std::uint32_t{0x7fffffff});
  CHECK_THROWS_WITH(open(far_id, How::bounds), test::contains("a neighbour that is not below 256"));
  const std::string low_degree = forge(bytes, [](auto& h) { h.max_degree = 1; });
  CHECK_THROWS_AS(open(low_degree, How::bounds), InputError);
  // In range, but no graph: only verification tells.
  const std::string loop = with_word(header.arrays[1].offset, std::uint32_t{0});
  CHECK_NOTHROW(open(loop, How::bounds));
  CHECK_THROWS_AS(open(loop, How::verify), InputError);
}
