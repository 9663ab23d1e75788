// Node datasets: real ones against their published counts, and every way a folder can contradict itself.

#include "galena/node_dataset.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <sstream>

#include "galena/error.hpp"
#include "src/base/npy.hpp"
#include "test/support/catch.hpp"
#include "test/support/data.hpp"
#include "test/support/npz.hpp"

using namespace galena;
using test::contains;
using test::npy;
using test::raw;
namespace fs = std::filesystem;

namespace {

// A path of six vertices, the last without edges; two classes; dense features [6, 2].
class SmallFolder {
 public:
  SmallFolder() {
    write("edges.txt", "# Nodes: 6 Edges: 4\n0 1\n1 2\n2 3\n3 4\n");
    labels({0, 1, 0, 1, 0, 1});
    write("features.npy", npy("<f4", "6, 2", raw<float>({1, 3, 0, 0, -1, 1, 2, 2, 5, 0, 4, 4})));
    write("train.txt", "# ids\n0\n1\n");
    write("valid.txt", "2\n");
    write("test.txt", "5\n3\n");
  }
  void write(const std::string& name, const std::string& text) const { (void)folder_.write(name, text); }
  void remove(const std::string& name) const { fs::remove(folder_.path() / name); }
  void labels(const std::vector<std::int32_t>& ids) const {
    write("labels.npy", npy("<i4", std::to_string(ids.size()) + ",", raw(ids)));
  }
  [[nodiscard]] NodeDataset load(const NodeDataOptions& options = {}) const {
    return load_node_dataset(folder_.path().string(), options);
  }
  [[nodiscard]] NodeDataset load_split(const std::string& split) const {
    NodeDataOptions options;
    options.split = split;
    return load(options);
  }
  void check_refused(const std::string& message, const NodeDataOptions& options = {}) const {
    CAPTURE(message);
    CHECK_THROWS_AS(load(options), InputError);
    CHECK_THROWS_WITH(load(options), contains(message));
  }

 private:
  test::TemporaryFolder folder_;
};

bool noted(const NodeData& data, const std::string& part) {
  return std::ranges::any_of(data.notes, [&](const std::string& note) { return note.find(part) != std::string::npos; });
}

// The lines "key: value" of a dataset's README.
std::map<std::string, std::string> read_readme(const fs::path& folder) {
  std::map<std::string, std::string> entries;
  std::ifstream file(folder / "README");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (colon != std::string::npos) entries.emplace(line.substr(0, colon), line.substr(colon + 2));
  }
  return entries;
}

std::uint64_t number_after(const std::string& text, const std::string& word) {
  const std::size_t at = text.find(word);
  return at == std::string::npos ? 0 : std::stoull(text.substr(at + word.size()));
}

// Lines of INDEX.tsv of one kind, cut at tabs.
std::vector<std::vector<std::string>> read_index(const fs::path& data, const std::string& kind) {
  std::vector<std::vector<std::string>> rows;
  std::ifstream file(data / "INDEX.tsv");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::vector<std::string> row;
    for (std::string word; std::getline(words, word, '\t');) row.push_back(word);
    if (row.size() > 5 && row[1] == kind) rows.push_back(row);
  }
  return rows;
}

void check_split(const NodeData& data, VertexId vertices) {
  std::set<VertexId> all;
  for (const auto* part : {&data.train, &data.valid, &data.test}) {
    CHECK(!part->empty());
    CHECK(std::ranges::is_sorted(*part));
    for (const VertexId v : *part) {
      REQUIRE(v < vertices);
      if (!all.insert(v).second) FAIL("vertex " << v << " twice");
      if (!data.multi_label && data.labels[v] < 0) FAIL("vertex " << v << " has no label");
    }
  }
}

}  // namespace

