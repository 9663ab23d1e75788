#pragma once

namespace galena::cli {

/// Has SIGINT and SIGTERM set stop_flag() of apps/cli.hpp.
void catch_signals();

}  // namespace galena::cli
