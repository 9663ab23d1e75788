#pragma once
// cuSPARSE's SpMM, preprocessed, as the bar: found when it is asked for.

#include <memory>
#include <string>

#include "galena/tensor.hpp"
#include "src/ops/csr.hpp"

namespace galena::bench {

class CuSparseSpmm {
 public:
  /// Prepares y = csr x of f32. Throws EnvironmentError where the library is not there.
  CuSparseSpmm(const ops::Csr& csr, const Tensor& x, const Tensor& y);
  ~CuSparseSpmm();
  CuSparseSpmm(const CuSparseSpmm&) = delete;
  CuSparseSpmm& operator=(const CuSparseSpmm&) = delete;
  void run();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace galena::bench
