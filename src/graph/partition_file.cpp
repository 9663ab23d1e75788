// Partitions in files: METIS's lines of part numbers under a heading, and the folder that keeps them.

#include "src/graph/partition_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "galena/dataset.hpp"
#include "galena/error.hpp"
#include "src/base/file_writer.hpp"
#include "src/base/hash.hpp"
#include "src/base/mapped_file.hpp"
#include "src/graph/line_reader.hpp"
#include "src/graph/text_out.hpp"

namespace galena {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kFirstLine = "# galena partition 1";

// All but the last line, which is the checksum of these and of the parts.
std::string heading(const Partition& partition, std::uint64_t vertices) {
  return fmt::format(
      "{}\n# graph {:016x}\n# vertices {}\n# parts {}\n# method {}\n# seed {}\n# imbalance {}\n# balanced {}\n"
      "# train {:016x}\n",
      kFirstLine, partition.graph_digest, vertices, partition.parts, partition.method, partition.seed,
      partition.imbalance, partition.balanced, partition.train_digest);
}

std::uint64_t checksum(const Partition& partition) {
  const std::string text = heading(partition, partition.part_of.size());
  return base::hash_combine(base::hash_bytes(std::as_bytes(std::span(text))),
                            base::hash_large(std::as_bytes(std::span(partition.part_of))));
}

class PartitionReader {
 public:
  PartitionReader(const fs::path& path, const Graph& graph)
      : path_(path), file_(path), lines_(detail::TextSource(file_.bytes(), path.string())), graph_(graph) {}

  Partition read() {
    const bool ours = file_.text().starts_with(kFirstLine);
    partition_.method = partition_.balanced = "";
    partition_.graph_digest = graph_.digest();
    partition_.reused = true;
    if (ours) read_heading();
    read_parts(ours ? static_cast<std::uint64_t>(partition_.parts) : std::uint64_t{1} << 16);
    if (!ours && !partition_.part_of.empty())
      partition_.parts = static_cast<int>(std::ranges::max(partition_.part_of)) + 1;
    if (ours && checksum(partition_) != checksum_) {
      throw InputError(path_.string() + ": damaged: its checksum is wrong; make it again with 'galena partition'");
    }
    return std::move(partition_);
  }

 private:
  // "# key value" lines in the order of heading(), then the checksum.
  void read_heading() {
    lines_.next_line();
    const auto digest = number("graph", 16);
    const auto vertices = number("vertices");
    if (digest != graph_.digest() || vertices != graph_.num_vertices()) {
      throw InputError(
          fmt::format("{}: made for another graph: of digest {:016x} and {} vertices, but this one has {:016x} and {}; "
                      "make it again with 'galena partition'",
                      path_.string(), digest, vertices, graph_.digest(), graph_.num_vertices()));
    }
    partition_.parts = static_cast<int>(number("parts", 10, 1 << 16));
    if (partition_.parts == 0) lines_.fail("0 parts; expected 1 or more");
    partition_.method = value("method");
    partition_.seed = number("seed");
    partition_.imbalance = decimal("imbalance");
    partition_.balanced = value("balanced");
    partition_.train_digest = number("train", 16);
    checksum_ = number("checksum", 16);
  }

  std::string value(std::string_view key) {
    if (!lines_.next_line() || lines_.word() != "#" || lines_.word() != key) {
      lines_.fail(fmt::format("expected '# {} ...'", key));
    }
    std::string text(lines_.rest());
    text.erase(0, text.find_first_not_of(' '));
    text.erase(text.find_last_not_of(" \r\n") + 1);
    return text;
  }

  template <class Value, class... Base>
  Value parse(std::string_view key, Base... base) {
    const std::string text = value(key);
    Value number{};
    const auto [after, error] = std::from_chars(text.data(), text.data() + text.size(), number, base...);
    if (error != std::errc{} || after != text.data() + text.size()) {
      lines_.fail(fmt::format("expected a number for '{}', found '{}'", key, text));
    }
    return number;
  }
  double decimal(std::string_view key) { return parse<double>(key); }
  std::uint64_t number(std::string_view key, int base = 10, std::uint64_t most = ~std::uint64_t{0}) {
    const auto number = parse<std::uint64_t>(key, base);
    if (number > most) lines_.fail(fmt::format("{} is too large for '{}': at most {}", number, key, most));
    return number;
  }

