#include "src/graph/binary.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <cstring>
#include <limits>

#include "galena/error.hpp"
#include "src/base/file_writer.hpp"
#include "src/base/hash.hpp"
#include "src/graph/check.hpp"
#include "src/graph/digest.hpp"
#include "src/graph/readers.hpp"
#include "src/graph/writers.hpp"

namespace galena::detail {
namespace {

using Bytes = std::span<const std::byte>;

std::uint64_t header_hash(const BinaryHeader& header) {
  return base::hash_bytes(std::as_bytes(std::span(&header, 1)).first(offsetof(BinaryHeader, header_hash)));
}

std::uint64_t aligned(std::uint64_t position) { return (position + kAlignment - 1) / kAlignment * kAlignment; }

class BinaryReader {
 public:
  BinaryReader(Bytes bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  Graph read(const LoadOptions& options, std::shared_ptr<const void> owner) {
    check_header();
    auto storage = std::make_shared<Graph::Storage>();
    storage->owners.push_back(std::move(owner));
    view(*storage);
    if (storage->indptr.front() != 0 || storage->indptr.back() != header_.arcs) fail("its offsets are damaged");
    if (options.verify) {
      verify(*storage, options.threads);
    } else if (!options.trusted) {
      const std::string defect = find_out_of_bounds(*storage, options.threads);
      if (!defect.empty()) fail("damaged: " + defect);
    }
    storage->digest = header_.digest;
    std::call_once(storage->digest_once, [] {});
    return Graph(std::move(storage));
  }

 private:
  void check_header() {
    if (bytes_.size() < sizeof header_) fail("shorter than a header: the file is truncated");
    std::memcpy(&header_, bytes_.data(), sizeof header_);
    if (header_.magic != kBinaryMagic) fail("does not begin as a Galena binary graph");
    if (header_.byte_order != kByteOrder) fail("written on a machine of another byte order");
    if (header_.version != kBinaryVersion) {
      fail(fmt::format("format version {}, this program reads version {}; write it again with 'galena convert'",
                       header_.version, kBinaryVersion));
    }
    if (header_.header_hash != header_hash(header_)) fail("the header is damaged (wrong checksum)");
    if (header_.file_bytes != bytes_.size()) {
      fail(fmt::format("{} bytes, but its header says {}: {}", bytes_.size(), header_.file_bytes,
                       bytes_.size() < header_.file_bytes ? "the file is truncated" : "something was appended"));
    }
    check_sizes();
  }

  // The checksum is no proof of honesty: a file may have been made to mislead.
  void check_sizes() const {
    if (header_.vertices >= std::numeric_limits<VertexId>::max() || header_.arcs > bytes_.size() ||
        header_.max_degree > header_.vertices || header_.directed > 1 || header_.relabelled > 1) {
      fail("impossible sizes in the header");
    }
    if (header_.directed == 0 && header_.arcs % 2 != 0) fail("an odd number of arcs in an undirected graph");
    const std::uint64_t n = header_.vertices, m = header_.arcs;
    const std::array<std::uint64_t, 5> expected{8 * (n + 1), 4 * m, 4 * n, 4 * m, 8 * n};
    std::uint64_t position = sizeof header_;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const BinaryArray& array = header_.arrays[i];
      const bool absent = i >= 2 && array.bytes == 0;
      if (!absent && array.bytes != expected[i]) fail("an array's size does not fit the number of vertices or edges");
      // As they are written: one after the other. Sizes are bounded by now, so nothing overflows.
      if (array.offset != aligned(position)) fail("an array is not where it should be");
      position = array.offset + array.bytes;
      if (position > bytes_.size()) fail("an array lies outside the file");
    }
    if (position != bytes_.size()) fail("something follows the arrays");
  }

  template <class T>
  [[nodiscard]] std::span<const T> array(std::size_t i) const {
    const BinaryArray& a = header_.arrays[i];
    return {reinterpret_cast<const T*>(bytes_.data() + a.offset), a.bytes / sizeof(T)};
  }

  void view(Graph::Storage& storage) const {
    storage.indptr = array<EdgeOffset>(0);
    storage.indices = array<VertexId>(1);
    storage.vertex_labels = array<Label>(2);
    storage.edge_labels = array<Label>(3);
    storage.original_ids = array<std::uint64_t>(4);
    storage.directed = header_.directed != 0;
    storage.max_degree = static_cast<VertexId>(header_.max_degree);
    storage.report = {header_.input_edges, header_.self_loops, header_.duplicates, header_.label_conflicts,
                      header_.relabelled != 0};
  }

  void verify(const Graph::Storage& storage, int threads) const {
    static constexpr std::array<const char*, 5> kNames{"offsets", "neighbours", "vertex labels", "edge labels",
                                                       "original ids"};
    const ArrayHashes hashes = hash_arrays(storage, threads);
    for (std::size_t i = 0; i < hashes.size(); ++i) {
      if (hashes[i] != header_.arrays[i].hash) {
        fail(fmt::format("the {} are damaged (wrong checksum); make the file again", kNames[i]));
      }
    }
    const std::string defect = find_defect(storage, threads);
    if (!defect.empty()) fail("not a graph: " + defect);
    if (combine_digest(hashes, header_.vertices, storage.directed) != header_.digest) fail("wrong digest");
  }

  [[noreturn]] void fail(const std::string& message) const { throw InputError(name_ + ": " + message); }

  Bytes bytes_;
  const std::string& name_;
  BinaryHeader header_;
};

}  // namespace

bool is_binary_graph(Bytes bytes) noexcept {
  return bytes.size() >= kBinaryMagic.size() &&
         std::memcmp(bytes.data(), kBinaryMagic.data(), kBinaryMagic.size()) == 0;
}

Graph read_binary(Bytes bytes, const std::string& name, const LoadOptions& options, std::shared_ptr<const void> owner) {
  return BinaryReader(bytes, name).read(options, std::move(owner));
}

void write_binary(const Graph& graph, base::AtomicFile& file) {
  const auto storage = share_storage(graph);
  const std::array<Bytes, 5> arrays{std::as_bytes(storage->indptr), std::as_bytes(storage->indices),
                                    std::as_bytes(storage->vertex_labels), std::as_bytes(storage->edge_labels),
                                    std::as_bytes(storage->original_ids)};
  const ArrayHashes hashes = hash_arrays(*storage);
  BinaryHeader header;
  header.magic = kBinaryMagic;
  header.version = kBinaryVersion;
  header.byte_order = kByteOrder;
  header.vertices = graph.num_vertices();
  header.arcs = graph.indices().size();
  header.directed = graph.directed() ? 1 : 0;
  header.relabelled = graph.report().relabelled ? 1 : 0;
  header.max_degree = graph.max_degree();
  header.input_edges = graph.report().input_edges;
  header.self_loops = graph.report().self_loops;
  header.duplicates = graph.report().duplicates;
  header.label_conflicts = graph.report().label_conflicts;
  header.digest = combine_digest(hashes, header.vertices, graph.directed());
  std::uint64_t position = sizeof header;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    header.arrays[i] = {aligned(position), arrays[i].size(), hashes[i]};
    position = aligned(position) + arrays[i].size();
  }
  header.file_bytes = position;
  header.header_hash = header_hash(header);
  file.write(std::as_bytes(std::span(&header, 1)));
  for (const Bytes array : arrays) {
    file.pad_to(kAlignment);
    file.write(array);
  }
}

}  // namespace galena::detail
