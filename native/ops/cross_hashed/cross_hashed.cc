#include "ops/cross_hashed/cross_hashed.h"

#include <cstring>

#include "core/isa.h"
#include "core/status.h"

namespace fovea {

FOVEA_DECLARE_BODIES(cross_hashed, const CrossHashedJob&)

namespace {

// Each id by itself: its number within the row, written in the mixed base of the columns' counts, says which values it crosses.
void cross_hashed_reference(const CrossHashedJob& j) {
  for (int64_t r = 0; r < j.rows; ++r)
    for (int64_t i = j.row_splits[r]; i < j.row_splits[r + 1]; ++i) {
      int64_t combinations = j.row_splits[r + 1] - j.row_splits[r], number = i - j.row_splits[r];
      uint64_t hash = j.key;
      for (int64_t c = 0; c < j.column_count; ++c) {
        const fovea_cross_column& column = j.columns[c];
        combinations /= column.row_splits[r + 1] - column.row_splits[r];
        hash =
            concatenate_fingerprints(hash, static_cast<uint64_t>(column.values[column.row_splits[r] + number / combinations]));
        number %= combinations;
      }
      j.ids[i] = static_cast<int64_t>(hash % j.modulus.divisor);
    }
}

fovea_status check_splits(const char* op, const char* name, int64_t column, const int64_t* splits, int64_t rows) {
  const auto number = static_cast<long long>(column);
  FOVEA_CHECK(splits != nullptr, "%s: row_splits of %s %lld are NULL", op, name, number);
  FOVEA_CHECK(splits[0] == 0, "%s: row_splits of %s %lld begin with %lld", op, name, number, static_cast<long long>(splits[0]));
  bool descending = false;
  for (int64_t r = 0; r < rows; ++r) descending |= splits[r + 1] < splits[r];
  FOVEA_CHECK(!descending, "%s: row_splits of %s %lld descend", op, name, number);
  return FOVEA_OK;
}

// One row's number of ids is the product of the columns' counts.
fovea_status check_products(const char* op, const fovea_cross_column* columns, int64_t column_count, int64_t rows,
                            const int64_t* row_splits) {
  for (int64_t r = 0; r < rows; ++r) {
    int64_t product = 1;
    bool overflow = false;
    for (int64_t c = 0; c < column_count; ++c) {
      const int64_t count = columns[c].row_splits[r + 1] - columns[c].row_splits[r];
      if (count == 0) {
        product = 0, overflow = false;
        break;
      }
      overflow |= __builtin_mul_overflow(product, count, &product);
    }
    FOVEA_CHECK(!overflow && row_splits[r + 1] - row_splits[r] == product,
                "%s: row %lld has room for %lld ids, the columns make %s%lld", op, static_cast<long long>(r),
                static_cast<long long>(row_splits[r + 1] - row_splits[r]), overflow ? "more than " : "",
                static_cast<long long>(overflow ? INT64_MAX : product));
  }
  return FOVEA_OK;
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_cross_hashed(const fovea_cross_column* columns, int64_t column_count, int64_t rows, uint64_t key,
                                           int64_t buckets, const int64_t* row_splits, int64_t* ids) {
  constexpr const char* op = "cross_hashed";
  FOVEA_CHECK(columns != nullptr && column_count >= 1, "%s: there is no column", op);
  FOVEA_CHECK(rows >= 0, "%s: rows is %lld", op, static_cast<long long>(rows));
  FOVEA_CHECK(buckets >= 0, "%s: buckets is %lld, it must be positive, or 0 for 2^63 - 1", op, static_cast<long long>(buckets));
  if (rows == 0) return FOVEA_OK;
  for (int64_t c = 0; c < column_count; ++c) {
    FOVEA_TRY(check_splits(op, "column", c, columns[c].row_splits, rows));
    FOVEA_CHECK(columns[c].values != nullptr || columns[c].row_splits[rows] == 0, "%s: values of column %lld are NULL", op,
                static_cast<long long>(c));
  }
  FOVEA_TRY(check_splits(op, "output", 0, row_splits, rows));
  FOVEA_TRY(check_products(op, columns, column_count, rows, row_splits));
  const int64_t count = row_splits[rows];
  if (count == 0) return FOVEA_OK;
  FOVEA_CHECK(ids != nullptr, "%s: ids is NULL", op);
  if (buckets == 1) {
    std::memset(ids, 0, static_cast<size_t>(count) * sizeof(int64_t));
    return FOVEA_OK;
  }
  const CrossHashedJob job{
      columns,    column_count, rows, key, make_modulus(buckets == 0 ? INT64_MAX : static_cast<uint64_t>(buckets)),
      row_splits, ids};
  select_isa(cross_hashed_reference, scalar::cross_hashed, avx2::cross_hashed, avx512::cross_hashed)(job);
  return FOVEA_OK;
}
