#include <string.h>

#include "include/CLightmeterText.h"
#include "text.inc"

#define BATCH 256

static inline uint64_t mix(uint64_t a, uint64_t b) {
  const unsigned __int128 product = (unsigned __int128)a * b;
  return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

static inline uint32_t load4(const uint8_t *p) {
  uint32_t word;
  memcpy(&word, p, 4);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap32(word);
#endif
  return word;
}

static inline uint64_t hash_of(const uint8_t *bytes, size_t count) {
  uint64_t h = (uint64_t)count * 0x9E3779B97F4A7C15ull, tail = 0;
  if (count >= 8) {
    for (size_t at = 0; at + 8 < count; at += 8) h = mix(h ^ load8(bytes + at), 0xA0761D6478BD642Full);
    tail = load8(bytes + count - 8);
  } else if (count >= 4) {
    tail = (uint64_t)load4(bytes + count - 4) << 32 | load4(bytes);
  } else if (count > 0) {
    tail = (uint64_t)bytes[0] << 16 | (uint64_t)bytes[count >> 1] << 8 | bytes[count - 1];
  }
  return mix(h ^ tail, 0xE7037ED1A0B428DBull);
}

static inline int same(const uint8_t *a, const uint8_t *b, size_t count) {
  if (count >= 8) {
    for (size_t at = 0; at + 8 < count; at += 8)
      if (load8(a + at) != load8(b + at)) return 0;
    return load8(a + count - 8) == load8(b + count - 8);
  }
  if (count >= 4) return load4(a) == load4(b) && load4(a + count - 4) == load4(b + count - 4);
  for (size_t k = 0; k < count; k++)
    if (a[k] != b[k]) return 0;
  return 1;
}

static inline size_t start_of(const struct lm_identifiers *t, size_t id) {
  return (size_t)t->bases[id >> 6] + t->starts[id];
}

static inline size_t home(const struct lm_identifiers *t, uint64_t hash) {
  return (size_t)((hash >> 32) * (uint64_t)t->slotCount >> 32);
}

/// The bits of a hash that a slot keeps above its id.
static inline uint32_t tag_of(const struct lm_identifiers *t, uint64_t hash) {
  return (uint32_t)((uint64_t)(uint32_t)hash << t->bits);
}

static inline int is(const struct lm_identifiers *t, size_t id, const uint8_t *bytes, size_t count) {
  const size_t start = start_of(t, id);
  return start_of(t, id + 1) - start == count && same(t->text + start, bytes, count);
}

static inline int32_t find_hashed(const struct lm_identifiers *t, const uint8_t *bytes, size_t count, uint64_t hash) {
  const uint32_t tag = tag_of(t, hash), low = (uint32_t)((1ull << t->bits) - 1);
  for (size_t slot = home(t, hash);;) {
    const uint32_t entry = t->slots[slot];
    if (entry == 0) return -1;
    if (((entry ^ tag) & ~low) == 0 && is(t, (entry & low) - 1, bytes, count)) return (int32_t)((entry & low) - 1);
    if (++slot == t->slotCount) slot = 0;
  }
}

uint64_t lm_identifier_hash(const uint8_t *bytes, size_t count) { return hash_of(bytes, count); }

int lm_identifier_is(const struct lm_identifiers *table, size_t id, const uint8_t *bytes, size_t count) {
  return is(table, id, bytes, count);
}

int32_t lm_identifier_find(const struct lm_identifiers *table, const uint8_t *bytes, size_t count) {
  return table->slotCount == 0 ? -1 : find_hashed(table, bytes, count, hash_of(bytes, count));
}

// Every stage touches memory that the stage before asked for: slots, then starts, then text.
static void find_pending(const struct lm_identifiers *t, size_t pending, const struct text *texts,
                         const uint32_t *rows, const uint64_t *hashes, int32_t *found) {
  uint32_t candidates[BATCH];
  size_t starts[BATCH];
  const uint32_t low = (uint32_t)((1ull << t->bits) - 1);
  for (size_t k = 0; k < pending; k++) {
    const uint32_t tag = tag_of(t, hashes[k]);
    size_t slot = home(t, hashes[k]);
    uint32_t entry;
    while ((entry = t->slots[slot]) != 0 && ((entry ^ tag) & ~low) != 0)
      if (++slot == t->slotCount) slot = 0;
    candidates[k] = entry & low;
    if (candidates[k]) __builtin_prefetch(t->starts + candidates[k]);
  }
  for (size_t k = 0; k < pending; k++) {
    if (!candidates[k]) continue;
    starts[k] = start_of(t, candidates[k] - 1);
    __builtin_prefetch(t->text + starts[k]);
    __builtin_prefetch(t->text + starts[k] + texts[k].count);
  }
  for (size_t k = 0; k < pending; k++) {
    const struct text text = texts[k];
    if (!candidates[k]) {
      found[rows[k]] = -1;
    } else if (start_of(t, candidates[k]) - starts[k] == text.count && same(t->text + starts[k], text.bytes, text.count)) {
      found[rows[k]] = (int32_t)(candidates[k] - 1);
    } else {
      // Another id with the same tag stood first.
      found[rows[k]] = find_hashed(t, text.bytes, text.count, hashes[k]);
    }
  }
}

void lm_run_find(const struct lm_identifiers *table, const uint8_t *base, const uint32_t *ends, size_t width,
                 size_t column, size_t records, int plain, const int32_t *direct, size_t directCount, int32_t *found) {
  uint32_t rows[BATCH];
  uint64_t hashes[BATCH];
  struct text texts[BATCH];
  const int isLast = column + 1 == width;
  for (size_t first = 0; first < records; first += BATCH) {
    const size_t last = records - first < BATCH ? records : first + BATCH;
    size_t pending = 0;
    for (size_t r = first; r < last; r++) {
      const struct text text = text_of(base, ends, r * width + column, isLast);
      const uint64_t value = (uint64_t)(plain ? plain_digits(text) : plain_integer(text));
      found[r] = value < directCount ? direct[value] : -1;
      if (found[r] >= 0) continue;
      texts[pending] = text;
      rows[pending] = (uint32_t)r;
      hashes[pending] = hash_of(text.bytes, text.count);
      if (table->slotCount) __builtin_prefetch(table->slots + home(table, hashes[pending]));
      pending++;
    }
    if (pending && table->slotCount) find_pending(table, pending, texts, rows, hashes, found);
  }
}

void lm_identifier_place(const struct lm_identifiers *table, uint32_t *slots, size_t first, size_t count) {
  uint64_t hashes[BATCH];
  const size_t end = first + count;
  for (size_t from = first; from < end; from += BATCH) {
    const size_t last = end - from < BATCH ? end : from + BATCH;
    for (size_t id = from; id < last; id++) {
      const size_t start = start_of(table, id);
      hashes[id - from] = hash_of(table->text + start, start_of(table, id + 1) - start);
      __builtin_prefetch(slots + home(table, hashes[id - from]), 1);
    }
    for (size_t id = from; id < last; id++) {
      size_t slot = home(table, hashes[id - from]);
      while (slots[slot] != 0)
        if (++slot == table->slotCount) slot = 0;
      slots[slot] = tag_of(table, hashes[id - from]) | (uint32_t)(id + 1);
    }
  }
}

int lm_identifiers_check_text(const struct lm_identifiers *table, size_t textCount, size_t *where) {
  const size_t count = table->count;
  *where = 0;
  if (table->bases[0] != 0 || table->starts[0] != 0) return LM_IDENTIFIERS_START;
  for (size_t id = 0; id < count; id++) {
    const int64_t base = table->bases[id >> 6], next = table->bases[(id + 1) >> 6];
    *where = id;
    // Bases within the text first: then no sum below can leave 64 bits.
    if (base < 0 || next < 0 || base > (int64_t)textCount || next > (int64_t)textCount) return LM_IDENTIFIERS_ORDER;
    if (start_of(table, id) > start_of(table, id + 1)) return LM_IDENTIFIERS_ORDER;
    if ((id & 63) == 0 && table->starts[id] != 0) return LM_IDENTIFIERS_ORDER;
  }
  *where = count;
  if ((count & 63) == 0 && table->starts[count] != 0) return LM_IDENTIFIERS_ORDER;
  *where = start_of(table, count);
  if (*where != textCount) return LM_IDENTIFIERS_END;
  for (size_t id = 0; id < count; id++) {
    const size_t start = start_of(table, id);
    *where = id;
    if (start < textCount && (table->text[start] & 0xC0) == 0x80) return LM_IDENTIFIERS_INSIDE_CHARACTER;
  }
  return lm_is_utf8(table->text, textCount) ? LM_IDENTIFIERS_SOUND : LM_IDENTIFIERS_NOT_UTF8;
}

int lm_identifiers_check_slots(const struct lm_identifiers *table, uint64_t *seen, size_t *where) {
  const uint32_t low = (uint32_t)((1ull << table->bits) - 1);
  size_t named = 0;
  for (size_t slot = 0; slot < table->slotCount; slot++) {
    const uint32_t entry = table->slots[slot];
    if (entry == 0) continue;
    const size_t id = (size_t)(entry & low) - 1;
    *where = id;
    if ((entry & low) == 0 || id >= table->count) return LM_IDENTIFIERS_WRONG;
    if (seen[id >> 6] >> (id & 63) & 1) return LM_IDENTIFIERS_TWICE;
    seen[id >> 6] |= 1ull << (id & 63);
    named++;
  }
  for (size_t id = 0; named < table->count && id < table->count; id++)
    if (!(seen[id >> 6] >> (id & 63) & 1)) {
      *where = id;
      return LM_IDENTIFIERS_MISSING;
    }
  *where = 0;
  return named < table->slotCount || table->slotCount == 0 ? LM_IDENTIFIERS_SOUND : LM_IDENTIFIERS_WRONG;
}

int lm_is_utf8(const uint8_t *bytes, size_t count) {
  size_t p = 0;
  while (p < count) {
    while (count - p >= 8 && (load8(bytes + p) & 0x8080808080808080ull) == 0) p += 8;
    if (p == count) return 1;
    const uint8_t c = bytes[p];
    if (c < 0x80) {
      p++;
      continue;
    }
    // Length and the allowed range of the second byte: no overlong form, no surrogate, nothing above U+10FFFF.
    size_t length;
    uint8_t least = 0x80, most = 0xBF;
    if (c >= 0xC2 && c <= 0xDF) {
      length = 2;
    } else if (c >= 0xE0 && c <= 0xEF) {
      length = 3;
      if (c == 0xE0) least = 0xA0;
      if (c == 0xED) most = 0x9F;
    } else if (c >= 0xF0 && c <= 0xF4) {
      length = 4;
      if (c == 0xF0) least = 0x90;
      if (c == 0xF4) most = 0x8F;
    } else {
      return 0;
    }
    if (count - p < length || bytes[p + 1] < least || bytes[p + 1] > most) return 0;
    for (size_t k = 2; k < length; k++)
      if ((bytes[p + k] & 0xC0) != 0x80) return 0;
    p += length;
  }
  return 1;
}
