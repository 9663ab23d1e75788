#include <nccl.h>

#include "src/comm/transports.hpp"

namespace galena::comm {

std::string nccl_version() {
  int code = 0;  // major * 10000 + minor * 100 + patch
  if (ncclGetVersion(&code) != ncclSuccess) return "version unknown";
  return std::to_string(code / 10000) + "." + std::to_string(code / 100 % 100) + "." + std::to_string(code % 100);
}

}  // namespace galena::comm
