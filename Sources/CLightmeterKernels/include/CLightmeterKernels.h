#ifndef CLIGHTMETER_KERNELS_H
#define CLIGHTMETER_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "CLightmeterText.h"

/* coefficients of the closed form of one number of missed steps; see adam_settle */
#define SETTLE_FORM 16
/* most pairs of a run; see cross_entropy_runs */
#define CROSS_ENTROPY_RUN 64

// Batch-level arithmetic on rows of row-major tables. One source (kernels.inc) is compiled for float at three x86-64
// levels and for double once; all float copies give the same bits (fixed lane order, no contraction, exact sqrt and
// division). Every index array is 32 bits; a negative slot means "this pair has no row here" and is skipped.
//
// Argument order everywhere: outputs and tables first, then index arrays, then counts, then scalars.

/// A keyed permutation of [0, count): a four-round Feistel network on 2 * half bits, walked until it lands inside.
struct lm_permutation {
  uint64_t count, half, mask, keys[4];
};
// Positions of one call of permute_run.
#define PERMUTED_RUN 256

// Tables and columns are arrays of the table's own precision, passed untyped so that one Swift source serves both; scalars
// travel as double, which holds every float.
  struct lm_kernels {
    const char *level;
    /* bytes of one number */
    size_t scalar;
    /* rows of a panel, see pack_rows */
    size_t lanes;
    /* count rows in panels of `lanes` rows each, column by column within a panel; the last one filled with zeros */
    void (*pack_rows)(void *out, const void *rows, size_t count, size_t stride, size_t width);
    /* out[u][k] = offset + sum_c left[row[u]][c] * packed row (first + k)[c] ; out is rows x count */
    void (*panel_scores)(void *out, const void *left, const int32_t *row, size_t rows, size_t leftStride,
                         const void *packed, size_t first, size_t count, size_t width, double offset);
    /* the same for one row against unpacked rows; same bits, slower */
    void (*row_scores)(void *out, const void *left, const void *right, size_t first, size_t count, size_t stride,
                       size_t width, double offset);
    /* places of scores >= least, ascending; returns how many. places has room for all */
    size_t (*places_above)(int32_t *places, const void *scores, size_t count, double least);
    /* out[k] = (accumulate ? out[k] : offset) + sum_c left[li[k]][c] * right[ri[k]][c] ; li[k] < 0 contributes 0 */
    void (*dot_rows)(void *out, const void *left, const void *right, const int32_t *li, const int32_t *ri,
                     size_t count, size_t leftStride, size_t rightStride, size_t width, double offset, int accumulate);
    /* target[slot[k]][c] += coefficient[k] * source[row[k]][c] for slots in [from, to), from >= 0. Runs of equal slots are
       summed in registers. unwritten: rows hold nothing yet, and slots come in order of first appearance; a row's first
       pair writes it, with zeros beyond width. cleared: a column left 0 in every row that has a pair, or -1. */
    void (*scatter_rows)(void *target, const void *source, const void *coefficient, const int32_t *slot,
                         const int32_t *row, size_t count, size_t targetStride, size_t sourceStride, size_t width,
                         int32_t from, int32_t to, int unwritten, ptrdiff_t cleared);
    /* Runs [firstRun, firstRun + runs) of count pairs that stand item by item, a run being the pairs [edge[r], edge[r + 1])
       of one item, at most CROSS_ENTROPY_RUN: loss[k], c[k] = scale * d loss[k] / d logit[k], logit = offset + user row .
       item row; no losses where loss is NULL. Where slot[r] >= 0, target[slot[r]] += sum of c[k] * user row; into sums[r]
       instead, which it overwrites, where the item has other runs. Rows of users, target and sums are userStride apart. */
    void (*cross_entropy_runs)(void *loss, void *c, void *sums, void *target, const void *users, const void *items,
                               const int32_t *user, const int32_t *item, const int32_t *slot, const uint8_t *y,
                               const int32_t *edge, size_t firstRun, size_t runs, size_t count, size_t userStride,
                               size_t itemStride, size_t width, double offset, double scale);
    /* target[c] += source[c] */
    void (*add_rows)(void *target, const void *source, size_t width);
    /* saved[k] = table[row[k]] ; table[row[k]] += scale * step[slot[k]] */
    void (*displace_rows)(void *table, void *saved, const void *step, const int32_t *row, const int32_t *slot,
                          size_t count, size_t stride, double scale);
    void (*restore_rows)(void *table, const void *saved, const int32_t *row, size_t count, size_t stride);
    /* out[place[k]] = table[row[k]] + scale * step[slot[k]] ; without step the row alone, without place at k; nothing where
       the place is below 0 */
    void (*copy_rows)(void *out, const void *table, const void *step, const int32_t *place, const int32_t *row,
                      const int32_t *slot, size_t count, size_t stride, double scale);
    /* Adam on chosen rows, each with its own step count t, which goes up by one; moments hold the first and then the
       second of each row; correction1[t] = 1 - beta1^t,
       correction2[t] = 1 - beta2^t for t < corrections, the last entry beyond; decay per column */
    void (*adam_rows)(void *table, void *moments, const void *gradient, const void *decay, int32_t *steps,
                      const void *correction1, const void *correction2, size_t corrections, const int32_t *row,
                      size_t count, size_t stride, double rate, double beta1, double beta2, double epsilon);
    /* Adam on every row; slotOfRow[r] < 0 means a zero gradient (decay still acts) */
    void (*adam_all)(void *table, void *moments, const void *gradient, const void *decay,
                     const int32_t *slotOfRow, size_t rows, size_t stride, double correction1, double correction2,
                     double rate, double beta1, double beta2, double epsilon);
    /* The steps from last[r] to now of adam_all without gradient, for the given rows, or for [firstRow, firstRow + count)
       where row is NULL; last[r] becomes now. forms[missed] holds the SETTLE_FORM coefficients of the closed form for
       missed steps, up to longest; other rows, and those outside its range, are stepped one by one. */
    void (*adam_settle)(void *table, void *moments, const void *decay, int32_t *last, int32_t now,
                        const int32_t *row, size_t firstRow, size_t count, size_t stride, const void *forms,
                        int32_t longest, const void *correction1, const void *correction2, size_t corrections,
                        double rate, double beta1, double beta2, double epsilon);
    void (*sigmoid)(void *out, const void *in, size_t count);
    /* estimators: per pair loss, d/ds, d/dm, d2/ds dm, d2/dm2; the naive one's last three may be NULL */
    void (*naive_terms)(void *loss, void *bys, void *bym, void *bysm, void *bymm, const uint8_t *y, const void *s, size_t count);
    void (*ips_terms)(void *loss, void *bys, void *bym, void *bysm, void *bymm, const uint8_t *y, const void *s,
                      const void *m, size_t count);
    void (*low_variance_terms)(void *loss, void *bys, void *bym, void *bysm, void *bymm, const uint8_t *y,
                               const void *s, const void *m, size_t count);
    /* Eq. 14: m = r q + (1 - r) theta with q = sigmoid(t), r = sigmoid(z of the pair's item slot) */
    void (*blend)(void *m, void *q, void *r, const void *t, const void *z, const void *theta, const int32_t *zSlot,
                  const int32_t *thetaRow, size_t count);
    /* cotangents of m into t and z: ct = c r q(1-q), cz = c (q - theta) r(1-r) */
    void (*blend_pullback)(void *ct, void *cz, const void *c, const void *q, const void *r, const void *theta,
                           const int32_t *thetaRow, size_t count);
    /* along a displacement v of the item row: slope = dm/dw_i . v, and its derivatives' factors on w_i for e_u and a */
    void (*blend_second)(void *slope, void *byUser, void *byGate, const void *c, const void *q, const void *r,
                         const void *theta, const int32_t *thetaRow, const void *alongGate, const void *alongUser,
                         size_t count);
    /* out[k] = scale * a[k] * b[k] ; a NULL b counts as 1 */
    void (*multiply)(void *out, const void *a, const void *b, size_t count, double scale);
    /* rows[r][from ..< to] = 0 */
    void (*clear_columns)(void *rows, size_t count, size_t stride, size_t from, size_t to);
    /* out[k] = in[place[k]] */
    void (*take_places)(void *out, const void *in, const int32_t *place, size_t count);
    /* result = {sum, sum of squares, least, greatest}, in double, in order */
    void (*summarize)(double result[4], const void *in, size_t count);
    /* the sum alone, by the same order */
    double (*sum)(const void *in, size_t count);

    /* Dense matrices of the order of the factors: `width` rows of `width` numbers rounded up to 64 bytes. The scratch of
       one call holds lm_dense_scratch(width, scalar) bytes. Sparse rows are offsets, index (ascending) and, per entry, a
       confidence c; loss and sums are indexed by the target's row. */
    /* matrix += sum of x x^T over rows [first, first + count), upper triangle */
    void (*gram)(void *matrix, const void *rows, size_t first, size_t count, size_t stride, size_t width, void *scratch);
    /* copies the upper triangle below the diagonal */
    void (*mirror)(void *matrix, size_t width);
    /* target[row] solves (gram + sum (c - 1) z z^T + ridge) x = sum c z over its entries z: by Cholesky for steps 0, else
       by that many steps of conjugate gradient from what it holds; gram with both triangles. loss = sum of
       c (1 - s)^2 - s^2 over the entries at the new x. Returns how many rows could not be solved. */
    size_t (*least_squares_rows)(void *target, double *loss, const void *gram, const void *rows,
                                 const ptrdiff_t *offsets, const int32_t *index, const void *c, size_t first,
                                 size_t count, size_t targetStride, size_t stride, size_t width, double ridge, int steps,
                                 void *scratch);
    /* target[row] solves (sum e z z^T + ridge) x = sum of its clicked z, over all rows z, with e = 1 on clicks and else
       e = sigmoid(prior + shift - half (x . z)^2) at the x before; prior of the row z, or of the target if NULL. Where
       rounding leaves the matrix indefinite, a few units of precision times its trace join the diagonal. */
    size_t (*exposure_rows)(void *target, const void *rows, size_t rowCount, const ptrdiff_t *offsets,
                            const int32_t *index, const void *rowPrior, const void *targetPrior, size_t first,
                            size_t count, size_t targetStride, size_t stride, size_t width, double shift, double half,
                            double ridge, void *scratch);
    /* sums[row] = {sum of e, sum of softplus(log-odds of e) over unclicked pairs, sum of (1 - s)^2 over clicks} */
    void (*exposure_sums)(double *sums, const void *target, const void *rows, size_t rowCount, const ptrdiff_t *offsets,
                          const int32_t *index, const void *targetPrior, size_t first, size_t count,
                          size_t targetStride, size_t stride, size_t width, double shift, double half, void *scratch);
    /* the summed loss of a row over all pairs and its gradient: softplus(s) on unclicked pairs, (c + extra) softplus(s)
       - c s on clicks */
    void (*logistic_rows)(void *gradient, double *loss, const void *target, const void *rows, size_t rowCount,
                          const ptrdiff_t *offsets, const int32_t *index, const void *c, size_t first, size_t count,
                          size_t targetStride, size_t stride, size_t width, double intercept, double extra,
                          void *scratch);

    /* m = x^e and log = log x, x = w l + (1 - w) popularity in (0, 1] */
    void (*gate_powers)(void *m, void *log, const void *w, const void *l, const void *e, const void *popularity,
                        size_t count);
    /* c dm/d(logit of w), of l and of e, these being sigmoids */
    void (*gate_slopes)(void *byW, void *byL, void *byE, const void *c, const void *m, const void *log, const void *w,
                        const void *l, const void *e, const void *popularity, size_t count);

    /* values[k] = place of position first + k in a permutation whose keys are salted; count up to PERMUTED_RUN */
    void (*permute_run)(const struct lm_permutation *order, uint64_t first, size_t count, uint64_t salt,
                        uint64_t *values);
  };

