#pragma once
// What the fuzz targets share.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "galena/error.hpp"
#include "src/graph/check.hpp"
#include "src/graph/storage.hpp"
#include "src/graph/text_source.hpp"

namespace galena::test {

inline detail::TextSource text_source(const std::uint8_t* data, std::size_t size) {
  return {std::string_view(reinterpret_cast<const char*>(data), size), "input"};
}

/// Aborts unless `graph` has every invariant.
inline void expect_sound(const Graph& graph) {
  if (!detail::find_defect(*detail::share_storage(graph)).empty()) std::abort();
}

/// Runs `read`, which may throw InputError, or EnvironmentError where the input asks for much memory; anything else
/// escapes, and the fuzzer reports it.
template <class Read>
int expect_graph_or_error(const Read& read) {
  try {
    read();
  } catch (const InputError&) {
  } catch (const EnvironmentError&) {
  }
  return 0;
}

}  // namespace galena::test
