#include "src/hypergraph/program.hpp"

namespace galena::hyper {
namespace {

template <class T>
std::uint64_t bytes_of(const std::vector<T>& v) {
  return v.size() * sizeof(T);
}

}  // namespace

std::uint64_t RowList::bytes() const {
  return bytes_of(groups) + bytes_of(target) + bytes_of(factor) + bytes_of(source) + bytes_of(start);
}

}  // namespace galena::hyper