// The same over all threads of the pool, with the table's own kernels. Every number is computed by one thread in one
// order, so the results do not depend on how many there are.
// Dot products into different columns, in one job: out[k] = offset + left[leftRow[k]] . right[rightRow[k]], added to out[k]
// where accumulate is set; then those of a second pair of rows are added, where left2 is not NULL.
struct lm_dots {
  void *out;
  const void *left, *right;
  const int32_t *leftRow, *rightRow;
  size_t leftStride, rightStride;
  const void *left2, *right2;
  const int32_t *leftRow2, *rightRow2;
  size_t leftStride2, rightStride2, count, width;
  double offset;
  int accumulate;
};
void lm_dot_rows(const struct lm_kernels *kernels, const struct lm_dots *dots, size_t count);
// Sums into rows of different targets, in one job.
struct lm_scatter {
  void *target;
  const void *source, *coefficient;
  const int32_t *slot, *row;
  size_t count, targetStride, sourceStride, width;
  int unwritten;
  ptrdiff_t cleared;
};
void lm_scatter_rows(const struct lm_kernels *kernels, const struct lm_scatter *sums, size_t count);
// All runs; sums has a row for each.
void lm_cross_entropy_runs(const struct lm_kernels *kernels, void *loss, void *c, void *sums, void *target,
                           const void *users, const void *items, const int32_t *user, const int32_t *item,
                           const int32_t *slot, const uint8_t *y, const int32_t *edge, size_t runs, size_t userStride,
                           size_t itemStride, size_t width, double offset, double scale);
