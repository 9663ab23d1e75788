#pragma once
// The options of galena train, and what they mean.

#include <string>

#include "apps/cli.hpp"
#include "galena/train.hpp"

namespace galena::cli {

struct TrainCommand {
  std::string dataset, config;
  std::string normalize = "auto", norm = "none", message_bits = "32", transport = "threads", device = "auto";
  std::string partition_method = "metis-volume", dtype = "f32", precision = "f32";
  std::string metrics, report, predictions, logits, embeddings, weights, checkpoint, resume;
  NodeDataOptions data;
  TrainOptions train;
  double weight_decay = -1;  ///< -1: the model's own
  double link_latency_ms = 0, link_mbit = 0;
  bool directed = false;
  bool plan = false;  ///< print what training would cost, and end
  std::vector<int> planned_parts, planned_bits;
  std::vector<double> planned_rates;

  void add_to(CLI::App& command);
  /// What is not given takes the value that the model's paper uses; the rest is translated.
  void settle(CLI::App& command, const Common& common);
};

}  // namespace galena::cli
