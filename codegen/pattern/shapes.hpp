#pragma once
// Builders of the parameterised families. The arguments were checked; each throws
// InputError where the pattern would have too many vertices.

#include <span>

#include "galena/pattern.hpp"

namespace galena::codegen::shapes {

using Arguments = std::span<const int>;

Pattern path(Arguments k);   ///< 0-1-2-...
Pattern cycle(Arguments k);  ///< the path closed
Pattern clique(Arguments k);
Pattern star(Arguments leaves);                  ///< centre 0
Pattern wheel(Arguments spokes);                 ///< hub 0
Pattern fan(Arguments k);                        ///< 0 joined to the path 1..k
Pattern complete_multipartite(Arguments parts);  ///< part by part; one number: the clique
Pattern tailed_clique(Arguments k);              ///< a clique and a vertex joined to vertex 0
Pattern hatted_clique(Arguments k);              ///< a clique and a vertex joined to vertices 0 and 1
Pattern almost_clique(Arguments k);              ///< a clique without the edge of its last two vertices
Pattern pan(Arguments k);                        ///< a cycle and a vertex joined to vertex 0
Pattern lollipop(Arguments m_n);                 ///< a clique of m, a path of n more vertices from vertex 0
Pattern barbell(Arguments k);                    ///< two cliques of k joined by the edge 0-k
Pattern book(Arguments pages);                   ///< triangles that share the edge 0-1
Pattern friendship(Arguments triangles);         ///< triangles that share vertex 0
Pattern prism(Arguments k);                      ///< two cycles of k, corresponding vertices joined
Pattern ladder(Arguments rungs);                 ///< two paths, corresponding vertices joined
Pattern grid(Arguments rows_columns);            ///< row by row
Pattern hypercube(Arguments dimension);          ///< vertices joined where one bit differs
Pattern theta(Arguments lengths);                ///< vertices 0 and 1 joined by three disjoint paths of so many edges

}  // namespace galena::codegen::shapes
