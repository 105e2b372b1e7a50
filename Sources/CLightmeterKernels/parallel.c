// The kernels over all threads of the pool. Pairs and rows are cut into runs; sums into shared rows are cut by target row,
// so that each row has one writer, which adds in the order of the pairs.
#include <string.h>

#include "include/CLightmeterKernels.h"

// Splitting less than this many numbers costs more than it saves: handing over a shard takes about a microsecond, and what
// one core wrote has to travel to the other.
#define LEAST_NUMBERS 16384
// Runs of target rows that a scatter is cut into at most.
#define MOST_SCATTERS 16

#define AT(pointer, numbers) ((pointer) ? (void *)((char *)(pointer) + (numbers) * call->kernels->scalar) : NULL)
#define CAT(pointer, numbers) ((const void *)((const char *)(pointer) + (numbers) * call->kernels->scalar))

// More shards than threads: one of them may be late, or busy with an errand.
#define SHARDS_PER_THREAD 4

static int shards_for(size_t numbers) {
  size_t useful = numbers < LEAST_NUMBERS ? 1 : numbers / (LEAST_NUMBERS / 4) + 1, threads = (size_t)lm_threads();
  size_t most = threads > 1 ? threads * SHARDS_PER_THREAD : 1;
  return (int)(useful < most ? useful : most);
}

// The run of a shard: [first, first + length) of count.
static size_t first_of(size_t count, int shard, int shards) { return count * (size_t)shard / (size_t)shards; }
#define RUN(total)                                                                                                     \
  size_t first = first_of(total, shard, call->shards), length = first_of(total, shard + 1, call->shards) - first

// Several calls as one job, so that nobody waits between them.
struct part {
  void (*body)(void *context, int shard);
  void *context;
  int shards;
};
static void part_shard(void *context, int shard) {
  const struct part *part = context;
  for (; shard >= part->shards; part++) shard -= part->shards;
  part->body(part->context, shard);
}
// More than these are several jobs.
#define MOST_PARTS 16
static void run_parts(struct part *parts, size_t count) {
  int shards = 0;
  for (size_t k = 0; k < count; k++) shards += parts[k].shards;
  lm_parallel(shards, part_shard, parts);
}

struct dot_rows_call {
  const struct lm_kernels *kernels;
  struct lm_dots dots;
  int shards;
};
static void dot_rows_shard(void *context, int shard) {
  struct dot_rows_call *call = context;
  struct lm_dots *dots = &call->dots;
  RUN(dots->count);
  void *out = AT(dots->out, first);
  call->kernels->dot_rows(out, dots->left, dots->right, dots->leftRow + first, dots->rightRow + first, length,
                          dots->leftStride, dots->rightStride, dots->width, dots->offset, dots->accumulate);
  if (!dots->left2) return;
  call->kernels->dot_rows(out, dots->left2, dots->right2, dots->leftRow2 + first, dots->rightRow2 + first, length,
                          dots->leftStride2, dots->rightStride2, dots->width, 0, 1);
}
void lm_dot_rows(const struct lm_kernels *kernels, const struct lm_dots *dots, size_t count) {
  struct dot_rows_call calls[MOST_PARTS];
  struct part parts[MOST_PARTS];
  for (; count > MOST_PARTS; dots += MOST_PARTS, count -= MOST_PARTS) lm_dot_rows(kernels, dots, MOST_PARTS);
  for (size_t k = 0; k < count; k++) {
    int shards = shards_for(dots[k].count * dots[k].width * (dots[k].left2 ? 2 : 1));
    calls[k] = (struct dot_rows_call){kernels, dots[k], shards};
    parts[k] = (struct part){dot_rows_shard, &calls[k], shards};
  }
  run_parts(parts, count);
}

