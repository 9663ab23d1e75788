#include "src/train/selection.hpp"

#include <algorithm>

namespace galena::train {
namespace {

std::vector<std::int64_t> running_sizes(std::span<const Sample> samples) {
  std::vector<std::int64_t> first{0};
  for (const Sample& sample : samples)
    first.push_back(first.back() + static_cast<std::int64_t>(sample.positions.size()));
  return first;
}

// Rows 0 .. rows - 1, the columns that are drawn, renumbered.
void filter(const Share& share, std::int64_t rows, Drawn& drawn) {
  constexpr VertexId kAbsent = ~VertexId{0};
  const nn::GraphView& view = share.view;
  std::vector<VertexId> number(static_cast<std::size_t>(view.halo), kAbsent);
  for (std::size_t k = 0; k < drawn.halo_numbers.size(); ++k) number[drawn.halo_numbers[k]] = static_cast<VertexId>(k);
  drawn.csr.rows = rows;
  drawn.csr.cols = static_cast<std::int64_t>(drawn.halo_numbers.size());
  drawn.csr.indptr.reserve(static_cast<std::size_t>(rows) + 1);
  for (std::int64_t i = 0; i < rows; ++i) {
    for (EdgeOffset k = view.outer.indptr[i]; k < view.outer.indptr[i + 1]; ++k)
      if (const VertexId column = number[view.outer.indices[k]]; column != kAbsent) drawn.csr.indices.push_back(column);
    drawn.csr.indptr.push_back(drawn.csr.indices.size());
  }
  drawn.csr_t.rows = drawn.csr.cols;
  drawn.csr_t.cols = rows;
  for (const VertexId halo : drawn.halo_numbers) {
    for (EdgeOffset k = view.outer_t.indptr[halo]; k < view.outer_t.indptr[halo + 1]; ++k)
      if (view.outer_t.indices[k] < rows) drawn.csr_t.indices.push_back(view.outer_t.indices[k]);
    drawn.csr_t.indptr.push_back(drawn.csr_t.indices.size());
  }
}

}  // namespace

std::shared_ptr<const Drawn> make_selection(const Share& share, std::vector<Sample> receives, std::vector<Sample> sends,
                                            std::int64_t rows, std::uint64_t version) {
  auto drawn = std::make_shared<Drawn>();
  drawn->first = running_sizes(receives);
  drawn->sent_first = running_sizes(sends);
  bool weighted = false;
  for (std::size_t r = 0; r < receives.size(); ++r) {
    const Route& route = share.receives[r];
    for (const std::uint32_t k : receives[r].positions) drawn->halo_numbers.push_back(route.rows[k]);
    weighted = weighted || !receives[r].weights.empty();
  }
  if (weighted)
    for (const Sample& sample : receives) {
      if (sample.weights.empty()) drawn->weights.resize(drawn->weights.size() + sample.positions.size(), 1.0F);
      drawn->weights.insert(drawn->weights.end(), sample.weights.begin(), sample.weights.end());
    }
  drawn->receives = std::move(receives);
  drawn->sends = std::move(sends);

  nn::HaloSelection& view = drawn->view;
  view.count = static_cast<std::int64_t>(drawn->halo_numbers.size());
  view.version = version;
  if (weighted) view.weight = drawn->weights.data();
  if (view.count == share.view.halo && rows == share.view.outer.rows) {
    drawn->halo_numbers.clear();  // the whole halo, as it stands
    view.csr = share.view.outer.view();
    view.csr_t = share.view.outer_t.view();
  } else {
    filter(share, rows, *drawn);
    view.csr = drawn->csr.view();
    view.csr_t = drawn->csr_t.view();
    view.halo_numbers = drawn->halo_numbers.data();
  }
  return drawn;
}

}  // namespace galena::train
