// NVRTC as it is, but for PTX in the place of cubins.

#include <dlfcn.h>
#include <nvrtc.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>
static void* real() {
  static void* h = [] {
    void* p = dlopen("libnvrtc.so.13", RTLD_NOW | RTLD_LOCAL);
    if (!p) p = dlopen(GALENA_NVRTC_BUILT_WITH, RTLD_NOW | RTLD_LOCAL);
    if (!p) {
      fprintf(stderr, "emulator: no NVRTC: %s\n", dlerror());
      abort();
    }
    return p;
  }();
  return h;
}
#define F(name) reinterpret_cast<decltype(&name)>(dlsym(real(), #name))
extern "C" {
nvrtcResult nvrtcVersion(int* a, int* b) {
  nvrtcResult r = F(nvrtcVersion)(a, b);
  return r;
}
const char* nvrtcGetErrorString(nvrtcResult r) { return F(nvrtcGetErrorString)(r); }
nvrtcResult nvrtcCreateProgram(nvrtcProgram* p, const char* s, const char* n, int k, const char* const* h,
                               const char* const* i) {
  return F(nvrtcCreateProgram)(p, s, n, k, h, i);
}
nvrtcResult nvrtcDestroyProgram(nvrtcProgram* p) { return F(nvrtcDestroyProgram)(p); }
nvrtcResult nvrtcCompileProgram(nvrtcProgram p, int n, const char* const* o) {
  std::vector<std::string> all(o, o + n);
  for (auto& s : all)
    if (auto at = s.find("=sm_"); at != std::string::npos) s.replace(at, 4, "=compute_");
  if (getenv("GALENA_EMULATED_PROFILE") != nullptr) all.emplace_back("--generate-line-info");
  std::vector<const char*> c;
  for (auto& s : all) c.push_back(s.c_str());
  return F(nvrtcCompileProgram)(p, int(c.size()), c.data());
}
nvrtcResult nvrtcGetCUBINSize(nvrtcProgram p, size_t* n) { return F(nvrtcGetPTXSize)(p, n); }
nvrtcResult nvrtcGetCUBIN(nvrtcProgram p, char* c) {
  nvrtcResult r = F(nvrtcGetPTX)(p, c);
  if (const char* f = getenv("GALENA_EMULATED_DUMP_PTX"); f && r == NVRTC_SUCCESS) {
    FILE* o = fopen(f, "w");
    fputs(c, o);
    fclose(o);
  }
  return r;
}
nvrtcResult nvrtcGetProgramLogSize(nvrtcProgram p, size_t* n) { return F(nvrtcGetProgramLogSize)(p, n); }
nvrtcResult nvrtcGetProgramLog(nvrtcProgram p, char* c) { return F(nvrtcGetProgramLog)(p, c); }
}
