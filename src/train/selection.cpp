#include "src/train/selection.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "galena/error.hpp"

namespace galena::train {
namespace {

/// Where each route's places begin.
std::vector<std::int64_t> places(std::span<const Sample> samples, const std::vector<std::uint32_t>* room) {
  std::vector<std::int64_t> first{0};
  for (std::size_t r = 0; r < samples.size(); ++r) {
    const std::size_t rows = samples[r].positions.size(), here = room != nullptr ? (*room)[r] : rows;
    if (rows > here)
      throw InternalError("a sample has " + std::to_string(rows) + " rows, and there is room for " +
                          std::to_string(here));
    first.push_back(first.back() + static_cast<std::int64_t>(here));
  }
  return first;
}

/// Rows 0 .. rows - 1, the columns that are drawn, renumbered.
void filter(const Share& share, std::int64_t rows, Drawn& drawn) {
  constexpr VertexId kAbsent = ~VertexId{0};
  const nn::GraphView& view = share.view;
  std::vector<VertexId> number(static_cast<std::size_t>(view.halo), kAbsent);
  ops::CsrArrays &csr = drawn.csr, &csr_t = drawn.csr_t;
  csr_t.rows = csr.cols = drawn.first.back();
  csr_t.cols = csr.rows = rows;
  for (std::size_t r = 0; r < drawn.receives.size(); ++r) {
    const auto& positions = drawn.receives[r].positions;
    for (std::size_t k = 0; k < positions.size(); ++k) {
      const VertexId halo = share.receives[r].rows[positions[k]];
      number[halo] = static_cast<VertexId>(drawn.first[r]) + static_cast<VertexId>(k);
      for (EdgeOffset e = view.outer_t.indptr[halo]; e < view.outer_t.indptr[halo + 1]; ++e)
        if (view.outer_t.indices[e] < rows) csr_t.indices.push_back(view.outer_t.indices[e]);
      csr_t.indptr.push_back(csr_t.indices.size());
    }
    csr_t.indptr.resize(static_cast<std::size_t>(drawn.first[r + 1]) + 1, csr_t.indices.size());
  }
  csr.indptr.reserve(static_cast<std::size_t>(rows) + 1);
  for (std::int64_t i = 0; i < rows; ++i) {
    for (EdgeOffset k = view.outer.indptr[i]; k < view.outer.indptr[i + 1]; ++k)
      if (const VertexId column = number[view.outer.indices[k]]; column != kAbsent) csr.indices.push_back(column);
    csr.indptr.push_back(csr.indices.size());
  }
}

}  // namespace

std::shared_ptr<const Drawn> make_selection(const Share& share, std::vector<Sample> receives, std::vector<Sample> sends,
                                            std::int64_t rows, std::shared_ptr<const SampleRoom> room) {
  auto drawn = std::make_shared<Drawn>();
  drawn->first = places(receives, room != nullptr ? &room->receives : nullptr);
  drawn->sent_first = places(sends, room != nullptr ? &room->sends : nullptr);
  drawn->receives = std::move(receives);
  drawn->sends = std::move(sends);
  nn::HaloSelection& view = drawn->view;
  view.count = drawn->first.back();
  view.version = nn::next_selection_version();
  view.frame = room != nullptr ? room->frame : 0;

  const bool weighted =
      room != nullptr || std::ranges::any_of(drawn->receives, [](const Sample& s) { return !s.weights.empty(); });
  if (weighted) drawn->weights.resize(static_cast<std::size_t>(view.count), 1.0F);
  drawn->halo_numbers.resize(static_cast<std::size_t>(view.count), 0);
  for (std::size_t r = 0; r < drawn->receives.size(); ++r) {
    const Sample& sample = drawn->receives[r];
    std::ranges::copy(sample.weights, drawn->weights.begin() + drawn->first[r]);
    for (std::size_t k = 0; k < sample.positions.size(); ++k)
      drawn->halo_numbers[static_cast<std::size_t>(drawn->first[r]) + k] = share.receives[r].rows[sample.positions[k]];
  }
  if (weighted) view.weight = drawn->weights.data();
  if (room == nullptr && view.count == share.view.halo && rows == share.view.outer.rows) {
    drawn->halo_numbers.clear();  // the whole halo, as it stands
    view.csr = share.view.outer.view();
    view.csr_t = share.view.outer_t.view();
  } else {
    filter(share, rows, *drawn);
    view.csr = drawn->csr.view();
    view.csr_t = drawn->csr_t.view();
    view.halo_numbers = drawn->halo_numbers.data();
  }
  if (room == nullptr) return drawn;
  drawn->pieces = ops::lay_out(view.csr, room->csr);
  drawn->pieces_t = ops::lay_out(view.csr_t, room->csr_t);
  drawn->room = std::move(room);
  return drawn;
}

}  // namespace galena::train
