#include "src/graph/check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "src/base/threads.hpp"

namespace galena::detail {
namespace {

constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();

// The lowest v for which bad(v), or kNone: the same whatever the number of threads.
template <class Predicate>
std::uint64_t first_bad(std::uint64_t count, int threads, const Predicate& bad) {
  std::uint64_t first = kNone;
#pragma omp parallel for schedule(dynamic, 4096) reduction(min      \
                                                           : first) \
    num_threads(base::threads_for(count, 4096, threads))
  for (std::uint64_t v = 0; v < count; ++v) {
    if (v < first && bad(v)) first = v;
  }
  return first;
}

std::string find_wrong_size(const Graph::Storage& s) {
  if (s.indptr.empty()) return "there are no offsets (an empty graph has one, 0)";
  const std::uint64_t n = s.indptr.size() - 1;
  if (n >= std::numeric_limits<VertexId>::max()) return fmt::format("{} vertices do not fit 32-bit ids", n);
  if (s.indptr.front() != 0) return fmt::format("the first offset is {}, expected 0", s.indptr.front());
  if (s.indptr.back() != s.indices.size()) {
    return fmt::format("the last offset is {}, but there are {} arcs", s.indptr.back(), s.indices.size());
  }
  const auto wrong = [](std::size_t size, std::uint64_t expected) { return size != 0 && size != expected; };
  if (wrong(s.vertex_labels.size(), n)) {
    return fmt::format("{} vertex labels for {} vertices", s.vertex_labels.size(), n);
  }
  if (wrong(s.edge_labels.size(), s.indices.size())) {
    return fmt::format("{} edge labels for {} arcs", s.edge_labels.size(), s.indices.size());
  }
  if (wrong(s.original_ids.size(), n)) return fmt::format("{} original ids for {} vertices", s.original_ids.size(), n);
  return {};
}

class Checker {
 public:
  explicit Checker(const Graph::Storage& storage) : s_(storage), n_(storage.indptr.size() - 1) {}

  [[nodiscard]] std::string bounds(int threads) const {
    // First the offsets, for the ids may be looked at only through good ones.
    const std::uint64_t order = first_bad(n_, threads, [&](std::uint64_t v) { return !good_offsets(v); });
    if (order != kNone) return fmt::format("vertex {}: its offsets are out of order", order);
    const std::uint64_t range = first_bad(n_, threads, [&](std::uint64_t v) {
      return std::ranges::any_of(list(v), [&](VertexId u) { return u >= n_; });
    });
    if (range != kNone) return fmt::format("vertex {} has a neighbour that is not below {}", range, n_);
    return {};
  }

  [[nodiscard]] std::string shape(int threads) const {
    const std::uint64_t order = first_bad(n_, threads, [&](std::uint64_t v) {
      return std::ranges::adjacent_find(list(v), std::ranges::greater_equal{}) != list(v).end();
    });
    if (order != kNone) return fmt::format("the neighbours of vertex {} are not strictly increasing", order);
    const std::uint64_t loop = first_bad(
        n_, threads, [&](std::uint64_t v) { return std::ranges::binary_search(list(v), static_cast<VertexId>(v)); });
    if (loop != kNone) return fmt::format("vertex {} has an edge to itself", loop);
    if (s_.directed) return {};
    const std::uint64_t lone = first_bad(n_, threads, [&](std::uint64_t v) { return !mirrored(v); });
    if (lone != kNone) return fmt::format("an edge of vertex {} lacks its other arc, or differs in label", lone);
    return {};
  }

 private:
  [[nodiscard]] std::span<const VertexId> list(std::uint64_t v) const {
    return s_.indices.subspan(s_.indptr[v], s_.indptr[v + 1] - s_.indptr[v]);
  }
  [[nodiscard]] bool good_offsets(std::uint64_t v) const {
    const EdgeOffset begin = s_.indptr[v], end = s_.indptr[v + 1];
    return begin <= end && end <= s_.indices.size() && end - begin <= s_.max_degree;
  }
  [[nodiscard]] bool mirrored(std::uint64_t v) const {
    for (EdgeOffset arc = s_.indptr[v]; arc < s_.indptr[v + 1]; ++arc) {
      const auto other = list(s_.indices[arc]);
      const auto at = std::ranges::lower_bound(other, static_cast<VertexId>(v));
      if (at == other.end() || *at != v) return false;
      if (s_.edge_labels.empty()) continue;
      const auto back = static_cast<std::size_t>(&*at - s_.indices.data());
      if (s_.edge_labels[arc] != s_.edge_labels[back]) return false;
    }
    return true;
  }

  const Graph::Storage& s_;
  std::uint64_t n_;
};

}  // namespace

std::string find_out_of_bounds(const Graph::Storage& storage, int threads) {
  std::string wrong = find_wrong_size(storage);
  return wrong.empty() ? Checker(storage).bounds(threads) : wrong;
}

std::string find_defect(const Graph::Storage& storage, int threads) {
  std::string wrong = find_out_of_bounds(storage, threads);
  return wrong.empty() ? Checker(storage).shape(threads) : wrong;
}

}  // namespace galena::detail
