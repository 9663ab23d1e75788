// Matrix Market files: whatever the file holds, a sound graph or an error comes of it.

#include "galena/error.hpp"
#include "src/graph/readers.hpp"
#include "test/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return galena::test::expect_graph_or_error([&] {
    galena::LoadOptions options;
    options.threads = 1;
    galena::test::expect_sound(galena::detail::read_matrix_market(galena::test::text_source(data, size), options));
  });
}