struct scatter_rows_call {
  const struct lm_kernels *kernels;
  struct lm_scatter sum;
  int shards, one;
  int32_t edges[MOST_SCATTERS + 1];
};
// A run of target rows for each shard, so that two cores share few cache lines and a later pass that cuts the rows finds
// its part near. Early rows have most pairs: the cut looks at one pair in eight.
static void cut_targets(struct scatter_rows_call *call) {
  enum { EVERY = 8, BINS = 64 };
  int32_t most = 0;
  for (size_t k = 0; k < call->sum.count; k += EVERY) most = call->sum.slot[k] > most ? call->sum.slot[k] : most;
  uint32_t bins[BINS] = {0}, pairs = 0, before = 0;
  // A little less than BINS / (most + 1), so that the last row is in the last bin.
  uint64_t scale = ((uint64_t)BINS << 32) / ((uint64_t)most + 1);
  for (size_t k = 0; k < call->sum.count; k += EVERY)
    if (call->sum.slot[k] >= 0) bins[(uint64_t)call->sum.slot[k] * scale >> 32]++, pairs++;
  call->one = most == 0 && !call->sum.unwritten;
  for (int shard = 0, bin = 0; shard < call->shards; shard++) {
    call->edges[shard] = (int32_t)(((size_t)most + 1) * (size_t)bin / BINS);
    while (bin < BINS && (uint64_t)before * (uint64_t)call->shards < (uint64_t)pairs * (uint64_t)(shard + 1))
      before += bins[bin++];
  }
  call->edges[call->shards] = INT32_MAX;
}
static void scatter_rows_shard(void *context, int shard) {
  struct scatter_rows_call *call = context;
  size_t first = 0, width = call->sum.width;
  ptrdiff_t cleared = call->sum.cleared;
  int32_t from = call->edges[shard], to = call->edges[shard + 1];
  if (call->one) {
    // One row for all pairs: its columns are cut, at whole vectors.
    size_t vectors = (call->sum.width + call->kernels->lanes - 1) / call->kernels->lanes;
    first = first_of(vectors, shard, call->shards) * call->kernels->lanes;
    size_t end = first_of(vectors, shard + 1, call->shards) * call->kernels->lanes;
    width = (end < call->sum.width ? end : call->sum.width) - first;
    from = 0, to = INT32_MAX;
    cleared = cleared >= (ptrdiff_t)first && cleared < (ptrdiff_t)(first + width) ? cleared - (ptrdiff_t)first : -1;
  }
  call->kernels->scatter_rows(AT(call->sum.target, first), CAT(call->sum.source, first), call->sum.coefficient, call->sum.slot,
                              call->sum.row, call->sum.count, call->sum.targetStride, call->sum.sourceStride, width, from, to,
                              call->sum.unwritten, cleared);
}
void lm_scatter_rows(const struct lm_kernels *kernels, const struct lm_scatter *sums, size_t count) {
  struct scatter_rows_call calls[MOST_PARTS];
  struct part parts[MOST_PARTS];
  for (; count > MOST_PARTS; sums += MOST_PARTS, count -= MOST_PARTS) lm_scatter_rows(kernels, sums, MOST_PARTS);
  for (size_t k = 0; k < count; k++) {
    // No more than threads: every shard goes through all slots.
    int shards = shards_for(sums[k].count * sums[k].width), threads = lm_threads();
    if (shards > threads) shards = threads;
    if (shards > MOST_SCATTERS) shards = MOST_SCATTERS;
    calls[k] = (struct scatter_rows_call){kernels, sums[k], shards, 0, {0, INT32_MAX}};
    if (shards > 1) cut_targets(&calls[k]);
    parts[k] = (struct part){scatter_rows_shard, &calls[k], shards};
  }
  run_parts(parts, count);
}

