#pragma once
// The halo columns of one exchange as operations see them, and the samples they came from.

#include <memory>
#include <vector>

#include "src/nn/halo.hpp"
#include "src/ops/device_csr.hpp"
#include "src/train/sampler.hpp"

namespace galena::train {

/// Places by route, on a device those of columns, and the name of what such samples are written into, one in the place of
/// another.
struct SampleRoom {
  std::vector<std::uint32_t> receives, sends;
  std::uint64_t frame = 0;
  ops::CsrRoom csr, csr_t;
};

/// A sample of each route. Where it has room for any other (SampleRoom), a route's rows are the first of its places, and
/// the places after them stand for no row: nothing is summed from or into them.
struct Drawn {
  std::vector<Sample> receives, sends;  ///< by route of the share
  std::shared_ptr<const SampleRoom> room;
  std::vector<std::int64_t> first;       ///< [receives + 1]: places of a route are first[r] .. first[r + 1] - 1
  std::vector<std::int64_t> sent_first;  ///< [sends + 1]: the same for rows that come back
  nn::HaloSelection view;

  // What `view` points to, where it is not the whole halo.
  ops::CsrArrays csr, csr_t;
  std::vector<VertexId> halo_numbers;
  std::vector<float> weights;
  std::vector<ops::CsrPiece> pieces, pieces_t;  ///< of csr and csr_t on a device, where there is room
};

/// Builds the selection of these samples over rows 0 .. rows - 1 of what the share's columns are summed into. `room`: or
/// null, for as many places as there are rows.
std::shared_ptr<const Drawn> make_selection(const Share& share, std::vector<Sample> receives, std::vector<Sample> sends,
                                            std::int64_t rows, std::shared_ptr<const SampleRoom> room = nullptr);

}  // namespace galena::train
