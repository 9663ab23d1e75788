// Splits drawn by seed. Every labelled vertex gets a 64-bit random key that depends on seed and id alone; in the order
// of the keys, ids are a uniform random permutation, of which each kind of split takes what it needs.
//
// The two that take as many a class: Z. Yang, W. Cohen and R. Salakhutdinov, "Revisiting semi-supervised learning with
// graph embeddings" (ICML 2016), and O. Shchur, M. Mumme, A. Bojchevski and S. Guennemann, "Pitfalls of graph neural
// network evaluation" (2018).

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "galena/error.hpp"
#include "src/base/random.hpp"
#include "src/graph/node_files.hpp"

namespace galena::detail {
namespace {

constexpr std::uint32_t kSplitStream = 0x73706c74;  // "splt": draws for other purposes are other ones

// "random:60/20/20" -> {60, 20, 20}; `split` must have `count` numbers after its colon.
std::vector<std::uint64_t> numbers_of(const std::string& split, std::size_t count, const char* example) {
  std::vector<std::uint64_t> numbers;
  const char* at = split.data() + split.find(':') + 1;
  const char* const end = split.data() + split.size();
  while (numbers.size() < count) {
    std::uint64_t number = 0;
    const auto [after, error] = std::from_chars(at, end, number);
    const bool last = numbers.size() + 1 == count;
    if (error != std::errc{} || (last ? after != end : after == end || *after != '/')) break;
    numbers.push_back(number);
    at = after + 1;
  }
  if (numbers.size() != count) throw InputError(fmt::format("split '{}': expected numbers as in '{}'", split, example));
  return numbers;
}

bool labelled(const NodeData& data, VertexId v) { return data.multi_label || data.labels[v] >= 0; }

std::vector<VertexId> shuffled(VertexId vertices, const NodeData& data, std::uint64_t seed) {
  std::vector<std::pair<std::uint64_t, VertexId>> keys;
  for (VertexId v = 0; v < vertices; ++v) {
    if (labelled(data, v)) keys.emplace_back(base::RandomStream(seed, kSplitStream, v).next64(), v);
  }
  std::ranges::sort(keys);
  std::vector<VertexId> order(keys.size());
  std::ranges::transform(keys, order.begin(), &std::pair<std::uint64_t, VertexId>::second);
  return order;
}

[[noreturn]] void throw_too_few(const std::string& split, const std::string& what) {
  throw InputError(fmt::format("split '{}': {}; ask for fewer", split, what));
}

// Moves the first `count` vertices a class from `order` to `part`.
void take_per_class(std::vector<VertexId>& order, std::uint64_t count, const std::string& split, const NodeData& data,
                    std::vector<VertexId>& part) {
  std::vector<std::uint64_t> taken(data.num_classes);
  std::vector<VertexId> rest;
  for (const VertexId v : order) {
    std::uint64_t& of_class = taken[static_cast<std::size_t>(data.labels[v])];
    of_class < count ? part.push_back(v) : rest.push_back(v);
    if (of_class < count) ++of_class;
  }
  const auto least = std::ranges::min_element(taken);
  if (*least < count) {
    throw_too_few(split, fmt::format("class {} has only {} vertices left, but {} are wanted",
                                     data.class_ids[static_cast<std::size_t>(least - taken.begin())], *least, count));
  }
  order = std::move(rest);
}

// Moves the first `count` vertices from `order` to `part`.
void take(std::vector<VertexId>& order, std::uint64_t count, const std::string& split, std::vector<VertexId>& part) {
  if (count > order.size()) {
    throw_too_few(split, fmt::format("only {} labelled vertices are left, but {} are wanted", order.size(), count));
  }
  const auto end = order.begin() + static_cast<std::ptrdiff_t>(count);
  part.assign(order.begin(), end);
  order.erase(order.begin(), end);
}

void draw_random(std::vector<VertexId> order, const std::string& split, NodeData& data) {
  const auto percent = numbers_of(split, 3, "random:60/20/20");
  if (std::ranges::max(percent) > 100 || percent[0] + percent[1] + percent[2] > 100) {
    throw InputError(fmt::format("split '{}': the percentages exceed 100 together", split));
  }
  const std::uint64_t total = order.size();
  const std::uint64_t first = total * percent[0] / 100, second = total * (percent[0] + percent[1]) / 100;
  take(order, first, split, data.train);
  take(order, second - first, split, data.valid);
  take(order, total * (percent[0] + percent[1] + percent[2]) / 100 - second, split, data.test);
}

void require_classes(const std::string& split, const NodeData& data) {
  if (!data.multi_label) return;
  throw InputError(
      fmt::format("split '{}' takes as many vertices a class, but here a vertex may have several classes; draw "
                  "random:60/20/20",
                  split));
}

void draw_planetoid(std::vector<VertexId> order, const std::string& split, NodeData& data) {
  require_classes(split, data);
  const auto counts =
      split == "planetoid" ? std::vector<std::uint64_t>{20, 500, 1000} : numbers_of(split, 3, "planetoid:20/500/1000");
  take_per_class(order, counts[0], split, data, data.train);
  take(order, counts[1], split, data.valid);
  take(order, counts[2], split, data.test);
}

void draw_per_class(std::vector<VertexId> order, const std::string& split, NodeData& data) {
  require_classes(split, data);
  const auto counts = numbers_of(split, 2, "per-class:20/30");
  take_per_class(order, counts[0], split, data, data.train);
  take_per_class(order, counts[1], split, data, data.valid);
  data.test = std::move(order);
}

}  // namespace

bool draw_split(VertexId vertices, const NodeDataOptions& options, NodeData& data) {
  const std::string& split = options.split;
  const auto order = [&] { return shuffled(vertices, data, options.seed); };
  if (split.starts_with("random:")) {
    draw_random(order(), split, data);
  } else if (split == "planetoid" || split.starts_with("planetoid:")) {
    draw_planetoid(order(), split, data);
  } else if (split.starts_with("per-class:")) {
    draw_per_class(order(), split, data);
  } else {
    return false;
  }
  for (std::vector<VertexId>* part : {&data.train, &data.valid, &data.test}) {
    if (part->empty()) {
      throw InputError(fmt::format("split '{}' of {} vertices leaves one of its three sets empty; choose other numbers",
                                   split, vertices));
    }
    std::ranges::sort(*part);
  }
  data.split = fmt::format("{}, seed {}", split, options.seed);
  return true;
}

}  // namespace galena::detail