struct cross_entropy_call {
  const struct lm_kernels *kernels;
  void *loss, *c, *sums, *target;
  const void *users, *items;
  const int32_t *user, *item, *slot, *edge;
  const uint8_t *y;
  size_t runs, userStride, itemStride, width;
  double offset, scale;
  int shards;
};
static void cross_entropy_shard(void *context, int shard) {
  struct cross_entropy_call *call = context;
  RUN(call->runs);
  call->kernels->cross_entropy_runs(call->loss, call->c, call->sums, call->target, call->users, call->items, call->user,
                                    call->item, call->slot, call->y, call->edge, first, length,
                                    (size_t)call->edge[call->runs], call->userStride, call->itemStride, call->width,
                                    call->offset, call->scale);
}
void lm_cross_entropy_runs(const struct lm_kernels *kernels, void *loss, void *c, void *sums, void *target,
                           const void *users, const void *items, const int32_t *user, const int32_t *item,
                           const int32_t *slot, const uint8_t *y, const int32_t *edge, size_t runs, size_t userStride,
                           size_t itemStride, size_t width, double offset, double scale) {
  size_t count = (size_t)edge[runs];
  int shards = shards_for(count * width);
  struct cross_entropy_call call = {kernels, loss, c, sums, target, users, items, user, item, slot, edge, y,
                                    runs, userStride, itemStride, width, offset, scale, shards};
  lm_parallel(shards, cross_entropy_shard, &call);
  // The parts of items with several runs, in their order.
  for (size_t run = 0; run < runs; run++) {
    size_t first = (size_t)edge[run], end = (size_t)edge[run + 1];
    if (slot[run] < 0 || lm_is_whole_item(item, first, end, count)) continue;
    size_t bytes = userStride * kernels->scalar;
    kernels->add_rows((char *)target + (size_t)slot[run] * bytes, (const char *)sums + run * bytes, width);
  }
}

struct clear_call {
  char *values;
  size_t bytes;
  int shards;
};
static void clear_shard(void *context, int shard) {
  struct clear_call *call = context;
  RUN(call->bytes);
  memset(call->values + first, 0, length);
}
void lm_clear(void *values, size_t bytes) {
  struct clear_call call = {values, bytes, shards_for(bytes / 4)};
  lm_parallel(call.shards, clear_shard, &call);
}

struct move_rows_call {
  const struct lm_kernels *kernels;
  void *table, *saved;
  const void *step;
  const int32_t *row, *slot;
  size_t count, stride;
  double scale;
  int shards;
};
static void displace_rows_shard(void *context, int shard) {
  struct move_rows_call *call = context;
  RUN(call->count);
  call->kernels->displace_rows(call->table, AT(call->saved, first * call->stride), call->step, call->row + first,
                               call->slot + first, length, call->stride, call->scale);
}
void lm_displace_rows(const struct lm_kernels *kernels, void *table, void *saved, const void *step, const int32_t *row,
                      const int32_t *slot, size_t count, size_t stride, double scale) {
  int shards = shards_for(count * stride);
  struct move_rows_call call = {kernels, table, saved, step, row, slot, count, stride, scale, shards};
  lm_parallel(shards, displace_rows_shard, &call);
}
static void restore_rows_shard(void *context, int shard) {
  struct move_rows_call *call = context;
  RUN(call->count);
  call->kernels->restore_rows(call->table, AT(call->saved, first * call->stride), call->row + first, length,
                              call->stride);
}
void lm_restore_rows(const struct lm_kernels *kernels, void *table, const void *saved, const int32_t *row,
                     size_t count, size_t stride) {
  int shards = shards_for(count * stride);
  struct move_rows_call call = {kernels, table, (void *)saved, NULL, row, NULL, count, stride, 0, shards};
  lm_parallel(shards, restore_rows_shard, &call);
}

struct copy_call {
  const struct lm_kernels *kernels;
  void *out;
  const void *table, *step;
  const int32_t *place, *row, *slot;
  size_t count, stride;
  double scale;
  int shards;
};
static void copy_rows_shard(void *context, int shard) {
  struct copy_call *call = context;
  RUN(call->count);
  call->kernels->copy_rows(call->place ? call->out : AT(call->out, first * call->stride), call->table, call->step,
                           call->place ? call->place + first : NULL, call->row + first,
                           call->slot ? call->slot + first : NULL, length, call->stride, call->scale);
}
void lm_copy_rows(const struct lm_kernels *kernels, void *out, const void *table, const void *step,
                  const int32_t *place, const int32_t *row, const int32_t *slot, size_t count, size_t stride,
                  double scale) {
  int shards = shards_for(count * stride);
  struct copy_call call = {kernels, out, table, step, place, row, slot, count, stride, scale, shards};
  lm_parallel(shards, copy_rows_shard, &call);
}

