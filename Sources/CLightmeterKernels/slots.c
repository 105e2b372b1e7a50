// The distinct rows of a batch, users and items side by side. Marks of large tables are at random places: they are fetched
// ahead, so that the misses overlap.
#include "include/CLightmeterKernels.h"

#define AHEAD 16
// Fewer pairs are found sooner than a second core wakes up.
#define LEAST_PAIRS 512
#define BLOCK 2048

struct side {
  uint64_t round, *marks;
  size_t markCount, count;
  const int32_t *members;
  int32_t *slots, *rows;
  ptrdiff_t *found;
};

static void assign(const struct side *side) {
  uint64_t stamp = side->round << 32;
  size_t found = 0;
  for (size_t k = 0; k < side->count; k++) {
    if (k + AHEAD < side->count) __builtin_prefetch(side->marks + side->members[k + AHEAD], 1);
    int32_t row = side->members[k];
    if ((uint32_t)row >= side->markCount) __builtin_trap();
    uint64_t mark = side->marks[row];
    if (mark >> 32 == side->round) {
      side->slots[k] = (int32_t)(uint32_t)mark;
    } else {
      side->slots[k] = (int32_t)found;
      side->marks[row] = stamp | found;
      side->rows[found++] = row;
    }
  }
  *side->found = (ptrdiff_t)found;
}

static void locate(const struct side *side, size_t first, size_t count) {
  size_t end = first + count < side->count ? first + count : side->count;
  for (size_t k = first; k < end; k++) {
    if (k + AHEAD < end) __builtin_prefetch(side->marks + side->members[k + AHEAD]);
    int32_t row = side->members[k];
    if ((uint32_t)row >= side->markCount) __builtin_trap();
    uint64_t mark = side->marks[row];
    side->slots[k] = mark >> 32 == side->round ? (int32_t)(uint32_t)mark : -1;
  }
}

static void assign_side(void *context, int side) { assign((const struct side *)context + side); }

void lm_assign_slots(uint64_t round, size_t count, uint64_t *userMarks, size_t userCount, const int32_t *users,
                     int32_t *userSlots, int32_t *userRows, ptrdiff_t *usersFound, uint64_t *itemMarks,
                     size_t itemCount, const int32_t *items, int32_t *itemSlots, int32_t *itemRows,
                     ptrdiff_t *itemsFound) {
  struct side sides[] = {{round, userMarks, userCount, count, users, userSlots, userRows, usersFound},
                         {round, itemMarks, itemCount, count, items, itemSlots, itemRows, itemsFound}};
  if (count >= LEAST_PAIRS) return lm_parallel(2, assign_side, sides);
  assign(&sides[0]);
  assign(&sides[1]);
}

static void locate_block(void *context, int block) {
  locate((const struct side *)context + block % 2, (size_t)(block / 2) * BLOCK, BLOCK);
}

void lm_locate_slots(uint64_t round, size_t count, const uint64_t *userMarks, size_t userCount, const int32_t *users,
                     int32_t *userSlots, const uint64_t *itemMarks, size_t itemCount, const int32_t *items,
                     int32_t *itemSlots) {
  struct side sides[] = {{round, (uint64_t *)userMarks, userCount, count, users, userSlots, 0, 0},
                         {round, (uint64_t *)itemMarks, itemCount, count, items, itemSlots, 0, 0}};
  lm_parallel((int)((count + BLOCK - 1) / BLOCK) * 2, locate_block, sides);
}

void lm_group_by_slot(const int32_t *slots, size_t count, size_t slotCount, int32_t *offsets, int32_t *entries) {
  for (size_t s = 0; s <= slotCount; s++) offsets[s] = 0;
  for (size_t k = 0; k < count; k++) offsets[slots[k] + 1]++;
  for (size_t s = 0; s < slotCount; s++) offsets[s + 1] += offsets[s];
  // Every slot's end runs from its beginning over its entries.
  for (size_t s = slotCount; s > 0; s--) offsets[s] = offsets[s - 1];
  for (size_t k = 0; k < count; k++) entries[offsets[slots[k] + 1]++] = (int32_t)k;
}

size_t lm_share_rows(const int32_t *rows, size_t rowCount, const int32_t *slots, size_t count, uint64_t round,
                     const uint64_t *marks, size_t markCount, const int32_t *offsets, const int32_t *entries,
                     size_t entryCount, int all, int32_t *places, int32_t *shared, int32_t *origins, int32_t *marked,
                     int32_t *sharedSlots, int32_t *entrySlots) {
  size_t kept = 0;
  // A third of the rows may be marked, at random: written in any case and kept by an addition, not by a guess.
  for (size_t slot = 0; slot < rowCount; slot++) {
    if (slot + AHEAD < rowCount) __builtin_prefetch(marks + rows[slot + AHEAD]);
    int32_t row = rows[slot];
    if ((uint32_t)row >= markCount) __builtin_trap();
    uint64_t mark = marks[row];
    int32_t isMarked = mark >> 32 == round, keeps = all | isMarked;
    places[slot] = keeps ? (int32_t)kept : -1;
    shared[kept] = row;
    origins[kept] = (int32_t)slot;
    marked[kept] = isMarked ? (int32_t)(uint32_t)mark : -1;
    // Read in the next loops: the first place is fetched in any case.
    __builtin_prefetch(offsets + (isMarked ? (uint32_t)mark : 0));
    kept += (size_t)keeps;
  }
  for (size_t e = 0; e < entryCount; e++) entrySlots[e] = -1;
  for (size_t k = 0; k < kept; k++) {
    if (k + AHEAD < kept && marked[k + AHEAD] >= 0) __builtin_prefetch(entries + offsets[marked[k + AHEAD]]);
    if (marked[k] < 0) continue;
    for (int32_t e = offsets[marked[k]]; e < offsets[marked[k] + 1]; e++) entrySlots[entries[e]] = (int32_t)k;
  }
  for (size_t k = 0; k < count; k++) sharedSlots[k] = places[slots[k]];
  lm_end_part();
  return kept;
}

