// Each is preprocessed before its first product; that time is not counted.

#include "bench/gpu/cusparse.hpp"

#include <cusparse.h>

#include <vector>

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

constexpr auto kPlain = CUSPARSE_OPERATION_NON_TRANSPOSE, kTransposed = CUSPARSE_OPERATION_TRANSPOSE;
constexpr float kOne = 1, kNone = 0;

/// The library's handle and its views of a matrix's structure and of two dense ones; they outlive it.
struct Views {
  cusparseHandle_t handle = nullptr;
  cusparseSpMatDescr_t matrix = nullptr;
  cusparseDnMatDescr_t first = nullptr, second = nullptr;
  Tensor indptr, values, buffer;

  Views(const ops::Csr& csr, const Tensor& nonzeros, const Tensor& a, const Tensor& b) : values(nonzeros) {
    // 32-bit offsets, which are its fastest.
    const std::vector<std::int32_t> offsets(csr.indptr, csr.indptr + csr.rows + 1);
    indptr = ops::to_device(offsets.data(), offsets.size());
    GALENA_CUSPARSE_CALL(GALENA_CUSPARSE(cusparseCreate)(&handle));
    GALENA_CUSPARSE_CALL(GALENA_CUSPARSE(cusparseSetStream)(handle, ops::cuda_stream()));
    GALENA_CUSPARSE_CALL(GALENA_CUSPARSE(cusparseCreateCsr)(
        &matrix, csr.rows, csr.cols, static_cast<std::int64_t>(csr.nonzeros()), indptr.raw(),
        ops::device_csr(csr).indices.raw(), values.raw(), CUSPARSE_INDEX_32I, CUSPARSE_INDEX_32I,
        CUSPARSE_INDEX_BASE_ZERO, CUDA_R_32F));
    const auto dense = GALENA_CUSPARSE(cusparseCreateDnMat);
    GALENA_CUSPARSE_CALL(dense(&first, a.rows(), a.cols(), a.cols(), a.raw(), CUDA_R_32F, CUSPARSE_ORDER_ROW));
    GALENA_CUSPARSE_CALL(dense(&second, b.rows(), b.cols(), b.cols(), b.raw(), CUDA_R_32F, CUSPARSE_ORDER_ROW));
  }
  ~Views() {
    static_cast<void>(GALENA_CUSPARSE(cusparseDestroyDnMat)(first));
    static_cast<void>(GALENA_CUSPARSE(cusparseDestroyDnMat)(second));
    static_cast<void>(GALENA_CUSPARSE(cusparseDestroySpMat)(matrix));
    static_cast<void>(GALENA_CUSPARSE(cusparseDestroy)(handle));
  }
  Views(const Views&) = delete;
  Views& operator=(const Views&) = delete;

  void make_buffer(std::size_t bytes) {
    const OnDevice there(Device::cuda);
    buffer = Tensor::empty(static_cast<std::int64_t>(bytes) + 1, 1, DType::u8);
  }
};

Tensor ones(const ops::Csr& csr) {
  const OnDevice there(Device::cuda);
  return Tensor::full(static_cast<std::int64_t>(csr.nonzeros()), 1, 1);
}

}  // namespace

std::string name_of(SpmmAlgorithm algorithm) { return algorithm == SpmmAlgorithm::csr_alg2 ? "alg2" : "alg3"; }

struct CuSparseSpmm::State {
  Views v;
  cusparseSpMMAlg_t algorithm;
  decltype(&cusparseSpMM) product = GALENA_CUSPARSE(cusparseSpMM);
};

CuSparseSpmm::CuSparseSpmm(const ops::Csr& csr, const Tensor& x, const Tensor& y, SpmmAlgorithm algorithm)
    : state_(new State{{csr, ones(csr), x, y},
                       algorithm == SpmmAlgorithm::csr_alg2 ? CUSPARSE_SPMM_CSR_ALG2 : CUSPARSE_SPMM_CSR_ALG3}) {
  Views& v = state_->v;
  std::size_t bytes = 0;
  GALENA_CUSPARSE_CALL(GALENA_CUSPARSE(cusparseSpMM_bufferSize)(
      v.handle, kPlain, kPlain, &kOne, v.matrix, v.first, &kNone, v.second, CUDA_R_32F, state_->algorithm, &bytes));
  v.make_buffer(bytes);
  GALENA_CUSPARSE_CALL(GALENA_CUSPARSE(cusparseSpMM_preprocess)(v.handle, kPlain, kPlain, &kOne, v.matrix, v.first,
                                                                &kNone, v.second, CUDA_R_32F, state_->algorithm,
                                                                v.buffer.raw()));
}

CuSparseSpmm::~CuSparseSpmm() = default;

void CuSparseSpmm::run() {
  Views& v = state_->v;
  GALENA_CUSPARSE_CALL(state_->product(v.handle, kPlain, kPlain, &kOne, v.matrix, v.first, &kNone, v.second, CUDA_R_32F,
                                       state_->algorithm, v.buffer.raw()));
}

struct CuSparseSddmm::State {
  Views v;
  decltype(&cusparseSDDMM) product = GALENA_CUSPARSE(cusparseSDDMM);
};

CuSparseSddmm::CuSparseSddmm(const ops::Csr& csr, const Tensor& a, const Tensor& b, const Tensor& e)
    : state_(new State{{csr, e, a, b}}) {
  Views& v = state_->v;
  std::size_t bytes = 0;
  GALENA_CUSPARSE_CALL(GALENA_CUSPARSE(cusparseSDDMM_bufferSize)(v.handle, kPlain, kTransposed, &kOne, v.first,
                                                                 v.second, &kNone, v.matrix, CUDA_R_32F,
                                                                 CUSPARSE_SDDMM_ALG_DEFAULT, &bytes));
  v.make_buffer(bytes);
  GALENA_CUSPARSE_CALL(GALENA_CUSPARSE(cusparseSDDMM_preprocess)(v.handle, kPlain, kTransposed, &kOne, v.first,
                                                                 v.second, &kNone, v.matrix, CUDA_R_32F,
                                                                 CUSPARSE_SDDMM_ALG_DEFAULT, v.buffer.raw()));
}

CuSparseSddmm::~CuSparseSddmm() = default;

void CuSparseSddmm::run() {
  Views& v = state_->v;
  GALENA_CUSPARSE_CALL(state_->product(v.handle, kPlain, kTransposed, &kOne, v.first, v.second, &kNone, v.matrix,
                                       CUDA_R_32F, CUSPARSE_SDDMM_ALG_DEFAULT, v.buffer.raw()));
}

}  // namespace galena::bench