// Zeroes, by the cut of the passes that fill and read the same rows.
void lm_clear(void *values, size_t bytes);
void lm_displace_rows(const struct lm_kernels *kernels, void *table, void *saved, const void *step, const int32_t *row,
                      const int32_t *slot, size_t count, size_t stride, double scale);
void lm_restore_rows(const struct lm_kernels *kernels, void *table, const void *saved, const int32_t *row,
                     size_t count, size_t stride);
// The places that are not below 0 are different.
void lm_copy_rows(const struct lm_kernels *kernels, void *out, const void *table, const void *step,
                  const int32_t *place, const int32_t *row, const int32_t *slot, size_t count, size_t stride,
                  double scale);
// Steps of rows of different tables, in one job.
struct lm_adam_table {
  void *table, *moments;
  const void *gradient, *decay;
  int32_t *steps;
  const int32_t *row;
  size_t count, stride;
};
void lm_adam_rows(const struct lm_kernels *kernels, const struct lm_adam_table *tables, size_t count,
                  const void *correction1, const void *correction2, size_t corrections, double rate, double beta1,
                  double beta2, double epsilon);
void lm_adam_all(const struct lm_kernels *kernels, void *table, void *moments, const void *gradient,
                 const void *decay, const int32_t *slotOfRow, size_t rows, size_t stride, double correction1,
                 double correction2, double rate, double beta1, double beta2, double epsilon);