  void read_parts(std::uint64_t parts) {
    while (lines_.next_data_line('#')) {
      if (partition_.part_of.size() == graph_.num_vertices()) {
        lines_.fail(fmt::format("more lines than the graph's {} vertices", graph_.num_vertices()));
      }
      partition_.part_of.push_back(static_cast<std::uint32_t>(lines_.number("a part", parts - 1)));
      if (!lines_.at_end()) lines_.fail("expected one part a line");
    }
    if (partition_.part_of.size() == graph_.num_vertices()) return;
    throw InputError(fmt::format("{}: parts of {} vertices, but the graph has {}: truncated, or of another graph",
                                 path_.string(), partition_.part_of.size(), graph_.num_vertices()));
  }

  fs::path path_;
  base::MappedFile file_;
  detail::LineReader lines_;
  const Graph& graph_;
  Partition partition_;
  std::uint64_t checksum_ = 0;
};

std::uint64_t digest_of(std::span<const VertexId> train) {
  std::vector<VertexId> sorted(train.begin(), train.end());
  std::ranges::sort(sorted);
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  return base::hash_bytes(std::as_bytes(std::span(sorted)), sorted.size());
}

// The partition in the cache, if it is there and sound; otherwise perhaps a note.
std::optional<Partition> find_cached(const fs::path& path, const Graph& graph, const std::string& wanted,
                                     std::vector<std::string>& notes) {
  std::error_code error;
  if (!fs::exists(path, error)) return std::nullopt;
  try {
    Partition partition = load_partition(path, graph);
    if (heading(partition, partition.part_of.size()) == wanted) return partition;
    notes.push_back(fmt::format("{} holds another partition than its name says; it was made again.", path.string()));
  } catch (const Error& problem) {
    notes.push_back(fmt::format("The partition was made again, for the one kept cannot be used: {}.", problem.what()));
  }
  return std::nullopt;
}

std::string not_kept(const EnvironmentError& problem) {
  return fmt::format("The partition could not be kept for the next time: {}.", problem.what());
}

std::optional<fs::path> usual_folder(std::vector<std::string>& notes) {
  try {
    return dataset_cache() / "partitions";
  } catch (const EnvironmentError& problem) {
    notes.push_back(not_kept(problem));
    return std::nullopt;
  }
}

void keep(Partition& partition, const fs::path& path) {
  try {
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    save_partition(partition, path);
  } catch (const EnvironmentError& problem) {
    partition.notes.push_back(not_kept(problem));
  }
}

}  // namespace

namespace detail {

void check_train(const Graph& graph, std::span<const VertexId> train) {
  const auto high = std::ranges::find_if(train, [&](VertexId v) { return v >= graph.num_vertices(); });
  if (high == train.end()) return;
  throw InputError(
      fmt::format("training vertex {}: the graph has {} vertices, numbered from 0", *high, graph.num_vertices()));
}

Partition describe_partition(const Graph& graph, const PartitionOptions& options, std::span<const VertexId> train) {
  Partition partition;
  partition.parts = options.parts;
  partition.graph_digest = graph.digest();
  partition.method = partition_method_name(options.method);
  partition.seed = options.seed;
  partition.imbalance = options.imbalance;
  if (options.balance_edges && !graph.indices().empty()) partition.balanced += " edges";
  if (options.balance_train && !train.empty()) {
    partition.balanced += " train";
    partition.train_digest = digest_of(train);
  }
  if (options.balance_halo) partition.balanced += " halo";
  return partition;
}

}  // namespace detail

void save_partition(const Partition& partition, const fs::path& path) {
  base::AtomicFile file(path);
  detail::TextOut out(file, false);
  out.put(heading(partition, partition.part_of.size()));
  out.put(fmt::format("# checksum {:016x}\n", checksum(partition)));
  for (const std::uint32_t part : partition.part_of) {
    out.put(std::uint64_t{part});
    out.end_line();
  }
  out.finish();
  file.commit();
}

Partition load_partition(const fs::path& path, const Graph& graph) { return PartitionReader(path, graph).read(); }

Partition cached_partition(const Graph& graph, const PartitionOptions& options, std::span<const VertexId> train,
                           const fs::path& folder) {
  detail::check_train(graph, train);
  std::vector<std::string> notes;
  const std::optional<fs::path> place = folder.empty() ? usual_folder(notes) : folder;
  const std::string wanted = heading(detail::describe_partition(graph, options, train), graph.num_vertices());
  const std::string name =
      fmt::format("{:016x}-{}-{}-{:016x}.part", graph.digest(), options.parts, partition_method_name(options.method),
                  base::hash_bytes(std::as_bytes(std::span(wanted))));
  if (place) {
    if (auto partition = find_cached(*place / name, graph, wanted, notes)) return *std::move(partition);
  }
  Partition partition = partition_graph(graph, options, train);
  partition.notes.insert(partition.notes.begin(), notes.begin(), notes.end());
  if (place) keep(partition, *place / name);
  return partition;
}

}  // namespace galena
