#pragma once
// What bench_gpu has measured: a line of JSON a row, written as soon as the row is there, so that a run which is ended or
// fails keeps what came before.

#include <functional>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace galena::bench {

using Json = nlohmann::ordered_json;

enum class Scale {
  tiny,   ///< to see that all runs, also on an emulated device
  quick,  ///< without the largest
  full,
};

/// After an error the device answers nothing any more.
class DeviceLost : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Report {
 public:
  /// `lost`: whether the device is; asked after an error.
  explicit Report(std::function<bool()> lost) : lost_(std::move(lost)) {}

  /// Prints {"section": ..., what the row has}.
  void row(const std::string& section, const Json& row);
  /// Runs f, which adds rows. What it throws becomes a row too, `what` and "error". Throws DeviceLost where nothing more can
  /// be measured, and says so.
  void guarded(const std::string& section, const Json& what, const std::function<void()>& f);

 private:
  std::function<bool()> lost_;
};

}  // namespace galena::bench
