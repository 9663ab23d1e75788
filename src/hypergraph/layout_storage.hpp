#pragma once

#include "src/hypergraph/layout.hpp"
#include "src/hypergraph/program.hpp"

namespace galena::hyper {

struct Layout::Storage {
  Hypergraph owner;  ///< keeps the arrays, where they are a hypergraph's
  ops::Csr by_edge, by_vertex;
  std::int64_t rows = 0, edges = 0, cols = 0;
  Program program;
  LayoutStats stats;
};

}  // namespace galena::hyper
