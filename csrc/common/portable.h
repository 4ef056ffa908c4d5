// Macros that let one function serve the CPU, CUDA, and any host compiler.
#pragma once

#ifdef __CUDACC__
#define GPUAUG_HOST_DEVICE __host__ __device__ __forceinline__
#define GPUAUG_ONE_BY_ONE _Pragma("unroll 1")       // an unrolled loop would need too many registers
#define GPUAUG_EIGHT_AT_A_TIME _Pragma("unroll 8")  // several reads are in flight at a time
#else
#define GPUAUG_HOST_DEVICE inline
#define GPUAUG_ONE_BY_ONE
#define GPUAUG_EIGHT_AT_A_TIME
#endif
