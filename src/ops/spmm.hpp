#pragma once
// SpMM: the sum over neighbours, y[i] = left[i] * sum_{j in row i, j < x.rows()} right[j] * x[j].
// Weights are products of a row's and a column's factor (GCN's normalisation, the mean, sampling rates), so no
// value an edge is read: 4 bytes an edge besides the rows themselves.

#include <cstdint>
#include <vector>

#include "galena/tensor.hpp"
#include "src/ops/csr.hpp"

namespace galena::ops {

struct SpmmScale {
  const Tensor* left = nullptr;   ///< [>= y.rows() x 1] of y's type, or null: 1
  const Tensor* right = nullptr;  ///< [>= x.rows() x 1] of y's type, or null: 1
  const Tensor* diagonal =
      nullptr;  ///< [>= y.rows() x 1]: y[i] += diagonal[i] * x[i] for the rows x has (self-loops), or null
};

/// x [m x d] -> y [n x d], n <= csr.rows, m <= csr.cols: rows 0..n-1 over columns 0..m-1 only, so that prefixes of
/// rows and columns need no structure of their own. f32 and f64; on a device x may be bf16 where y is f32. `accumulate`
/// adds to y.
void spmm(const Csr& csr, const SpmmScale& scale, const Tensor& x, const Tensor& y, bool accumulate = false);

/// The largest (or smallest) neighbour value by feature; `arg` (i32, [n x d]) receives the column, -1 and value 0
/// where a row has none.
void spmm_max(const Csr& csr, const Tensor& x, const Tensor& y, const Tensor& arg);
/// dx[arg] += dy, in row order. `csr_t` is the transpose.
void spmm_max_backward(const Csr& csr_t, const Tensor& arg, const Tensor& dy, const Tensor& dx);
/// Takes other's value where it is larger than y's, or y has none (arg -1): arg becomes `code` there, and other_arg -1
/// elsewhere. other_arg tells where `other` has a value; undefined: everywhere. All of one shape.
void merge_max(const Tensor& other, const Tensor& other_arg, std::int32_t code, const Tensor& y, const Tensor& arg);
/// dx += dy where arg is `code`: dy and arg of one shape, dx of that many rows or more.
void add_where(const Tensor& arg, std::int32_t code, const Tensor& dy, const Tensor& dx);

/// SDDMM: e[k, h] = <a[i, h-th slice], b[j, h-th slice]> for the k-th nonzero (i, j); `heads` slices of equal width.
void sddmm(const Csr& csr, const Tensor& a, const Tensor& b, int heads, const Tensor& e);

}  // namespace galena::ops