TEST_CASE("node datasets: karate is bundled") {
  const NodeDataset karate = load_node_dataset("karate");
  CHECK(karate.name == "karate");
  CHECK(is_node_dataset("karate"));
  CHECK(is_node_dataset("davis"));
  CHECK(!is_node_dataset("no-such-thing"));
  CHECK(karate.graph.num_vertices() == 34);
  CHECK(karate.data.num_classes == 2);
  CHECK(karate.data.train == std::vector<VertexId>{0, 33});
  CHECK(karate.data.labels[0] != karate.data.labels[33]);
  CHECK(karate.data.features.cols == 34);
  CHECK(noted(karate.data, "identity"));
  check_split(karate.data, 34);
}

TEST_CASE("node datasets: every real one has its published counts") {
  const auto data = test::data_dir();
  if (!data || !fs::exists(*data / "INDEX.tsv")) GALENA_SKIP("no data sets here");
  const auto rows = read_index(*data, "node-classification");
  CHECK(rows.size() == 13);
  for (const auto& row : rows) {
    CAPTURE(row[0]);
    const NodeDataset set = load_node_dataset((*data / row[0]).string());
    const auto readme = read_readme(*data / row[0]);
    const VertexId vertices = set.graph.num_vertices();
    CHECK(set.name == row[0]);
    CHECK(vertices == std::stoull(row[2]));
    CHECK(set.graph.num_edges() == std::stoull(row[3]));
    CHECK(set.data.features.rows == vertices);
    const std::uint64_t columns = std::stoull(row[4]);
    CHECK(set.data.features.cols == (columns == 0 ? vertices : columns));
    if (const std::uint64_t nnz = number_after(readme.at("feature_file"), "nnz ")) {
      CHECK(set.data.features.sparse());
      CHECK(set.data.features.nonzeros() == nnz);
    }
    CHECK(set.data.num_classes == std::stoull(row[5]));
    if (!set.data.multi_label) {
      CHECK(static_cast<std::uint64_t>(std::ranges::count(set.data.labels, -1)) ==
            std::stoull(readme.at("unlabelled")));
    }
    const std::string sizes =
        fmt::format("{}/{}/{}", set.data.train.size(), set.data.valid.size(), set.data.test.size());
    CHECK_THAT(readme.at("split"), contains(" " + sizes));
    check_split(set.data, vertices);
  }
}

TEST_CASE("node datasets: text lists and split.npz say the same, and masks are read") {
  const auto data = test::data_dir();
  if (!data || !fs::exists(*data / "actor")) GALENA_SKIP("no data sets here");
  NodeDataOptions options;
  options.split = "mask:0";
  const NodeDataset first = load_node_dataset((*data / "actor").string(), options);
  const NodeDataset usual = load_node_dataset((*data / "actor").string());
  CHECK(first.data.split == "split.npz, split 0");
  CHECK(first.data.train == usual.data.train);
  CHECK(first.data.valid == usual.data.valid);
  CHECK(first.data.test == usual.data.test);
  options.split = "mask:9";
  CHECK(load_node_dataset((*data / "actor").string(), options).data.train != usual.data.train);
  options.split = "mask:10";
  CHECK_THROWS_WITH(load_node_dataset((*data / "actor").string(), options), contains("no split 10: there are 10"));
}

TEST_CASE("node datasets: several classes a vertex, stored in Fortran order") {
  const auto data = test::data_dir();
  if (!data || !fs::exists(*data / "blogcatalog3")) GALENA_SKIP("no data sets here");
  const NodeDataset set = load_node_dataset((*data / "blogcatalog3").string());
  CHECK(set.data.multi_label);
  CHECK(set.data.labels.empty());
  REQUIRE(set.data.label_matrix.size() == std::size_t{10312} * 39);
  // Tang and Liu (2009): 14,476 memberships, and every blogger has an interest.
  CHECK(std::accumulate(set.data.label_matrix.begin(), set.data.label_matrix.end(), 0) == 14476);
  for (std::size_t v = 0; v < 10312; ++v) {
    REQUIRE(std::ranges::count(std::span(set.data.label_matrix).subspan(v * 39, 39), 1) > 0);
  }
}

