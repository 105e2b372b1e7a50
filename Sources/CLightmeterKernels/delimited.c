#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "include/CLightmeterText.h"
#include "text.inc"

// Separators of 64 bytes at a time as a bit mask (vector comparison; the compiler turns the conversion to bool vectors
// into a move of the sign bits), then one step per separator. The second copy of the scan uses wider vectors; both give
// the same integers.
#pragma clang diagnostic ignored "-Wpsabi"
typedef uint8_t bytes32 __attribute__((vector_size(32)));
typedef _Bool bits32 __attribute__((ext_vector_type(32)));

static inline __attribute__((always_inline)) uint64_t mask64(bytes32 low, bytes32 high) {
  uint32_t masks[2];
  bits32 bits = __builtin_convertvector(low, bits32);
  memcpy(&masks[0], &bits, 4);
  bits = __builtin_convertvector(high, bits32);
  memcpy(&masks[1], &bits, 4);
  return masks[0] | (uint64_t)masks[1] << 32;
}

#define MASK(condition_low, condition_high) mask64((bytes32)(condition_low), (bytes32)(condition_high))

static inline __attribute__((always_inline)) size_t scan(
    const uint8_t *base, size_t from, size_t limit, uint8_t delimiter, int quoting, size_t width, size_t most,
    uint32_t *ends, int *plain) {
  const size_t wanted = most * width;
  size_t count = 0;
  uint64_t unclean = 0, fresh = 1;
  *plain = 0;
  for (size_t at = from; at < limit && count < wanted; at += 64) {
    bytes32 a, b;
    memcpy(&a, base + at, 32);
    memcpy(&b, base + at + 32, 32);
    const uint64_t feeds = MASK(a == 10, b == 10);
    uint64_t stops = feeds | MASK(a == delimiter, b == delimiter);
    const uint64_t inside = limit - at < 64 ? (1ull << (limit - at)) - 1 : ~0ull;
    stops &= inside;
    // What is neither a digit nor a separator; and zeros that begin a field of several characters.
    const uint64_t others = ~(MASK((bytes32)(a - 48) <= 9, b - 48 <= 9) | stops) & inside;
    const uint64_t zeros = MASK(a == 48, b == 48);
    const uint64_t leading = zeros & (stops << 1 | fresh) & ~(stops >> 1);
    fresh = stops >> 63;
    unclean |= others | (leading & inside);
    int halt = 0;
    if (others) {
      const uint64_t returns = MASK(a == 13, b == 13);
      const uint64_t ending = feeds >> 1 | (uint64_t)(base[at + 64] == 10) << 63;
      uint64_t odd = (returns & ~ending) | MASK(a == 0, b == 0);
      if (quoting) odd |= MASK(a == '"', b == '"');
      odd &= inside;
      if (odd) {
        stops &= (odd & -odd) - 1;
        halt = 1;
      }
    }
    uint32_t *out = ends + count;
    count += (size_t)__builtin_popcountll(stops);
    // Eight at a time, the last ones beyond the count: without a hard to foresee branch per separator.
    while (stops) {
      for (int k = 0; k < 8; k++) {
        out[k] = (uint32_t)(at + (size_t)__builtin_ctzll(stops | 1ull << 63));
        stops &= stops - 1;
      }
      out += 8;
    }
    if (halt) break;
  }
  *plain = unclean == 0;
  return count < wanted ? count : wanted;
}

#if defined(__x86_64__)
__attribute__((target("arch=x86-64-v3"))) static size_t scan_v3(
    const uint8_t *base, size_t from, size_t limit, uint8_t delimiter, int quoting, size_t width, size_t most,
    uint32_t *ends, int *plain) {
  return scan(base, from, limit, delimiter, quoting, width, most, ends, plain);
}
#endif

static size_t scan_baseline(const uint8_t *base, size_t from, size_t limit, uint8_t delimiter, int quoting,
                            size_t width, size_t most, uint32_t *ends, int *plain) {
  return scan(base, from, limit, delimiter, quoting, width, most, ends, plain);
}

int lm_scan_is_wide(void) {
#if defined(__x86_64__)
  const char *forced = getenv("LIGHTMETER_KERNELS");
  __builtin_cpu_init();
  return !(forced && strcmp(forced, "baseline") == 0) && __builtin_cpu_supports("x86-64-v3");
#else
  return 0;
#endif
}

size_t lm_scan_run(const uint8_t *base, size_t from, size_t limit, uint8_t delimiter, int quoting, size_t width,
                   size_t most, int wide, uint32_t *ends, int *plain) {
  size_t count;
  ends[-1] = (uint32_t)from - 1;
#if defined(__x86_64__)
  count = wide ? scan_v3(base, from, limit, delimiter, quoting, width, most, ends, plain)
               : scan_baseline(base, from, limit, delimiter, quoting, width, most, ends, plain);
#else
  (void)wide;
  count = scan_baseline(base, from, limit, delimiter, quoting, width, most, ends, plain);
#endif
  // Every width-th separator is a line feed and no other, and no line is empty.
  size_t records = 0;
  for (size_t k = 0; k + width <= count; k += width) {
    size_t feeds = 0;
    for (size_t c = 0; c + 1 < width; c++) feeds += base[ends[k + c]] == 10;
    const uint32_t start = ends[(ptrdiff_t)k - 1] + 1;
    if (feeds || base[ends[k + width - 1]] != 10 || base[start] == 10 || (base[start] == 13 && base[start + 1] == 10))
      break;
    records++;
  }
  return records;
}

void lm_run_fields(const uint8_t *base, const uint32_t *ends, size_t width, size_t record, struct lm_field *fields) {
  for (size_t c = 0; c < width; c++) {
    const struct text text = text_of(base, ends, record * width + c, c + 1 == width);
    const size_t start = (size_t)(text.bytes - base);
    fields[c] = (struct lm_field){(int32_t)start, (int32_t)(start + text.count), plain_integer(text)};
  }
}

void lm_run_numbers(const uint8_t *base, const uint32_t *ends, size_t width, size_t column, size_t records, int plain,
                    float *numbers) {
  for (size_t r = 0; r < records; r++) {
    const struct text text = text_of(base, ends, r * width + column, column + 1 == width);
    // One digit is the common case and needs no more.
    if (text.count == 1 && (uint8_t)(text.bytes[0] - '0') <= 9) {
      numbers[r] = (float)(text.bytes[0] - '0');
    } else {
      const int64_t value = plain ? plain_digits(text) : plain_integer(text);
      numbers[r] = value < 0 ? NAN : (float)value;
    }
  }
}
