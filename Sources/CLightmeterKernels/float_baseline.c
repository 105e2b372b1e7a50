#include "include/CLightmeterKernels.h"

#define REAL float
#define LANES 16
#define FN(name) name##_float_baseline
#define TGT 
#define LEVEL "baseline"
#define SQRT __builtin_sqrtf
#include "float_math.inc"
#include "kernels.inc"