TEST_CASE("node datasets: the data of a hypergraph's folder, with sparse labels") {
  const auto data = test::data_dir();
  if (!data || !fs::exists(*data / "hg-mathoverflow-answers")) GALENA_SKIP("no data sets here");
  const NodeData set = load_node_data(*data / "hg-mathoverflow-answers", 73851);
  CHECK(set.num_classes == 1380);
  CHECK(std::ranges::count(set.label_matrix, 1) == 73851);  // README: data.npy has as many entries
  CHECK(set.train.size() == 36925);
  CHECK(load_node_data(*data / "hg-zoo", 101).features.dense.size() == std::size_t{101} * 16);
  CHECK_THROWS_WITH(load_node_data(*data / "hg-zoo", 100),
                    contains("labels.npy: 101 rows, but ") && contains("hyperedges.txt.gz has 100 vertices"));
}

TEST_CASE("node datasets: a folder of one's own") {
  const SmallFolder folder;
  const NodeDataset set = folder.load();
  CHECK(set.graph.num_vertices() == 6);
  CHECK(set.graph.degree(5) == 0);
  CHECK(set.data.labels == std::vector<std::int32_t>{0, 1, 0, 1, 0, 1});
  CHECK(!set.data.features.sparse());
  CHECK(set.data.features.dense[4 * 2 + 0] == 5);
  CHECK(set.data.train == std::vector<VertexId>{0, 1});
  CHECK(set.data.test == std::vector<VertexId>{3, 5});
  CHECK(set.data.split == "train.txt, valid.txt, test.txt");
  CHECK(set.data.notes.empty());
}

TEST_CASE("features: sparse, with unsorted and repeated columns") {
  const SmallFolder folder;
  folder.remove("features.npy");
  folder.write("features.npz", test::scipy_csr(6, 3, {0, 2, 2, 5, 6, 6, 6}, {2, 0, 1, 1, 0, 2}, {1, 2, 3, 4, 5, 6}));
  const NodeDataset set = folder.load();
  CHECK(set.data.features.indptr == std::vector<EdgeOffset>{0, 2, 2, 4, 5, 5, 5});
  CHECK(set.data.features.indices == std::vector<std::uint32_t>{0, 2, 0, 1, 2});
  CHECK(set.data.features.values == std::vector<float>{2, 1, 5, 7, 6});
  CHECK(noted(set.data, "1 repeated entries added up"));
}

TEST_CASE("features: made up where there are none") {
  const SmallFolder folder;
  folder.remove("features.npy");
  CHECK(folder.load().data.features.indices == std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5});
  NodeDataOptions options;
  options.no_features = "degree";
  const FeatureMatrix degrees = folder.load(options).data.features;
  CHECK(degrees.cols == 3);
  CHECK(degrees.indices == std::vector<std::uint32_t>{1, 2, 2, 2, 1, 0});
  CHECK(degrees.values == std::vector<float>(6, 1));
  options.no_features = "random";
  folder.check_refused("no_features is 'random'; expected 'identity', 'degree' or 'label-noise:SIGMA'", options);
}

TEST_CASE("features: labels with noise, where there are none") {
  const SmallFolder folder;
  folder.remove("features.npy");
  NodeDataOptions options;
  options.no_features = "label-noise:0";
  const NodeData exact = folder.load(options).data;
  CHECK(exact.features.cols == 100);
  for (std::size_t v = 0; v < 6; ++v) {
    for (std::size_t c = 0; c < 100; ++c) REQUIRE(exact.features.dense[v * 100 + c] == (exact.labels[v] == int(c)));
  }
  CHECK(noted(exact, "of test vertices too"));
  options.no_features = "label-noise:2";
  const auto draw = [&] { return folder.load(options).data.features.dense; };
  const std::vector<float> noisy = draw();
  CHECK(draw() == noisy);
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < noisy.size(); ++i) {
    const double noise = noisy[i] - exact.features.dense[i];
    sum += noise / 600;
    squares += noise * noise / 600;
  }
  CHECK(std::abs(sum) < 0.4);  // five deviations of a mean of 600
  CHECK(std::abs(squares - 4) < 1.2);
  options.seed = 1;
  CHECK(draw() != noisy);
  for (const char* const wrong : {"label-noise:", "label-noise:-1", "label-noise:1x", "label-noise:nan"}) {
    options.no_features = wrong;
    folder.check_refused("expected 'identity', 'degree' or 'label-noise:SIGMA'", options);
  }
}

