#pragma once
// Maps over elements and rows. f32 and f64. Outputs may be the inputs themselves.

#include <span>

#include "galena/tensor.hpp"
#include "src/ops/random_key.hpp"

namespace galena::ops {

enum class Activation { identity, relu, leaky_relu, elu, sigmoid, tanh, gelu };

/// y = f(x); `slope`: of leaky ReLU (0.2 in GAT), alpha of ELU.
void activate(Activation f, const Tensor& x, const Tensor& y, double slope = 0.2);
/// dx (+)= f'(x) * dy, told from the result y; of GELU, which takes most of its values twice, from x in its place.
void activate_backward(Activation f, const Tensor& y, const Tensor& dy, const Tensor& dx, bool accumulate,
                       double slope = 0.2);

/// y = alpha * x + beta * y.
void axpby(double alpha, const Tensor& x, double beta, const Tensor& y);
/// y = factor * y, factor [1 x 1] of f64 in the memory of y.
void scale_by(const Tensor& factor, const Tensor& y);
/// 1 where a row's block of `height` rows is a column's number, else 0, [rows x cols]; where tensors are made.
Tensor block_mask(std::int64_t rows, std::int64_t cols, std::int64_t height, DType dtype);
/// y = a * b, by element.
void multiply(const Tensor& a, const Tensor& b, const Tensor& y, bool accumulate = false);
/// y[i] += bias, for each row.
void add_row(const Tensor& bias, const Tensor& y);
/// y[0, c] (+)= sum_i x[i, c], in an order that does not depend on threads.
void column_sums(const Tensor& x, const Tensor& y, bool accumulate = false);
/// y[i] = factor[i] * x[i].
void scale_rows(const Tensor& factor, const Tensor& x, const Tensor& y, bool accumulate = false);
/// Columns of a then columns of b: [n x p], [n x q] -> [n x (p + q)], and back.
void concat_columns(const Tensor& a, const Tensor& b, const Tensor& y);
void split_columns(const Tensor& y, const Tensor& a, const Tensor& b, bool accumulate);
/// y[i] = x[rows[i]]; y[rows[i]] += x[i] (rows unique). `rows` lie where the tensors do; on a device they are not checked.
void gather_rows(const Tensor& x, std::span<const VertexId> rows, const Tensor& y);
void scatter_add_rows(const Tensor& x, std::span<const VertexId> rows, const Tensor& y);

// `ids` lie where x does.

/// Dropout: element (i, c) is kept with probability 1 - p and divided by it. The draw is named by key, ids[i] (i where
/// null) and c: 16 bits of Philox, so p is rounded to 1/65536 and the factor is exact for the rounded p.
void dropout(const Tensor& x, double p, const RandomKey& key, const VertexId* ids, const Tensor& y,
             bool accumulate = false);
/// y = dropout(relu(x)). Its gradient is told from the result: an element above 0 was neither negative nor dropped.
void relu_dropout(const Tensor& x, double p, const RandomKey& key, const VertexId* ids, const Tensor& y);
/// dx (+)= gradient of the above.
void relu_dropout_backward(const Tensor& y, double p, const Tensor& dy, const Tensor& dx, bool accumulate);
/// The same draws at the nonzeros of a sparse matrix. Rows from `rows` on keep their values undrawn and unused.
SparseMatrix dropout(const SparseMatrix& x, double p, const RandomKey& key, const VertexId* ids, std::int64_t rows);

}  // namespace galena::ops
