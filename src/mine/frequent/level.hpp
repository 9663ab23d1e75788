#pragma once
// Levels of frequent patterns, by number of edges: the first, and candidates for the next.

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "src/mine/frequent/images.hpp"

namespace galena::mine::frequent {

/// Its vertices are numbered canonically.
struct FrequentShape {
  Shape shape;
  Orbits orbit{};
  std::uint64_t support = 0;
  Domains images;  ///< all images and perhaps, where only frequency is asked, more
};

struct Candidate {
  Shape shape;
  Orbits orbit{};
};

/// The frequent patterns of so many edges, by canonical code.
class Level {
 public:
  void add(FrequentShape pattern, std::u32string code);
  [[nodiscard]] const std::vector<FrequentShape>& patterns() const { return patterns_; }
  /// Null where the pattern is not among them.
  [[nodiscard]] const FrequentShape* find(const std::u32string& code) const;
  [[nodiscard]] std::uint64_t bytes() const;

 private:
  std::vector<FrequentShape> patterns_;
  std::unordered_map<std::u32string, std::size_t> index_;
};

/// All frequent patterns of one edge, with exact supports.
Level frequent_edges(const LabelledGraph& graph, std::uint64_t support);

/// Adds an edge in every way to patterns of one size.
class Grower {
 public:
  Grower(const LabelledGraph& graph, const Level& edges);

  /// Every pattern that a frequent edge, to a new vertex or not, makes of one of the level; once
  /// each, in an order of their own.
  [[nodiscard]] std::vector<Candidate> grow(const Level& level) const;

  /// What the images of the candidate's parts, of one edge less, leave possible. False: a part is
  /// not frequent, so the candidate is not.
  [[nodiscard]] static bool restrict(const Candidate& candidate, const Level& parts, Domains& possible);

 private:
  struct Extension {
    std::uint32_t edge_label, vertex_label;
  };
  std::vector<std::vector<Extension>> extensions_;  ///< by label of the vertex that is there
};

}  // namespace galena::mine::frequent
