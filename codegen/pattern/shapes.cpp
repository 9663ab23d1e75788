#include "codegen/pattern/shapes.hpp"

#include <numeric>

#include "galena/error.hpp"

namespace galena::codegen::shapes {
namespace {

Pattern vertices(std::int64_t count) {
  if (count > kMaxPatternVertices) {
    throw InputError("has " + std::to_string(count) + " vertices; a pattern has at most " +
                     std::to_string(kMaxPatternVertices));
  }
  return Pattern(static_cast<int>(count), {});
}

void join_path(Pattern& pattern, int first, int last) {
  for (int v = first; v < last; ++v) pattern.add_edge(v, v + 1);
}

void join_cycle(Pattern& pattern, int first, int last) {
  join_path(pattern, first, last);
  pattern.add_edge(first, last);
}

void join_all(Pattern& pattern, int first, int last) {
  for (int u = first; u <= last; ++u) {
    for (int v = u + 1; v <= last; ++v) pattern.add_edge(u, v);
  }
}

// Vertex 0 joined to every other.
void join_centre(Pattern& pattern) {
  for (int v = 1; v < pattern.size(); ++v) pattern.add_edge(0, v);
}

}  // namespace

Pattern path(Arguments k) {
  Pattern pattern = vertices(k[0]);
  join_path(pattern, 0, k[0] - 1);
  return pattern;
}

Pattern cycle(Arguments k) {
  Pattern pattern = vertices(k[0]);
  join_cycle(pattern, 0, k[0] - 1);
  return pattern;
}

Pattern clique(Arguments k) {
  Pattern pattern = vertices(k[0]);
  join_all(pattern, 0, k[0] - 1);
  return pattern;
}

Pattern star(Arguments leaves) {
  Pattern pattern = vertices(leaves[0] + 1);
  join_centre(pattern);
  return pattern;
}

Pattern wheel(Arguments spokes) {
  Pattern pattern = star(spokes);
  join_cycle(pattern, 1, spokes[0]);
  return pattern;
}

Pattern fan(Arguments k) {
  Pattern pattern = star(k);
  join_path(pattern, 1, k[0]);
  return pattern;
}

Pattern complete_multipartite(Arguments parts) {
  if (parts.size() == 1) return clique(parts);
  Pattern pattern = vertices(std::accumulate(parts.begin(), parts.end(), std::int64_t{0}));
  int begin = 0;
  for (const int part : parts) {
    for (int v = begin; v < begin + part; ++v) {
      for (int u = 0; u < begin; ++u) pattern.add_edge(u, v);
    }
    begin += part;
  }
  return pattern;
}

Pattern tailed_clique(Arguments k) {
  Pattern pattern = vertices(k[0] + 1);
  join_all(pattern, 0, k[0] - 1);
  pattern.add_edge(0, k[0]);
  return pattern;
}

Pattern hatted_clique(Arguments k) {
  Pattern pattern = tailed_clique(k);
  pattern.add_edge(1, k[0]);
  return pattern;
}

Pattern almost_clique(Arguments k) {
  Pattern pattern = vertices(k[0]);
  for (int u = 0; u + 2 < k[0]; ++u) {
    for (int v = u + 1; v < k[0]; ++v) pattern.add_edge(u, v);
  }
  return pattern;
}

Pattern pan(Arguments k) {
  Pattern pattern = vertices(k[0] + 1);
  join_cycle(pattern, 0, k[0] - 1);
  pattern.add_edge(0, k[0]);
  return pattern;
}

Pattern lollipop(Arguments m_n) {
  const int clique_size = m_n[0], tail = m_n[1];
  Pattern pattern = vertices(clique_size + tail);
  join_all(pattern, 0, clique_size - 1);
  pattern.add_edge(0, clique_size);
  join_path(pattern, clique_size, clique_size + tail - 1);
  return pattern;
}

Pattern barbell(Arguments k) {
  Pattern pattern = vertices(2 * k[0]);
  join_all(pattern, 0, k[0] - 1);
  join_all(pattern, k[0], 2 * k[0] - 1);
  pattern.add_edge(0, k[0]);
  return pattern;
}

Pattern book(Arguments pages) {
  const int parts[] = {1, 1, pages[0]};
  return complete_multipartite(parts);
}

Pattern friendship(Arguments triangles) {
  Pattern pattern = vertices(2 * triangles[0] + 1);
  join_centre(pattern);
  for (int v = 1; v < pattern.size(); v += 2) pattern.add_edge(v, v + 1);
  return pattern;
}

Pattern prism(Arguments k) {
  Pattern pattern = vertices(2 * k[0]);
  join_cycle(pattern, 0, k[0] - 1);
  join_cycle(pattern, k[0], 2 * k[0] - 1);
  for (int v = 0; v < k[0]; ++v) pattern.add_edge(v, v + k[0]);
  return pattern;
}

Pattern ladder(Arguments rungs) {
  const int sides[] = {2, rungs[0]};
  return grid(sides);
}

Pattern grid(Arguments rows_columns) {
  const int rows = rows_columns[0], columns = rows_columns[1];
  Pattern pattern = vertices(rows * columns);
  for (int v = 0; v < pattern.size(); ++v) {
    if (v % columns + 1 < columns) pattern.add_edge(v, v + 1);
    if (v + columns < pattern.size()) pattern.add_edge(v, v + columns);
  }
  return pattern;
}

Pattern hypercube(Arguments dimension) {
  Pattern pattern = vertices(std::int64_t{1} << dimension[0]);
  for (int v = 0; v < pattern.size(); ++v) {
    for (int b = 0; b < dimension[0]; ++b) {
      const int other = v ^ (1 << b);
      if (v < other) pattern.add_edge(v, other);
    }
  }
  return pattern;
}

Pattern theta(Arguments lengths) {
  Pattern pattern = vertices(std::accumulate(lengths.begin(), lengths.end(), std::int64_t{-1}));
  int next = 2;
  for (const int length : lengths) {
    int previous = 0;
    for (int step = 1; step < length; ++step) {
      pattern.add_edge(previous, next);
      previous = next++;
    }
    if (pattern.adjacent(previous, 1)) throw InputError("has two paths of one edge; at most one can be that short");
    pattern.add_edge(previous, 1);
  }
  return pattern;
}

}  // namespace galena::codegen::shapes