TEST_CASE("node datasets: a folder of hyperedges, each vertex with one of its own unless told otherwise") {
  const SmallFolder folder;
  folder.remove("edges.txt");
  folder.write("hyperedges.txt", "# Vertices: 6\n0 1 2\n3\n1 4\n");
  const NodeDataset set = folder.load();
  REQUIRE(set.hypergraph);
  CHECK(set.graph.num_vertices() == 0);
  CHECK(set.num_vertices() == 6);
  CHECK(set.hypergraph->num_hyperedges() == 8);
  for (VertexId v = 0; v < 6; ++v) {
    const auto edges = set.hypergraph->edges_of(v);
    CHECK(std::ranges::count_if(edges, [&](HyperedgeId e) { return set.hypergraph->members(e).size() == 1; }) == 1);
  }
  CHECK(noted(set.data, "5 hyperedges were added"));
  NodeDataOptions options;
  options.self_loops = false;
  CHECK(folder.load(options).hypergraph->num_hyperedges() == 3);
  folder.remove("features.npy");
  options.no_features = "degree";
  CHECK(folder.load(options).data.features.indices == std::vector<std::uint32_t>{1, 2, 1, 1, 1, 0});
  folder.write("hyperedges.txt", "# Vertices: 5\n0 1 2\n3\n1 4\n");
  folder.check_refused("hyperedges.txt has 5 vertices; where vertices without edges are missing, say '# Vertices: 6'");
  folder.write("hyperedges.txt", "# Vertices: 4\n0 1 2\n9\n");
  folder.check_refused("hyperedges.txt: its ids have gaps or reach beyond '# Vertices: n'");
}

TEST_CASE("features: rows divided, columns standardized over the training vertices") {
  const SmallFolder folder;
  NodeDataOptions options;
  options.normalize = Normalize::row_l1;
  const NodeDataset rows = folder.load(options);
  CHECK(rows.data.features.dense == std::vector<float>{0.25F, 0.75F, 0, 0, -0.5F, 0.5F, 0.5F, 0.5F, 1, 0, 0.5F, 0.5F});
  CHECK(noted(rows.data, "divided by the sum"));
  options.normalize = Normalize::standardize;
  const NodeDataset columns = folder.load(options);
  // Training rows (1, 3) and (0, 0): means 0.5 and 1.5, deviations 0.5 and 1.5.
  CHECK(columns.data.features.dense[0] == 1);
  CHECK(columns.data.features.dense[3] == -1);
  CHECK(columns.data.features.dense[8] == 9);
  CHECK(noted(columns.data, "over the training vertices"));
  folder.write("features.npy", npy("<f4", "6, 1", raw<float>({2, 2, 3, 4, 5, 6})));
  CHECK(folder.load(options).data.features.dense == std::vector<float>{0, 0, 1, 2, 3, 4});  // constant: only shifted
  folder.remove("features.npy");
  folder.check_refused("standardize would make a sparse feature matrix dense; choose rows", options);
}

TEST_CASE("features: a column constant over the training vertices is only shifted, whatever sums round to") {
  const SmallFolder folder;
  folder.write("edges.txt", "# Nodes: 9 Edges: 1\n0 1\n");
  folder.labels({0, 1, 0, 1, 0, 1, 0, 1, 0});
  folder.write("train.txt", "0\n1\n2\n3\n4\n5\n6\n");
  folder.write("valid.txt", "7\n");
  folder.write("test.txt", "8\n");
  std::vector<float> column(9, 0.1F);
  column[7] = 0;
  column[8] = 1e6F;
  folder.write("features.npy", npy("<f4", "9, 1", raw(column)));
  NodeDataOptions options;
  options.normalize = Normalize::standardize;
  const std::vector<float> shifted = folder.load(options).data.features.dense;
  CHECK(shifted == std::vector<float>{0, 0, 0, 0, 0, 0, 0, -0.1F, static_cast<float>(1e6 - double{0.1F})});
}