void lm_adam_settle(const struct lm_kernels *kernels, void *table, void *moments, const void *decay,
                    int32_t *last, int32_t now, const int32_t *row, size_t firstRow, size_t count, size_t stride,
                    const void *forms, int32_t longest, const void *correction1, const void *correction2,
                    size_t corrections, double rate, double beta1, double beta2, double epsilon);
void lm_naive_terms(const struct lm_kernels *kernels, void *loss, void *bys, void *bym, void *bysm, void *bymm,
                    const uint8_t *y, const void *s, size_t count);
void lm_low_variance_terms(const struct lm_kernels *kernels, void *loss, void *bys, void *bym, void *bysm, void *bymm,
                           const uint8_t *y, const void *s, const void *m, size_t count);
void lm_blend(const struct lm_kernels *kernels, void *m, void *q, void *r, const void *t, const void *z,
              const void *theta, const int32_t *zSlot, const int32_t *thetaRow, size_t count);

// Row -> slot for one batch at a time: a row's mark holds the round that wrote it and its slot. Users and items side by side.
// Distinct members get slots in order of first appearance, rows holds them, found is their number. A member that is not below
// the number of marks ends the program.
void lm_assign_slots(uint64_t round, size_t count, uint64_t *userMarks, size_t userCount, const int32_t *users,
                     int32_t *userSlots, int32_t *userRows, ptrdiff_t *usersFound, uint64_t *itemMarks,
                     size_t itemCount, const int32_t *items, int32_t *itemSlots, int32_t *itemRows,
                     ptrdiff_t *itemsFound);
// The slots of other pairs in that batch, or -1.
void lm_locate_slots(uint64_t round, size_t count, const uint64_t *userMarks, size_t userCount, const int32_t *users,
                     int32_t *userSlots, const uint64_t *itemMarks, size_t itemCount, const int32_t *items,
                     int32_t *itemSlots);
