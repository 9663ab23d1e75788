#include "test/nn/hyper_reference.hpp"

#include <algorithm>
#include <cmath>

namespace galena::test {

Matrix matrix_of(const Tensor& tensor) {
  Matrix result(static_cast<std::size_t>(tensor.rows()));
  for (std::size_t i = 0; i < result.size(); ++i)
    for (std::int64_t c = 0; c < tensor.cols(); ++c) result[i].push_back(tensor.item(static_cast<std::int64_t>(i), c));
  return result;
}

double largest_difference(const Tensor& a, const Matrix& b) {
  Tensor other = Tensor::empty(static_cast<std::int64_t>(b.size()),
                               b.empty() ? a.cols() : static_cast<std::int64_t>(b[0].size()), DType::f64);
  for (std::int64_t i = 0; i < other.rows(); ++i)
    for (std::int64_t c = 0; c < other.cols(); ++c)
      other.at<double>(i, c) = b[static_cast<std::size_t>(i)][static_cast<std::size_t>(c)];
  return largest_difference(a, other);
}

DenseHypergraph::DenseHypergraph(int n, const Members& hyperedges, const std::vector<float>& edge_weights)
    : incidence(static_cast<std::size_t>(n), std::vector<double>(hyperedges.size())) {
  for (std::size_t e = 0; e < hyperedges.size(); ++e) {
    for (const int v : hyperedges[e]) incidence[static_cast<std::size_t>(v)][e] = 1;
    weights.push_back(edge_weights.empty() ? 1 : edge_weights[e]);
  }
}

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix c(a.size(), std::vector<double>(b.empty() ? 0 : b[0].size()));
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t k = 0; k < b.size(); ++k)
      for (std::size_t j = 0; j < c[i].size(); ++j) c[i][j] += a[i][k] * b[k][j];
  return c;
}

Matrix transposed(const Matrix& a) {
  Matrix t(a.empty() ? 0 : a[0].size(), std::vector<double>(a.size()));
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t j = 0; j < t.size(); ++j) t[j][i] = a[i][j];
  return t;
}

namespace {

double inverse(double x) { return x > 0 ? 1 / x : 0; }

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

Matrix& add_row(Matrix& x, const Matrix& bias) {
  for (auto& row : x)
    for (std::size_t c = 0; c < row.size(); ++c) row[c] += bias[0][c];
  return x;
}

Matrix relu(Matrix x) {
  for (auto& row : x)
    for (double& value : row) value = std::max(value, 0.0);
  return x;
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

/// Columns [begin, end).
Matrix columns(const Matrix& x, std::size_t begin, std::size_t end) {
  Matrix part;
  for (const auto& row : x)
    part.emplace_back(row.begin() + static_cast<std::ptrdiff_t>(begin), row.begin() + static_cast<std::ptrdiff_t>(end));
  return part;
}

/// Of each row of `mask`, the sum over its columns of softmax(score) x.
Matrix softmax_sums(const Matrix& mask, const std::vector<double>& scores, const Matrix& x, std::size_t width) {
  Matrix y(mask.size(), std::vector<double>(width));
  for (std::size_t i = 0; i < mask.size(); ++i) {
    double total = 0;
    for (std::size_t j = 0; j < x.size(); ++j) total += mask[i][j] * std::exp(scores[j]);
    for (std::size_t j = 0; j < x.size(); ++j)
      for (std::size_t c = 0; c < width; ++c) y[i][c] += mask[i][j] * std::exp(scores[j]) * inverse(total) * x[j][c];
  }
  return y;
}

std::vector<double> dots(const Matrix& x, const std::vector<double>& a) {
  std::vector<double> result;
  for (const auto& row : x) {
    result.push_back(0);
    for (std::size_t c = 0; c < row.size(); ++c) result.back() += row[c] * a[c];
  }
  return result;
}

void append_columns(Matrix& x, const Matrix& more) {
  x.resize(more.size());
  for (std::size_t i = 0; i < more.size(); ++i) x[i].insert(x[i].end(), more[i].begin(), more[i].end());
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

/// Rows of mean 0 and variance 1 (and 1e-5), times gamma, + beta.
Matrix layer_norm(Matrix x, const std::string& name, const Values& values) {
  const Matrix gamma = values(name + ".gamma"), beta = values(name + ".beta");
  for (auto& row : x) {
    double mean = 0, variance = 0;
    for (const double value : row) mean += value / static_cast<double>(row.size());
    for (const double value : row) variance += (value - mean) * (value - mean) / static_cast<double>(row.size());
    for (std::size_t c = 0; c < row.size(); ++c)
      row[c] = (row[c] - mean) / std::sqrt(variance + 1e-5) * gamma[0][c] + beta[0][c];
  }
  return x;
}

Matrix linear(const Matrix& x, const std::string& name, const Values& values) {
  Matrix y = product(x, values(name + ".weight"));
  return add_row(y, values(name + ".bias"));
}

Matrix two_layers(Matrix x, const std::string& name, const Values& values, bool of_features) {
  if (!of_features) x = layer_norm(x, name + ".before", values);
  x = layer_norm(relu(linear(x, name + ".first", values)), name + ".between", values);
  return linear(x, name + ".second", values);
}

Matrix deep_set(const Matrix& mask, Matrix x, const std::string& name, const Values& values, bool of_features) {
  x = relu(two_layers(x, name + ".encode", values, of_features));
  return relu(two_layers(product(mask, x), name + ".decode", values, false));
}

Matrix pool(const Matrix& mask, const Matrix& x, const std::string& name, const Values& values, std::size_t heads) {
  const Matrix keys = product(x, values(name + ".key")), rows = linear(x, name + ".value", values);
  const Matrix seed = values(name + ".seed");
  const std::size_t width = seed[0].size() / heads;
  Matrix y;
  for (std::size_t head = 0; head < heads; ++head) {
    const std::size_t begin = head * width, end = begin + width;
    const auto scores = dots(columns(keys, begin, end), columns(seed, begin, end)[0]);
    append_columns(y, softmax_sums(mask, scores, columns(rows, begin, end), width));
  }
  y = layer_norm(add_row(y, seed), name + ".before", values);
  const Matrix z = relu(linear(relu(linear(y, name + ".first", values)), name + ".second", values));
  for (std::size_t i = 0; i < y.size(); ++i)
    for (std::size_t c = 0; c < y[i].size(); ++c) y[i][c] += z[i][c];
  return layer_norm(y, name + ".after", values);
}

Matrix allset(const nn::ModelOptions& options, const DenseHypergraph& h, Matrix x, const Values& values) {
  const Matrix members = transposed(h.incidence);
  for (int k = 0; k < options.layers; ++k) {
    const std::string name = "layer" + std::to_string(k);
    const auto heads = static_cast<std::size_t>(options.heads);
    if (options.name == "alldeepsets") {
      x = deep_set(members, x, name + ".edges", values, k == 0);
      x = deep_set(h.incidence, x, name + ".vertices", values, false);
    } else {
      x = pool(members, x, name + ".edges", values, heads);
      x = pool(h.incidence, x, name + ".vertices", values, heads);
    }
  }
  return linear(x, "last", values);
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
  if (options.name == "alldeepsets" || options.name == "allsettransformer") return allset(options, h, x, values);
  if (options.name == "hypergcn") return stacked(options, hypergcn_operator(h, x, direction), x, values);
  FAIL("no reference of " << options.name);
  return {};
}

}  // namespace galena::test