TEST_CASE("features: 1 wherever they are not 0, dense or sparse") {
  const SmallFolder folder;
  NodeDataOptions options;
  options.normalize = Normalize::binary;
  const NodeDataset dense = folder.load(options);
  CHECK(dense.data.features.dense == std::vector<float>{1, 1, 0, 0, 1, 1, 1, 1, 1, 0, 1, 1});
  CHECK(noted(dense.data, "set to 1"));
  folder.remove("features.npy");
  folder.write("features.npz", test::scipy_csr(6, 9, {0, 1, 1, 1, 3, 3, 3}, {0, 4, 7}, {3, 0, -0.5F}));
  const FeatureMatrix sparse = folder.load(options).data.features;
  CHECK(sparse.values == std::vector<float>{1, 0, 1});
  CHECK(sparse.indices == std::vector<std::uint32_t>{0, 4, 7});
}

TEST_CASE("features: rows of a real bag of words sum to one") {
  const auto data = test::data_dir();
  if (!data || !fs::exists(*data / "citeseer")) GALENA_SKIP("no data sets here");
  NodeDataOptions options;
  options.normalize = Normalize::row_l1;
  const FeatureMatrix& features = load_node_dataset((*data / "citeseer").string(), options).data.features;
  std::size_t empty = 0;
  for (std::uint64_t row = 0; row < features.rows; ++row) {
    double sum = 0;
    for (EdgeOffset i = features.indptr[row]; i < features.indptr[row + 1]; ++i) sum += features.values[i];
    empty += features.indptr[row] == features.indptr[row + 1] ? 1 : 0;
    if (sum != 0) REQUIRE(std::abs(sum - 1) < 1e-5);
  }
  CHECK(empty == 15);  // the papers without an abstract stay rows of zeros
}

TEST_CASE("features: what is no finite float is named by row and column") {
  const SmallFolder folder;
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinite = std::numeric_limits<float>::infinity();
  folder.write("features.npy", npy("<f4", "6, 2", raw<float>({1, 3, 0, 0, -1, nan, 2, 2, 5, 0, infinite, 4})));
  folder.check_refused("features.npy: row 2, column 1 is nan; expected a finite number");
  folder.write("features.npy", npy("<f8", "6, 1", raw<double>({1, 3, 0, 0, -1, 1e39})));
  folder.check_refused("features.npy: element [5, 0] is 1e+39; expected a float of 32 bits");
  folder.remove("features.npy");
  folder.write("features.npz", test::scipy_csr(6, 9, {0, 1, 1, 1, 3, 3, 3}, {0, 4, 7}, {1, 1, -infinite}));
  folder.check_refused("features.npz: row 3, column 7 is -inf");
}

