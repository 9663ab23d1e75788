#include "test/nn/hyper_reference.hpp"

#include <algorithm>
#include <cmath>

namespace galena::test {

DenseHypergraph::DenseHypergraph(int n, const Members& hyperedges, const std::vector<float>& edge_weights)
    : incidence(static_cast<std::size_t>(n), std::vector<double>(hyperedges.size())) {
  for (std::size_t e = 0; e < hyperedges.size(); ++e) {
    for (const int v : hyperedges[e]) incidence[static_cast<std::size_t>(v)][e] = 1;
    weights.push_back(edge_weights.empty() ? 1 : edge_weights[e]);
  }
}

namespace {

double size_of(const DenseHypergraph& h, std::size_t e) {
  double size = 0;
  for (const auto& row : h.incidence) size += row[e];
  return size;
}

/// sum over v's hyperedges of value(e).
template <class F>
double over_edges(const DenseHypergraph& h, std::size_t v, const F& value) {
  double sum = 0;
  for (std::size_t e = 0; e < h.edges(); ++e)
    if (h.incidence[v][e] > 0) sum += value(e);
  return sum;
}

/// Entry (i, j) is sum over hyperedges of both of value(i, e, j).
template <class F>
Matrix by_shared_edges(const DenseHypergraph& h, const F& value) {
  Matrix a(h.vertices(), std::vector<double>(h.vertices()));
  for (std::size_t i = 0; i < h.vertices(); ++i)
    for (std::size_t j = 0; j < h.vertices(); ++j)
      a[i][j] = over_edges(h, i, [&](std::size_t e) { return h.incidence[j][e] > 0 ? value(i, e, j) : 0; });
  return a;
}

double weighted_degree(const DenseHypergraph& h, std::size_t v) {
  return over_edges(h, v, [&](std::size_t e) { return h.weights[e]; });
}

/// Layers relu(A X W + b), the last one without relu.
Matrix stacked(const nn::ModelOptions& options, const Matrix& a, Matrix x, const Values& values) {
  for (int k = 0; k < options.layers; ++k) {
    const std::string name = "layer" + std::to_string(k);
    x = product(a, product(x, values(name + ".weight")));
    add_row(x, values(name + ".bias"));
    if (k + 1 < options.layers) x = relu(x);
  }
  return x;
}

}  // namespace

Matrix hgnn_operator(const DenseHypergraph& h) {
  return by_shared_edges(h, [&](std::size_t i, std::size_t e, std::size_t j) {
    return h.weights[e] * inverse(size_of(h, e)) * inverse(std::sqrt(weighted_degree(h, i) * weighted_degree(h, j)));
  });
}

Matrix hgnnp_operator(const DenseHypergraph& h) {
  return by_shared_edges(h, [&](std::size_t i, std::size_t e, std::size_t) {
    return h.weights[e] * inverse(size_of(h, e)) * inverse(weighted_degree(h, i));
  });
}

namespace {

double degree(const DenseHypergraph& h, std::size_t v) {
  return over_edges(h, v, [](std::size_t) { return 1.0; });
}

Matrix unigcn_operator(const DenseHypergraph& h) {
  std::vector<double> mean_degree(h.edges());
  for (std::size_t e = 0; e < h.edges(); ++e)
    for (std::size_t v = 0; v < h.vertices(); ++v)
      mean_degree[e] += h.incidence[v][e] * degree(h, v) * inverse(size_of(h, e));
  return by_shared_edges(h, [&](std::size_t i, std::size_t e, std::size_t) {
    return inverse(std::sqrt(degree(h, i))) * inverse(std::sqrt(mean_degree[e])) * inverse(size_of(h, e));
  });
}

/// (1 + eps) I + H D_e^-1 H^T.
Matrix with_self(const DenseHypergraph& h, double eps) {
  Matrix a = by_shared_edges(h, [&](std::size_t, std::size_t e, std::size_t) { return inverse(size_of(h, e)); });
  for (std::size_t v = 0; v < h.vertices(); ++v) a[v][v] += 1 + eps;
  return a;
}

Matrix unigin(const nn::ModelOptions& options, const DenseHypergraph& h, Matrix x, const Values& values) {
  for (int k = 0; k < options.layers; ++k) {
    const std::string name = "layer" + std::to_string(k);
    x = product(with_self(h, values(name + ".eps")[0][0]), product(x, values(name + ".weight")));
    add_row(x, values(name + ".bias"));
    if (k + 1 < options.layers) x = relu(x);
  }
  return x;
}

Matrix edge_means(const DenseHypergraph& h, const Matrix& x) {
  Matrix means = product(transposed(h.incidence), x);
  for (std::size_t e = 0; e < h.edges(); ++e)
    for (double& value : means[e]) value *= inverse(size_of(h, e));
  return means;
}

Matrix unigat(const nn::ModelOptions& options, const DenseHypergraph& h, Matrix x, const Values& values) {
  for (int k = 0; k < options.layers; ++k) {
    const std::string name = "layer" + std::to_string(k);
    const bool last = k + 1 == options.layers;
    const Matrix means = edge_means(h, product(x, values(name + ".weight"))), a = values(name + ".a");
    Matrix y;
    for (std::size_t head = 0; head < a.size(); ++head) {
      const std::size_t width = a[0].size();
      const Matrix mine = columns(means, head * width, (head + 1) * width);
      std::vector<double> scores = dots(mine, a[head]);
      for (double& score : scores) score = score > 0 ? score : 0.2 * score;
      const Matrix sums = softmax_sums(h.incidence, scores, mine, width);
      if (!last || head == 0) {
        append_columns(y, sums);
      } else {
        for (std::size_t i = 0; i < y.size(); ++i)
          for (std::size_t c = 0; c < width; ++c) y[i][c] += sums[i][c];
      }
    }
    if (last)
      for (auto& row : y)
        for (double& value : row) value /= static_cast<double>(a.size());
    x = add_row(y, values(name + ".bias"));
    if (!last) x = relu(x);
  }
  return x;
}

Matrix unigcnii(const nn::ModelOptions& options, const DenseHypergraph& h, Matrix x, const Values& values) {
  const Matrix a = unigcn_operator(h);
  x = product(x, values("first.weight"));
  const Matrix x0 = relu(add_row(x, values("first.bias")));
  x = x0;
  for (int k = 0; k < options.layers; ++k) {
    const double beta = std::log(options.theta / (k + 1) + 1);
    Matrix s = product(a, x);
    for (std::size_t i = 0; i < s.size(); ++i)
      for (std::size_t c = 0; c < s[i].size(); ++c) s[i][c] = (1 - options.alpha) * s[i][c] + options.alpha * x0[i][c];
    const Matrix sw = product(s, values("layer" + std::to_string(k) + ".weight"));
    for (std::size_t i = 0; i < s.size(); ++i)
      for (std::size_t c = 0; c < s[i].size(); ++c) x[i][c] = (1 - beta) * s[i][c] + beta * sw[i][c];
    x = relu(x);
  }
  x = product(x, values("last.weight"));
  return add_row(x, values("last.bias"));
}

/// Rows of x weighted by their number of neighbours to the power p, over the sum of these weights.
Matrix weighted_means(const Matrix& mask, double p, const Matrix& x) {
  const Matrix by_source = transposed(mask);
  std::vector<double> weight;
  for (const auto& row : by_source) {
    double count = 0;
    for (const double entry : row) count += entry;
    weight.push_back(count > 0 ? std::pow(count, p) : 0);
  }
  Matrix y(mask.size(), std::vector<double>(x[0].size()));
  for (std::size_t i = 0; i < mask.size(); ++i) {
    double total = 0;
    for (std::size_t j = 0; j < x.size(); ++j) total += mask[i][j] * weight[j];
    for (std::size_t j = 0; j < x.size(); ++j)
      for (std::size_t c = 0; c < x[j].size(); ++c) y[i][c] += mask[i][j] * weight[j] * inverse(total) * x[j][c];
  }
  return y;
}

Matrix hnhn(const nn::ModelOptions& options, const DenseHypergraph& h, Matrix x, const Values& values) {
  for (int k = 0; k < options.layers; ++k) {
    const std::string name = "layer" + std::to_string(k);
    x = product(weighted_means(transposed(h.incidence), options.hnhn_beta, x), values(name + ".edges.weight"));
    x = relu(add_row(x, values(name + ".edges.bias")));
    x = product(weighted_means(h.incidence, options.hnhn_alpha, x), values(name + ".weight"));
    add_row(x, values(name + ".bias"));
    if (k + 1 < options.layers) x = relu(x);
  }
  return x;
}

/// The graph of extremal vertices and mediators as a matrix, with self-loops, normalised.
Matrix hypergcn_operator(const DenseHypergraph& h, const Matrix& x, const std::vector<double>& direction) {
  const std::vector<double> projection = dots(x, direction);
  Matrix a(h.vertices(), std::vector<double>(h.vertices()));
  for (std::size_t e = 0; e < h.edges(); ++e) {
    std::vector<std::size_t> members;
    for (std::size_t v = 0; v < h.vertices(); ++v)
      if (h.incidence[v][e] > 0) members.push_back(v);
    if (members.size() < 2) continue;
    // By projection, then by number.
    std::stable_sort(members.begin(), members.end(),
                     [&](std::size_t u, std::size_t v) { return projection[u] < projection[v]; });
    const std::size_t low = members.front(), high = members.back();
    const double weight = 1 / (2.0 * static_cast<double>(members.size()) - 3);
    const auto join = [&](std::size_t u, std::size_t v) {
      a[u][v] += weight;
      a[v][u] += weight;
    };
    join(low, high);
    for (const std::size_t v : members)
      if (v != low && v != high) {
        join(v, low);
        join(v, high);
      }
  }
  std::vector<double> degree(h.vertices());
  for (std::size_t v = 0; v < h.vertices(); ++v) {
    a[v][v] += 1;
    for (const double entry : a[v]) degree[v] += entry;
  }
  for (std::size_t u = 0; u < h.vertices(); ++u)
    for (std::size_t v = 0; v < h.vertices(); ++v) a[u][v] /= std::sqrt(degree[u] * degree[v]);
  return a;
}

}  // namespace

Matrix reference_logits(const nn::ModelOptions& options, const DenseHypergraph& h, const Matrix& x,
                        const Values& values, const std::vector<double>& direction) {
  if (options.name == "hgnn") return stacked(options, hgnn_operator(h), x, values);
  if (options.name == "hgnnp") return stacked(options, hgnnp_operator(h), x, values);
  if (options.name == "unigcn") return stacked(options, unigcn_operator(h), x, values);
  if (options.name == "unisage") return stacked(options, with_self(h, 0), x, values);
  if (options.name == "unigin") return unigin(options, h, x, values);
  if (options.name == "unigat") return unigat(options, h, x, values);
  if (options.name == "unigcnii") return unigcnii(options, h, x, values);
  if (options.name == "hnhn") return hnhn(options, h, x, values);
  if (options.name == "alldeepsets" || options.name == "allsettransformer")
    return allset_reference(options, h, x, values);
  if (options.name == "hypergcn") return stacked(options, hypergcn_operator(h, x, direction), x, values);
  FAIL("no reference of " << options.name);
  return {};
}

}  // namespace galena::test
