#ifndef CLIGHTMETER_TEXT_H
#define CLIGHTMETER_TEXT_H

#include <stddef.h>
#include <stdint.h>

// Delimited text and identifier tables, byte level. No allocation, no state.

/// One field of a record: where its text stands, and its value where the text is a plain integer without leading
/// zeros of at most 18 digits, else -1.
struct lm_field {
  int32_t start, end;
  int64_t integer;
};

/// Finds the fields of plain lines in base[from ..< limit]; base[limit - 1] must be a line feed.
///
/// A run is the array of the positions of all separators; field k reaches from ends[k - 1] + 1 to ends[k], and ends[-1]
/// is set too. The run stops before the first line that is not plain: another number of fields than `width`, no text, a
/// NUL byte, a carriage return that does not end the line, or a double quote where `quoting`. Text must be readable to
/// 80 bytes past `limit`; `ends` needs room for 64 + 8 positions more than `most` records have, and one before.
/// *plain: every field is digits without a leading zero, or empty.
/// Returns the number of records, at most `most`. `wide`: see lm_scan_is_wide; the result is the same.
size_t lm_scan_run(const uint8_t *base, size_t from, size_t limit, uint8_t delimiter, int quoting, size_t width,
                   size_t most, int wide, uint32_t *ends, int *plain);
/// Whether this machine has wide vectors and LIGHTMETER_KERNELS does not say baseline.
int lm_scan_is_wide(void);
/// The fields of one record of a run.
void lm_run_fields(const uint8_t *base, const uint32_t *ends, size_t width, size_t record, struct lm_field *fields);
/// The plain integers of a column as float; NaN where there is none.
void lm_run_numbers(const uint8_t *base, const uint32_t *ends, size_t width, size_t column, size_t records, int plain,
                    float *numbers);

/// The arrays of an identifier table; see IdentifierTable.
struct lm_identifiers {
  const uint8_t *text;
  /// Where the first id of every 64 starts.
  const int64_t *bases;
  /// Where an id starts, counted from its base; count + 1 entries, the last for the end of the text.
  const uint32_t *starts;
  /// 0 where free, else tag << bits | id + 1.
  const uint32_t *slots;
  size_t count, slotCount;
  uint32_t bits;
};

/// The hash that places ids; part of the model file's format.
uint64_t lm_identifier_hash(const uint8_t *bytes, size_t count);
/// The id with this text, or -1.
int32_t lm_identifier_find(const struct lm_identifiers *table, const uint8_t *bytes, size_t count);
/// Whether an id has this text.
int lm_identifier_is(const struct lm_identifiers *table, size_t id, const uint8_t *bytes, size_t count);
/// found[r] = the id in a column of a run, or -1. direct[v] is the id of the plain integer v, or -1.
void lm_run_find(const struct lm_identifiers *table, const uint8_t *base, const uint32_t *ends, size_t width,
                 size_t column, size_t records, int plain, const int32_t *direct, size_t directCount, int32_t *found);
/// Puts ids first ..< first + count, which are in no slot yet, into the slots of the table.
void lm_identifier_place(const struct lm_identifiers *table, uint32_t *slots, size_t first, size_t count);

/// What does not hold of the arrays of a table; LM_IDENTIFIERS_SOUND when all does. *where is the first id concerned.
enum lm_identifiers_fault {
  LM_IDENTIFIERS_SOUND,
  LM_IDENTIFIERS_START,
  LM_IDENTIFIERS_ORDER,
  LM_IDENTIFIERS_END,
  LM_IDENTIFIERS_INSIDE_CHARACTER,
  LM_IDENTIFIERS_NOT_UTF8,
  LM_IDENTIFIERS_WRONG,
  LM_IDENTIFIERS_TWICE,
  LM_IDENTIFIERS_MISSING
};
/// Checks starts, bases and text (textCount bytes).
int lm_identifiers_check_text(const struct lm_identifiers *table, size_t textCount, size_t *where);
/// Checks that the slots name every id once and that one is free; `seen` has a zeroed bit per id.
int lm_identifiers_check_slots(const struct lm_identifiers *table, uint64_t *seen, size_t *where);
/// Whether bytes are well-formed UTF-8.
int lm_is_utf8(const uint8_t *bytes, size_t count);

#endif
