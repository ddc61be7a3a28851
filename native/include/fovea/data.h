/* Fovea C ABI, part 7: hashing of input data into ids, as TensorFlow does it, bit for bit.
 *
 * Records are parsed on the host, and ids are wanted there before a device sees anything: these calls take host pointers and
 * no stream. They run on the thread pool and have finished when they return. An array of no elements may be NULL.
 *
 * Fingerprint64 is FarmHash's (namespace farmhashna). Remainders are of unsigned 64-bit numbers. */
#ifndef FOVEA_DATA_H
#define FOVEA_DATA_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ids[i] = Fingerprint64 of bytes [offsets[i], offsets[i + 1]) modulo `buckets`; 0 buckets give the fingerprint itself. offsets
 * [count + 1] never descend and lie in [0, byte_count]. Outputs overlap no input. */
FOVEA_API fovea_status fovea_hash_buckets(const uint8_t* bytes, int64_t byte_count, const int64_t* offsets, int64_t count,
                                          int64_t buckets, int64_t* ids);

/* The same of the decimal text of integers (TensorFlow's as_string). ids may be values. */
FOVEA_API fovea_status fovea_hash_integers(const int64_t* values, int64_t count, int64_t buckets, int64_t* ids);

/* A ragged column: row r holds values [row_splits[r], row_splits[r + 1]). Values are fingerprints of strings, or integers as
 * they are. */
typedef struct fovea_cross_column {
  const int64_t* values;
  const int64_t* row_splits; /* [rows + 1], never descending, from 0 */
} fovea_cross_column;

/* Crosses columns row by row (SparseCross, hashed, version 1): one id for each combination of one value of every column, the
 * last column fastest; a row in which a column is empty has none. id = hash modulo `buckets`, or modulo 2^63 - 1 for 0 buckets;
 * hash = key, then FingerprintCat64(hash, value) column by column. row_splits [rows + 1] say where the ids of a row go and must
 * agree with the columns: row_splits[r + 1] - row_splits[r] is the product of the columns' counts, row_splits[0] is 0. */
FOVEA_API fovea_status fovea_cross_hashed(const fovea_cross_column* columns, int64_t column_count, int64_t rows, uint64_t key,
                                          int64_t buckets, const int64_t* row_splits, int64_t* ids);

#ifdef __cplusplus
}
#endif
#endif
