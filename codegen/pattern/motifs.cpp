// All connected graphs of k vertices, grown a vertex at a time: every connected graph has a
// vertex whose removal leaves it connected, so joining a new vertex to each non-empty set of
// vertices of each connected graph of k-1 gives all of them, and canonical codes tell repeats.
#include <algorithm>
#include <bit>
#include <functional>
#include <map>
#include <numeric>
#include <set>

#include "codegen/pattern/canonical.hpp"
#include "codegen/pattern/families.hpp"
#include "codegen/pattern/plain_code.hpp"
#include "galena/error.hpp"
#include "galena/pattern.hpp"

namespace galena {
namespace {

constexpr int kLargest = 7;

std::vector<std::pair<int, int>> edge_pairs(const Pattern& pattern) {
  std::vector<std::pair<int, int>> pairs;
  for (const Pattern::Edge& edge : pattern.edges()) pairs.emplace_back(edge.u, edge.v);
  return pairs;
}

// By canonical code; repeats are told by a cheaper one.
std::map<std::string, Pattern> connected_graphs(int k) {
  std::map<std::string, Pattern> graphs;
  std::set<std::uint64_t> seen;
  if (k == 1) {
    Pattern vertex(1, {});
    graphs.emplace(codegen::canonical_code(vertex), vertex);
    return graphs;
  }
  for (const auto& [smaller_code, smaller] : connected_graphs(k - 1)) {
    for (std::uint32_t joined = 1; joined < 1U << (k - 1); ++joined) {
      std::vector<std::pair<int, int>> edges = edge_pairs(smaller);
      for (std::uint32_t rest = joined; rest != 0; rest &= rest - 1) edges.emplace_back(std::countr_zero(rest), k - 1);
      Pattern larger(k, edges);
      if (!seen.insert(codegen::plain_code(larger)).second) continue;
      graphs.emplace(codegen::canonical_code(larger), larger);
    }
  }
  return graphs;
}

std::string call_text(const std::string& name, const std::vector<int>& arguments) {
  std::string text = name;
  for (std::size_t i = 0; i < arguments.size(); ++i) text += (i == 0 ? "(" : ",") + std::to_string(arguments[i]);
  return arguments.empty() ? text : text + ")";
}

// Calls `use` with every list of `count` numbers from `smallest` to `largest`; of long lists (the
// parts of K, in any order) only the sorted ones.
void for_each_list(int count, int smallest, int largest, std::vector<int>& list,
                   const std::function<void(const std::vector<int>&)>& use) {
  if (count == 0) return use(list);
  for (int number = smallest; number <= largest; ++number) {
    list.push_back(number);
    const bool sorted = count + static_cast<int>(list.size()) > 4;
    for_each_list(count - 1, sorted ? number : smallest, largest, list, use);
    list.pop_back();
  }
}

// The pattern of a family where its numbers fit, made of k vertices.
struct Named {
  std::string name;
  Pattern pattern;
};

// Every family member of k vertices by plain code, under its preferred name: the first. Those of several numbers have
// at least as many vertices as their sum less one (theta).
std::map<std::uint64_t, Named> named_graphs(int k) {
  std::map<std::uint64_t, Named> names;
  for (const codegen::Family& family : codegen::families()) {
    const int most = std::min(family.max_arguments, k);
    for (int count = family.min_arguments; count <= most; ++count) {
      std::vector<int> list;
      for_each_list(count, family.smallest, std::min(family.largest, k), list, [&](const std::vector<int>& arguments) {
        if (count > 1 && std::accumulate(arguments.begin(), arguments.end(), 0) > k + 1) return;
        try {
          Pattern pattern = named_pattern(family.name, arguments);
          if (pattern.size() != k) return;
          names.try_emplace(codegen::plain_code(pattern), Named{call_text(family.name, arguments), pattern});
        } catch (const InputError&) {  // numbers that do not go together
        }
      });
    }
  }
  return names;
}

std::string edge_list(const Pattern& pattern) {
  std::string text;
  for (const Pattern::Edge& edge : pattern.edges()) {
    text += (text.empty() ? "" : " ") + std::to_string(edge.u) + "-" + std::to_string(edge.v);
  }
  return text;
}

std::vector<int> descending_degrees(const Pattern& pattern) {
  std::vector<int> degrees;
  for (int v = 0; v < pattern.size(); ++v) degrees.push_back(std::popcount(pattern.neighbors(v)));
  std::sort(degrees.rbegin(), degrees.rend());
  return degrees;
}

}  // namespace

std::vector<Motif> connected_motifs(int k) {
  if (k < 2 || k > kLargest) {
    throw InputError("motifs have 2 to " + std::to_string(kLargest) + " vertices, not " + std::to_string(k));
  }
  const std::map<std::uint64_t, Named> names = named_graphs(k);
  std::vector<Motif> motifs;
  for (const auto& [code, graph] : connected_graphs(k)) {
    const auto named = names.find(codegen::plain_code(graph));
    if (named != names.end()) {
      motifs.push_back({named->second.name, named->second.pattern});
    } else {
      const Pattern canonical(k, edge_pairs(graph.permuted(codegen::canonical_form(graph).order)));
      motifs.push_back({edge_list(canonical), canonical});
    }
  }
  // Fewest edges first, then the most uneven degrees, then by code: stars before paths.
  std::stable_sort(motifs.begin(), motifs.end(), [](const Motif& a, const Motif& b) {
    if (a.pattern.edges().size() != b.pattern.edges().size())
      return a.pattern.edges().size() < b.pattern.edges().size();
    return descending_degrees(a.pattern) > descending_degrees(b.pattern);
  });
  return motifs;
}

}  // namespace galena
