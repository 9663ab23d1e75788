#pragma once
// WHERE conditions: checks, flattening, and a normal form in which conditions that
// obviously mean the same are equal.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "galena/pattern.hpp"

namespace galena::codegen {

/// A piece of a pattern as numbers, so that pieces can be compared and sorted.
using Key = std::vector<std::int64_t>;

/// The parts of `condition` under its outermost ANDs, with AND and OR flattened inside them.
/// Throws InputError where it is malformed or names a vertex outside 0..size-1.
std::vector<Condition> flatten_conjuncts(Condition condition, int size);

/// The conjuncts of the conjunction of `conditions`: NOT is pushed down to the comparisons
/// (attributes are totally ordered, so NOT < is >=), nested AND and OR are flattened.
std::vector<Condition> normal_conjuncts(std::span<const Condition> conditions);

/// The condition as numbers, vertex v being written rename[v]. Symmetric comparisons have
/// their sides ordered, > is written as <, a strict comparison with a constant as one that
/// is not, the parts of AND and OR are sorted without repeats.
Key encode(const Condition& condition, std::span<const int> rename);

/// `condition` with vertex v replaced by rename[v].
Condition renamed(Condition condition, std::span<const int> rename);

/// As the language writes it; vertices by name.
std::string to_text(const Condition& condition, std::span<const Pattern::Vertex> vertices);

}  // namespace galena::codegen
