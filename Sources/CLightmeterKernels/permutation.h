// The hash of counters and one walk through a keyed permutation's network, for one number and for runs of them.
#include <stdint.h>

static inline __attribute__((always_inline)) uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

static inline __attribute__((always_inline)) uint64_t hash_of(uint64_t a, uint64_t b) {
  return mix(mix(a + 0x9e3779b97f4a7c15 * (b + 1)) + 0xd1b54a32d192ed03);
}

// It may end outside of the order.
static inline __attribute__((always_inline)) uint64_t walk(const struct lm_permutation *order, uint64_t value,
                                                           uint64_t salt) {
  uint64_t left = value >> order->half, right = value & order->mask;
  for (int round = 0; round < 4; round++) {
    uint64_t next = left ^ (mix(right + order->keys[round] + salt) & order->mask);
    left = right;
    right = next;
  }
  return (left << order->half) | right;
}
