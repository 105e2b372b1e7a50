// The same kernels in double: the reference precision of gradient checks and golden values. Its exp and log are the C
// library's, so its last bits may differ between machines; no model is trained in it.
#include <math.h>

#include "include/CLightmeterKernels.h"
// Before any arithmetic: contraction would use fused multiply-add where the level has it, and other bits elsewhere.
#pragma STDC FP_CONTRACT OFF
#define REAL double
// Rows whose sums over a panel fit into the registers.
#define PANEL_ROWS 2
#define LANES 8
#define FN(name) name##_double
#define TGT
#define LEVEL "double"
#define TILE_VECTORS 1
#define SQRT __builtin_sqrt
static inline double exp_negative_double(double x) { return exp(x < -700.0 ? -700.0 : x); }
static inline double log_positive_double(double x) { return log(x); }
#include "kernels.inc"