struct adam_rows_call {
  const struct lm_kernels *kernels;
  struct lm_adam_table table;
  const void *correction1, *correction2;
  size_t corrections;
  double rate, beta1, beta2, epsilon;
  int shards;
};
static void adam_rows_shard(void *context, int shard) {
  struct adam_rows_call *call = context;
  struct lm_adam_table *table = &call->table;
  RUN(table->count);
  call->kernels->adam_rows(table->table, table->moments, CAT(table->gradient, first * table->stride), table->decay,
                           table->steps, call->correction1, call->correction2, call->corrections, table->row + first,
                           length, table->stride, call->rate, call->beta1, call->beta2, call->epsilon);
}
void lm_adam_rows(const struct lm_kernels *kernels, const struct lm_adam_table *tables, size_t count,
                  const void *correction1, const void *correction2, size_t corrections, double rate, double beta1,
                  double beta2, double epsilon) {
  struct adam_rows_call calls[MOST_PARTS];
  struct part parts[MOST_PARTS];
  for (; count > MOST_PARTS; tables += MOST_PARTS, count -= MOST_PARTS)
    lm_adam_rows(kernels, tables, MOST_PARTS, correction1, correction2, corrections, rate, beta1, beta2, epsilon);
  for (size_t k = 0; k < count; k++) {
    int shards = shards_for(tables[k].count * tables[k].stride * 2);
    calls[k] = (struct adam_rows_call){kernels, tables[k], correction1, correction2, corrections,
                                       rate,    beta1,     beta2,       epsilon,     shards};
    parts[k] = (struct part){adam_rows_shard, &calls[k], shards};
  }
  run_parts(parts, count);
}

struct adam_call {
  const struct lm_kernels *kernels;
  void *table, *moments;
  const void *gradient, *decay;
  const int32_t *index;
  size_t rows, stride;
  double c1, c2, rate, beta1, beta2, epsilon;
  int shards;
};
static void adam_all_shard(void *context, int shard) {
  struct adam_call *call = context;
  RUN(call->rows);
  size_t at = first * call->stride;
  call->kernels->adam_all(AT(call->table, at), AT(call->moments, 2 * at), call->gradient, call->decay,
                          call->index + first, length, call->stride, call->c1, call->c2, call->rate, call->beta1,
                          call->beta2, call->epsilon);
}
void lm_adam_all(const struct lm_kernels *kernels, void *table, void *moments, const void *gradient,
                 const void *decay, const int32_t *slotOfRow, size_t rows, size_t stride, double correction1,
                 double correction2, double rate, double beta1, double beta2, double epsilon) {
  int shards = shards_for(rows * stride * 2);
  struct adam_call call = {.kernels = kernels, .table = table, .moments = moments, .gradient = gradient,
                           .decay = decay, .index = slotOfRow, .rows = rows, .stride = stride, .c1 = correction1,
                           .c2 = correction2, .rate = rate, .beta1 = beta1, .beta2 = beta2, .epsilon = epsilon,
                           .shards = shards};
  lm_parallel(shards, adam_all_shard, &call);
}

