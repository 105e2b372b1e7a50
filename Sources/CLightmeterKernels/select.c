#if defined(__linux__)
#define _DEFAULT_SOURCE
#include <sys/mman.h>
#include <unistd.h>
#endif
#include <stdlib.h>
#include <string.h>

#include "include/CLightmeterKernels.h"
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

extern const struct lm_kernels lm_table_float_baseline;
extern const struct lm_kernels lm_table_double;
#if defined(__x86_64__)
extern const struct lm_kernels lm_table_float_v3, lm_table_float_v4;
#endif

const struct lm_kernels *lm_float_kernels_named(const char *level) {
  if (strcmp(level, "baseline") == 0) return &lm_table_float_baseline;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (strcmp(level, "v3") == 0) return __builtin_cpu_supports("x86-64-v3") ? &lm_table_float_v3 : NULL;
  if (strcmp(level, "v4") == 0) return __builtin_cpu_supports("x86-64-v4") ? &lm_table_float_v4 : NULL;
#endif
  return NULL;
}

const struct lm_kernels *lm_select_float_kernels(void) {
  const char *forced = getenv("LIGHTMETER_KERNELS");
  if (forced && *forced) return lm_float_kernels_named(forced);
  const char *levels[] = {"v4", "v3"};
  for (int k = 0; k < 2; k++) {
    const struct lm_kernels *found = lm_float_kernels_named(levels[k]);
    if (found) return found;
  }
  return &lm_table_float_baseline;
}

const struct lm_kernels *lm_select_double_kernels(void) { return &lm_table_double; }

unsigned lm_rounding_mode(void) {
#if defined(__x86_64__)
  // Without the sticky exception flags: they are no part of the mode.
  return _mm_getcsr() & ~0x3fu;
#elif defined(__aarch64__)
  uint64_t mode;
  __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
  return (unsigned)mode;
#else
  return 0;
#endif
}

unsigned lm_set_rounding_mode(unsigned mode) {
  unsigned before = lm_rounding_mode();
  if (before == mode) return before;
#if defined(__x86_64__)
  _mm_setcsr(mode);
#elif defined(__aarch64__)
  __asm__ volatile("msr fpcr, %0" ::"r"((uint64_t)mode));
#endif
  return before;
}

unsigned lm_flush_denormals(void) {
#if defined(__x86_64__)
  return lm_set_rounding_mode(lm_rounding_mode() | 0x8040);
#elif defined(__aarch64__)
  return lm_set_rounding_mode(lm_rounding_mode() | (1u << 24));
#else
  return 0;
#endif
}

void lm_restore_denormals(unsigned state) { lm_set_rounding_mode(state); }

void lm_prefer_large_pages(void *memory, size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  // From the page that holds the first byte on: what stands before it belongs to the same allocation.
  const uintptr_t large = 1u << 21, small = (uintptr_t)sysconf(_SC_PAGESIZE);
  uintptr_t first = (uintptr_t)memory & ~(small - 1), end = ((uintptr_t)memory + bytes + small - 1) & ~(small - 1);
  if (bytes >= large / 2) madvise((void *)first, end - first, MADV_HUGEPAGE);
#else
  (void)memory;
  (void)bytes;
#endif
}
