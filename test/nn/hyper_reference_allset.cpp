#include <cmath>

#include "test/nn/hyper_reference.hpp"

namespace galena::test {
namespace {

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

Matrix two_layers(Matrix x, const std::string& name, const Values& values) {
  x = layer_norm(x, name + ".before", values);
  x = layer_norm(relu(linear(x, name + ".first", values)), name + ".between", values);
  return linear(x, name + ".second", values);
}

Matrix deep_set(const Matrix& mask, Matrix x, const std::string& name, const Values& values) {
  x = relu(two_layers(x, name + ".encode", values));
  return relu(two_layers(product(mask, x), name + ".decode", values));
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

}  // namespace

Matrix allset_reference(const nn::ModelOptions& options, const DenseHypergraph& h, Matrix x, const Values& values) {
  const Matrix members = transposed(h.incidence);
  for (int k = 0; k < options.layers; ++k) {
    const std::string name = "layer" + std::to_string(k);
    const auto heads = static_cast<std::size_t>(options.heads);
    if (options.name == "alldeepsets") {
      x = deep_set(members, x, name + ".edges", values);
      x = deep_set(h.incidence, x, name + ".vertices", values);
    } else {
      x = pool(members, x, name + ".edges", values, heads);
      x = pool(h.incidence, x, name + ".vertices", values, heads);
    }
  }
  return linear(x, "last", values);
}

}  // namespace galena::test
