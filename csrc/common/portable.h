// What lets one function serve the CPU, CUDA, and any host compiler.
#pragma once

#ifdef __CUDACC__
#define GPUAUG_HOST_DEVICE __host__ __device__ __forceinline__
#else
#define GPUAUG_HOST_DEVICE inline
#endif