size_t lm_item_runs(const int32_t *items, size_t count, int32_t *edges) {
  size_t runs = 0;
  edges[0] = 0;
  for (size_t k = 1; k < count; k++)
    if (items[k] != items[k - 1] || k - (size_t)edges[runs] == CROSS_ENTROPY_RUN) edges[++runs] = (int32_t)k;
  if (count > 0) edges[++runs] = (int32_t)count;
  return runs;
}

size_t lm_choose_pairs(const int32_t *edges, size_t runs, const int32_t *runSlots, const uint8_t *wanted,
                       const int32_t *userSlots, int whole, const int32_t *ownSlots, const int32_t *users,
                       const int32_t *items, const uint8_t *feedback, int32_t *restrict chosenOwn,
                       int32_t *restrict chosenUsers, int32_t *restrict chosenItems, uint8_t *restrict chosenFeedback,
                       int32_t *restrict chosenEdges, int32_t *restrict chosenSlots, int32_t *restrict shared,
                       int32_t *restrict sharedSlots, ptrdiff_t *chosenRuns, ptrdiff_t *sharedCount) {
  int32_t kept = 0;
  ptrdiff_t found = 0, keptRuns = 0;
  chosenEdges[0] = 0;
  for (size_t run = 0; run < runs; run++) {
    int32_t first = edges[run], count = edges[run + 1] - first, own = runSlots[run];
    own = own >= 0 && wanted[own] ? own : -1;
    if (whole || own >= 0) {
      for (int32_t k = 0; k < count; k++) chosenOwn[kept + k] = ownSlots[first + k];
      for (int32_t k = 0; k < count; k++) chosenUsers[kept + k] = users[first + k];
      for (int32_t k = 0; k < count; k++) chosenItems[kept + k] = items[first + k];
      for (int32_t k = 0; k < count; k++) chosenFeedback[kept + k] = feedback[first + k];
      for (int32_t k = 0; k < count; k++) {
        int32_t slot = userSlots[first + k];
        shared[found] = kept + k;
        sharedSlots[found] = slot;
        found += slot >= 0;
      }
      kept += count;
    } else {
      // Written in any case and kept by an addition, not by a guess.
      for (int32_t k = first; k < first + count; k++) {
        int32_t slot = userSlots[k], isShared = slot >= 0;
        chosenOwn[kept] = ownSlots[k];
        chosenUsers[kept] = users[k];
        chosenItems[kept] = items[k];
        chosenFeedback[kept] = feedback[k];
        shared[found] = kept;
        sharedSlots[found] = slot;
        kept += isShared;
        found += isShared;
      }
    }
    if (kept == chosenEdges[keptRuns]) continue;
    chosenSlots[keptRuns++] = own;
    chosenEdges[keptRuns] = kept;
  }
  *chosenRuns = keptRuns;
  *sharedCount = found;
  lm_end_part();
  return (size_t)kept;
}

void lm_mark_slots(const int32_t *slots, size_t count, uint8_t *marks) {
  for (size_t k = 0; k < count; k++)
    if (slots[k] >= 0) marks[slots[k]] = 1;
}

void lm_take_indices(const int32_t *in, const int32_t *places, size_t count, int32_t *out) {
  for (size_t k = 0; k < count; k++) out[k] = in[places[k]];
}

size_t lm_link_pairs(size_t count, unsigned kinds, int32_t *sharedUserSlots, int32_t *sharedItemSlots,
                     const int32_t *users, const int32_t *items, const uint8_t *feedback, int32_t *places,
                     int32_t *linkedUsers, int32_t *linkedItems, uint8_t *linkedFeedback) {
  size_t kept = 0;
  for (size_t k = 0; k < count; k++) {
    int32_t user = sharedUserSlots[k], item = sharedItemSlots[k];
    places[kept] = (int32_t)k;
    sharedUserSlots[kept] = user;
    sharedItemSlots[kept] = item;
    linkedUsers[kept] = users[k];
    linkedItems[kept] = items[k];
    linkedFeedback[kept] = feedback[k];
    kept += ((size_t)(user >= 0) | (size_t)(item >= 0)) & (kinds >> (feedback[k] != 0));
  }
  lm_end_part();
  return kept;
}

size_t lm_number_slots(size_t count, const int32_t *places, const int32_t *slots, const int32_t *members, int32_t *map,
                       int32_t *own, int32_t *rows) {
  size_t found = 0;
  for (size_t p = 0; p < count; p++) {
    int32_t slot = slots[places[p]];
    if (map[slot] < 0) {
      rows[found] = members[p];
      map[slot] = (int32_t)found++;
    }
    own[p] = map[slot];
  }
  lm_end_part();
  return found;
}
