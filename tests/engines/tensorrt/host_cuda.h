// As much of CUDA as the kernels use, for a C++ compiler of the host.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#define __global__
#define __device__
#define __forceinline__ inline

struct Dim { unsigned x = 0, y = 0; };
static thread_local Dim gridDim, blockDim, blockIdx, threadIdx;

using std::max;
using std::min;

inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
// Built with -ffp-contract=off: none of these is fused with another.
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline int __float2int_rn(float a) { return (int)std::lrint(a); }
