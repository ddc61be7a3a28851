// Messages of failing calls: one per thread, never NULL, cut instead of overflowing; and exceptions that stop at the door.
#include "core/status.h"

#include <stdexcept>
#include <thread>

#include "support.h"

using fovea::fail;
using fovea::guarded;

namespace {

TEST(Status, EachThreadHasItsOwnMessage) {
  ASSERT_EQ(fail(FOVEA_UNSUPPORTED, "mine %d", 1), FOVEA_UNSUPPORTED);
  std::string before, after;
  std::thread([&] {
    before = fovea_last_error();
    fail(FOVEA_INTERNAL, "theirs");
    after = fovea_last_error();
  }).join();
  EXPECT_EQ(before, "no error");
  EXPECT_EQ(after, "theirs");
  EXPECT_STREQ(fovea_last_error(), "mine 1");
}

TEST(Status, LongMessagesAreCut) {
  const std::string text(2000, 'm');
  fail(FOVEA_INTERNAL, "%s", text.c_str());
  EXPECT_EQ(fovea_last_error(), text.substr(0, 511));
}

TEST(Status, AMessageMayQuoteThePreviousOne) {
  fail(FOVEA_INTERNAL, "weights are missing");
  fail(FOVEA_NOT_FOUND, "session: %s", fovea_last_error());
  EXPECT_STREQ(fovea_last_error(), "session: weights are missing");
}

TEST(Status, ExceptionsBecomeStatuses) {
  EXPECT_EQ(guarded([]() -> fovea_status { throw std::bad_alloc(); }), FOVEA_OUT_OF_MEMORY);
  EXPECT_EQ(guarded([]() -> fovea_status { throw std::runtime_error("why"); }), FOVEA_INTERNAL);
  EXPECT_STREQ(fovea_last_error(), "unexpected exception: why");
  EXPECT_EQ(guarded([]() -> fovea_status { throw 1; }), FOVEA_INTERNAL);
  EXPECT_EQ(guarded([] { return FOVEA_NOT_FOUND; }), FOVEA_NOT_FOUND);
}

}  // namespace