TEST_CASE("features: what contradicts itself is refused") {
  const SmallFolder folder;
  folder.write("features.npy", npy("<f4", "6,", raw<float>({1, 3, 0, 0, -1, 1})));
  folder.check_refused("features.npy: shape (6,); expected (vertices, columns)");
  folder.write("features.npy", npy("<f4", "6, 0", ""));
  folder.check_refused("features.npy: 0 columns");
  folder.write("features.npy", npy("<f4", "5, 1", raw<float>({1, 3, 0, 0, -1})));
  folder.check_refused("features.npy: 5 rows, but ");
  folder.check_refused("edges.txt has 6 vertices");
  folder.write("features.npz", test::scipy_csr(6, 3, {0, 0, 0, 0, 0, 0, 0}, {}, {}));
  folder.check_refused("both features.npy and features.npz");
  folder.remove("features.npy");
  const auto refused = [&](const std::string& file, const std::string& message) {
    folder.write("features.npz", file);
    folder.check_refused("features.npz: " + message);
  };
  refused(test::scipy_csr(6, 3, {0, 0, 0, 0, 0, 0, 0}, {}, {}, "csc"), "a sparse matrix in format 'csc'");
  refused(test::scipy_csr(6, 3, {0, 0, 0, 0}, {}, {}), "indptr has 4 entries, but shape says 6 rows");
  refused(test::scipy_csr(6, 3, {}, {}, {}), "indptr has 0 entries");
  folder.write("features.npz", test::scipy_csr(~std::uint64_t{0}, 3, {}, {}, {}));
  folder.check_refused("features.npz:shape.npy: element [0] is -1");
  refused(test::scipy_csr(6, 3, {0, 1, 1, 1, 1, 1, 2}, {0}, {1}), "indptr runs from 0 to 2; expected 0 to 1");
  refused(test::scipy_csr(6, 3, {0, 2, 1, 2, 2, 2, 2}, {0, 1}, {1, 1}), "indptr[2] is 1, but indptr[1] before it is 2");
  refused(test::scipy_csr(6, 3, {0, 1, 1, 1, 1, 1, 1}, {3}, {1}), "indices[0] is 3, but there are 3 columns");
  refused(test::scipy_csr(6, 3, {0, 1, 1, 1, 1, 1, 1}, {0}, {1, 2}), "1 indices, but 2 values");
  refused(test::scipy_csr(7, 3, {0, 0, 0, 0, 0, 0, 0, 0}, {}, {}), "7 rows, but ");
  refused("PK", "2 bytes, too few");
}

TEST_CASE("labels: ids are renumbered, and nothing that is no class passes") {
  const SmallFolder folder;
  folder.labels({7, 3, 7, 3, 900, -1});
  folder.write("test.txt", "3\n");
  const NodeDataset set = folder.load();
  CHECK(set.data.labels == std::vector<std::int32_t>{1, 0, 1, 0, 2, -1});
  CHECK(set.data.class_ids == std::vector<std::int64_t>{3, 7, 900});
  CHECK(set.data.num_classes == 3);
  CHECK(noted(set.data, "class ids from 3 to 900 were renumbered 0 to 2"));
  folder.labels({4, 4, 4, 4, 4, -1});
  folder.check_refused("every label is 4; expected two classes or more");
  folder.labels({-1, -1, -1, -1, -1, -1});
  folder.check_refused("no vertex has a label");
  folder.labels({0, 1, -2, 0, 0, 0});
  folder.check_refused("labels.npy: row 2 is -2");
  folder.labels({0, 1, 0});
  folder.check_refused("labels.npy: 3 rows, but ");
  folder.write("labels.npy", npy("<f4", "6,", raw<float>({0, 1, 0.5, 0, 1, 0})));
  folder.check_refused("labels.npy: element [2] is 0.5");
  folder.write("labels.npy", npy("<i4", "6, 1", raw<std::int32_t>({0, 1, 0, 1, 0, 1})));
  CHECK(folder.load().data.labels[1] == 1);
  folder.write("labels.npy", npy("<i4", "1, 1, 1", raw<std::int32_t>({0})));
  folder.check_refused("labels.npy: shape (1, 1, 1)");
  folder.remove("labels.npy");
  folder.check_refused("no labels.npy, labels_multi.npz or vlabels.txt here");
}

