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

size_t lm_share_rows(const int32_t *rows, size_t rowCount, const int32_t *slots, size_t count, int32_t *other,
                     size_t otherCount, int32_t *places, int32_t *shared, int32_t *origins, int32_t *sharedSlots) {
  size_t found = 0;
  for (size_t row = 0; row < rowCount; row++) places[row] = -1;
  for (size_t k = 0; k < otherCount; k++) {
    int32_t slot = other[k];
    if (slot < 0) continue;
    if (places[slot] < 0) {
      places[slot] = (int32_t)found;
      shared[found] = rows[slot];
      origins[found++] = slot;
    }
    other[k] = places[slot];
  }
  for (size_t k = 0; k < count; k++) sharedSlots[k] = places[slots[k]];
  return found;
}
