#pragma once
// choose() and explain() for a layout in a GPU's memory.

#include "src/hypergraph/cost.hpp"

namespace galena::hyper {

Choice choose_on_device(const Layout& layout, std::int64_t width, DType dtype);
std::string explain_on_device(const Choice& choice, const Layout& layout);

}  // namespace galena::hyper
