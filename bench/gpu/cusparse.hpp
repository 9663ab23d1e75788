#pragma once
// cuSPARSE's SpMM and SDDMM, preprocessed, as the bar: found when it is asked for. Which algorithm of SpMM is the faster
// depends on the matrix.

#include <memory>
#include <string>

#include "galena/tensor.hpp"
#include "src/ops/csr.hpp"

namespace galena::bench {

enum class SpmmAlgorithm { csr_alg2, csr_alg3 };
inline constexpr SpmmAlgorithm kSpmmAlgorithms[] = {SpmmAlgorithm::csr_alg2, SpmmAlgorithm::csr_alg3};
/// "alg2"
std::string name_of(SpmmAlgorithm algorithm);

class CuSparseSpmm {
 public:
  /// Prepares y = csr x of f32. Throws EnvironmentError where the library is not there.
  CuSparseSpmm(const ops::Csr& csr, const Tensor& x, const Tensor& y, SpmmAlgorithm algorithm);
  ~CuSparseSpmm();
  CuSparseSpmm(const CuSparseSpmm&) = delete;
  CuSparseSpmm& operator=(const CuSparseSpmm&) = delete;
  void run();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class CuSparseSddmm {
 public:
  /// Prepares e[k] = <a[row of k], b[column of k]> of f32, for each nonzero k of csr. Throws EnvironmentError where the
  /// library is not there.
  CuSparseSddmm(const ops::Csr& csr, const Tensor& a, const Tensor& b, const Tensor& e);
  ~CuSparseSddmm();
  CuSparseSddmm(const CuSparseSddmm&) = delete;
  CuSparseSddmm& operator=(const CuSparseSddmm&) = delete;
  void run();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace galena::bench
