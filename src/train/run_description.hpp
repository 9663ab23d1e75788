#pragma once
// What a checkpoint must fit: data, model, optimizer, partition, messages, as names and values.

#include <string>

#include "src/train/replica.hpp"

namespace galena::train {

/// "dataset=karate; ...; lr=0.01; hidden=16".
std::string describe_run(const Run& run);

/// Of two of these: "lr 0.01 (here 0.02), ...".
std::string differences(const std::string& there, const std::string& here);

}  // namespace galena::train
