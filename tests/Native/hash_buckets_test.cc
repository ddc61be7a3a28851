#include "every_isa.h"

using namespace fovea_test;

namespace {

// Strings packed as the call takes them, in a block that ends with the last byte, so that a sanitizer sees any byte read
// beyond.
struct Strings {
  std::vector<uint8_t> bytes;
  std::vector<int64_t> offsets{0};

  void add(const std::string& s) {
    bytes.insert(bytes.end(), s.begin(), s.end());
    offsets.push_back(static_cast<int64_t>(bytes.size()));
  }
  int64_t count() const { return static_cast<int64_t>(offsets.size()) - 1; }
  std::vector<int64_t> hash(int64_t buckets) const {
    std::vector<int64_t> ids(static_cast<size_t>(count()), -1);
    EXPECT_EQ(
        fovea_hash_buckets(bytes.data(), static_cast<int64_t>(bytes.size()), offsets.data(), count(), buckets, ids.data()),
        FOVEA_OK)
        << fovea_last_error();
    return ids;
  }
};

std::vector<int64_t> hash_integers(const std::vector<int64_t>& values, int64_t buckets) {
  std::vector<int64_t> ids(values.size(), -1);
  EXPECT_EQ(fovea_hash_integers(values.data(), static_cast<int64_t>(values.size()), buckets, ids.data()), FOVEA_OK)
      << fovea_last_error();
  return ids;
}

uint64_t next(uint64_t& state) {
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return state;
}

std::string random_string(uint64_t& state, int64_t length) {
  std::string s(static_cast<size_t>(length), '\0');
  for (char& c : s) c = static_cast<char>(next(state));
  return s;
}

std::string counting(int n) {
  std::string s;
  for (int i = 0; i < n; ++i) s.push_back(static_cast<char>(i));
  return s;
}

TEST(HashBuckets, KnownFingerprints) {
  const std::pair<std::string, uint64_t> known[] = {
      {"", 11160318154034397263u},
      {"a", 12917804110809363939u},
      {"abc", 2640714258260161385u},
      {"abcd", 1897425971756105985u},
      {"Hello", 15404698994557526151u},
      {"World", 18308117990299812472u},
      {"hello world", 6381520714923946011u},
      {"42", 623910487284905736u},
      {"-1", 7333874265151076430u},
      {"0123456789abcdef", 6105018409752412263u},
      {"0123456789abcdefg", 12024047538191061578u},
      {std::string(32, 'a'), 0xea7212800ebad118u},
      {std::string(33, 'a'), 0xf03d70490a909555u},
      {std::string(64, 'a'), 0x51c924cebd9a6379u},
      {std::string(65, 'a'), 0x6bf136a09f841c74u},
      {std::string(128, 'a'), 0xbe1d09846d3143f6u},
      {std::string(129, 'a'), 0xfc4cfc2c0c92f280u},
      {counting(200), 0x074c7fcc26d66fb3u},
  };
  Strings strings;
  std::vector<int64_t> expected;
  for (const auto& [s, fingerprint] : known) {
    strings.add(s);
    expected.push_back(static_cast<int64_t>(fingerprint));
  }
  on_every_isa([&] {
    EXPECT_EQ(strings.hash(0), expected);
    for (size_t i = 0; i < expected.size(); ++i) {
      Strings one;
      one.add(known[i].first);
      EXPECT_EQ(one.hash(0)[0], expected[i]) << known[i].first;
      // Unsigned: most of these have the highest bit set.
      EXPECT_EQ(one.hash(1000003)[0], static_cast<int64_t>(known[i].second % 1000003));
    }
  });
}

// The formulas switch between 3 and 4, 7 and 8, 16 and 17, 32 and 33, 64 and 65 bytes and at every 64 after: all lengths to
// 1023, in order and mixed, so that every formula sees full vectors and ends of vectors, over several blocks and chunks.
TEST(HashBuckets, EveryLengthInEveryCompany) {
  Strings strings;
  uint64_t state = 88172645463325252u;
  for (int64_t n = 0; n < 1024; ++n) strings.add(random_string(state, n));
  for (int i = 0; i < 9001; ++i) strings.add(random_string(state, static_cast<int64_t>(next(state) % 70)));
  std::vector<int64_t> expected;
  {
    const ForcedIsa isa(FOVEA_ISA_REFERENCE);
    expected = strings.hash(0);
  }
  on_every_isa([&] { EXPECT_EQ(strings.hash(0), expected); });
}

TEST(HashBuckets, EveryModulus) {
  Strings strings;
  uint64_t state = 1442695040888963407u;
  for (int i = 0; i < 100; ++i) strings.add(random_string(state, i % 40));
  const std::vector<int64_t> fingerprints = strings.hash(0);
  std::vector<int64_t> moduli{1, 2, 3, 5, 7, 10, 641, 1000, 1 << 20, (1 << 20) + 1, 4294967295, 4294967296, 4294967297};
  for (int bit = 33; bit < 63; ++bit) moduli.push_back((int64_t{1} << bit) - 1 + static_cast<int64_t>(next(state) % 3));
  moduli.push_back(INT64_MAX);
  on_every_isa([&] {
    for (const int64_t modulus : moduli) {
      const std::vector<int64_t> ids = strings.hash(modulus);
      for (size_t i = 0; i < ids.size(); ++i)
        ASSERT_EQ(static_cast<uint64_t>(ids[i]), static_cast<uint64_t>(fingerprints[i]) % static_cast<uint64_t>(modulus))
            << modulus;
    }
  });
}

TEST(HashIntegers, HashTheirDecimalText) {
  std::vector<int64_t> values{0, 42, -1, INT64_MAX, INT64_MIN};
  for (int64_t power = 10; power <= INT64_MAX / 10; power *= 10)
    for (const int64_t edge : {power - 1, power, power + 1}) values.insert(values.end(), {edge, -edge});
  uint64_t state = 2862933555777941757u;
  for (int i = 0; i < 5000; ++i) values.push_back(static_cast<int64_t>(next(state)) >> (next(state) % 64));
  Strings texts;
  for (const int64_t value : values) texts.add(std::to_string(value));
  on_every_isa([&] {
    EXPECT_EQ(hash_integers(values, 0), texts.hash(0));
    EXPECT_EQ(hash_integers(values, 999), texts.hash(999));
    std::vector<int64_t> in_place = values;
    ASSERT_EQ(fovea_hash_integers(in_place.data(), static_cast<int64_t>(in_place.size()), 999, in_place.data()), FOVEA_OK);
    EXPECT_EQ(in_place, texts.hash(999));
    EXPECT_EQ(hash_integers({101, 201, 301}, 10), (std::vector<int64_t>{3, 7, 5}));  // TensorFlow's own test
  });
}

TEST(HashBuckets, ArgumentsAreChecked) {
  const uint8_t bytes[] = {1, 2, 3};
  const int64_t good[] = {0, 1, 3}, descending[] = {0, 2, 1}, outside[] = {0, 1, 4}, negative[] = {-1, 1, 3};
  int64_t ids[2] = {-7, -7};
  const auto message = [](fovea_status status) {
    EXPECT_EQ(status, FOVEA_INVALID_ARGUMENT);
    return std::string(fovea_last_error());
  };
  EXPECT_EQ(message(fovea_hash_buckets(bytes, 3, descending, 2, 5, ids)), "hash_buckets: offsets descend");
  EXPECT_EQ(message(fovea_hash_buckets(bytes, 3, outside, 2, 5, ids)),
            "hash_buckets: offsets go from 0 to 4, there are 3 bytes");
  EXPECT_EQ(message(fovea_hash_buckets(bytes, 3, negative, 2, 5, ids)),
            "hash_buckets: offsets go from -1 to 3, there are 3 bytes");
  EXPECT_EQ(message(fovea_hash_buckets(nullptr, 3, good, 2, 5, ids)), "hash_buckets: bytes is NULL");
  EXPECT_EQ(message(fovea_hash_buckets(bytes, -3, good, 2, 5, ids)), "hash_buckets: byte_count is -3");
  EXPECT_EQ(message(fovea_hash_buckets(bytes, 3, nullptr, 2, 5, ids)), "hash_buckets: offsets is NULL");
  EXPECT_EQ(message(fovea_hash_buckets(bytes, 3, good, 2, 5, nullptr)), "hash_buckets: ids is NULL");
  EXPECT_EQ(message(fovea_hash_buckets(bytes, 3, good, -2, 5, ids)), "hash_buckets: count is -2");
  EXPECT_EQ(message(fovea_hash_buckets(bytes, 3, good, 2, -5, ids)),
            "hash_buckets: buckets is -5, it must be positive, or 0 for fingerprints");
  EXPECT_EQ(message(fovea_hash_integers(nullptr, 2, 5, ids)), "hash_integers: values is NULL");
  EXPECT_EQ(ids[0], -7);
  EXPECT_EQ(fovea_hash_buckets(nullptr, 0, nullptr, 0, 5, nullptr), FOVEA_OK);
  EXPECT_EQ(fovea_hash_integers(nullptr, 0, 5, nullptr), FOVEA_OK);
  const int64_t empty[] = {0, 0};
  EXPECT_EQ(fovea_hash_buckets(nullptr, 0, empty, 1, 0, ids), FOVEA_OK);
  EXPECT_EQ(static_cast<uint64_t>(ids[0]), 11160318154034397263u);
}

}  // namespace
