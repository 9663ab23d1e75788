// The algorithm is CSR_ALG2, with cusparseSpMM_preprocess() before the first product; its time is not counted.

#include "bench/gpu/cusparse.hpp"

#include <cusparse.h>

#include "galena/error.hpp"
#include "src/base/shared_library.hpp"
#include "src/ops/cuda_stream.hpp"
#include "src/ops/device_csr.hpp"

namespace galena::bench {
namespace {

void check(cusparseStatus_t status, const char* call) {
  if (status == CUSPARSE_STATUS_SUCCESS) return;
  throw EnvironmentError(std::string("cuSPARSE: ") + call + " failed with status " + std::to_string(status));
}
#define GALENA_CUSPARSE_CALL(call) check((call), #call)

template <class F>
F* find(F*, const char* name) {
  static base::SharedLibrary library("cuSPARSE", "GALENA_CUSPARSE",
                                     {"libcusparse.so.12", "libcusparse.so.11", "libcusparse.so"},
                                     "install the CUDA Toolkit's libraries");
  F* function = nullptr;
  library.find(name, function).require();
  return function;
}
#define GALENA_CUSPARSE(name) find(&(name), #name)

}  // namespace

struct CuSparseSpmm::State {
  cusparseHandle_t handle = nullptr;
  cusparseSpMatDescr_t matrix = nullptr;
  cusparseDnMatDescr_t x = nullptr, y = nullptr;
  Tensor indptr, values, buffer;
  decltype(&cusparseSpMM) product = GALENA_CUSPARSE(cusparseSpMM);
};

CuSparseSpmm::CuSparseSpmm(const ops::Csr& csr, const Tensor& x, const Tensor& y) : state_(std::make_unique<State>()) {
  State& s = *state_;
  const ops::DeviceCsr& device = ops::device_csr(csr);
  const auto nonzeros = static_cast<std::int64_t>(csr.nonzeros());
  {
    const OnDevice there(Device::cuda);
    s.values = Tensor::full(nonzeros, 1, 1);
  }
  // 32-bit offsets, which are its fastest.
  std::vector<std::int32_t> indptr(csr.indptr, csr.indptr + csr.rows + 1);
  s.indptr = ops::to_device(indptr.data(), indptr.size());
  GALENA_CUSPARSE_CALL(GALENA_CUSPARSE(cusparseCreate)(&s.handle));
  GALENA_CUSPARSE_CALL(GALENA_CUSPARSE(cusparseSetStream)(s.handle, ops::cuda_stream()));
  GALENA_CUSPARSE_CALL(GALENA_CUSPARSE(cusparseCreateCsr)(&s.matrix, csr.rows, csr.cols, nonzeros, s.indptr.raw(),
                                                          device.indices.raw(), s.values.raw(), CUSPARSE_INDEX_32I,
                                                          CUSPARSE_INDEX_32I, CUSPARSE_INDEX_BASE_ZERO, CUDA_R_32F));
  const auto dense = GALENA_CUSPARSE(cusparseCreateDnMat);
  GALENA_CUSPARSE_CALL(dense(&s.x, x.rows(), x.cols(), x.cols(), x.raw(), CUDA_R_32F, CUSPARSE_ORDER_ROW));
  GALENA_CUSPARSE_CALL(dense(&s.y, y.rows(), y.cols(), y.cols(), y.raw(), CUDA_R_32F, CUSPARSE_ORDER_ROW));
  const float one = 1, none = 0;
  std::size_t bytes = 0;
  constexpr auto kPlain = CUSPARSE_OPERATION_NON_TRANSPOSE;
  GALENA_CUSPARSE_CALL(GALENA_CUSPARSE(cusparseSpMM_bufferSize)(s.handle, kPlain, kPlain, &one, s.matrix, s.x, &none,
                                                                s.y, CUDA_R_32F, CUSPARSE_SPMM_CSR_ALG2, &bytes));
  const OnDevice there(Device::cuda);
  s.buffer = Tensor::empty(static_cast<std::int64_t>(bytes) + 1, 1, DType::u8);
  GALENA_CUSPARSE_CALL(GALENA_CUSPARSE(cusparseSpMM_preprocess)(
      s.handle, kPlain, kPlain, &one, s.matrix, s.x, &none, s.y, CUDA_R_32F, CUSPARSE_SPMM_CSR_ALG2, s.buffer.raw()));
}

CuSparseSpmm::~CuSparseSpmm() {
  static_cast<void>(GALENA_CUSPARSE(cusparseDestroyDnMat)(state_->x));
  static_cast<void>(GALENA_CUSPARSE(cusparseDestroyDnMat)(state_->y));
  static_cast<void>(GALENA_CUSPARSE(cusparseDestroySpMat)(state_->matrix));
  static_cast<void>(GALENA_CUSPARSE(cusparseDestroy)(state_->handle));
}

void CuSparseSpmm::run() {
  const float one = 1, none = 0;
  constexpr auto kPlain = CUSPARSE_OPERATION_NON_TRANSPOSE;
  State& s = *state_;
  GALENA_CUSPARSE_CALL(s.product(s.handle, kPlain, kPlain, &one, s.matrix, s.x, &none, s.y, CUDA_R_32F,
                                 CUSPARSE_SPMM_CSR_ALG2, s.buffer.raw()));
}

}  // namespace galena::bench
