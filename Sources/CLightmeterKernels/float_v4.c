#include "include/CLightmeterKernels.h"
// Before any arithmetic: contraction would use fused multiply-add where the level has it, and other bits elsewhere.
#pragma STDC FP_CONTRACT OFF
#if defined(__x86_64__)
#define REAL float
// Rows whose sums over a panel fit into the registers.
#define PANEL_ROWS 8
#define LANES 16
#define FN(name) name##_float_v4
#define TGT __attribute__((target("arch=skylake-avx512,no-prefer-256-bit")))
#define LEVEL "v4"
#define SPECIAL_WIDTHS
#define MULTIPLIES_WHOLE_NUMBERS
#define SQRT __builtin_sqrtf
#include "float_math.inc"
#include "kernels.inc"
#endif
