// Pairs of a training stream, computed from their index. The memory that a pair needs is at random places: each stage
// fetches one thing for all pairs of a run, so that the misses overlap.
#include "include/CLightmeterKernels.h"

#include "permutation.h"

uint64_t lm_hash(uint64_t a, uint64_t b) {
  return mix(mix(a + 0x9e3779b97f4a7c15 * (b + 1)) + 0xd1b54a32d192ed03);
}

uint64_t lm_permute(const struct lm_permutation *order, uint64_t position) {
  uint64_t value = position;
  do value = walk(order, value, 0);
  while (value >= order->count);
  return value;
}

// number / divisor by 2^64 / divisor rounded up, 0 for a divisor of 1: exact while number * divisor < 2^64. A division
// of 64 bits takes up to ninety cycles.
static inline uint64_t inverse_of(uint64_t divisor) { return divisor > 1 ? ~(uint64_t)0 / divisor + 1 : 0; }
static inline uint64_t divided(uint64_t number, uint64_t inverse) {
  return inverse ? (uint64_t)(((unsigned __int128)number * inverse) >> 64) : number;
}

// The index at a place of the line in which pairs stand user by user: every positive before its draws, further pairs spread
// evenly among them.
static inline uint64_t index_in_line(const struct lm_stream *s, uint64_t inverseOfGroup, uint64_t place) {
  uint64_t total = s->order.count, group = 1 + s->draws, main = s->positives * group, further = total - main;
  uint64_t before = 0;
  if (further > 0) {
    before = (uint64_t)((unsigned __int128)place * further / total);
    uint64_t after = (uint64_t)((unsigned __int128)(place + 1) * further / total);
    if (after > before) return main + before;
  }
  uint64_t own = place - before, positive = divided(own, inverseOfGroup), draw = own - positive * group;
  return draw == 0 ? positive : s->positives + positive * s->draws + draw - 1;
}

static void indices_in_blocks(const struct lm_kernels *kernels, const struct lm_stream *s, uint64_t position,
                              size_t count, uint64_t *indices) {
  const struct lm_blocks *b = &s->blocks;
  uint64_t inverse = inverse_of(1 + s->draws);
  while (count > 0) {
    uint64_t block = position / b->length, within = position % b->length;
    size_t run = count < b->length - within ? count : (size_t)(b->length - within);
    if (block < b->full) {
      block = lm_permute(&b->whole, block);
      kernels->permute_run(&b->inner, within, run, lm_hash(s->drawKey, ~block), indices);
    } else {
      kernels->permute_run(&b->tail, within, run, 0, indices);
    }
    for (size_t k = 0; k < run; k++) {
      // The line begins somewhere else every epoch: other users share a block, and others come last.
      uint64_t place = block * b->length + indices[k] + b->rotation;
      indices[k] = index_in_line(s, inverse, place < s->order.count ? place : place - s->order.count);
    }
    position += run, count -= run, indices += run;
  }
}

// Without data-dependent branches: the processor runs ahead into the next pair instead of guessing wrong. Halving a length
// of 1 changes nothing, so that short rows, which are most, all take the same number of turns.
static inline int contains(const int32_t *items, ptrdiff_t first, ptrdiff_t end, int32_t item) {
  ptrdiff_t length = end - first;
  if (length == 0) return 0;
#define HALVE                                                                                                          \
  {                                                                                                                    \
    ptrdiff_t half = length / 2;                                                                                       \
    first += items[first + half] <= item ? half : 0;                                                                   \
    length -= half;                                                                                                    \
  }
  while (length > 16) HALVE
  HALVE HALVE HALVE HALVE
  return items[first] == item;
}

#define DROPPED (-2)

struct draw_call {
  const struct lm_kernels *kernels;
  const struct lm_stream *stream;
  size_t first, count;
  ptrdiff_t *places;
  int32_t *users, *items;
  uint8_t *feedback;
};

static void draw_run(const struct draw_call *call, size_t from, size_t count) {
  const struct lm_stream *s = call->stream;
  ptrdiff_t *places = call->places + from;
  int32_t *users = call->users + from, *items = call->items + from;
  uint8_t *feedback = call->feedback + from;
  uint64_t firstFurther = s->positives * (1 + s->draws), inverse = inverse_of(s->draws);
  uint64_t indices[PERMUTED_RUN];
  if (s->blocks.length == 0) call->kernels->permute_run(&s->order, call->first + from, count, 0, indices);
  else indices_in_blocks(call->kernels, s, call->first + from, count, indices);
  for (size_t k = 0; k < count; k++) {
    uint64_t place = indices[k];
    places[k] = (ptrdiff_t)place;
    if (place < firstFurther)
      __builtin_prefetch(s->users + (place < s->positives ? place : divided(place - s->positives, inverse)));
    if (place < s->positives) __builtin_prefetch(s->items + place);
  }
  for (size_t k = 0; k < count; k++) {
    uint64_t place = (uint64_t)places[k];
    feedback[k] = place < s->positives;
    if (place < s->positives) {
      users[k] = s->users[place];
      items[k] = s->items[place];
    } else if (place < firstFurther) {
      users[k] = s->users[divided(place - s->positives, inverse)];
      // The high word of the product is uniform to within itemCount / 2^64.
      items[k] = (int32_t)(((unsigned __int128)lm_hash(s->drawKey, place) * s->itemCount) >> 64);
      __builtin_prefetch(s->offsets + users[k]);
      if (s->shownOffsets) __builtin_prefetch(s->shownOffsets + users[k]);
    } else {
      users[k] = items[k] = -1;
    }
  }
  for (size_t k = 0; k < count; k++)
    if (!feedback[k] && users[k] >= 0) {
      // A short row may stand in two cache lines.
      ptrdiff_t first = s->offsets[users[k]], end = s->offsets[users[k] + 1];
      int isShort = end - first <= 16;
      __builtin_prefetch(s->items + first + (isShort ? 0 : (end - first) / 2));
      if (isShort) __builtin_prefetch(s->items + end - 1);
    }
  for (size_t k = 0; k < count; k++) {
    if (feedback[k] || users[k] < 0) continue;
    int known = contains(s->items, s->offsets[users[k]], s->offsets[users[k] + 1], items[k]);
    if (!known && s->shownOffsets)
      known = contains(s->shownItems, s->shownOffsets[users[k]], s->shownOffsets[users[k] + 1], items[k]);
    if (known) items[k] = DROPPED;
  }
}

static void draw_shard(void *context, int shard) {
  struct draw_call *call = context;
  size_t from = (size_t)shard * PERMUTED_RUN, left = call->count - from;
  draw_run(call, from, left < PERMUTED_RUN ? left : PERMUTED_RUN);
}

size_t lm_draw_pairs(const struct lm_kernels *kernels, const struct lm_stream *stream, size_t first, size_t count,
                     ptrdiff_t *places, int32_t *users, int32_t *items, uint8_t *feedback) {
  struct draw_call call = {kernels, stream, first, count, places, users, items, feedback};
  lm_parallel((int)((count + PERMUTED_RUN - 1) / PERMUTED_RUN), draw_shard, &call);
  size_t kept = 0;
  for (size_t k = 0; k < count; k++) {
    places[kept] = places[k];
    users[kept] = users[k];
    items[kept] = items[k];
    feedback[kept] = feedback[k];
    kept += items[k] != DROPPED;
  }
  return kept;
}
