// Edge lists, plain and gzip: whatever the file holds, a sound graph or an error comes of it.

#include "galena/error.hpp"
#include "src/graph/readers.hpp"
#include "test/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return galena::test::expect_graph_or_error([&] {
    if (size == 0) return;
    galena::LoadOptions options;
    options.threads = 1;
    options.directed = (data[0] & 1) != 0;
    options.edge_labels = (data[0] & 2) != 0;
    galena::test::expect_sound(galena::detail::read_edge_list(galena::test::text_source(data + 1, size - 1), options));
  });
}
