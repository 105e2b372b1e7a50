// One walk through a keyed permutation's network, for one position and for runs of them.
#include <stdint.h>

static inline __attribute__((always_inline)) uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
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
