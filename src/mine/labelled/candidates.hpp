#pragma once
// Which vertices of the graph each vertex of a pattern may be matched with, as far as they and their
// neighbours tell.

#include <vector>

#include "src/mine/labelled/shape.hpp"

namespace galena::mine::labelled {

/// By pattern vertex, increasing. Empty for all where there can be no match, or when `stop` rises.
using Candidates = std::vector<std::vector<rt::vid>>;

/// First those of a fitting label and degree with enough neighbours of every label that the pattern's
/// vertex has around it. Then, until nothing changes (or a few rounds, of what costs more), those go
/// - that have no candidate next to them for a neighbour of the pattern's vertex;
/// - whose neighbours cannot be given to the pattern vertex's neighbours, each its own (a bipartite matching).
/// `first` receives, by pattern vertex, how many there were before the rounds.
Candidates find_candidates(const Shape& shape, const rt::GraphView& graph, const volatile int* stop,
                           std::vector<std::size_t>* first = nullptr);

}  // namespace galena::mine::labelled
