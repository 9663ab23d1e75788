#pragma once
// The headers that generated code includes, as text.

#include <string_view>
#include <vector>

namespace galena::jit {

struct Header {
  std::string_view name;  ///< as it is included: "codegen/runtime/abi.h"
  std::string_view text;
};

const std::vector<Header>& embedded_headers();

}  // namespace galena::jit
