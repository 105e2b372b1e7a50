// The dense kernels over all threads of the pool: blocks of rows whose length does not depend on how many threads there are.
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "include/CLightmeterKernels.h"

#define LANE_BYTES 64
#define BLOCK_ROWS 32
#define MOST_BLOCKS 65536

static size_t padded(size_t width, size_t scalar) {
  size_t lanes = LANE_BYTES / scalar;
  return (width + lanes - 1) / lanes * lanes;
}

size_t lm_dense_scratch(size_t width, size_t scalar) {
  size_t row = padded(width, scalar), chunk = 4 * row < 4096 ? 4096 : 4 * row;
  // A matrix and its copy, a chunk of rows and the chunk scaled, vectors of a row, and columns of a chunk.
  return (2 * row * row + 2 * chunk + 8 * row + 3 * 4096) * scalar;
}

static void *scratch_of(size_t width, size_t scalar) {
  void *memory = NULL;
  if (posix_memalign(&memory, LANE_BYTES, lm_dense_scratch(width, scalar)) != 0) abort();
  return memory;
}

static size_t block_rows(size_t count) {
  return count / BLOCK_ROWS < MOST_BLOCKS ? BLOCK_ROWS : count / MOST_BLOCKS + 1;
}

#define BLOCK                                                                                                          \
  size_t first = (size_t)shard * call->block;                                                                          \
  size_t length = call->count - first < call->block ? call->count - first : call->block;                               \
  void *scratch = scratch_of(call->width, call->kernels->scalar)

struct dense_call {
  const struct lm_kernels *kernels;
  void *target;
  double *sums;
  const void *gram, *rows, *c, *rowPrior, *targetPrior;
  const ptrdiff_t *offsets;
  const int32_t *index;
  size_t rowCount, count, targetStride, stride, width, block;
  double a, b, ridge;
  int steps;
  atomic_size_t failed;
};

static int blocks_of(struct dense_call *call) {
  call->block = block_rows(call->count);
  return (int)((call->count + call->block - 1) / call->block);
}

// Sums of at most so many rows are joined in the order of the rows: few enough to be held, however large the matrix.
static size_t gram_block(size_t count, size_t numbers) {
  size_t most = (size_t)1 << 22, parts = numbers < most / 4 ? most / numbers : 4;
  size_t least = (count + parts - 1) / parts;
  return least < 4096 ? 4096 : least;
}
static void gram_shard(void *context, int shard) {
  struct dense_call *call = context;
  BLOCK;
  size_t row = padded(call->width, call->kernels->scalar);
  char *part = (char *)call->target + (size_t)shard * row * row * call->kernels->scalar;
  call->kernels->gram(part, call->rows, first, length, call->stride, call->width, scratch);
  free(scratch);
}
void lm_gram(const struct lm_kernels *kernels, void *matrix, const void *rows, size_t count, size_t stride,
             size_t width) {
  size_t row = padded(width, kernels->scalar), numbers = row * row, block = gram_block(count, numbers);
  size_t parts = count == 0 ? 1 : (count + block - 1) / block;
  void *held = calloc(parts, numbers * kernels->scalar);
  if (!held) abort();
  struct dense_call call = {.kernels = kernels, .target = held, .rows = rows, .count = count, .stride = stride,
                            .width = width, .block = block};
  if (count > 0) lm_parallel((int)parts, gram_shard, &call);
  for (size_t part = 1; part < parts; part++) {
    if (kernels->scalar == sizeof(float)) {
      float *to = held, *from = to + part * numbers;
      for (size_t k = 0; k < numbers; k++) to[k] += from[k];
    } else {
      double *to = held, *from = to + part * numbers;
      for (size_t k = 0; k < numbers; k++) to[k] += from[k];
    }
  }
  memcpy(matrix, held, numbers * kernels->scalar);
  free(held);
  kernels->mirror(matrix, width);
}

