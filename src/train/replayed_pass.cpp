#include "src/train/replayed_pass.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "src/ops/device_ops.hpp"

namespace galena::train {

Tensor ReplayedPass::run(std::uint32_t epoch, std::optional<std::uint64_t> kind, const std::function<Tensor()>& pass) {
  if (!wanted_ || !kind) return pass();
  if (std::exchange(kind_, *kind) != *kind) {  // what was recorded is of no use any more
    loss_ = {};
    graph_.reset();
    passes_ = std::min(passes_, kPlain - 1);
  }
  if (loss_.defined()) {
    graph_->replay(epoch);
    ++replayed_;
    return loss_;
  }
  if (passes_++ < kPlain) return pass();
  if (graph_ != nullptr) return record(epoch, pass);
  return begin() ? rehearse(pass) : pass();
}

/// The graph's memory is besides what others have kept: there must be enough for a pass twice.
bool ReplayedPass::begin() {
  std::uint64_t free = 0, total = 0;
  ops::device_ops().memory(&free, &total);
  if (free < total / 2) {
    wanted_ = false;
    why_not_ = "less than half of the device's memory is free";
    return false;
  }
  graph_ = std::make_unique<ops::DeviceGraph>();
  return true;
}

Tensor ReplayedPass::rehearse(const std::function<Tensor()>& pass) {
  std::vector<Tensor> before;
  for (const auto& [name, buffer] : store_.buffers()) before.push_back(buffer.clone());
  Tensor loss;
  try {
    graph_->rehearse([&] { loss = pass(); });
  } catch (const Error& e) {  // there may be memory for a pass, but not for keeping what it took
    if (!alone_) throw;
    for (std::size_t k = 0; k < before.size(); ++k) store_.buffers()[k].second.copy_from(before[k]);
    return give_up(e.what(), pass);
  }
  return loss.clone();
}

Tensor ReplayedPass::record(std::uint32_t epoch, const std::function<Tensor()>& pass) {
  Tensor loss;
  try {
    graph_->record(epoch, [&] { loss = pass(); });
  } catch (const Error& e) {  // an error of the pass itself comes again where it runs
    return give_up(e.what(), pass);
  }
  loss_ = loss;
  graphs_ = graph_->graphs();
  if (recorded_++ == 0) first_replayed_ = epoch;
  graph_->replay(epoch);
  ++replayed_;
  return loss_;
}

Tensor ReplayedPass::give_up(const std::string& why, const std::function<Tensor()>& pass) {
  graph_.reset();
  wanted_ = false;
  why_not_ = why;
  return pass();
}

std::string ReplayedPass::describe() const {
  if (recorded_ == 0)
    return why_not_.empty() ? "" : fmt::format("Passes were not replayed as a CUDA graph: {}", why_not_);
  std::string text =
      fmt::format("From epoch {} on (the first is 0), passes were replayed as {}", first_replayed_,
                  graphs_ == 1 ? "one CUDA graph"
                               : fmt::format("{} CUDA graphs, between which ranks exchange rows and sums", graphs_));
  if (recorded_ > 1)
    text += fmt::format("; {} of them, recorded {} times, since what travels was assigned anew", replayed_, recorded_);
  if (!why_not_.empty()) text += "; then no more: " + why_not_;
  return text;
}

}  // namespace galena::train
