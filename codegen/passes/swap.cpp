#include "codegen/passes/swap.hpp"

#include <algorithm>
#include <optional>

#include "codegen/plan/walk.hpp"

namespace galena::codegen {

namespace {

class SwapPass {
 public:
  explicit SwapPass(Plan& plan) : plan_(plan) {}

  void visit(Loop& loop) {
    path_.push_back(&loop);
    Block& block = loop.body;
    const std::size_t count = block.loops.size();  // loops added below are not looked at again
    for (std::size_t i = 0; i < count; ++i) {
      if (block.loops[i].body.loops.empty())
        leaf(block, i);
      else
        visit(block.loops[i]);
    }
    std::erase_if(block.loops,
                  [](const Loop& l) { return l.body.loops.empty() && l.body.sums.empty() && l.body.emits.empty(); });
    path_.pop_back();
  }

 private:
  SetDef& set(int id) { return plan_.sets[static_cast<std::size_t>(id)]; }
  SizeDef& size(int id) { return plan_.sizes[static_cast<std::size_t>(id)]; }

  static bool plainly_filtered(const Loop& loop) {
    return loop.from.set >= 0 && loop.vlabel < 0 && loop.checks.empty() && loop.conditions.empty() &&
           loop.min_degree == 0;
  }

  void leaf(Block& block, std::size_t at) {
    if (!plainly_filtered(block.loops[at]) || !block.loops[at].body.emits.empty()) return;
    if (!exceptions_known(block.loops[at])) return;
    for (std::size_t s = 0; s < block.loops[at].body.sums.size(); ++s) {
      const int output = block.loops[at].body.sums[s].output;
      if (plan_.outputs[static_cast<std::size_t>(output)].kind == Output::Kind::exists) continue;
      std::vector<Term> kept;
      for (const Term& term : std::vector<Term>(block.loops[at].body.sums[s].terms)) {
        if (!movable(term, block.loops[at])) {
          kept.push_back(term);
          continue;
        }
        move(block, at, output, term);
        const std::int64_t constant = -term.coefficient * term.factors.front().minus;
        if (constant != 0) kept.push_back({constant, {}});
      }
      block.loops[at].body.sums[s].terms = std::move(kept);
    }
    tidy(block.loops[at].body);
  }

  /// One factor, the size of S and N(v) with v the leaf's vertex and S settled outside.
  bool movable(const Term& term, const Loop& loop) {
    if (term.factors.size() != 1 || !term.factors.front().tests.empty()) return false;
    const SizeDef& n = size(term.factors.front().size);
    const int depth = loop.body.depth;
    if (n.b < 0 || n.subtract || n.counter >= 0 || n.vertex != depth || !is_view(set(n.b))) return false;
    const Mask bounds = n.a.bounds.below | n.a.bounds.above;
    return set(n.a.set).depth < depth && (bounds & ~first(depth)) == 0 && n.a.set != loop.from.set;
  }

  /// Whether each v[e] that the loop leaves out is certainly in the set it walks.
  bool exceptions_known(const Loop& loop) {
    if (loop.except == 0) return true;
    const SetDef& walked = set(loop.from.set);
    if (!is_view(walked) || !walked.bounds.empty() || !loop.from.bounds.empty()) return false;
    for (int e = 0; e < loop.body.depth; ++e)
      if ((loop.except & bit(e)) && !joined(e, walked.vertex)) return false;
    return true;
  }

  /// Whether the loops that bind v[i] and v[j] ensure that they are joined.
  bool joined(int i, int j) {
    if (i == j) return false;
    return within(path_[static_cast<std::size_t>(std::max(i, j))]->from.set, std::min(i, j));
  }

  /// Whether every element of the set is a neighbour of v[vertex].
  bool within(int id, int vertex) {
    for (int s = id; s >= 0; s = set(s).a) {
      const SetDef& def = set(s);
      if (def.op != SetDef::Op::subtract && def.vertex == vertex) return true;
      if (def.op == SetDef::Op::adjacency) break;
    }
    return false;
  }

  int adjacency(Block& block, int vertex) {
    SetDef def;
    def.depth = block.depth;
    def.vertex = vertex;
    plan_.sets.push_back(def);
    block.sets.push_back(static_cast<int>(plan_.sets.size()) - 1);
    return block.sets.back();
  }

  int intersection(Block& block, const SetUse& a, int vertex) {
    SizeDef n;
    n.depth = block.depth;
    n.a = a;
    if (!within(a.set, vertex)) {
      n.b = adjacency(block, vertex);
      n.vertex = vertex;
    }
    plan_.sizes.push_back(n);
    block.sizes.push_back(static_cast<int>(plan_.sizes.size()) - 1);
    return block.sizes.back();
  }

  void move(Block& block, std::size_t at, int output, const Term& term) {
    const SetUse few = size(term.factors.front().size).a;
    const SetUse many = block.loops[at].from;
    const Mask except = block.loops[at].except;
    for (int e = 0; e <= block.depth; ++e)
      if (except & bit(e))
        block.sums.push_back({output, {{-term.coefficient, {{intersection(block, few, e), 0, {}}}}}});
    Loop other;
    other.from = few;
    other.body.depth = block.depth + 1;
    const int n = intersection(other.body, many, block.depth + 1);
    other.body.sums.push_back({output, {{term.coefficient, {{n, 0, {}}}}}});
    block.loops.push_back(std::move(other));
  }

  /// Drops sums without terms and sizes that no term asks for.
  static void tidy(Block& leaf) {
    std::erase_if(leaf.sums, [](const Sum& sum) { return sum.terms.empty(); });
    std::erase_if(leaf.sizes, [&leaf](int id) {
      return std::none_of(leaf.sums.begin(), leaf.sums.end(), [id](const Sum& sum) {
        return std::any_of(sum.terms.begin(), sum.terms.end(), [id](const Term& term) {
          return std::any_of(term.factors.begin(), term.factors.end(), [id](const Factor& f) { return f.size == id; });
        });
      });
    });
  }

  Plan& plan_;
  std::vector<Loop*> path_;
};

}  // namespace

void swap_ends(Plan& plan) { SwapPass(plan).visit(plan.root); }

}  // namespace galena::codegen
