#include "bench/gpu/report.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace galena::bench {

void Report::row(const std::string& section, const Json& row) {
  Json line{{"section", section}};
  line.update(row);
  fmt::print("{}\n", line.dump(-1, ' ', false, Json::error_handler_t::replace));
  std::fflush(stdout);
}

void Report::guarded(const std::string& section, const Json& what, const std::function<void()>& f) {
  try {
    f();
  } catch (const std::exception& e) {
    Json failed = what;
    failed["error"] = e.what();
    row(section, failed);
    if (!lost_()) return;
    row("end", {{"error", "the device answers nothing any more; what comes after was not measured"}});
    throw DeviceLost(e.what());
  }
}

}  // namespace galena::bench
