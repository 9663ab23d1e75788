#pragma once
// Candidate requirements: what a vertex must satisfy given the vertices matched before it,
// and the table that turns requirements into shared, hoisted sets.

#include <map>
#include <string>
#include <vector>

#include "codegen/passes/order_relation.hpp"
#include "codegen/plan/plan.hpp"

namespace galena::codegen {

/// What a candidate x must satisfy. The set of such x is the value of the requirement.
struct Requirement {
  struct Neighbor {
    int depth;
    int elabel;  ///< index in Plan::labels, or -1 for any
    bool operator==(const Neighbor&) const = default;
  };
  std::vector<Neighbor> joined;  ///< x is joined to v[depth]; by depth
  Mask separated = 0;            ///< x is not joined to v[i]
  int vlabel = -1;               ///< index in Plan::labels, or -1 for any
  Bounds bounds;                 ///< closed: every bound known, implied ones too
  bool impossible = false;       ///< contradictory: the set is empty
  [[nodiscard]] bool joins(int depth) const;
};

/// Interns label sets in a plan: equal sets get equal indices; -1 is "any".
int intern_labels(Plan& plan, const LabelSet& set);
/// The intersection of two interned label sets, interned; sets `empty` where nothing is left.
int intersect_labels(Plan& plan, int a, int b, bool& empty);

/// The requirement on pattern vertex `u` by the vertices in `known` (depths < u).
Requirement requirement_of(Plan& plan, const Pattern& pattern, const OrderRelation& order, int u, Mask known);
/// The requirement on one vertex that stands for two.
Requirement intersection(Plan& plan, const Requirement& a, const Requirement& b);

/// Builds sets for requirements. The steps of a requirement are taken in order of depth, so
/// that each partial result stands at the earliest depth it can, and equal prefixes of two
/// requirements are one set (a set's bounds are those that all its users share).
class SetTable {
 public:
  SetTable(Plan& plan, const OrderRelation& order) : plan_(plan), order_(order) {}

  /// The set of the requirement, built in full. `required`: the plan does nothing where it is empty.
  int build(const Requirement& need, bool required);
  /// The id of the requirement's set if it was built, else -1.
  [[nodiscard]] int find(const Requirement& need) const;
  /// All but the last step is built; returns that set and the adjacency set of the last step.
  struct Split {
    int base;
    int last;       ///< adjacency set
    bool subtract;  ///< the last step takes neighbours away
  };
  Split build_but_last(const Requirement& need, bool required);
  /// Once every user is known: fixes each set's bounds. Then `remaining` tells what is left to apply.
  void settle();
  [[nodiscard]] Bounds remaining(const Requirement& need, int set) const;

 private:
  struct Step {
    int depth;  ///< of the vertex whose neighbours it uses
    int elabel;
    bool subtract;
  };
  [[nodiscard]] static std::vector<Step> steps_of(const Requirement& need);
  [[nodiscard]] static std::string key_of(const Requirement& need, const std::vector<Step>& steps, std::size_t count);
  int build_steps(const Requirement& need, const std::vector<Step>& steps, bool required);
  int adjacency(int depth, int elabel);
  void add_user(int set, const Requirement& need, bool required);

  Plan& plan_;
  const OrderRelation& order_;
  std::map<std::string, int> ids_;
  std::vector<Bounds> closed_;  ///< by set: bounds all users share, closed
  std::vector<bool> used_;
};

}  // namespace galena::codegen
