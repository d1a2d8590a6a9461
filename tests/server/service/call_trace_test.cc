// A call without a collector: its name, and whether anything is noted. What a
// collector gets is in tests/integration/tracing_test.cc.
#include "server/service/call_trace.h"

#include <gtest/gtest.h>

#include <string>

#include "server/pipeline/server_config.h"

namespace tributary {
namespace {

constexpr char kParent[] =
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
constexpr char kTraceOfParent[] = "0af7651916cd43dd8448eb211c80319c";

class CallTraceTest : public testing::Test {
 protected:
  static v1::ServerConfig Config(uint32_t slow_ms) {
    v1::ServerConfig config;
    config.set_bundles("b");
    config.mutable_slow_calls()->set_threshold_ms(slow_ms);
    return *CompleteServerConfig(config);
  }

  void Begin(const CallHeaders& headers) {
    trace_.Begin(&tracer_, &method_, headers, std::chrono::steady_clock::now());
  }

  ServerMetrics metrics_;
  CallTracer tracer_{Config(100), nullptr, &metrics_};
  const CallMethod method_ = {.rpc_service = "tributary.v1.Retrieval",
                              .rpc_method = "Retrieve"};
  CallTrace trace_;
};

TEST_F(CallTraceTest, ACallIsNamedByItsCaller) {
  Begin({.request_id = "order-17"});
  EXPECT_EQ(trace_.id()->Text(), "order-17");
  EXPECT_EQ(trace_.given_id(), "order-17");
  EXPECT_EQ(trace_.End(absl::OkStatus()), "order-17");
}

TEST_F(CallTraceTest, ANameThatMayNotBeIsReplaced) {
  for (const std::string& bad :
       {std::string("two words"), std::string("tab\t"), std::string("\x7f"),
        std::string("k\xc3\xb6ln"), std::string(kMaxRequestIdBytes + 1, 'x')}) {
    Begin({.request_id = bad, .traceparent = kParent});
    EXPECT_EQ(trace_.given_id(), kTraceOfParent) << bad;
    Begin({.request_id = bad});
    EXPECT_EQ(trace_.given_id().size(), 32) << bad;
    EXPECT_NE(trace_.given_id(), bad);
  }
  const std::string longest(kMaxRequestIdBytes, '~');
  Begin({.request_id = longest});
  EXPECT_EQ(trace_.given_id(), longest);
}

TEST_F(CallTraceTest, WithoutANameItIsTheTraceOrANumber) {
  Begin({.traceparent = kParent});
  EXPECT_EQ(trace_.id()->Text(), kTraceOfParent);
  EXPECT_EQ(trace_.given_id(), "");
  Begin({});
  const std::string first = trace_.id()->Text();
  EXPECT_EQ(first.size(), 32);
  Begin({.traceparent = "00-no-trace"});
  EXPECT_EQ(trace_.id()->Text().size(), 32);
  EXPECT_NE(trace_.id()->Text(), first);
}

TEST_F(CallTraceTest, TheAnswerHasANameThatNobodyGaveOnlyIfItIsToldOf) {
  Begin({});
  EXPECT_EQ(trace_.End(absl::OkStatus()), "");
  Begin({});
  const std::string name = trace_.id()->Text();
  EXPECT_EQ(trace_.End(absl::InternalError("x")), name);
  trace_.Begin(&tracer_, &method_, {},
               std::chrono::steady_clock::now() - std::chrono::seconds(1));
  EXPECT_NE(trace_.End(absl::OkStatus()), "");
  EXPECT_EQ(metrics_.slow_calls.value(), 1);
}

TEST_F(CallTraceTest, ABatchIsSlowWhenItsRequestsAreOnAverage) {
  const SteadyTime came =
      std::chrono::steady_clock::now() - std::chrono::seconds(1);
  trace_.Begin(&tracer_, &method_, {}, came);
  trace_.set_requests(64);
  trace_.End(absl::OkStatus());
  EXPECT_EQ(metrics_.slow_calls.value(), 0);
  trace_.Begin(&tracer_, &method_, {}, came);
  trace_.set_requests(9);
  trace_.End(absl::OkStatus());
  EXPECT_EQ(metrics_.slow_calls.value(), 1);
}

TEST_F(CallTraceTest, NothingIsNotedWhereNobodyWantsToKnow) {
  Begin({});
  EXPECT_NE(trace_.stages(), nullptr);
  CallTracer off(Config(0), nullptr, &metrics_);
  trace_.Begin(&off, &method_, {.traceparent = kParent},
               std::chrono::steady_clock::now());
  EXPECT_EQ(trace_.stages(), nullptr);
  EXPECT_FALSE(trace_.sampled());
  CallTrace alone;
  alone.Begin(nullptr, &method_, {.request_id = "x"}, {});
  EXPECT_EQ(alone.stages(), nullptr);
  EXPECT_EQ(alone.End(absl::OkStatus()), "x");
}

}  // namespace
}  // namespace tributary
