#include "include/ceilings.h"

#include <string.h>

#define FN(name) name##_baseline
#define TGT
#include "ceilings.inc"
#undef FN
#undef TGT
#if defined(__x86_64__)
#define FN(name) name##_v3
#define TGT __attribute__((target("arch=x86-64-v3")))
#include "ceilings.inc"
#undef FN
#undef TGT
#define FN(name) name##_v4
#define TGT __attribute__((target("arch=skylake-avx512,no-prefer-256-bit")))
#include "ceilings.inc"
#undef FN
#undef TGT
#define CHOOSE(name, ...)                                                                                              \
  if (strcmp(level, "v4") == 0) return name##_v4(__VA_ARGS__);                                                         \
  if (strcmp(level, "v3") == 0) return name##_v3(__VA_ARGS__);                                                         \
  return name##_baseline(__VA_ARGS__)
#else
#define CHOOSE(name, ...) return name##_baseline(__VA_ARGS__)
#endif

float ceiling_arithmetic(const char *level, size_t rounds) { CHOOSE(arithmetic, rounds); }
float ceiling_roots(const char *level, size_t rounds) { CHOOSE(roots, rounds); }
void ceiling_copy(const char *level, float *to, const float *from, size_t count) { CHOOSE(copy, to, from, count); }
float ceiling_rows(const char *level, const float *table, const int32_t *row, size_t count, size_t stride) {
  CHOOSE(rows, table, row, count, stride);
}
