#pragma once
// galena train --report: a run as one page of HTML, with everything in it.

#include "apps/train_options.hpp"

namespace galena::cli {

/// The page. It refers to nothing outside itself, and names no date: the same run gives the same page but for times.
std::string report_html(const TrainCommand& command, const TrainResult& result);

/// Writes it to command.report, whole or not at all. Throws EnvironmentError where it cannot be written.
void write_report(const TrainCommand& command, const TrainResult& result);

}  // namespace galena::cli
