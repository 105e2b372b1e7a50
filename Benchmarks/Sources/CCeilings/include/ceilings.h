#ifndef CEILINGS_H
#define CEILINGS_H
#include <stddef.h>
#include <stdint.h>
// What one core of this machine can do at most, at the level of the kernels ("baseline", "v3", "v4"). Each function does
// the work once and returns something that depends on all of it.

/// Independent multiply-add pairs, uncontracted, `rounds` times 16 vectors of 16 floats; 512 operations a round.
float ceiling_arithmetic(const char *level, size_t rounds);
/// Square root and division of 4 vectors of 16 floats a round; 128 operations a round.
float ceiling_roots(const char *level, size_t rounds);
/// Reads and writes `count` floats in order: `to[k] = from[k] + 1`.
void ceiling_copy(const char *level, float *to, const float *from, size_t count);
/// Reads rows of `stride` floats at random places, each prefetched eight rows ahead, and sums them.
float ceiling_rows(const char *level, const float *table, const int32_t *row, size_t count, size_t stride);
#endif