TEST_CASE("labels: a matrix, dense or sparse") {
  const SmallFolder folder;
  const std::vector<std::uint8_t> matrix{1, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0};
  folder.write("labels.npy", npy("|u1", "6, 3", raw(matrix)));
  const NodeDataset dense = folder.load();
  CHECK(dense.data.multi_label);
  CHECK(dense.data.num_classes == 3);
  CHECK(dense.data.label_matrix == matrix);
  folder.remove("labels.npy");
  folder.write("labels_multi.npz",
               test::scipy_csr(6, 3, {0, 2, 2, 4, 5, 8, 9}, {0, 2, 1, 2, 2, 0, 1, 2, 1}, std::vector<float>(9, 1)));
  CHECK(folder.load().data.label_matrix == matrix);
  folder.write("labels_multi.npz", test::scipy_csr(6, 3, {0, 1, 1, 1, 1, 1, 1}, {1}, {2}));
  folder.check_refused("row 0, column 1 is 2; expected 0 or 1");
  folder.labels({0, 1, 0, 1, 0, 1});
  folder.check_refused("both labels.npy and labels_multi.npz");
  folder.remove("labels_multi.npz");
  folder.write("labels.npy", npy("<i4", "6, 2", raw<std::int32_t>({0, 1, 0, 1, 3, 0, 0, 0, 0, 0, 0, 0})));
  folder.check_refused("labels.npy: row 2, column 0 is 3; expected 0 or 1");
}

TEST_CASE("edges: vertex v must be row v") {
  const SmallFolder folder;
  folder.write("edges.txt", "0 1\n1 2\n2 3\n3 4\n");
  folder.check_refused("labels.npy: 6 rows, but ");
  folder.check_refused("edges.txt has 5 vertices; where vertices without edges are missing, say '# Nodes: 6'");
  folder.write("edges.txt", "0 1\n1 2\n2 3\n3 4\n4 5\n5 6\n");
  folder.check_refused("edges.txt has 7 vertices: there is no row for the vertices from 6 on");
  folder.write("edges.txt", "# Nodes: 4\n0 1\n1 2\n2 3\n3 9\n");
  folder.check_refused("edges.txt: its ids have gaps or reach beyond '# Nodes: n'");
  folder.write("edges.txt", "# Nodes: 6\n0 1\n1 0\n2 2\n3 4\n");
  CHECK(noted(folder.load().data, "1 self-loops and 1 duplicates of 4 edges dropped"));
  folder.remove("edges.txt");
  folder.check_refused("no edges.txt or edges.txt.gz here");
  folder.write("edges.txt", "# Nodes: 0\n");
  folder.check_refused("no vertices");
}

TEST_CASE("splits: each mistake in a list is named by file and line") {
  const SmallFolder folder;
  const auto refused = [&](const std::string& train, const std::string& message) {
    folder.write("train.txt", train);
    folder.check_refused("train.txt" + message);
  };
  refused("0\n\n6\n", ":3: no vertex 6: the graph has 6");
  refused("0\n1\n0\n", ":3: vertex 0 is here twice");
  refused("# nothing\n", ": no vertices for 'train'");
  refused("0\nx\n", ":2:1: expected a vertex id, found 'x'");
  refused("0 1\n", ":1:3: expected one vertex id a line");
  refused("-1\n", ":1:1: expected a vertex id");
  folder.write("train.txt", "0\n2\n");
  folder.check_refused("valid.txt:1: vertex 2 is in train already");
  folder.write("train.txt", "0\n1\n");
  folder.labels({0, 1, 0, 1, 0, -1});
  folder.check_refused("test.txt:1: vertex 5 has no label (-1)");
  folder.labels({0, 1, 0, 1, 0, 1});
  folder.write("valid.txt", "");
  folder.check_refused("valid.txt: no vertices for 'valid'");
  folder.remove("valid.txt");
  folder.check_refused("only 2 of train.txt, valid.txt and test.txt");
  folder.remove("train.txt");
  folder.remove("test.txt");
  folder.check_refused("no train.txt, valid.txt, test.txt or split.npz here");
}