static void least_squares_shard(void *context, int shard) {
  struct dense_call *call = context;
  BLOCK;
  atomic_fetch_add(&call->failed, call->kernels->least_squares_rows(
                                      call->target, call->sums, call->gram, call->rows, call->offsets, call->index,
                                      call->c, first, length, call->targetStride, call->stride, call->width,
                                      call->ridge, call->steps, scratch));
  free(scratch);
}
size_t lm_least_squares_rows(const struct lm_kernels *kernels, void *target, double *loss, const void *gram,
                             const void *rows, const ptrdiff_t *offsets, const int32_t *index, const void *c,
                             size_t count, size_t targetStride, size_t stride, size_t width, double ridge, int steps) {
  struct dense_call call = {.kernels = kernels, .target = target, .sums = loss, .gram = gram, .rows = rows, .c = c,
                            .offsets = offsets, .index = index, .count = count, .targetStride = targetStride,
                            .stride = stride, .width = width, .ridge = ridge, .steps = steps};
  lm_parallel(blocks_of(&call), least_squares_shard, &call);
  return atomic_load(&call.failed);
}

static void exposure_rows_shard(void *context, int shard) {
  struct dense_call *call = context;
  BLOCK;
  atomic_fetch_add(&call->failed, call->kernels->exposure_rows(
                                      call->target, call->rows, call->rowCount, call->offsets, call->index,
                                      call->rowPrior, call->targetPrior, first, length, call->targetStride,
                                      call->stride, call->width, call->a, call->b, call->ridge, scratch));
  free(scratch);
}
size_t lm_exposure_rows(const struct lm_kernels *kernels, void *target, const void *rows, size_t rowCount,
                        const ptrdiff_t *offsets, const int32_t *index, const void *rowPrior, const void *targetPrior,
                        size_t count, size_t targetStride, size_t stride, size_t width, double shift, double half,
                        double ridge) {
  struct dense_call call = {.kernels = kernels, .target = target, .rows = rows, .rowPrior = rowPrior,
                            .targetPrior = targetPrior, .offsets = offsets, .index = index, .rowCount = rowCount,
                            .count = count, .targetStride = targetStride, .stride = stride, .width = width, .a = shift,
                            .b = half, .ridge = ridge};
  lm_parallel(blocks_of(&call), exposure_rows_shard, &call);
  return atomic_load(&call.failed);
}

static void exposure_sums_shard(void *context, int shard) {
  struct dense_call *call = context;
  BLOCK;
  call->kernels->exposure_sums(call->sums, call->target, call->rows, call->rowCount, call->offsets, call->index,
                               call->targetPrior, first, length, call->targetStride, call->stride, call->width, call->a,
                               call->b, scratch);
  free(scratch);
}
void lm_exposure_sums(const struct lm_kernels *kernels, double *sums, const void *target, const void *rows,
                      size_t rowCount, const ptrdiff_t *offsets, const int32_t *index, const void *targetPrior,
                      size_t count, size_t targetStride, size_t stride, size_t width, double shift, double half) {
  struct dense_call call = {.kernels = kernels, .target = (void *)target, .sums = sums, .rows = rows,
                            .targetPrior = targetPrior, .offsets = offsets, .index = index, .rowCount = rowCount,
                            .count = count, .targetStride = targetStride, .stride = stride, .width = width, .a = shift,
                            .b = half};
  lm_parallel(blocks_of(&call), exposure_sums_shard, &call);
}

static void logistic_shard(void *context, int shard) {
  struct dense_call *call = context;
  BLOCK;
  call->kernels->logistic_rows(call->target, call->sums, call->gram, call->rows, call->rowCount, call->offsets,
                               call->index, call->c, first, length, call->targetStride, call->stride, call->width,
                               call->a, call->b, scratch);
  free(scratch);
}
void lm_logistic_rows(const struct lm_kernels *kernels, void *gradient, double *loss, const void *target,
                      const void *rows, size_t rowCount, const ptrdiff_t *offsets, const int32_t *index, const void *c,
                      size_t count, size_t targetStride, size_t stride, size_t width, double intercept, double extra) {
  // `gram` carries the parameters, which have the gradient's layout.
  struct dense_call call = {.kernels = kernels, .target = gradient, .sums = loss, .gram = target, .rows = rows, .c = c,
                            .offsets = offsets, .index = index, .rowCount = rowCount, .count = count,
                            .targetStride = targetStride, .stride = stride, .width = width, .a = intercept, .b = extra};
  lm_parallel(blocks_of(&call), logistic_shard, &call);
}
