#include <algorithm>

#include "src/base/isa.hpp"
#include "src/mine/cliques/clique_kernels.hpp"

namespace galena::mine {
namespace scalar {
extern const CliqueKernels clique_kernels_table;
}
namespace avx2 {
extern const CliqueKernels clique_kernels_table;
}
namespace avx512 {
extern const CliqueKernels clique_kernels_table;
}

const CliqueKernels& clique_kernels() {
  static const CliqueKernels* const tables[] = {&scalar::clique_kernels_table, &avx2::clique_kernels_table,
                                                &avx512::clique_kernels_table};
  static const int chosen = std::min(static_cast<int>(base::chosen_isa()), 2);
  return *tables[chosen];
}

}  // namespace galena::mine
