#include "apps/train_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "galena/error.hpp"
#include "galena/plan.hpp"

namespace galena::cli {
namespace {

using Json = nlohmann::ordered_json;

Json plan_json(const TrainPlan& plan, bool link) {
  Json json{
      {"parts", plan.parts},
      {"boundary_rate", plan.rate},
      {"message_bits", plan.bits},
      {"bytes_per_epoch", {{"payload", plan.payload}, {"parameters", plan.parameters}, {"gradients", plan.gradients}}},
      {"boundary_rows", plan.boundary_rows},
      {"balance", plan.balance},
      {"memory", plan.memory},
      {"compute_seconds", plan.compute_seconds}};
  if (link) json["transfer_seconds"] = plan.transfer_seconds;
  return json;
}

std::string megabytes(std::uint64_t bytes) { return fmt::format("{:.1f}", static_cast<double>(bytes) / 1e6); }

void print_table(const std::vector<TrainPlan>& plans, bool link) {
  fmt::print("  {:>5} {:>6} {:>5} {:>14} {:>12} {:>12} {:>12} {:>8} {:>10} {:>12}{}\n", "", "", "", "payload",
             "parameters", "gradients", "boundary", "balance", "memory", "computing", link ? "     sending" : "");
  fmt::print("  {:>5} {:>6} {:>5} {:>14} {:>12} {:>12} {:>12} {:>8} {:>10} {:>12}{}\n", "parts", "rate", "bits",
             "B an epoch", "B an epoch", "B an epoch", "rows", "max/mean", "MB a rank", "ms an epoch",
             link ? " ms an epoch" : "");
  for (const TrainPlan& plan : plans) {
    fmt::print("  {:>5} {:>6} {:>5} {:>14} {:>12} {:>12} {:>12} {:>8.3f} {:>10} {:>12.2f}", plan.parts, plan.rate,
               plan.bits, format_count(plan.payload), format_count(plan.parameters), format_count(plan.gradients),
               format_count(plan.boundary_rows), plan.balance, megabytes(plan.memory), plan.compute_seconds * 1e3);
    fmt::print("{}\n", link ? fmt::format(" {:>11.2f}", plan.transfer_seconds * 1e3) : "");
  }
}

// Partitions of all these sizes are the caller's wish; one file is of one size.
void check(const TrainCommand& command) {
  if (!command.train.partition_file.empty())
    throw InputError("--plan makes the partitions that it compares: leave out --partition");
  if (std::ranges::count(command.planned_bits, 0) > 0)
    throw InputError("--plan knows the bytes of fixed widths only: --message-bits 32, 16, 8, 4, 2 or 1");
  if (command.train.messages.byte_budget > 0)
    throw InputError("--plan compares rates and widths: leave out --byte-budget, which is a size already");
}

}  // namespace

void print_plan(const TrainCommand& command, const NodeDataset& data, const Common& common) {
  check(command);
  TrainOptions options = command.train;
  options.messages = {};
  const auto plans = plan_training(data, options, command.planned_parts, command.planned_rates, command.planned_bits);
  const bool link = options.link.bytes_per_second > 0;
  if (common.json) {
    Json list = Json::array();
    for (const TrainPlan& plan : plans) list.push_back(plan_json(plan, link));
    return print_json({{"dataset", command.dataset}, {"model", options.model.name}, {"plans", list}});
  }
  fmt::print("{}, {}: an epoch of training, all ranks together\n", command.dataset, options.model.name);
  print_table(plans, link);
  fmt::print(
      "  Bytes are exact. Computing is that of one part, timed just now, by the share of the fullest part;\n"
      "  {}memory is an estimate.\n",
      link ? "sending is that of the busiest rank, not overlapped; " : "give --link-mbit for the time of sending; ");
}

}  // namespace galena::cli