struct settle_call {
  const struct lm_kernels *kernels;
  void *table, *moments;
  const void *decay, *forms, *correction1, *correction2;
  int32_t *last;
  const int32_t *row;
  size_t firstRow, count, stride, corrections;
  double rate, beta1, beta2, epsilon;
  int32_t now, longest;
  int shards;
};
static void settle_shard(void *context, int shard) {
  struct settle_call *call = context;
  RUN(call->count);
  call->kernels->adam_settle(call->table, call->moments, call->decay, call->last, call->now,
                             call->row ? call->row + first : NULL, call->firstRow + first, length, call->stride,
                             call->forms, call->longest, call->correction1, call->correction2, call->corrections,
                             call->rate, call->beta1, call->beta2, call->epsilon);
}
void lm_adam_settle(const struct lm_kernels *kernels, void *table, void *moments, const void *decay,
                    int32_t *last, int32_t now, const int32_t *row, size_t firstRow, size_t count, size_t stride,
                    const void *forms, int32_t longest, const void *correction1, const void *correction2,
                    size_t corrections, double rate, double beta1, double beta2, double epsilon) {
  int shards = shards_for(count * stride * 2);
  struct settle_call call = {.kernels = kernels, .table = table, .moments = moments, .decay = decay,
                             .forms = forms, .correction1 = correction1, .correction2 = correction2, .last = last,
                             .row = row, .firstRow = firstRow, .count = count, .stride = stride,
                             .corrections = corrections, .rate = rate, .beta1 = beta1, .beta2 = beta2,
                             .epsilon = epsilon, .now = now, .longest = longest, .shards = shards};
  lm_parallel(shards, settle_shard, &call);
}

// A pair costs one or two exponentials and logarithms, as much as thirty numbers of a row.
#define NUMBERS_OF_TERMS 32

struct terms_call {
  const struct lm_kernels *kernels;
  void *loss, *bys, *bym, *bysm, *bymm;
  const uint8_t *y;
  const void *s, *m;
  size_t count;
  int shards;
};
static void naive_terms_shard(void *context, int shard) {
  struct terms_call *call = context;
  RUN(call->count);
  call->kernels->naive_terms(AT(call->loss, first), AT(call->bys, first), AT(call->bym, first), AT(call->bysm, first),
                             AT(call->bymm, first), call->y + first, CAT(call->s, first), length);
}
void lm_naive_terms(const struct lm_kernels *kernels, void *loss, void *bys, void *bym, void *bysm, void *bymm,
                    const uint8_t *y, const void *s, size_t count) {
  int shards = shards_for(count * NUMBERS_OF_TERMS);
  struct terms_call call = {kernels, loss, bys, bym, bysm, bymm, y, s, NULL, count, shards};
  lm_parallel(shards, naive_terms_shard, &call);
}
static void low_variance_terms_shard(void *context, int shard) {
  struct terms_call *call = context;
  RUN(call->count);
  call->kernels->low_variance_terms(AT(call->loss, first), AT(call->bys, first), AT(call->bym, first),
                                    AT(call->bysm, first), AT(call->bymm, first), call->y + first,
                                    CAT(call->s, first), CAT(call->m, first), length);
}
void lm_low_variance_terms(const struct lm_kernels *kernels, void *loss, void *bys, void *bym, void *bysm, void *bymm,
                           const uint8_t *y, const void *s, const void *m, size_t count) {
  int shards = shards_for(count * NUMBERS_OF_TERMS);
  struct terms_call call = {kernels, loss, bys, bym, bysm, bymm, y, s, m, count, shards};
  lm_parallel(shards, low_variance_terms_shard, &call);
}

struct blend_call {
  const struct lm_kernels *kernels;
  void *m, *q, *r;
  const void *t, *z, *theta;
  const int32_t *zSlot, *thetaRow;
  size_t count;
  int shards;
};
static void blend_shard(void *context, int shard) {
  struct blend_call *call = context;
  RUN(call->count);
  call->kernels->blend(AT(call->m, first), AT(call->q, first), AT(call->r, first), CAT(call->t, first), call->z,
                       call->theta, call->zSlot + first, call->thetaRow + first, length);
}
void lm_blend(const struct lm_kernels *kernels, void *m, void *q, void *r, const void *t, const void *z,
              const void *theta, const int32_t *zSlot, const int32_t *thetaRow, size_t count) {
  int shards = shards_for(count * NUMBERS_OF_TERMS);
  struct blend_call call = {kernels, m, q, r, t, z, theta, zSlot, thetaRow, count, shards};
  lm_parallel(shards, blend_shard, &call);
}
