// Splits that are published with a dataset: lists of ids, and rows of masks. draw_split() makes others.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>

#include "galena/error.hpp"
#include "src/base/mapped_file.hpp"
#include "src/graph/line_reader.hpp"
#include "src/graph/node_files.hpp"

namespace galena::detail {
namespace fs = std::filesystem;
namespace {

constexpr std::array kParts{"train", "valid", "test"};

std::vector<VertexId>& part_of(NodeData& data, std::size_t part) {
  return part == 0 ? data.train : part == 1 ? data.valid : data.test;
}

// Collects ids, each once and of a labelled vertex; `place` says where in messages.
class SplitBuilder {
 public:
  SplitBuilder(VertexId vertices, NodeData& data) : data_(data), part_(vertices, kNone) {}

  void add(std::size_t part, std::uint64_t id, const std::function<std::string()>& place) {
    if (id >= part_.size()) {
      throw InputError(fmt::format("{}: no vertex {}: the graph has {}, numbered from 0", place(), id, part_.size()));
    }
    if (part_[id] == part) throw InputError(fmt::format("{}: vertex {} is here twice", place(), id));
    if (part_[id] != kNone) {
      throw InputError(
          fmt::format("{}: vertex {} is in {} already; the sets must not overlap", place(), id, kParts[part_[id]]));
    }
    if (!data_.multi_label && data_.labels[id] < 0) {
      throw InputError(fmt::format("{}: vertex {} has no label (-1); leave it out", place(), id));
    }
    part_[id] = part;
    part_of(data_, part).push_back(static_cast<VertexId>(id));
  }

  // Sorts; `name` is the file or array of each part.
  void finish(const std::function<std::string(std::size_t)>& name) {
    for (std::size_t part = 0; part < kParts.size(); ++part) {
      if (part_of(data_, part).empty()) {
        throw InputError(fmt::format("{}: no vertices for '{}'; give some, or draw a split (random:60/20/20)",
                                     name(part), kParts[part]));
      }
      std::ranges::sort(part_of(data_, part));
    }
  }

