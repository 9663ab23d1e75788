#include "src/train/replayed_pass.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "galena/error.hpp"
#include "src/comm/placement.hpp"
#include "src/ops/device_memory.hpp"
#include "src/ops/device_ops.hpp"

namespace galena::train {
namespace {

constexpr comm::Label kControl{comm::Traffic::control, -1, comm::Direction::none};

}  // namespace

void GraphRoom::note(std::uint64_t bytes) { most_ = std::max(most_, bytes); }

bool GraphRoom::fits(std::uint64_t graph) {
  const ops::DeviceOps& ops = ops::device_ops();
  const int here = alone() ? 0 : comm::rank_on_machine(comm_);
  std::uint64_t free = 0, total = 0;
  ops.memory(&free, &total);
  const auto signed_bytes = [](std::uint64_t bytes) { return static_cast<std::int64_t>(bytes); };
  // Bytes and ranks of a device: the most of all; free bytes: the least.
  std::array<std::int64_t, 3> all{signed_bytes(graph + most_ + snapshots_), 1 + here / std::max(1, ops.count()),
                                  -signed_bytes(free)};
  if (!alone()) comm_.max(std::span(all), kControl);
  return all[0] <= -all[2] / all[1];
}

bool GraphRoom::any(bool mine) {
  std::array<std::int64_t, 1> all{mine ? 1 : 0};
  if (!alone()) comm_.max(std::span(all), kControl);
  return all[0] != 0;
}

Tensor ReplayedPass::run(std::uint32_t epoch, std::optional<std::uint64_t> kind, const std::function<Tensor()>& pass) {
  if (!wanted_ || !kind) return run_plain(pass);
  if (std::exchange(kind_, *kind) != *kind) {  // what was recorded is of no use any more
    assigned_anew_ |= recorded_ > 0;
    forget();
    passes_ = std::min(passes_, kPlain - 1);
  }
  if (result_.defined()) {
    graph_->replay(epoch);
    ++replayed_;
    return result_;
  }
  if (passes_++ < kPlain) return run_plain(pass);
  if (graph_ != nullptr) return record(epoch, pass);
  return begin() ? rehearse(pass) : run_plain(pass);
}

Tensor ReplayedPass::run_plain(const std::function<Tensor()>& pass) {
  const ops::CountedMemory counted;
  Tensor result = pass();
  takes_ = counted.bytes();
  room_.note(*takes_);
  return result;
}

void ReplayedPass::forget() {
  if (graph_ == nullptr) return;
  result_ = {};
  graph_.reset();
  passes_ = std::min(passes_, kPlain - 1);
}

bool ReplayedPass::begin() {
  const bool first = before_ == nullptr || !before_->wanted_ || before_->graph_ != nullptr;
  if (!first && passes_ <= kPatience) return false;
  if (!room_.fits(*takes_)) {
    wanted_ = false;
    why_not_ = "the device's memory does not hold a graph beside what passes take that are not replayed";
    return false;
  }
  graph_ = std::make_unique<ops::DeviceGraph>();
  rehearsed_ = 0;
  return true;
}

Tensor ReplayedPass::rehearse(const std::function<Tensor()>& pass) {
  std::vector<Tensor> buffers;
  for (const auto& [name, buffer] : store_.buffers()) buffers.push_back(buffer.clone());
  ++rehearsed_;
  Tensor result;
  try {
    graph_->rehearse([&] { result = pass(); });
  } catch (const Error& e) {
    if (!room_.alone()) throw;
    for (std::size_t k = 0; k < buffers.size(); ++k) store_.buffers()[k].second.copy_from(buffers[k]);
    return give_up(e.what(), pass);
  }
  return result.clone();
}

Tensor ReplayedPass::record(std::uint32_t epoch, const std::function<Tensor()>& pass) {
  Tensor result;
  std::string failed;
  try {
    graph_->record(epoch, [&] { result = pass(); });
  } catch (const Error& e) {  // an error of the pass itself comes again where it runs
    failed = e.what();
  }
  if (room_.any(!failed.empty())) {
    if (rehearsed_ < kRehearsals) return rehearse(pass);
    return give_up(failed.empty() ? "another rank could not" : failed, pass);
  }
  result_ = result;
  graphs_ = graph_->graphs();
  if (recorded_++ == 0) first_replayed_ = epoch;
  graph_->replay(epoch);
  ++replayed_;
  return result_;
}

Tensor ReplayedPass::give_up(const std::string& why, const std::function<Tensor()>& pass) {
  graph_.reset();
  wanted_ = false;
  why_not_ = why;
  return run_plain(pass);
}

std::string ReplayedPass::describe() const {
  if (recorded_ == 0)
    return why_not_.empty() ? "" : fmt::format("Passes were not replayed as a CUDA graph: {}", why_not_);
  std::string text =
      fmt::format("From epoch {} on (the first is 0), passes were replayed as {}", first_replayed_,
                  graphs_ == 1 ? "one CUDA graph"
                               : fmt::format("{} CUDA graphs, between which ranks exchange rows and sums", graphs_));
  if (recorded_ > 1)
    text += fmt::format("; {} of them, recorded {} times{}", replayed_, recorded_,
                        assigned_anew_ ? ", since what travels was assigned anew" : "");
  if (!why_not_.empty()) text += "; then no more: " + why_not_;
  return text;
}

}  // namespace galena::train
