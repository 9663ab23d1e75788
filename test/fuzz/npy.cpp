// Arrays and archives of them: whatever the file holds, an error, or arrays of as many elements as their shapes say
// and sparse matrices that stay within their arrays.

#include "src/base/npy.hpp"
#include "galena/error.hpp"
#include "src/graph/node_files.hpp"
#include "test/fuzz/fuzz.hpp"

namespace {

using galena::base::NpyArray;

void require(bool holds) {
  if (!holds) std::abort();
}

template <class T>
void read_values(const NpyArray& array) {
  galena::test::expect_graph_or_error([&] { require(array.values<T>().size() == array.size()); });
}

void read_array(const NpyArray& array) {
  read_values<float>(array);
  read_values<std::int64_t>(array);
  read_values<std::uint8_t>(array);
  galena::test::expect_graph_or_error([&] { (void)array.text(); });
}

void read_matrix(const galena::base::NpzFile& file) {
  std::vector<std::string> notes;
  const galena::FeatureMatrix matrix = galena::detail::read_scipy_csr(file, notes);
  require(matrix.indptr.size() == matrix.rows + 1 && matrix.indptr.back() == matrix.indices.size());
  for (std::uint64_t row = 0; row < matrix.rows; ++row) {
    for (galena::EdgeOffset i = matrix.indptr[row]; i < matrix.indptr[row + 1]; ++i) {
      require(matrix.indices[i] < matrix.cols);
      require(i == matrix.indptr[row] || matrix.indices[i - 1] < matrix.indices[i]);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  galena::test::expect_graph_or_error([&] { read_array(NpyArray(bytes, "input", nullptr)); });
  return galena::test::expect_graph_or_error([&] {
    const galena::base::NpzFile file(bytes, "input");
    const galena::base::ZipArchive archive(bytes, "input");
    for (const auto& member : archive.members()) {
      galena::test::expect_graph_or_error([&] {
        read_array(file.read(member.name.substr(0, member.name.size() - std::min<std::size_t>(4, member.name.size()))));
      });
    }
    read_matrix(file);
  });
}
