#pragma once
// What galena train tells programs: the result (--json), epochs (--metrics) and the options that a run used.

#include <nlohmann/json.hpp>

#include "apps/train_options.hpp"

namespace galena::cli {

using Json = nlohmann::ordered_json;

/// NaN and infinity have no place in JSON: null.
Json number_json(double value);

/// One line of --metrics. Epochs count from 0.
Json record_json(const EpochRecord& record);

/// Every option of a settled command with the value used, under its name on the command line.
Json options_json(const TrainCommand& command);

Json result_json(const TrainCommand& command, const TrainResult& result);

}  // namespace galena::cli
