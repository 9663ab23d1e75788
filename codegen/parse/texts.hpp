#pragma once
// Several texts of queries, one after another: a file, then what a command line asks.

#include <string_view>
#include <vector>

#include "codegen/parse/definitions.hpp"
#include "galena/pattern.hpp"

namespace galena::codegen {

/// Each text knows the patterns that those before it have defined.
class Texts {
 public:
  /// The queries of a text, as parse_queries() finds them. `may_only_define`: there need be none.
  std::vector<Query> read(std::string_view text, std::string_view source, bool may_only_define = false);

 private:
  Definitions definitions_;
};

}  // namespace galena::codegen
