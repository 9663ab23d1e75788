// Names follow the graph-theory literature (Information System on Graph Classes, MathWorld)
// and, for the 21 connected graphs of five vertices, the subgraph-counting one (ESCAPE: Pinar,
// Seshadhri, Vishal, WWW 2017).
#include "codegen/pattern/families.hpp"

#include <algorithm>
#include <charconv>

#include "codegen/pattern/shapes.hpp"
#include "galena/error.hpp"
#include "src/base/suggest.hpp"

namespace galena::codegen {
namespace {

constexpr int kMost = kMaxPatternVertices;

constexpr Family fixed(const char* name, const char* description, const char* shape) {
  return {name, "", description, 0, 0, 0, 0, nullptr, shape};
}
constexpr Family same_as(const char* name, const char* other, const char* description) {
  return {name, "", description, 0, 0, 0, 0, nullptr, other};
}
using Build = Pattern (*)(std::span<const int>);
constexpr Family of(const char* name, const char* parameter, int smallest, int largest, Build build,
                    const char* description) {
  return {name, parameter, description, 1, 1, smallest, largest, build, ""};
}

constexpr Family kFamilies[] = {
    fixed("vertex", "one vertex", ""),
    fixed("edge", "two vertices joined", "0-1"),
    fixed("wedge", "a path of three vertices", "0-1 1-2"),
    fixed("triangle", "three vertices, each two joined", "0-1 1-2 2-0"),
    fixed("tailed_triangle", "a triangle and an edge from one of its vertices", "0-1 0-2 1-2 0-3"),
    fixed("diamond", "two triangles that share an edge", "0-1 0-2 0-3 1-2 1-3"),
    fixed("fork", "a star of three leaves with one arm of two edges", "0-1 0-3 0-4 1-2"),
    fixed("cricket", "a triangle and two edges from one of its vertices", "0-1 0-2 0-3 0-4 1-2"),
    fixed("long_tailed_triangle", "a triangle and a path of two edges from one of its vertices", "1-2 2-3 1-3 1-0 0-4"),
    fixed("bull", "a triangle with an edge from each of two vertices", "0-1 0-2 1-2 0-4 1-3"),
    fixed("banner", "a cycle of four and an edge from one of its vertices", "0-1 1-2 2-3 3-0 0-4"),
    fixed("bowtie", "two triangles that share a vertex", "0-1 0-2 1-2 0-3 0-4 3-4"),
    fixed("cobra", "a diamond and an edge from a vertex of degree two", "0-1 0-2 1-2 1-3 2-3 0-4"),
    fixed("stingray", "a diamond and an edge from a vertex of degree three", "0-1 0-2 0-3 1-2 1-3 0-4"),
    fixed("house", "a cycle of four with a triangle on one edge", "0-1 1-2 2-3 3-0 0-4 4-1"),
    fixed("gem", "a path of four, all joined to a fifth vertex", "0-1 0-2 0-3 0-4 1-2 2-3 3-4"),
    fixed("diamond_wedge", "a diamond whose two unjoined vertices are also joined by a wedge",
          "0-2 0-3 1-2 1-3 2-3 0-4 1-4"),
    of("star", "k leaves", 1, kMost - 1, shapes::star, "one vertex joined to k others"),
    of("path", "k vertices", 1, kMost, shapes::path, "k vertices in a row"),
    of("cycle", "k vertices", 3, kMost, shapes::cycle, "k vertices in a ring"),
    of("clique", "k vertices", 1, kMost, shapes::clique, "k vertices, each two joined"),
    of("wheel", "k spokes", 3, kMost - 1, shapes::wheel, "a cycle of k, all joined to a hub"),
    of("tailed_clique", "k vertices in the clique", 3, kMost - 1, shapes::tailed_clique,
       "a clique and an edge from one of its vertices"),
    of("hatted_clique", "k vertices in the clique", 3, kMost - 1, shapes::hatted_clique,
       "a clique and a vertex joined to two of its vertices"),
    of("almost_clique", "k vertices", 3, kMost, shapes::almost_clique, "a clique without one edge"),
    {"K", "m, n, ... vertices a part", "the complete multipartite graph; with one number the complete graph", 1, kMost,
     1, kMost, shapes::complete_multipartite, ""},
    {"prism", "k vertices a side, 3 if left out", "two cycles of k, corresponding vertices joined", 0, 1, 3, kMost / 2,
     [](std::span<const int> k) {
       constexpr int kTriangular[] = {3};
       return shapes::prism(k.empty() ? std::span<const int>(kTriangular) : k);
     },
     ""},
    fixed("net", "a triangle with an edge from each vertex", "0-1 1-2 2-0 0-3 1-4 2-5"),
    fixed("sun", "a triangle with a triangle on each edge", "0-1 1-2 2-0 0-3 3-1 1-4 4-2 2-5 5-0"),
    fixed("domino", "two cycles of four that share an edge", "0-1 1-2 3-4 4-5 0-3 1-4 2-5"),
    of("friendship", "k triangles", 1, (kMost - 1) / 2, shapes::friendship, "k triangles that share a vertex"),
    of("fan", "k vertices in the path", 2, kMost - 1, shapes::fan, "a path of k, all joined to one more vertex"),
    of("book", "k triangles", 1, kMost - 2, shapes::book, "k triangles that share an edge"),
    of("pan", "k vertices in the cycle", 3, kMost - 1, shapes::pan, "a cycle and an edge from one of its vertices"),
    of("ladder", "k rungs", 1, kMost / 2, shapes::ladder, "two paths of k, corresponding vertices joined"),
    of("barbell", "k vertices a clique", 3, kMost / 2, shapes::barbell, "two cliques of k joined by an edge"),
    {"lollipop", "m vertices in the clique, n in the tail",
     "a clique of m and a path of n more from one of its vertices", 2, 2, 1, kMost - 1, shapes::lollipop, ""},
    {"theta", "i, j, k edges", "two vertices joined by three disjoint paths of i, j and k edges", 3, 3, 1, kMost,
     shapes::theta, ""},
    {"grid", "m rows, n columns", "the m by n square grid", 2, 2, 1, kMost, shapes::grid, ""},
    of("hypercube", "k dimensions", 1, 5, shapes::hypercube, "2^k vertices, joined where one coordinate differs"),
    fixed("petersen", "the Petersen graph: 10 vertices, 15 edges",
          "0-1 1-2 2-3 3-4 4-0 0-5 1-6 2-7 3-8 4-9 5-7 7-9 9-6 6-8 8-5"),
    same_as("claw", "star(3)", "same as star(3)"),
    same_as("paw", "tailed_triangle", "same as tailed_triangle"),
    same_as("square", "cycle(4)", "same as cycle(4)"),
    same_as("rectangle", "cycle(4)", "same as cycle(4)"),
    same_as("pentagon", "cycle(5)", "same as cycle(5)"),
    same_as("hexagon", "cycle(6)", "same as cycle(6)"),
    same_as("tetrahedron", "clique(4)", "same as clique(4)"),
    same_as("octahedron", "K(2,2,2)", "same as K(2,2,2)"),
    same_as("cube", "hypercube(3)", "same as hypercube(3)"),
    same_as("butterfly", "bowtie", "same as bowtie"),
    same_as("chair", "fork", "same as fork"),
    same_as("dart", "stingray", "same as stingray"),
    same_as("kite", "cobra", "same as cobra"),
};

const Family* find(std::string_view name) {
  const auto place =
      std::find_if(std::begin(kFamilies), std::end(kFamilies), [&](const Family& f) { return name == f.name; });
  return place == std::end(kFamilies) ? nullptr : place;
}

bool is_other_name(const Family& family) { return std::string_view(family.description).starts_with("same as "); }

// "star(3)" -> star, {3}.
Pattern build_other(std::string_view call) {
  const std::size_t open = std::min(call.find('('), call.size());
  std::vector<int> arguments;
  for (const char* p = call.data() + open; p < call.data() + call.size() && *p != ')';) {
    p = std::from_chars(p + 1, call.data() + call.size(), arguments.emplace_back()).ptr;
  }
  return named_pattern(call.substr(0, open), arguments);
}

std::string usage(const Family& family) {
  std::string text = std::string(family.name) + " takes ";
  if (family.max_arguments == 0) return text + "no number";
  if (family.min_arguments == 0) text += "at most ";
  text += family.max_arguments == kMost ? "at least one number"
          : family.max_arguments == 1   ? "one number"
                                        : std::to_string(family.max_arguments) + " numbers";
  return text + " (" + family.parameter + ")";
}

void check_arguments(const Family& family, const std::vector<int>& arguments) {
  const int count = static_cast<int>(std::min<std::size_t>(arguments.size(), 1000));
  if (count < family.min_arguments || count > family.max_arguments) {
    throw InputError(usage(family) + ", not " + (count == 0 ? "none" : std::to_string(arguments.size())));
  }
  for (const int argument : arguments) {
    if (argument < family.smallest || argument > family.largest) {
      throw InputError(std::string(family.name) + " takes numbers from " + std::to_string(family.smallest) + " to " +
                       std::to_string(family.largest) + " (" + family.parameter + "), not " + std::to_string(argument) +
                       "; a pattern has at most " + std::to_string(kMost) + " vertices");
    }
  }
}

}  // namespace

std::span<const Family> families() { return kFamilies; }

bool is_family(std::string_view name) { return find(name) != nullptr; }

std::vector<std::string> family_names() {
  std::vector<std::string> names;
  for (const Family& family : kFamilies) names.emplace_back(family.name);
  return names;
}

Pattern from_shape(std::string_view shape) {
  if (shape.empty()) return Pattern(1, {});
  std::vector<std::pair<int, int>> edges;
  int size = 0;
  const char* const end = shape.data() + shape.size();
  for (const char* p = shape.data(); p < end;) {
    auto& [u, v] = edges.emplace_back();
    p = std::from_chars(p, end, u).ptr;
    p = std::from_chars(p + 1, end, v).ptr + 1;
    size = std::max({size, u + 1, v + 1});
  }
  return Pattern(size, edges);
}

}  // namespace galena::codegen

namespace galena {

const std::vector<PatternFamily>& pattern_families() {
  static const std::vector<PatternFamily> kAll = [] {
    std::vector<PatternFamily> all;
    for (const codegen::Family& family : codegen::families()) {
      all.push_back({family.name, family.parameter, family.description});
    }
    return all;
  }();
  return kAll;
}

Pattern named_pattern(std::string_view name, const std::vector<int>& arguments) {
  const codegen::Family* family = codegen::find(name);
  if (family == nullptr) {
    throw InputError("unknown pattern '" + std::string(name.substr(0, 64)) + "'" +
                     base::did_you_mean(name, codegen::family_names()));
  }
  codegen::check_arguments(*family, arguments);
  if (codegen::is_other_name(*family)) return codegen::build_other(family->shape);
  if (family->build == nullptr) return codegen::from_shape(family->shape);
  try {
    return family->build(arguments);
  } catch (const InputError& error) {
    std::string call = std::string(name) + "(";
    for (const int argument : arguments) call += (call.back() == '(' ? "" : ",") + std::to_string(argument);
    throw InputError(call + ") " + error.what());
  }
}

}  // namespace galena