 private:
  static constexpr std::size_t kNone = kParts.size();
  NodeData& data_;
  std::vector<std::size_t> part_;
};

fs::path text_file(const fs::path& folder, std::size_t part) { return folder / (std::string(kParts[part]) + ".txt"); }

void read_text_lists(const fs::path& folder, SplitBuilder& builder) {
  for (std::size_t part = 0; part < kParts.size(); ++part) {
    const fs::path path = text_file(folder, part);
    const base::MappedFile file(path);
    LineReader lines(TextSource(file.bytes(), path.string()));
    while (lines.next_data_line('#')) {
      const std::uint64_t id = lines.number("a vertex id");
      builder.add(part, id, [&] { return fmt::format("{}:{}", path.string(), lines.line_number()); });
      if (!lines.at_end()) lines.fail("expected one vertex id a line");
    }
  }
  builder.finish([&](std::size_t part) { return text_file(folder, part).string(); });
}

// Ids, or in an array of bools those of its trues, which must be one a vertex.
std::vector<std::uint64_t> ids_of(const base::NpyArray& array, VertexId vertices) {
  if (array.type() != base::NpyType::boolean) return array.values<std::uint64_t>();
  if (array.shape() != std::vector<std::uint64_t>{vertices}) {
    throw InputError(
        fmt::format("{}: bools of shape {}; expected ({},), one a vertex", array.name(), array.shape_text(), vertices));
  }
  const std::vector<std::uint8_t> mask = array.values<std::uint8_t>();
  std::vector<std::uint64_t> ids;
  for (VertexId v = 0; v < vertices; ++v) {
    if (mask[v] != 0) ids.push_back(v);
  }
  return ids;
}

void read_arrays(const base::NpzFile& file, VertexId vertices, SplitBuilder& builder) {
  if (!file.contains("train") && file.contains("train_masks")) {
    throw InputError(
        fmt::format("{}: no array 'train', but masks of several splits, train_masks: choose one, as in --split mask:0",
                    file.name()));
  }
  for (std::size_t part = 0; part < kParts.size(); ++part) {
    const base::NpyArray array = file.read(kParts[part]);
    const bool mask = array.type() == base::NpyType::boolean;
    const std::vector<std::uint64_t> ids = ids_of(array, vertices);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      builder.add(part, ids[i], [&] { return fmt::format("{}[{}]", array.name(), mask ? ids[i] : i); });
    }
  }
  builder.finish([&](std::size_t part) { return fmt::format("{}:{}", file.name(), kParts[part]); });
}

void read_masks(const base::NpzFile& file, std::uint64_t row, VertexId vertices, SplitBuilder& builder) {
  for (std::size_t part = 0; part < kParts.size(); ++part) {
    const base::NpyArray array = file.read(fmt::format("{}_masks", kParts[part]));
    if (array.shape().size() != 2 || array.shape()[1] != vertices) {
      throw InputError(fmt::format("{}: shape {}; expected (splits, {}), a column a vertex", array.name(),
                                   array.shape_text(), vertices));
    }
    if (row >= array.shape()[0]) {
      throw InputError(
          fmt::format("{}: no split {}: there are {}, numbered from 0", array.name(), row, array.shape()[0]));
    }
    const std::vector<std::uint8_t> mask = array.values<std::uint8_t>();
    for (VertexId v = 0; v < vertices; ++v) {
      const std::uint8_t bit = mask[row * vertices + v];
      const auto place = [&] { return fmt::format("{}[{}, {}]", array.name(), row, v); };
      if (bit > 1) throw InputError(fmt::format("{} is {}; expected 0 or 1", place(), bit));
      if (bit == 1) builder.add(part, v, place);
    }
  }
  builder.finish([&](std::size_t part) { return fmt::format("{}:{}_masks[{}]", file.name(), kParts[part], row); });
}

std::uint64_t mask_row(const std::string& split) {
  const std::string_view digits = std::string_view(split).substr(5);
  std::uint64_t row = 0;
  const auto [after, error] = std::from_chars(digits.data(), digits.data() + digits.size(), row);
  if (error == std::errc{} && after == digits.data() + digits.size()) return row;
  throw InputError(fmt::format("split '{}': expected the number of a published split, as in 'mask:3'", split));
}

void read_default(const fs::path& folder, VertexId vertices, SplitBuilder& builder, NodeData& data) {
  std::size_t here = 0;
  for (std::size_t part = 0; part < kParts.size(); ++part) here += fs::exists(text_file(folder, part)) ? 1 : 0;
  if (here == kParts.size()) {
    data.split = "train.txt, valid.txt, test.txt";
    read_text_lists(folder, builder);
  } else if (here > 0) {
    throw InputError(
        fmt::format("{}: only {} of train.txt, valid.txt and test.txt; expected all three", folder.string(), here));
  } else if (fs::exists(folder / "split.npz")) {
    data.split = "split.npz";
    read_arrays(base::NpzFile(folder / "split.npz"), vertices, builder);
  } else {
    throw InputError(
        fmt::format("{}: no train.txt, valid.txt, test.txt or split.npz here; draw a split: random:60/20/20, "
                    "planetoid or per-class:20/30",
                    folder.string()));
  }
}

/// Of a folder that holds a graph and no more, as Galena writes them, a split is drawn.
bool is_bare(const fs::path& folder) {
  const auto has = [&](const char* file) { return fs::exists(folder / file); };
  return !has("labels.npy") && !has("labels_multi.npz") && !has("split.npz") && !has("train.txt") &&
         !has("valid.txt") && !has("test.txt");
}

}  // namespace

void read_split(const fs::path& folder, VertexId vertices, const NodeDataOptions& options, NodeData& data) {
  SplitBuilder builder(vertices, data);
  if (options.split == "default" && is_bare(folder)) {
    NodeDataOptions drawn = options;
    drawn.split = "random:60/20/20";
    draw_split(vertices, drawn, data);
    data.notes.emplace_back("The split was drawn at random, since the folder has none (--split draws others).");
  } else if (options.split == "default") {
    read_default(folder, vertices, builder, data);
  } else if (options.split.starts_with("mask:")) {
    const std::uint64_t row = mask_row(options.split);
    data.split = fmt::format("split.npz, split {}", row);
    read_masks(base::NpzFile(folder / "split.npz"), row, vertices, builder);
  } else if (!draw_split(vertices, options, data)) {
    throw InputError(
        fmt::format("split '{}' is unknown; expected default, mask:3, random:60/20/20, planetoid or per-class:20/30",
                    options.split));
  }
}

}  // namespace galena::detail
