#pragma once
// Marks of functions that nvcc compiles too. To a host compiler they mean nothing.
//
// GALENA_HOST_DEVICE: arithmetic with one source for CPUs and GPUs.
// GALENA_UNROLL: before a loop whose bounds a kernel's compiler knows; GALENA_UNROLL_4, _8: four, eight turns at once.
// GALENA_KERNEL: the body of a kernel, which only a GPU calls, or a host compiler's simulation of one.

#ifdef __CUDACC__
#define GALENA_HOST_DEVICE __host__ __device__
#define GALENA_KERNEL __device__
#define GALENA_UNROLL _Pragma("unroll")
#define GALENA_UNROLL_4 _Pragma("unroll 4")
#define GALENA_UNROLL_8 _Pragma("unroll 8")
#else
#define GALENA_HOST_DEVICE
#define GALENA_KERNEL
#define GALENA_UNROLL
#define GALENA_UNROLL_4
#define GALENA_UNROLL_8
#endif
