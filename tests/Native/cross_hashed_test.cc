#include <algorithm>

#include "every_isa.h"

using namespace fovea_test;

namespace {

constexpr uint64_t kDefaultKey = 0xDECAFCAFFE;

struct Ragged {
  std::vector<int64_t> values, row_splits{0};

  void add(const std::vector<int64_t>& row) {
    values.insert(values.end(), row.begin(), row.end());
    row_splits.push_back(static_cast<int64_t>(values.size()));
  }
};

int64_t fingerprint(const std::string& s) {
  const int64_t offsets[] = {0, static_cast<int64_t>(s.size())};
  int64_t id = 0;
  EXPECT_EQ(fovea_hash_buckets(reinterpret_cast<const uint8_t*>(s.data()), offsets[1], offsets, 1, 0, &id), FOVEA_OK);
  return id;
}

std::vector<int64_t> cross(const std::vector<Ragged>& columns, uint64_t key, int64_t buckets) {
  const size_t rows = columns[0].row_splits.size() - 1;
  std::vector<fovea_cross_column> views;
  for (const Ragged& c : columns) views.push_back({c.values.data(), c.row_splits.data()});
  std::vector<int64_t> splits{0};
  for (size_t r = 0; r < rows; ++r) {
    int64_t product = 1;
    for (const Ragged& c : columns) product *= c.row_splits[r + 1] - c.row_splits[r];
    splits.push_back(splits.back() + product);
  }
  std::vector<int64_t> ids(static_cast<size_t>(splits.back()) + 1, -1);
  EXPECT_EQ(fovea_cross_hashed(views.data(), static_cast<int64_t>(views.size()), static_cast<int64_t>(rows), key, buckets,
                               splits.data(), ids.data()),
            FOVEA_OK)
      << fovea_last_error();
  EXPECT_EQ(ids.back(), -1) << "wrote beyond its output";
  ids.pop_back();
  return ids;
}

Ragged one_row(const std::vector<int64_t>& values) {
  Ragged r;
  r.add(values);
  return r;
}

// Values of TensorFlow's sparse_cross_op_test.py and feature_column_test.py.
TEST(CrossHashed, KnownIds) {
  using Ids = std::vector<int64_t>;
  const std::vector<Ragged> batch{one_row({fingerprint("batch1-FC1-F1")}), one_row({fingerprint("batch1-FC2-F1")}),
                                  one_row({fingerprint("batch1-FC3-F1")})};
  const int64_t a = fingerprint("a"), b = fingerprint("b");
  on_every_isa([&] {
    EXPECT_EQ(cross(batch, kDefaultKey, 0), Ids{1971693436396284976});
    EXPECT_EQ(cross(batch, kDefaultKey + 1, 0), Ids{4847552627144134031});
    EXPECT_EQ(cross(batch, kDefaultKey, 100), Ids{83});
    EXPECT_EQ(cross(batch, kDefaultKey + 1, 100), Ids{31});
    EXPECT_EQ(cross({one_row({1}), one_row({2})}, kDefaultKey, 1000), Ids{357});
    EXPECT_EQ(cross({one_row({a}), one_row({b})}, kDefaultKey, 10), Ids{6});
    EXPECT_EQ(cross({one_row({b}), one_row({a})}, kDefaultKey, 10), Ids{0});
    EXPECT_EQ(cross({one_row({0, 4}), one_row({fingerprint("cA")})}, 5, 5), (Ids{1, 0}));
    EXPECT_EQ(cross({one_row({1, 5}), one_row({fingerprint("cB"), fingerprint("cC")})}, 5, 5), (Ids{1, 3, 4, 2}));
  });
}

// Rows with one value each in runs longer and shorter than a vector, wide rows, empty columns; more rows than a chunk of the
// pool.
TEST(CrossHashed, RaggedRows) {
  uint64_t state = 6364136223846793005u;
  const auto next = [&] {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state;
  };
  for (const size_t column_count : {1, 2, 3, 5}) {
    std::vector<Ragged> columns(column_count);
    for (int r = 0; r < 5003; ++r) {
      const bool single = r % 100 < 60;
      for (Ragged& c : columns) {
        std::vector<int64_t> row(single ? 1 : next() % 4);
        for (int64_t& v : row) v = static_cast<int64_t>(next());
        c.add(row);
      }
    }
    std::vector<int64_t> expected;
    {
      const ForcedIsa isa(FOVEA_ISA_REFERENCE);
      expected = cross(columns, 77, 0);
    }
    on_every_isa([&] {
      EXPECT_EQ(cross(columns, 77, 0), expected);
      const std::vector<int64_t> two = cross(columns, 77, 2);
      EXPECT_TRUE(std::all_of(two.begin(), two.end(), [](int64_t id) { return id == 0 || id == 1; }));
    });
  }
}

TEST(CrossHashed, ArgumentsAreChecked) {
  const int64_t values[] = {1, 2, 3}, two[] = {0, 1, 3}, descending[] = {0, 2, 1}, late[] = {1, 1, 3}, wrong[] = {0, 1, 4};
  int64_t ids[4];
  const auto message = [&](const int64_t* splits, const int64_t* output, const int64_t* data = nullptr) {
    const fovea_cross_column columns[] = {{values, two}, {data == nullptr ? values : data, splits}};
    EXPECT_EQ(fovea_cross_hashed(columns, 2, 2, 0, 10, output, ids), FOVEA_INVALID_ARGUMENT);
    return std::string(fovea_last_error());
  };
  const int64_t good[] = {0, 1, 5};
  EXPECT_EQ(message(descending, good), "cross_hashed: row_splits of column 1 descend");
  EXPECT_EQ(message(late, good), "cross_hashed: row_splits of column 1 begin with 1");
  EXPECT_EQ(message(nullptr, good), "cross_hashed: row_splits of column 1 are NULL");
  EXPECT_EQ(message(two, wrong), "cross_hashed: row 1 has room for 3 ids, the columns make 4");
  EXPECT_EQ(message(two, descending), "cross_hashed: row_splits of output 0 descend");
  EXPECT_EQ(fovea_cross_hashed(nullptr, 1, 2, 0, 10, good, ids), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "cross_hashed: there is no column");
  // The product of counts must not overflow before anything is read.
  const int64_t huge[] = {0, int64_t{1} << 40}, none[] = {0, 0};
  const fovea_cross_column wide[] = {{values, huge}, {values, huge}},
                           empty[] = {{values, huge}, {values, huge}, {nullptr, none}};
  EXPECT_EQ(fovea_cross_hashed(wide, 2, 1, 0, 10, none, ids), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "cross_hashed: row 0 has room for 0 ids, the columns make more than 9223372036854775807");
  EXPECT_EQ(fovea_cross_hashed(empty, 3, 1, 0, 10, none, nullptr), FOVEA_OK);
  EXPECT_EQ(fovea_cross_hashed(wide, 2, 0, 0, 10, nullptr, nullptr), FOVEA_OK);
}

}  // namespace
