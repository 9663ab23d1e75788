// The twin of nccl.cpp for builds without NCCL.
#include "galena/error.hpp"
#include "src/comm/device_links.hpp"
#include "src/comm/transports.hpp"

namespace galena::comm {

std::string nccl_version() { return {}; }

std::unique_ptr<DeviceLinks> nccl_links(Communicator& /*communicator*/, std::string_view /*device*/, void* /*stream*/) {
  throw EnvironmentError("this build has no NCCL; configure with -DGALENA_NCCL=ON, or use --transport threads");
}

}  // namespace galena::comm