// The runs of pairs that stand item by item: edges[r] ... edges[r + 1], each of one item and at most
// CROSS_ENTROPY_RUN pairs; edges has room for count + 1. Returns how many.
size_t lm_item_runs(const int32_t *items, size_t count, int32_t *edges);
// Whether pairs [first, end) of count are all pairs of their item.
static inline int lm_is_whole_item(const int32_t *items, size_t first, size_t end, size_t count) {
  return (first == 0 || items[first - 1] != items[first]) && (end == count || items[end] != items[first]);
}
// The pairs of an outer loss that a step reads: all of runs with a wanted slot, and of others those whose user has one, or
// the whole. Written: the own slots of their users, users, items and feedback, the runs that they form, with their slots
// where they are wanted; where those whose user has a shared slot stand among them, and these slots. Outputs have room for
// all pairs and runs. Returns how many are read.
size_t lm_choose_pairs(const int32_t *edges, size_t runs, const int32_t *runSlots, const uint8_t *wanted,
                       const int32_t *userSlots, int whole, const int32_t *ownSlots, const int32_t *users,
                       const int32_t *items, const uint8_t *feedback, int32_t *chosenOwn, int32_t *chosenUsers,
                       int32_t *chosenItems, uint8_t *chosenFeedback, int32_t *chosenEdges, int32_t *chosenSlots,
                       int32_t *shared, int32_t *sharedSlots, ptrdiff_t *chosenRuns, ptrdiff_t *sharedCount);
// marks[slots[k]] = 1 of those that are not below 0.
void lm_mark_slots(const int32_t *slots, size_t count, uint8_t *marks);
// out[k] = in[places[k]]
void lm_take_indices(const int32_t *in, const int32_t *places, size_t count, int32_t *out);
// The pairs of a batch that have a shared slot on either side, packed, their shared slots too: their places, users, items
// and feedback. Returns how many they are; the outputs have room for all.
// kinds: 1 for pairs without a click, 2 for clicks, 3 for both.
size_t lm_link_pairs(size_t count, unsigned kinds, int32_t *sharedUserSlots, int32_t *sharedItemSlots,
                     const int32_t *users, const int32_t *items, const uint8_t *feedback, int32_t *places,
                     int32_t *linkedUsers, int32_t *linkedItems, uint8_t *linkedFeedback);
// Slots of slots: those that pairs at `places` have in `slots`, numbered anew in order of first appearance, and the row of
// each, which `members` holds for each pair. `map` has room for all slots and is -1. Returns how many there are.
size_t lm_number_slots(size_t count, const int32_t *places, const int32_t *slots, const int32_t *members, int32_t *map,
                       int32_t *own, int32_t *rows);
// Places 0, 1, ... by their slot: offsets has slotCount + 1 entries, entries[offsets[s]] ... are those of slot s, ascending.
void lm_group_by_slot(const int32_t *slots, size_t count, size_t slotCount, int32_t *offsets, int32_t *entries);
// The rows of a batch that other pairs read: those whose mark is of `round`, or all. places[slot of the batch] becomes the
// shared slot or -1, shared its row, origins its slot in the batch and marked its slot among the others, or -1; sharedSlots
// those of the batch's pairs. entrySlots: the shared slot of each of the other pairs' entries, which stand by offsets of the
// marked slots; -1 for none. Returns the number of shared rows.
size_t lm_share_rows(const int32_t *rows, size_t rowCount, const int32_t *slots, size_t count, uint64_t round,
                     const uint64_t *marks, size_t markCount, const int32_t *offsets, const int32_t *entries,
                     size_t entryCount, int all, int32_t *places, int32_t *shared, int32_t *origins,
                     int32_t *marked, int32_t *sharedSlots, int32_t *entrySlots);

// Dense kernels over blocks of rows, each block by one thread.
size_t lm_dense_scratch(size_t width, size_t scalar);
void lm_gram(const struct lm_kernels *kernels, void *matrix, const void *rows, size_t count, size_t stride, size_t width);
size_t lm_least_squares_rows(const struct lm_kernels *kernels, void *target, double *loss, const void *gram,
                             const void *rows, const ptrdiff_t *offsets, const int32_t *index, const void *c,
                             size_t count, size_t targetStride, size_t stride, size_t width, double ridge, int steps);
size_t lm_exposure_rows(const struct lm_kernels *kernels, void *target, const void *rows, size_t rowCount,
                        const ptrdiff_t *offsets, const int32_t *index, const void *rowPrior, const void *targetPrior,
                        size_t count, size_t targetStride, size_t stride, size_t width, double shift, double half,
                        double ridge);
void lm_exposure_sums(const struct lm_kernels *kernels, double *sums, const void *target, const void *rows,
                      size_t rowCount, const ptrdiff_t *offsets, const int32_t *index, const void *targetPrior,
                      size_t count, size_t targetStride, size_t stride, size_t width, double shift, double half);
void lm_logistic_rows(const struct lm_kernels *kernels, void *gradient, double *loss, const void *target,
                      const void *rows, size_t rowCount, const ptrdiff_t *offsets, const int32_t *index, const void *c,
                      size_t count, size_t targetStride, size_t stride, size_t width, double intercept, double extra);

