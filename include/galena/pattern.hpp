#pragma once
// Patterns and queries: what a person writes in a .gpm file or on the command line.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "galena/graph.hpp"

namespace galena {

/// Patterns have at most this many vertices.
inline constexpr int kMaxPatternVertices = 32;

/// Which labels are allowed: any, one of a list, or none of a list.
struct LabelSet {
  enum class Kind { any, one_of, none_of };
  Kind kind = Kind::any;
  std::vector<Label> labels;  ///< sorted, unique; empty for `any`
  [[nodiscard]] bool contains(Label label) const;
  auto operator<=>(const LabelSet&) const = default;
};

/// A WHERE condition: comparisons of vertex attributes and constants under and/or/not.
struct Condition {
  enum class Kind { compare, all, any, negation };  ///< all = AND, any = OR
  enum class Operator { eq, ne, lt, le, gt, ge };
  struct Term {
    enum class Kind { constant, degree, label };
    Kind kind = Kind::constant;
    int vertex = -1;         ///< for degree and label
    std::int64_t value = 0;  ///< for constant
    auto operator<=>(const Term&) const = default;
  };
  Kind kind = Kind::compare;
  Operator op = Operator::eq;
  Term left, right;
  std::vector<Condition> children;               ///< for all, any, negation (one)
  [[nodiscard]] std::uint32_t vertices() const;  ///< mask of the vertices named
  [[nodiscard]] bool uses_labels() const;
  bool operator==(const Condition&) const = default;
};

/// A small graph to look for. Vertices are 0..size()-1.
class Pattern {
 public:
  struct Vertex {
    std::string name;  ///< a letter or '_', then letters, digits and '_'; unique in its pattern
    LabelSet label;
    bool operator==(const Vertex&) const = default;
  };
  struct Edge {
    int u, v;  ///< u < v
    LabelSet label;
    bool operator==(const Edge&) const = default;
  };

  Pattern() = default;
  /// An unlabelled pattern of `size` vertices a, b, ..., z, aa, ab, ... and these edges.
  Pattern(int size, const std::vector<std::pair<int, int>>& edges);
  /// "(a)--(b)--(c)--(a)", a family name ("house", "clique(5)") or an edge list ("0-1 1-2 2-0").
  static Pattern parse(std::string_view text);

  /// Returns the new vertex. Throws InputError on a bad or repeated name, or a 33rd vertex.
  int add_vertex(std::string name, LabelSet label = {});
  /// Throws InputError on a self-loop, a pair already joined or separated, or an id out of range.
  void add_edge(int u, int v, LabelSet label = {});
  void add_anti_edge(int u, int v);
  /// Must hold besides those already there. An AND is stored as its parts, nested AND and OR are flattened.
  void add_condition(Condition condition);
  void set_label(int v, LabelSet label);
  void set_name(int v, std::string name);
  /// Every pair not joined becomes an anti-edge.
  void make_induced();

  [[nodiscard]] int size() const { return static_cast<int>(vertices_.size()); }
  [[nodiscard]] const Vertex& vertex(int v) const { return vertices_[static_cast<std::size_t>(v)]; }
  [[nodiscard]] const std::vector<Edge>& edges() const { return edges_; }  ///< by (u, v)
  [[nodiscard]] const std::vector<Condition>& conditions() const { return conditions_; }
  [[nodiscard]] std::uint32_t neighbors(int v) const { return adjacent_[static_cast<std::size_t>(v)]; }
  [[nodiscard]] std::uint32_t anti_neighbors(int v) const { return separated_[static_cast<std::size_t>(v)]; }
  [[nodiscard]] bool adjacent(int u, int v) const { return (neighbors(u) >> v) & 1U; }
  [[nodiscard]] bool separated(int u, int v) const { return (anti_neighbors(u) >> v) & 1U; }
  /// Label set of edge {u, v}; `any` where there is none.
  [[nodiscard]] const LabelSet& edge_label(int u, int v) const;
  [[nodiscard]] bool connected() const;
  /// No labels, edge labels, anti-edges or conditions.
  [[nodiscard]] bool plain() const;
  /// No labels, edge labels or conditions, and every pair is an edge or an anti-edge.
  [[nodiscard]] bool plain_induced() const;
  /// Vertex i of the result is vertex order[i] of this one.
  [[nodiscard]] Pattern permuted(const std::vector<int>& order) const;
  /// As the language writes it; parses back to an equal pattern.
  [[nodiscard]] std::string to_string() const;
  /// The same vertices in the same order, names included. For isomorphism see codegen/pattern/canonical.hpp.
  bool operator==(const Pattern&) const = default;

 private:
  void check_pair(int u, int v, const char* relation) const;

  std::vector<Vertex> vertices_;
  std::vector<Edge> edges_;
  std::vector<Condition> conditions_;
  std::vector<std::uint32_t> adjacent_, separated_;
};

enum class QueryKind { count, list, exists, local, motifs, frequent, cliques };

/// FREQUENT: patterns of min_edges to max_edges edges whose minimum-image (MNI) support, the least
/// number of vertices that one of its vertices is mapped to, is `support` at least.
struct FrequentSearch {
  static constexpr int kMaxEdges = 12;
  int min_edges = 1, max_edges = 0;
  std::uint64_t support = 0;
  bool exact = true;          ///< false (EXISTS): which ones, not their supports
  bool vertex_labels = true;  ///< false: as if all were equal (LABELS EDGES, LABELS NONE)
  bool edge_labels = true;    ///< likewise (LABELS VERTICES, LABELS NONE)
  bool operator==(const FrequentSearch&) const = default;
};

/// One statement of the language.
struct Query {
  QueryKind kind = QueryKind::count;
  std::string text;  ///< as written, for reports
  Pattern pattern;   ///< anti-edges already added where `induced`
  bool induced = false;
  bool embeddings = false;   ///< count maps, not instances
  std::vector<int> columns;  ///< LIST ... AS: pattern vertices in output order; all, by default
  std::optional<std::uint64_t> limit;
  double approx = 0;     ///< COUNT ... APPROX: the half width of the interval over the count, 0.01 for 1%; 0: exactly
  bool ordered = false;  ///< LIST ... ORDERED: rows sorted
  int by = -1;           ///< LOCAL ... BY
  int motif_size = 0;    ///< MOTIFS k; CLIQUES <= k, or 0
  FrequentSearch frequent;
  bool operator==(const Query&) const = default;
};

/// Parses a .gpm text. `source` names it in errors, which show the line with a caret:
///   patterns.gpm:3:7: unknown pattern 'hosue'; did you mean 'house'?
std::vector<Query> parse_queries(std::string_view text, std::string_view source = "query");

/// The named families, e.g. {"house", "clique(k)"}, with a drawing for --help.
struct PatternFamily {
  std::string name;       ///< "house", "clique"
  std::string parameter;  ///< "", "k vertices", "k leaves", "k spokes", ...
  std::string description;
};
const std::vector<PatternFamily>& pattern_families();
/// `name` and its numbers: ("clique", {5}), ("K", {2, 3}). Throws InputError with a suggestion.
/// Its vertices are called a, b, c, ...: along a path or cycle, part by part of K, centre or hub first.
Pattern named_pattern(std::string_view name, const std::vector<int>& arguments = {});

/// All connected patterns of k vertices (2 <= k <= 7), one an isomorphism class, with
/// the name of the family where there is one, else its edge list; fewest edges first.
struct Motif {
  std::string name;
  Pattern pattern;
};
std::vector<Motif> connected_motifs(int k);

}  // namespace galena
