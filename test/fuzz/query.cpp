// Any bytes as a query text: either an InputError or queries that print and parse back. Small
// patterns also go through the automorphism search and the canonical form.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <string_view>

#include "codegen/pattern/automorphism.hpp"
#include "codegen/pattern/canonical.hpp"
#include "galena/error.hpp"
#include "galena/pattern.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check_symmetry(const galena::Pattern& pattern) {
  std::vector<int> order(static_cast<std::size_t>(pattern.size()));
  std::iota(order.rbegin(), order.rend(), 0);
  const galena::Pattern reversed = pattern.permuted(order);
  require(galena::codegen::isomorphic(pattern, reversed));

  const galena::codegen::Automorphisms group(pattern);
  require(group.size() == galena::codegen::Automorphisms(reversed).size());
  galena::codegen::u128 product = 1;
  for (const auto orbit : group.chain(order)) product *= static_cast<unsigned>(__builtin_popcount(orbit));
  require(product == group.size());
}

void check(const galena::Pattern& pattern) {
  require(galena::Pattern::parse(pattern.to_string()) == pattern);
  if (pattern.conditions().size() < 8) check_symmetry(pattern);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<galena::Query> queries;
  try {
    queries = galena::parse_queries(text);
  } catch (const galena::InputError&) {
  }
  if (queries.size() > 4) queries.resize(4);
  for (const galena::Query& query : queries) {
    if (query.pattern.size() > 0) check(query.pattern);
  }
  try {
    check(galena::Pattern::parse(text));
  } catch (const galena::InputError&) {
  }
  return 0;
}
