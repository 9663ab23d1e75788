// The twin of gpu.cpp for builds without CUDA: there is never a Gpu to call anything on.
#include "galena/error.hpp"
#include "src/device/cuda_device.hpp"
#include "src/device/gpu.hpp"

namespace galena::device {

struct Gpu::State {};

Gpu::Gpu(int /*number*/) { throw EnvironmentError(why_no_cuda()); }
Gpu::~Gpu() = default;

int Gpu::arch() const { return 0; }
int Gpu::processors() const { return 0; }
std::string Gpu::name() const { return ""; }
bool Gpu::ends_long_kernels() const { return false; }
std::uint64_t Gpu::free_bytes() const { return 0; }
void* Gpu::allocate(std::uint64_t /*bytes*/) { return nullptr; }
void Gpu::release(void* /*memory*/) noexcept {}
void Gpu::upload(void* /*to*/, const void* /*from*/, std::uint64_t /*bytes*/) {}
void Gpu::download(void* /*to*/, const void* /*from*/, std::uint64_t /*bytes*/) {}
void Gpu::zero(void* /*memory*/, std::uint64_t /*bytes*/) {}
std::size_t Gpu::load(const std::string& /*cubin*/) { return 0; }
void Gpu::choose(std::size_t /*module*/) {}
void Gpu::unload() noexcept {}
int Gpu::blocks_per_processor(const char* /*kernel*/, int /*threads*/) { return 0; }
void Gpu::launch(const char* /*kernel*/, int /*blocks*/, int /*threads*/, const void* /*parameter*/,
                 const volatile int* /*halt*/, int* /*stop*/) {}

}  // namespace galena::device
