// Individualization and refinement (McKay 1981; McKay and Piperno, "Practical graph
// isomorphism, II", 2014), made simple by patterns having at most 32 vertices: at each node
// of the search tree one vertex of the target cell is individualized for each orbit of the
// automorphisms that fix the path so far (exact orbits, so every pruned branch is an image of
// one that is kept), and only the children with the least refinement digest are entered. Of
// the discrete partitions reached, the one with the least matrix of colours is canonical. It
// does not depend on the numbering: neither the digests nor the set of matrices do.
#include "codegen/pattern/canonical.hpp"

#include <bit>
#include <memory>
#include <optional>

#include "codegen/pattern/refinement.hpp"
#include "codegen/pattern/stabilizer.hpp"

namespace galena::codegen {
namespace {

constexpr Mask bit(int v) { return Mask{1} << v; }
std::size_t at(int v) { return static_cast<std::size_t>(v); }

// Seven bits a byte, the low ones first: numbers of any size that end by themselves.
void append(std::string& code, std::int64_t value) {
  auto rest = (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
  for (; rest >= 128; rest >>= 7) code.push_back(static_cast<char>(rest | 128));
  code.push_back(static_cast<char>(rest));
}

void append(std::string& code, const Key& key) {
  append(code, static_cast<std::int64_t>(key.size()));
  for (const std::int64_t value : key) append(code, value);
}

void append(std::string& code, const std::vector<Key>& palette) {
  append(code, static_cast<std::int64_t>(palette.size()));
  for (const Key& key : palette) append(code, key);
}

class Search {
 public:
  explicit Search(const Pattern& pattern) : structure_(pattern) {}

  CanonicalForm run() {
    visit(equitable_partition(structure_), 0);
    CanonicalForm form;
    for (int i = 0; i < structure_.size; ++i) form.order.push_back(best_order_[at(i)]);
    append(form.code, structure_.size);
    append(form.code, structure_.vertex_palette);
    append(form.code, structure_.pair_palette);
    form.code += *best_;
    return form;
  }

 private:
  void visit(const Partition& partition, Mask fixed) {
    const int target = partition.target();
    if (target < 0) return visit_leaf(partition);
    std::vector<std::pair<int, Partition>> children = least_children(partition, partition.cells[at(target)], fixed);
    for (const auto& [v, child] : children) visit(child, fixed | bit(v));
  }

  std::vector<std::pair<int, Partition>> least_children(const Partition& partition, Mask cell, Mask fixed) {
    if (!stabilizer_) stabilizer_ = std::make_unique<Stabilizer>(structure_);
    const Orbits& orbits = stabilizer_->orbits(fixed);
    std::vector<std::pair<int, Partition>> children;
    while (cell != 0) {
      const int v = std::countr_zero(cell);
      cell &= ~orbits[at(v)];
      Partition child = individualized(structure_, partition, v);
      if (!children.empty() && child.digest > children.front().second.digest) continue;
      if (!children.empty() && child.digest < children.front().second.digest) children.clear();
      children.emplace_back(v, child);
    }
    return children;
  }

  void visit_leaf(const Partition& partition) {
    Permutation order{}, place = identity_permutation();
    for (int i = 0; i < structure_.size; ++i) {
      const int v = std::countr_zero(partition.cells[at(i)]);
      order[at(i)] = static_cast<std::uint8_t>(v);
      place[at(v)] = static_cast<std::uint8_t>(i);
    }
    std::string code = leaf_code(order, place);
    if (best_ && *best_ <= code) return;
    best_ = std::move(code);
    best_order_ = order;
  }

  [[nodiscard]] std::string leaf_code(const Permutation& order, const Permutation& place) const {
    std::string code;
    for (int i = 0; i < structure_.size; ++i) {
      append(code, structure_.vertex_color[order[at(i)]]);
      for (int j = 0; j < structure_.size; ++j) {
        // One of (i, j) and (j, i) would do where conditions are symmetric; they need not be.
        if (i != j) append(code, structure_.pair_color[order[at(i)]][order[at(j)]]);
      }
    }
    append(code, structure_.encode_wide(place));
    return code;
  }

  Structure structure_;
  std::unique_ptr<Stabilizer> stabilizer_;  // made when first needed: most labelled patterns refine to the end
  std::optional<std::string> best_;
  Permutation best_order_{};
};

}  // namespace

CanonicalForm canonical_form(const Pattern& pattern) { return Search(pattern).run(); }

std::string canonical_code(const Pattern& pattern) { return canonical_form(pattern).code; }

bool isomorphic(const Pattern& a, const Pattern& b) {
  return a.size() == b.size() && a.edges().size() == b.edges().size() && canonical_code(a) == canonical_code(b);
}

}  // namespace galena::codegen
