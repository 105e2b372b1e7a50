#include "include/CLightmeterKernels.h"
// Before any arithmetic: contraction would use fused multiply-add where the level has it, and other bits elsewhere.
#pragma STDC FP_CONTRACT OFF

#define REAL float
// Rows whose sums over a panel fit into the registers.
#define PANEL_ROWS 2
#define LANES 16
#define FN(name) name##_float_baseline
#define TGT 
#define LEVEL "baseline"
#define TILE_VECTORS 1
#define SQRT __builtin_sqrtf
#include "float_math.inc"
#include "kernels.inc"

