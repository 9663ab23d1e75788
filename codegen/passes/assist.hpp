#pragma once
// Passes over a finished loop nest that give repeated probes a table.

#include <functional>

#include "codegen/plan/plan.hpp"

namespace galena::codegen {

/// Marks: "is v[x] joined to v[y]", asked in a loop deeper than y, becomes a look-up in a byte
/// array in which the neighbours of v[y] are marked once.
void add_marks(Plan& plan);

/// Marks for sizes: where |S and N(v[d])| is asked in a loop over S, a list of the graph, S is marked once, and the
/// neighbours may be looked up instead of merged with S: that takes a step for each neighbour, however long S is. Which
/// of the two is done is decided by the lengths when it is asked.
void add_marked_sizes(Plan& plan);

/// The plan without them, which were added last: on a GPU, tables by vertex take whole blocks for each root.
Plan without_marked_sizes(Plan plan);

/// Counters: |S and N(v[d])|, asked in a loop at depth d over a set S that stands still, becomes
/// a look-up in an array of counters filled once by walking the neighbours of S: the number of
/// x in S with y in N(x) is |S and N(y)| for every y at once. This is how wedges are counted in
/// cycle(4) (Chiba and Nishizeki 1985), found here for any pattern that asks such a question.
/// `worthwhile(size, depth)` decides whether the size, with S settled at `depth`, is converted.
void add_counters(Plan& plan, const std::function<bool(int size, int depth)>& worthwhile);

/// A counter that is read once for each increment, in loops over just the lists that raised it,
/// is summed while it is raised instead: with k the counter of y, those loops visit y k times,
/// so they add up k or k * k over all y, and the sum of k * k is twice the sum of what each
/// increment found, plus their number. It makes counting cycle(4) a single pass over wedges.
void fold_counters(Plan& plan);

/// Gives every set that is written a buffer; sets of different branches share.
void assign_slots(Plan& plan);

}  // namespace galena::codegen
