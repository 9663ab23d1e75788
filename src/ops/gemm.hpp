#pragma once
// Dense matrix products, and those of a sparse matrix with a dense one. Sums are taken in an order that depends on
// the shapes alone: the result is the same for every thread count.

#include "galena/tensor.hpp"

namespace galena::ops {

/// While one lives, this thread's products of dense f32 on a device may round what they multiply to TF32 (10 bits after
/// the leading one); they are added up in f32. On the CPU, and of f64, nothing is rounded.
class Tf32Products {
 public:
  explicit Tf32Products(bool rounded) noexcept;
  ~Tf32Products();
  Tf32Products(const Tf32Products&) = delete;
  Tf32Products& operator=(const Tf32Products&) = delete;

 private:
  bool before_;
};

/// c = a * b (+ c where `accumulate`): [n x k] * [k x m] -> [n x m].
void matmul(const Tensor& a, const Tensor& b, const Tensor& c, bool accumulate = false);
/// c = a * b + bias in every row, bias [1 x m].
void matmul_bias(const Tensor& a, const Tensor& b, const Tensor& bias, const Tensor& c);
/// c = a * transpose(b): [n x k] * [m x k] -> [n x m].
void matmul_nt(const Tensor& a, const Tensor& b, const Tensor& c, bool accumulate = false);
/// c = transpose(a) * b: [n x k], [n x m] -> [k x m]; n may be millions.
void matmul_tn(const Tensor& a, const Tensor& b, const Tensor& c, bool accumulate = false);

/// c = s * w: sparse [n x k] times dense [k x m], rows 0 .. c.rows() - 1 only.
void sparse_matmul(const SparseMatrix& s, const Tensor& w, const Tensor& c, bool accumulate = false);
/// c = transpose(s) * g over rows 0 .. g.rows() - 1: sparse [n x k], dense [rows x m] -> [k x m].
void sparse_matmul_tn(const SparseMatrix& s, const Tensor& g, const Tensor& c, bool accumulate = false);

}  // namespace galena::ops