/// The float kernels of this machine's best level, or of the level named by LIGHTMETER_KERNELS (baseline, v3, v4).
/// NULL when that level is unknown or the machine lacks it: the caller must report it, never fall back.
const struct lm_kernels *lm_select_float_kernels(void);
/// The float kernels of one named level; NULL when the machine lacks it.
const struct lm_kernels *lm_float_kernels_named(const char *level);
const struct lm_kernels *lm_select_double_kernels(void);

/// Flush denormal results and inputs to zero on the calling thread (per-thread state). Adam moments of rows without
/// gradient decay into denormals, which are 14 times slower. Returns the previous state for lm_restore_denormals.
unsigned lm_flush_denormals(void);
void lm_restore_denormals(unsigned state);
/// The calling thread's rounding and denormal mode; setting it returns the mode before.
unsigned lm_rounding_mode(void);
unsigned lm_set_rounding_mode(unsigned mode);

/// Asks for large pages under memory that is not yet touched: rows at random places of a large table otherwise cost a
/// walk through the page tables each. A wish, without effect where the system does not grant it.
void lm_prefer_large_pages(void *memory, size_t bytes);

/// Processors that this process may use, at least 1.
int lm_processors(void);
/// How many threads share the kernels' work, the caller among them; 1 until lm_use_threads.
int lm_threads(void);
/// Starts or ends threads; returns how many there are now. Not from inside lm_parallel.
int lm_use_threads(int count);
/// Runs body for every shard in [0, shards), on the pool's threads and the caller, and returns when all are done. Shards
/// must not write to each other's memory. Runs them in order on the caller while the pool has another job.
void lm_parallel(int shards, void (*body)(void *context, int shard), void *context);

/// Work that is handed out to be done meanwhile, by whichever thread of the pool has nothing to do first. It may not
/// depend on what the caller does until lm_finish_errand. The caller's memory; the fields are the pool's.
struct lm_errand {
  void (*body)(void *context);
  void *context;
  unsigned mode;
  int state;
};
/// Ends a part of an errand of some microseconds: shards of a job may go before the next. Elsewhere it does nothing.
void lm_end_part(void);

/// Hands it out. One errand is out at a time: while another is, or with one thread, it waits for lm_finish_errand.
void lm_hand_out_errand(struct lm_errand *errand);
/// Returns when it is done, by whom ever: where no thread has begun it, by the caller.
void lm_finish_errand(struct lm_errand *errand);

// ---- Draws of pairs -------------------------------------------------------------------------------------------------

/// The place of a position in a permutation.
uint64_t lm_permute(const struct lm_permutation *order, uint64_t position);
/// The counter-based hash of SeededGenerator.hash(a, b, 0).
uint64_t lm_hash(uint64_t a, uint64_t b);

/// An order in blocks: pairs are lined up user by user, cut into blocks of `length` pairs, and shuffled within each block; the
/// blocks come in the order of `whole`, a shorter last one at the end. No blocks: length 0.
struct lm_blocks {
  uint64_t length, full, rotation;
  struct lm_permutation whole, inner, tail;
};

/// The stream of a log: its index space is [0, P) positives, [P, P + kP) draws, [P + kP, ...) further pairs.
struct lm_stream {
  struct lm_permutation order;
  struct lm_blocks blocks;
  uint64_t drawKey, draws, positives, itemCount;
  /* user and item of each positive; a user's items are ascending from offsets[user] */
  const int32_t *users, *items;
  const ptrdiff_t *offsets;
  /* other pairs that a draw may not hit, or NULL */
  const int32_t *shownItems;
  const ptrdiff_t *shownOffsets;
};
/// Pairs of the shuffled positions [first, first + count), packed: a draw that hits a positive or a shown pair is left
/// out. places[k] is the index of pair k; where it is a further pair, user and item are -1 and the caller knows them.
/// Returns how many are left.
size_t lm_draw_pairs(const struct lm_kernels *kernels, const struct lm_stream *stream, size_t first, size_t count,
                     ptrdiff_t *places, int32_t *users, int32_t *items, uint8_t *feedback);

/// SIGINT and SIGTERM as a flag: install from one thread, ask from any. A second signal ends the process with
/// 128 + its number.
void lm_interruption_install(void);
void lm_interruption_remove(void);
/// The signal that came first, or 0.
int lm_interruption_signal(void);

#endif
