// Products by cuBLASLt, which is looked for when the first product is asked for: programs start without it.
//
// cuBLASLt's matrices stand by column, ours by row: a row-major matrix is the transpose of a column-major one, so
// c = a b is computed as c^T = b^T a^T, and nothing is moved. A bias to every row of c is then one to every column of
// c^T, which is the library's own epilogue.
// What the library chooses for a shape is kept. Products are of f64, of f32, or where it is asked for of f32 rounded to
// TF32.

#include <cublasLt.h>

#include <array>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "galena/error.hpp"
#include "src/base/shared_library.hpp"
#include "src/ops/cuda_stream.hpp"

namespace galena::ops {
namespace {

constexpr std::size_t kWorkspace = std::size_t{32} << 20;

void check(cublasStatus_t status, const char* call) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw EnvironmentError(std::string("cuBLASLt: ") + call + " failed with status " + std::to_string(status));
}
#define GALENA_CUBLAS_CALL(call) check((call), #call)

/// That of the CUDA built with goes first: what a newer one brings may not start on this driver.
std::vector<std::string> names() {
  constexpr int kOther = CUBLAS_VER_MAJOR == 12 ? 13 : 12;
  const std::string name = "libcublasLt.so";
  return {name + "." + std::to_string(CUBLAS_VER_MAJOR), name + "." + std::to_string(kOther), name};
}

/// The functions of the library that are used.
struct Library {
  decltype(&cublasLtCreate) create = nullptr;
  decltype(&cublasLtDestroy) destroy = nullptr;
  decltype(&cublasLtMatmul) matmul = nullptr;
  decltype(&cublasLtMatmulDescCreate) desc_create = nullptr;
  decltype(&cublasLtMatmulDescSetAttribute) desc_set = nullptr;
  decltype(&cublasLtMatrixLayoutCreate) layout_create = nullptr;
  decltype(&cublasLtMatmulPreferenceCreate) preference_create = nullptr;
  decltype(&cublasLtMatmulPreferenceSetAttribute) preference_set = nullptr;
  decltype(&cublasLtMatmulPreferenceDestroy) preference_destroy = nullptr;
  decltype(&cublasLtMatmulAlgoGetHeuristic) heuristic = nullptr;

  /// Throws EnvironmentError where there is none that can be used.
  Library() {
    const base::SharedLibrary file("cuBLASLt", "GALENA_CUBLASLT", names(), "install the CUDA Toolkit's libraries",
                                   [this](base::SharedLibrary& found) { return use(found); });
    file.require();
  }

