#pragma once

#include <mutex>

#include "src/hypergraph/layout.hpp"
#include "src/hypergraph/program.hpp"
#include "src/ops/device_tiles.hpp"

namespace galena::hyper {

struct Layout::Storage {
  Hypergraph owner;  ///< keeps the arrays, where they are a hypergraph's
  ops::Csr by_edge, by_vertex;
  std::int64_t rows = 0, edges = 0, cols = 0;
  Program program;                                    ///< empty where the incidence lies in a GPU's memory
  std::shared_ptr<const ops::DeviceTiles> on_device;  ///< there
  LayoutStats stats;
  TileOptions options;

  /// Tiles without shared sums, more of them than threads: for steps that need whole rows of hyperedges. Made when it is
  /// first asked for.
  const Program& plain_program() const;

 private:
  mutable std::once_flag plain_once_;
  mutable Program plain_;
};

}  // namespace galena::hyper
