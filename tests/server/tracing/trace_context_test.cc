#include "server/tracing/trace_context.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace tributary {
namespace {

constexpr char kTrace[] = "0af7651916cd43dd8448eb211c80319c";
constexpr char kSpan[] = "b7ad6b7169203331";

std::string Header(const std::string& version, const std::string& flags,
                   const std::string& rest = "") {
  return version + "-" + kTrace + "-" + kSpan + "-" + flags + rest;
}

TEST(ParseTraceparent, ReadsWhatTheStandardAllows) {
  struct Case {
    std::string text;
    bool sampled;
  };
  const Case cases[] = {
      {Header("00", "01"), true},
      {Header("00", "00"), false},
      // Only the last bit says whether the trace is sampled.
      {Header("00", "03"), true},
      {Header("00", "fe"), false},
      {Header("00", "ff"), true},
      // Later versions have these fields, and perhaps others behind them.
      {Header("01", "01"), true},
      {Header("cc", "00"), false},
      {Header("fe", "01", "-what-the-future-will-be-like"), true},
      {Header("cc", "01", "-"), true},
  };
  for (const Case& c : cases) {
    const auto parent = ParseTraceparent(c.text);
    ASSERT_TRUE(parent.has_value()) << c.text;
    EXPECT_EQ(parent->sampled, c.sampled) << c.text;
    EXPECT_EQ(HexOf(parent->trace_id), kTrace) << c.text;
    EXPECT_EQ(parent->span_id[0], 0xb7);
    EXPECT_EQ(parent->span_id[7], 0x31);
  }
}

TEST(ParseTraceparent, RefusesEverythingElse) {
  const std::string zeros(32, '0');
  const std::string cases[] = {
      "",
      "00",
      // A version that can never be, and what version 00 does not have.
      Header("ff", "01"),
      Header("00", "01", "-"),
      Header("00", "01", "-extra"),
      Header("00", "01", "0"),
      Header("01", "01", "extra"),
      Header("cc", "01", "."),
      // Zeros.
      "00-" + zeros + "-" + kSpan + "-01",
      std::string("00-") + kTrace + "-0000000000000000-01",
      // Upper case, and what is no hexadecimal.
      "00-0AF7651916CD43DD8448EB211C80319C-" + std::string(kSpan) + "-01",
      std::string("00-") + kTrace + "-B7AD6B7169203331-01",
      Header("0G", "01"),
      Header("00", "0x"),
      Header("00", "0A"),
      // Too short and too long by one, and other separators.
      std::string("00-") + kTrace + "-b7ad6b716920333-01",
      std::string("00-0") + kTrace + "-" + kSpan + "-01",
      std::string("00-") + kTrace + "-" + kSpan + "-1",
      std::string("00_") + kTrace + "-" + kSpan + "-01",
      std::string("00-") + kTrace + "_" + kSpan + "-01",
      std::string("00-") + kTrace + "-" + kSpan + "_01",
      " " + Header("00", "01"),
      Header("00", "01", " "),
      std::string(55, '-'),
      std::string(55, '\0'),
  };
  for (const std::string& text : cases) {
    EXPECT_FALSE(ParseTraceparent(text).has_value()) << text;
  }
}

TEST(FormatTraceparent, WritesWhatIsReadAgain) {
  for (const bool sampled : {false, true}) {
    const TraceParent parent = {.trace_id = RandomTraceId(),
                                .span_id = RandomSpanId(),
                                .sampled = sampled};
    EXPECT_EQ(ParseTraceparent(FormatTraceparent(parent)), parent);
  }
}

TEST(CarriedTracestate, KeepsWhatIsShortAndPrintable) {
  const std::string longest(kMaxTracestateBytes, 'x');
  EXPECT_EQ(CarriedTracestate("a=1,b@c=2"), "a=1,b@c=2");
  EXPECT_EQ(CarriedTracestate(longest), longest);
  EXPECT_EQ(CarriedTracestate(longest + "x"), "");
  EXPECT_EQ(CarriedTracestate("a=\x01"), "");
  EXPECT_EQ(CarriedTracestate("a=\xc3\xa4"), "");
}

TEST(RandomIds, DoNotMeet) {
  std::set<std::string> traces;
  std::set<SpanId> spans;
  for (int i = 0; i < 10'000; ++i) {
    traces.insert(HexOf(RandomTraceId()));
    spans.insert(RandomSpanId());
  }
  EXPECT_EQ(traces.size(), 10'000);
  EXPECT_EQ(spans.size(), 10'000);
}

TEST(IsSampled, TakesTheShare) {
  for (const double share : {0.0, 0.01, 0.5, 1.0}) {
    int sampled = 0;
    for (int i = 0; i < 100'000; ++i)
      sampled += IsSampled(RandomTraceId(), share);
    // Six deviations at a half are 950.
    EXPECT_NEAR(sampled, share * 100'000, share == 0 || share == 1 ? 0 : 1000)
        << share;
  }
}

TEST(IsSampled, TakesWithALargerShareWhatItTakesWithASmallerOne) {
  for (int i = 0; i < 10'000; ++i) {
    const TraceId id = RandomTraceId();
    EXPECT_LE(IsSampled(id, 0.1), IsSampled(id, 0.2));
  }
}

}  // namespace
}  // namespace tributary