 private:
  std::string use(base::SharedLibrary& file) {
    file.find("cublasLtCreate", create).find("cublasLtDestroy", destroy).find("cublasLtMatmul", matmul);
    file.find("cublasLtMatmulDescCreate", desc_create).find("cublasLtMatmulDescSetAttribute", desc_set);
    file.find("cublasLtMatrixLayoutCreate", layout_create).find("cublasLtMatmulPreferenceCreate", preference_create);
    file.find("cublasLtMatmulPreferenceSetAttribute", preference_set);
    file.find("cublasLtMatmulPreferenceDestroy", preference_destroy).find("cublasLtMatmulAlgoGetHeuristic", heuristic);
    if (!file.whole()) return "";
    cublasLtHandle_t handle = nullptr;
    const cublasStatus_t status = create(&handle);
    if (status != CUBLAS_STATUS_SUCCESS) return "cublasLtCreate failed with status " + std::to_string(status);
    static_cast<void>(destroy(handle));
    return "";
  }
};

const Library& library() {
  static const Library loaded;
  return loaded;
}

/// The largest power of two that divides the address, up to what the library asks about.
std::uint32_t alignment_of(const void* p) {
  std::uint32_t bytes = 256;
  while (reinterpret_cast<std::uintptr_t>(p) % bytes != 0) bytes /= 2;
  return bytes;
}

/// A product's shape: what the library's choice depends on.
struct Shape {
  int device;
  std::int64_t n, m, k;
  bool transpose_a, transpose_b, accumulate;
  int epilogue;
  DType dtype;
  bool tf32;
  std::array<std::uint32_t, 3> alignment;  ///< of a, b, c
  auto operator<=>(const Shape&) const = default;
};

/// Kept to the end of the process, as the library's objects are.
struct Plan {
  cublasLtHandle_t handle = nullptr;  ///< of the device
  cublasLtMatmulDesc_t desc = nullptr;
  cublasLtMatrixLayout_t a = nullptr, b = nullptr, c = nullptr;
  cublasLtMatmulAlgo_t algorithm{};
  std::size_t workspace = 0;
  bool found = false;
};

template <class T>
void set(cublasLtMatmulDesc_t desc, cublasLtMatmulDescAttributes_t attribute, const T& value) {
  GALENA_CUBLAS_CALL(library().desc_set(desc, attribute, &value, sizeof value));
}

template <class T>
void prefer(cublasLtMatmulPreference_t preference, cublasLtMatmulPreferenceAttributes_t attribute, const T& value) {
  GALENA_CUBLAS_CALL(library().preference_set(preference, attribute, &value, sizeof value));
}

/// Of a row-major matrix [rows x cols]: its transpose, by column.
cublasLtMatrixLayout_t layout_of(cudaDataType_t type, std::int64_t rows, std::int64_t cols) {
  cublasLtMatrixLayout_t layout = nullptr;
  GALENA_CUBLAS_CALL(
      library().layout_create(&layout, type, static_cast<std::uint64_t>(cols), static_cast<std::uint64_t>(rows), cols));
  return layout;
}

/// The library's handle of the thread's device; for one thread at a time.
cublasLtHandle_t handle_of(int device) {
  static std::map<int, cublasLtHandle_t> handles;
  cublasLtHandle_t& handle = handles[device];
  if (handle == nullptr) GALENA_CUBLAS_CALL(library().create(&handle));
  return handle;
}

/// `bias`: where the epilogue adds one; another may take its place when it runs.
Plan make_plan(const Shape& s, const void* bias) {
  const Library& l = library();
  const bool wide = s.dtype == DType::f64;
  const cudaDataType_t type = wide ? CUDA_R_64F : CUDA_R_32F;
  Plan plan;
  plan.handle = handle_of(s.device);
  const cublasComputeType_t compute = wide     ? CUBLAS_COMPUTE_64F
                                      : s.tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32
                                               : CUBLAS_COMPUTE_32F;
  GALENA_CUBLAS_CALL(l.desc_create(&plan.desc, compute, type));
  // The library's first operand is our b.
  set(plan.desc, CUBLASLT_MATMUL_DESC_TRANSA, s.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N);
  set(plan.desc, CUBLASLT_MATMUL_DESC_TRANSB, s.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N);
  set(plan.desc, CUBLASLT_MATMUL_DESC_EPILOGUE, static_cast<cublasLtEpilogue_t>(s.epilogue));
  if (bias != nullptr) set(plan.desc, CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
  plan.a = s.transpose_a ? layout_of(type, s.k, s.n) : layout_of(type, s.n, s.k);
  plan.b = s.transpose_b ? layout_of(type, s.m, s.k) : layout_of(type, s.k, s.m);
  plan.c = layout_of(type, s.n, s.m);
  cublasLtMatmulPreference_t preference = nullptr;
  GALENA_CUBLAS_CALL(l.preference_create(&preference));
  prefer(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, kWorkspace);
  prefer(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, s.alignment[1]);
  prefer(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, s.alignment[0]);
  prefer(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, s.alignment[2]);
  prefer(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, s.alignment[2]);
  cublasLtMatmulHeuristicResult_t result{};
  int count = 0;
  const cublasStatus_t status =
      l.heuristic(plan.handle, plan.desc, plan.b, plan.a, plan.c, plan.c, preference, 1, &result, &count);
  GALENA_CUBLAS_CALL(l.preference_destroy(preference));
  const bool plain = s.epilogue == CUBLASLT_EPILOGUE_DEFAULT;  // else there is another way
  if (plain && status != CUBLAS_STATUS_NOT_SUPPORTED) check(status, "cublasLtMatmulAlgoGetHeuristic");
  plan.found = status == CUBLAS_STATUS_SUCCESS && count > 0;
  plan.algorithm = result.algo;
  plan.workspace = result.workspaceSize;
  return plan;
}

const Plan& plan_of(const Shape& shape, const void* bias) {
  static std::mutex mutex;
  static std::map<Shape, Plan> plans;
  const std::scoped_lock lock(mutex);
  const auto found = plans.find(shape);
  return found != plans.end() ? found->second : plans.emplace(shape, make_plan(shape, bias)).first->second;
}

int epilogue_of(const GemmCall& call) {
  if (call.bias != nullptr) return call.relu ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS;
  return call.relu ? CUBLASLT_EPILOGUE_RELU : CUBLASLT_EPILOGUE_DEFAULT;
}

/// Whether it was done: not every epilogue is there for every type and alignment.
bool multiply(const Tensor& a, const Tensor& b, const Tensor& c, const GemmCall& call) {
  const bool wide = a.dtype() == DType::f64;
  const int epilogue = epilogue_of(call);
  if (epilogue != CUBLASLT_EPILOGUE_DEFAULT && wide) return false;
  if (call.bias != nullptr && alignment_of(call.bias->raw()) < 16) return false;
  const Plan& plan = plan_of({current_device(),
                              c.rows(),
                              c.cols(),
                              call.transpose_a ? a.rows() : a.cols(),
                              call.transpose_a,
                              call.transpose_b,
                              call.accumulate,
                              epilogue,
                              a.dtype(),
                              call.tf32,
                              {alignment_of(a.raw()), alignment_of(b.raw()), alignment_of(c.raw())}},
                             call.bias != nullptr ? call.bias->raw() : nullptr);
  if (!plan.found) return false;
  static std::mutex mutex;  // a plan's description holds the bias until the product is queued
  const std::scoped_lock lock(mutex);
  if (call.bias != nullptr)
    set(plan.desc, CUBLASLT_MATMUL_DESC_BIAS_POINTER, static_cast<const void*>(call.bias->raw()));
  std::shared_ptr<std::byte[]> workspace;
  if (plan.workspace > 0) workspace = device_memory(plan.workspace, "the workspace of a matrix product");
  const double one = 1, none = 0;
  const float one_f = 1, none_f = 0;
  const void* const alpha = wide ? static_cast<const void*>(&one) : &one_f;
  const void* const beta = call.accumulate ? alpha : wide ? static_cast<const void*>(&none) : &none_f;
  const cublasStatus_t status =
      library().matmul(plan.handle, plan.desc, alpha, b.raw(), plan.b, a.raw(), plan.a, beta, c.raw(), plan.c, c.raw(),
                       plan.c, &plan.algorithm, workspace.get(), plan.workspace, cuda_stream());
  const bool refused = status == CUBLAS_STATUS_NOT_SUPPORTED || status == CUBLAS_STATUS_INVALID_VALUE;
  if (refused && epilogue != CUBLASLT_EPILOGUE_DEFAULT) return false;
  check(status, "cublasLtMatmul");
  return true;
}

}  // namespace

void cublas_gemm(const Tensor& a, const Tensor& b, const Tensor& c, const GemmCall& call) {
  if (c.size() == 0) return;
  const std::int64_t depth = call.transpose_a ? a.rows() : a.cols();
  if (depth > 0 && multiply(a, b, c, call)) return;
  GemmCall plain = call;
  plain.bias = nullptr;
  plain.relu = false;
  if (depth == 0) {
    if (!call.accumulate) c.fill(0);
  } else if (!multiply(a, b, c, plain)) {
    throw EnvironmentError("cuBLASLt has no kernel for a product of " + std::to_string(c.rows()) + " x " +
                           std::to_string(depth) + " x " + std::to_string(c.cols()) + " " + name_of(a.dtype()));
  }
  if (call.bias != nullptr) device_ops().add_row(*call.bias, c);
  if (call.relu) device_ops().activate(Activation::relu, c, c, 0);
}

}  // namespace galena::ops
