#include "codegen/passes/tail.hpp"

namespace galena::codegen {

namespace {

void extend(std::vector<std::vector<int>>& blocks, int next, int t, std::vector<Partition>& out) {
  if (next == t) {
    Partition p{blocks, 1};
    for (const auto& block : blocks)
      for (std::int64_t i = 1; i < static_cast<std::int64_t>(block.size()); ++i) p.coefficient *= -i;
    out.push_back(std::move(p));
    return;
  }
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    blocks[b].push_back(next);
    extend(blocks, next + 1, t, out);
    blocks[b].pop_back();
  }
  blocks.push_back({next});
  extend(blocks, next + 1, t, out);
  blocks.pop_back();
}

}  // namespace

std::vector<Partition> injective_partitions(int t) {
  std::vector<Partition> out;
  std::vector<std::vector<int>> blocks;
  extend(blocks, 0, t, out);
  return out;
}

}  // namespace galena::codegen
