// The part of cuBLASLt that is used, on the host, with the checks that the library makes. TF32: test/support/tf32.hpp.
#include <cublasLt.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>
#include "test/support/tf32.hpp"
extern "C" int emulated_queue(void* stream, const char* name, void (*run)(void*), void* context,
                              void (*release)(void*));
extern "C" const char* emulated_check(const void* p, unsigned long long bytes);
extern "C" int emulated_device(void);
namespace {
struct Desc {
  int magic = 1;
  cublasComputeType_t compute;
  cudaDataType_t scale;
  int ta = 0, tb = 0, epilogue = 1;
  const void* bias = nullptr;
  int pointer_mode = 0;
};
struct Layout {
  int magic = 2;
  cudaDataType_t type;
  uint64_t rows, cols;
  int64_t ld;
};
struct Pref {
  int magic = 3;
  uint64_t workspace = 0;
  uint32_t align[4] = {256, 256, 256, 256};
};
struct Handle {
  int magic = 4;
  int device;
};
struct Algo {
  uint64_t magic;
  uint64_t workspace;
  uint32_t align[4];
  int dims[3];
  int epilogue, ta, tb, type, compute;
};
static_assert(sizeof(Algo) <= sizeof(cublasLtMatmulAlgo_t));
void say(const char* what) { fprintf(stderr, "emulator, cuBLASLt: %s\n", what); }
size_t width(cudaDataType_t t) { return t == CUDA_R_64F ? 8 : 4; }
long env(const char* n, long o) {
  const char* v = getenv(n);
  return v && *v ? atol(v) : o;
}

struct Job {
  Desc d;
  Layout a, b, c;
  double alpha, beta;
  const char *A, *B, *C;
  char* D;
  char* ws;
  size_t ws_bytes;
};
float rounded(float x) { return galena::test::to_tf32(x); }
double rounded(double x) { return x; }
template <class T>
void product(const Job& j) {
  const uint64_t m = j.c.rows, n = j.c.cols, k = j.d.ta ? j.a.rows : j.a.cols;
  const T *A = (const T*)j.A, *B = (const T*)j.B, *C = (const T*)j.C;
  T* D = (T*)j.D;
  const auto need = [](const void* p, const Layout& l, const char* what) {
    if (l.cols == 0 || l.rows == 0) return;
    if (const char* why = emulated_check(p, ((l.cols - 1) * l.ld + l.rows) * width(l.type)))
      throw std::runtime_error(std::string("matmul: ") + what + ": " + why);
  };
  need(A, j.a, "A");
  need(B, j.b, "B");
  need(D, j.c, "D");
  if (j.ws_bytes > 0) {
    if (const char* why = emulated_check(j.ws, j.ws_bytes))
      throw std::runtime_error(std::string("matmul workspace: ") + why);
    memset(j.ws, 0xee, j.ws_bytes);
  }
  const bool bias = j.d.epilogue & CUBLASLT_EPILOGUE_BIAS, relu = j.d.epilogue & CUBLASLT_EPILOGUE_RELU;
  if (bias)
    if (const char* why = emulated_check(j.d.bias, m * sizeof(T)))
      throw std::runtime_error(std::string("matmul bias: ") + why);
  const bool tf32 = j.d.compute == CUBLAS_COMPUTE_32F_FAST_TF32;
  std::vector<T> out(m * n);
  for (uint64_t c = 0; c < n; ++c)
    for (uint64_t r = 0; r < m; ++r) {
      double s = 0;
      for (uint64_t i = 0; i < k; ++i) {
        const T x = j.d.ta ? A[r * j.a.ld + i] : A[i * j.a.ld + r];
        const T y = j.d.tb ? B[i * j.b.ld + c] : B[c * j.b.ld + i];
        s += tf32 ? double(rounded(x)) * rounded(y) : double(x) * y;
      }
      s *= j.alpha;
      if (j.beta != 0) s += j.beta * C[c * j.c.ld + r];
      if (bias) s += ((const T*)j.d.bias)[r];
      if (relu && !(s > 0)) s = s != s ? s : 0;
      out[c * m + r] = T(s);
    }
  for (uint64_t c = 0; c < n; ++c) memcpy(D + c * j.c.ld, out.data() + c * m, m * sizeof(T));
}
}  // namespace
extern "C" {
cublasStatus_t cublasLtCreate(cublasLtHandle_t* h) {
  *h = (cublasLtHandle_t) new Handle{4, emulated_device()};
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t) { return CUBLAS_STATUS_SUCCESS; }
size_t cublasLtGetVersion(void) { return 130000; }
cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* d, cublasComputeType_t c, cudaDataType_t s) {
  auto* x = new Desc;
  x->compute = c;
  x->scale = s;
  *d = (cublasLtMatmulDesc_t)x;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t d) {
  delete (Desc*)d;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t d, cublasLtMatmulDescAttributes_t a, const void* p,
                                              size_t n) {
  auto* x = (Desc*)d;
  const auto word = [&](int& to) {
    if (n != 4) {
      say("attribute size");
      return CUBLAS_STATUS_INVALID_VALUE;
    }
    memcpy(&to, p, 4);
    return CUBLAS_STATUS_SUCCESS;
  };
  switch (a) {
    case CUBLASLT_MATMUL_DESC_TRANSA: {
      int v;
      auto s = word(v);
      x->ta = v == CUBLAS_OP_T;
      return s;
    }
    case CUBLASLT_MATMUL_DESC_TRANSB: {
      int v;
      auto s = word(v);
      x->tb = v == CUBLAS_OP_T;
      return s;
    }
    case CUBLASLT_MATMUL_DESC_EPILOGUE: return word(x->epilogue);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
      if (n != 8) return CUBLAS_STATUS_INVALID_VALUE;
      memcpy(&x->bias, p, 8);
      return CUBLAS_STATUS_SUCCESS;
    default: say("an attribute of desc that is not known"); return CUBLAS_STATUS_INVALID_VALUE;
  }
}
cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* l, cudaDataType_t t, uint64_t r, uint64_t c,
                                          int64_t ld) {
  auto* x = new Layout;
  x->type = t;
  x->rows = r;
  x->cols = c;
  x->ld = ld;
  *l = (cublasLtMatrixLayout_t)x;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* p) {
  *p = (cublasLtMatmulPreference_t) new Pref;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t p) {
  delete (Pref*)p;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t p,
                                                    cublasLtMatmulPreferenceAttributes_t a, const void* v, size_t n) {
  auto* x = (Pref*)p;
  switch (a) {
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES:
      if (n != 8) return CUBLAS_STATUS_INVALID_VALUE;
      memcpy(&x->workspace, v, 8);
      return CUBLAS_STATUS_SUCCESS;
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES:
      if (n != 4) return CUBLAS_STATUS_INVALID_VALUE;
      memcpy(&x->align[a - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES], v, 4);
      return CUBLAS_STATUS_SUCCESS;
    default: say("a preference that is not known"); return CUBLAS_STATUS_INVALID_VALUE;
  }
}
static const char* wrong(const Desc& d, const Layout& a, const Layout& b, const Layout& c, const Layout& dd) {
  const uint64_t m = d.ta ? a.cols : a.rows, k = d.ta ? a.rows : a.cols, kb = d.tb ? b.cols : b.rows,
                 n = d.tb ? b.rows : b.cols;
  if (m == 0 || n == 0 || k == 0) return "an empty dimension";
  if (k != kb) return "k of A and B differ";
  if (c.rows != m || c.cols != n || dd.rows != m || dd.cols != n) return "C or D has another shape";
  for (const Layout* l : {&a, &b, &c, &dd})
    if (l->ld < int64_t(l->rows)) return "leading dimension below rows";
  for (const Layout* l : {&a, &b, &c, &dd})
    if (l->type != a.type) return "types differ";
  if (m > 0x7fffffff || n > 0x7fffffff || k > 0x7fffffff) return "a dimension beyond int";
  if (a.type == CUDA_R_64F
          ? d.compute != CUBLAS_COMPUTE_64F || d.scale != CUDA_R_64F
          : (d.compute != CUBLAS_COMPUTE_32F && d.compute != CUBLAS_COMPUTE_32F_FAST_TF32) || d.scale != CUDA_R_32F)
    return "types of computation";
  return nullptr;
}
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t h, cublasLtMatmulDesc_t d_, cublasLtMatrixLayout_t a,
                                              cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c,
                                              cublasLtMatrixLayout_t dd, cublasLtMatmulPreference_t p_, int,
                                              cublasLtMatmulHeuristicResult_t* r, int* count) {
  const auto& d = *(Desc*)d_;
  const auto& p = *(Pref*)p_;
  *count = 0;
  if (((Handle*)h)->device != emulated_device()) {
    say("heuristic by a handle of another device");
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  if (const char* why = wrong(d, *(Layout*)a, *(Layout*)b, *(Layout*)c, *(Layout*)dd)) {
    say(why);
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  const bool ep = d.epilogue != CUBLASLT_EPILOGUE_DEFAULT;
  if (ep && ((Layout*)a)->type == CUDA_R_64F) return CUBLAS_STATUS_NOT_SUPPORTED;
  if (ep && env("GALENA_EMULATED_NO_EPILOGUE", 0)) return CUBLAS_STATUS_NOT_SUPPORTED;
  Algo x{};
  x.magic = 0x616c676f;
  const auto& C = *(Layout*)c;
  // sometimes a workspace: by shape, so that a plan is steady
  x.workspace = env("GALENA_EMULATED_WORKSPACE", 1) && (C.rows + 3 * C.cols) % 3 == 0 ? 4096 * (1 + C.cols % 5) : 0;
  if (x.workspace > p.workspace) x.workspace = 0;
  memcpy(x.align, p.align, sizeof x.align);
  x.dims[0] = int(C.rows);
  x.dims[1] = int(C.cols);
  x.epilogue = d.epilogue;
  x.ta = d.ta;
  x.tb = d.tb;
  x.type = ((Layout*)a)->type;
  x.compute = d.compute;
  memcpy(&r->algo, &x, sizeof x);
  r->workspaceSize = x.workspace;
  r->state = CUBLAS_STATUS_SUCCESS;
  *count = 1;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmul(cublasLtHandle_t h, cublasLtMatmulDesc_t d_, const void* alpha, const void* A,
                              cublasLtMatrixLayout_t a_, const void* B, cublasLtMatrixLayout_t b_, const void* beta,
                              const void* C, cublasLtMatrixLayout_t c_, void* D, cublasLtMatrixLayout_t dd,
                              const cublasLtMatmulAlgo_t* algo, void* ws, size_t wsn, cudaStream_t stream) {
  const auto& d = *(Desc*)d_;
  const auto &a = *(Layout*)a_, &b = *(Layout*)b_, &c = *(Layout*)c_;
  const auto no = [](const char* why) {
    say(why);
    return CUBLAS_STATUS_INVALID_VALUE;
  };
  if (((Handle*)h)->device != emulated_device()) return no("a handle of another device");
  if (const char* why = wrong(d, a, b, c, *(Layout*)dd)) return no(why);
  Algo x;
  memcpy(&x, algo, sizeof x);
  if (x.magic != 0x616c676f) return no("no algorithm");
  if (x.epilogue != d.epilogue || x.ta != d.ta || x.tb != d.tb || x.dims[0] != int(c.rows) ||
      x.dims[1] != int(c.cols) || x.type != a.type || x.compute != d.compute)
    return no("an algorithm of another problem");
  if (wsn < x.workspace || (x.workspace > 0 && ws == nullptr)) return no("workspace too small");
  if (ws && reinterpret_cast<uintptr_t>(ws) % 256) return no("workspace is not aligned to 256");
  const void* ptr[4] = {A, B, C, D};
  for (int i = 0; i < 4; ++i)
    if (reinterpret_cast<uintptr_t>(ptr[i]) % x.align[i]) return no("a pointer less aligned than was said");
  if ((d.epilogue & CUBLASLT_EPILOGUE_BIAS) && d.bias == nullptr) return no("no bias");
  if ((d.epilogue & CUBLASLT_EPILOGUE_BIAS) && reinterpret_cast<uintptr_t>(d.bias) % 16)
    return no("bias not aligned to 16");
  const bool wide = a.type == CUDA_R_64F;
  auto* j = new Job{d,
                    a,
                    b,
                    c,
                    wide ? *(double*)alpha : *(float*)alpha,
                    wide ? *(double*)beta : *(float*)beta,
                    (const char*)A,
                    (const char*)B,
                    (const char*)C,
                    (char*)D,
                    (char*)ws,
                    x.workspace};
  const int failed = emulated_queue(
      stream, "cublasLtMatmul",
      [](void* p) {
        const auto& job = *(Job*)p;
        if (job.a.type == CUDA_R_64F)
          product<double>(job);
        else
          product<float>(job);
      },
      j, [](void* p) { delete (Job*)p; });
  return failed ? CUBLAS_STATUS_EXECUTION_FAILED : CUBLAS_STATUS_SUCCESS;
}
}
