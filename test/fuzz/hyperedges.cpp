// Hyperedge lists and incidence matrices: whatever the file holds, a sound graph or an error comes of it.

#include "galena/error.hpp"
#include "src/hypergraph/readers.hpp"
#include "test/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return galena::test::expect_graph_or_error([&] {
    if (size == 0) return;
    galena::LoadOptions options;
    options.threads = 1;
    const auto source = galena::test::text_source(data + 1, size - 1);
    const galena::Hypergraph h = (data[0] & 1) != 0 ? galena::detail::read_incidence_matrix(source)
                                                    : galena::detail::read_hyperedges(source, options);
    galena::hypergraph_stats(h);
    galena::test::expect_sound(galena::star_expansion(h));
  });
}