TEST_CASE("splits: arrays and masks of split.npz") {
  const SmallFolder folder;
  for (const char* name : {"train.txt", "valid.txt", "test.txt"}) folder.remove(name);
  const auto ids = [](const std::vector<std::int32_t>& list) {
    return npy("<i4", std::to_string(list.size()) + ",", raw(list));
  };
  const auto masks = [](const std::vector<std::uint8_t>& bits) { return npy("|u1", "2, 6", raw(bits)); };
  const auto write = [&](const std::vector<std::int32_t>& test, const std::vector<std::uint8_t>& test_masks) {
    folder.write("split.npz", test::ZipWriter()
                                  .add("train.npy", ids({4, 0}))
                                  .add("valid.npy", ids({1}))
                                  .add("test.npy", ids(test))
                                  .add("train_masks.npy", masks({1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0}))
                                  .add("valid_masks.npy", masks({0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}))
                                  .add("test_masks.npy", masks(test_masks))
                                  .finish());
  };
  const std::vector<std::uint8_t> good{0, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 1};
  write({2, 3}, good);
  CHECK(folder.load().data.train == std::vector<VertexId>{0, 4});
  CHECK(folder.load().data.split == "split.npz");
  const NodeDataset second = folder.load_split("mask:1");
  CHECK(second.data.train == std::vector<VertexId>{2, 4});
  CHECK(second.data.valid == std::vector<VertexId>{1});
  CHECK(second.data.test == std::vector<VertexId>{3, 5});
  CHECK_THROWS_WITH(folder.load_split("mask:2"), contains("no split 2: there are 2, numbered from 0"));
  CHECK_THROWS_WITH(folder.load_split("mask:x"), contains("expected the number of a published split"));
  write({2, 1}, {0, 1, 0, 0, 0, 0, 2, 0, 0, 1, 0, 1});
  folder.check_refused("split.npz:test.npy[1]: vertex 1 is in valid already");
  CHECK_THROWS_WITH(folder.load_split("mask:0"), contains("test_masks.npy[0, 1]: vertex 1 is in valid already"));
  CHECK_THROWS_WITH(folder.load_split("mask:1"), contains("test_masks.npy[1, 0] is 2; expected 0 or 1"));
  write({-1}, good);
  folder.check_refused("test.npy: element [0] is -1");
  write({}, good);
  folder.check_refused("split.npz:test: no vertices for 'test'");
  folder.write("split.npz", test::ZipWriter().add("train.npy", ids({0})).finish());
  folder.check_refused("no array 'valid'; it holds train.npy");
}

TEST_CASE("splits: arrays of bools are masks, and masks of several splits are chosen from") {
  const SmallFolder folder;
  for (const char* name : {"train.txt", "valid.txt", "test.txt"}) folder.remove(name);
  const auto bools = [](const std::string& shape, const std::vector<std::uint8_t>& bits) {
    return npy("|b1", shape, raw(bits));
  };
  const auto write = [&](const std::string& train) {
    folder.write("split.npz", test::ZipWriter()
                                  .add("train.npy", train)
                                  .add("valid.npy", bools("6,", {0, 1, 0, 0, 0, 0}))
                                  .add("test.npy", npy("<i4", "2,", raw<std::int32_t>({5, 2})))
                                  .finish());
  };
  write(bools("6,", {1, 0, 0, 1, 1, 0}));
  const NodeData data = folder.load().data;
  CHECK(data.train == std::vector<VertexId>{0, 3, 4});
  CHECK(data.valid == std::vector<VertexId>{1});
  CHECK(data.test == std::vector<VertexId>{2, 5});
  write(bools("5,", {1, 0, 0, 1, 1}));
  folder.check_refused("split.npz:train.npy: bools of shape (5,); expected (6,), one a vertex");
  write(bools("6, 1", {1, 0, 0, 1, 1, 0}));
  folder.check_refused("split.npz:train.npy: bools of shape (6, 1); expected (6,)");
  write(bools("6,", {1, 0, 1, 1, 1, 0}));
  folder.check_refused("split.npz:test.npy[1]: vertex 2 is in train already");
  write(bools("6,", {0, 0, 0, 0, 0, 0}));
  folder.check_refused("split.npz:train: no vertices for 'train'");
  folder.write("split.npz", test::ZipWriter().add("train_masks.npy", bools("1, 6", {1, 0, 0, 1, 1, 0})).finish());
  folder.check_refused("choose one, as in --split mask:0");
}
