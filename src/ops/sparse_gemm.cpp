// A sparse matrix of features times a dense one. Both directions are sums of gathered rows: of w through the rows, and
// of g through the columns, which are kept as well.

#include "src/ops/check.hpp"
#include "src/ops/device_csr.hpp"
#include "src/ops/device_ops.hpp"
#include "src/ops/gather_sum.hpp"
#include "src/ops/gemm.hpp"

namespace galena::ops {
namespace {

void check_rows_of(const char* op, const char* name, const SparseMatrix& s, const Tensor& dense) {
  if (dense.rows() <= s.rows()) return;
  fail(op, std::string(name) + " is " + shape_of(dense) + "; expected at most the " + std::to_string(s.rows()) +
               " rows of the sparse matrix");
}

}  // namespace

void sparse_matmul(const SparseMatrix& s, const Tensor& w, const Tensor& c, bool accumulate) {
  check_rows_of("sparse_matmul", "c", s, c);
  check_tensor("sparse_matmul", "w", w, s.cols(), c.cols(), s.values().dtype());
  check_tensor("sparse_matmul", "c", c, c.rows(), w.cols(), s.values().dtype());
  if (s.rows() == 0) return;
  if (on_device(w)) {
    return device_ops().spmm(rows_view(s.structure()), {{}, &s.values(), nullptr}, w, c, accumulate);
  }
  with_float("sparse_matmul", w.dtype(), [&](auto type) {
    using T = decltype(type);
    GatherSum<T> sum;
    sum.indptr = s.structure().indptr.data();
    sum.indices = s.structure().indices.data();
    sum.limit = s.cols();
    sum.x = w.data<T>();
    sum.y = c.data<T>();
    sum.width = w.cols();
    sum.values = s.values().data<T>();
    sum.accumulate = accumulate;
    gather_sum(sum, c.rows());
  });
}

void sparse_matmul_tn(const SparseMatrix& s, const Tensor& g, const Tensor& c, bool accumulate) {
  check_rows_of("sparse_matmul_tn", "g", s, g);
  check_tensor("sparse_matmul_tn", "g", g, g.rows(), c.cols(), s.values().dtype());
  check_tensor("sparse_matmul_tn", "c", c, s.cols(), g.cols(), s.values().dtype());
  if (s.cols() == 0) return;
  if (on_device(g)) {
    const SparseStructure& structure = s.structure();
    const Tensor* const position = structure.on_device ? &structure.on_device->position : nullptr;
    return device_ops().spmm(columns_view(structure), {{}, &s.values(), position}, g, c, accumulate);
  }
  with_float("sparse_matmul_tn", g.dtype(), [&](auto type) {
    using T = decltype(type);
    GatherSum<T> sum;
    sum.indptr = s.structure().t_indptr.data();
    sum.indices = s.structure().t_indices.data();
    sum.limit = g.rows();
    sum.bounded = g.rows() < s.rows();
    sum.x = g.data<T>();
    sum.y = c.data<T>();
    sum.width = g.cols();
    sum.values = s.values().data<T>();
    sum.position = s.structure().t_position.data();
    sum.accumulate = accumulate;
    gather_sum(sum, s.cols());
  });
}

}  // namespace galena::ops
