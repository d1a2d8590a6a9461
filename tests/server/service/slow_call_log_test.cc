#include "server/service/slow_call_log.h"

#include <gtest/gtest.h>

#include <chrono>

namespace tributary {
namespace {

using std::chrono::milliseconds;

TEST(LineBudget, LeavesOutWhatIsMoreThanItsLines) {
  LineBudget budget(3);
  const SteadyTime start = std::chrono::steady_clock::now();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(budget.Take(start), 0) << i;
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(budget.Take(start + milliseconds(100 * i)), std::nullopt);
  }
  EXPECT_EQ(budget.Take(start + milliseconds(999)), std::nullopt);
  // The next line says how many were left out, and those after it do not.
  EXPECT_EQ(budget.Take(start + milliseconds(1000)), 6);
  EXPECT_EQ(budget.Take(start + milliseconds(1001)), 0);
  EXPECT_EQ(budget.Take(start + milliseconds(1002)), 0);
  EXPECT_EQ(budget.Take(start + milliseconds(1003)), std::nullopt);
  EXPECT_EQ(budget.Take(start + milliseconds(9000)), 1);
}

TEST(SlowCallLine, SaysWhereTheTimeWent) {
  const SteadyTime start = std::chrono::steady_clock::now();
  StageTimes stages;
  stages.Begin(start + milliseconds(2));
  stages.planned = start + milliseconds(5);
  stages.filter_began = start + milliseconds(3);
  stages.filter = milliseconds(1);
  stages.source_count = 2;
  stages.sources[0] = {.name = "behavior",
                       .began = start,
                       .duration = milliseconds(10),
                       .state = SourceState::kAnswered};
  stages.sources[1] = {.name = "odd name",
                       .began = start,
                       .duration = milliseconds(90),
                       .state = SourceState::kLate};
  stages.fused = start + milliseconds(100);
  stages.fusion = milliseconds(4);
  stages.replied = start + milliseconds(111);
  stages.k = 500;
  stages.profile = "blue";
  stages.degraded = true;
  EXPECT_EQ(SlowCallLine({.request_id = "r-1",
                          .trace_id = "abc",
                          .method = "/tributary.v1.Retrieval/Retrieve",
                          .code = absl::StatusCode::kOk,
                          .total = milliseconds(112),
                          .wait = milliseconds(2),
                          .requests = 1,
                          .entry = std::nullopt,
                          .stages = &stages},
                         4),
            "event=slow_call request_id=r-1 trace_id=abc "
            "method=\"/tributary.v1.Retrieval/Retrieve\" code=OK "
            "total_ms=112.000 wait_ms=2.000 k=500 profile=blue plan_ms=3.000 "
            "filter_ms=1.000 "
            "sources_ms=behavior:10.000,\"odd name\":90.000:late "
            "fusion_ms=4.000 reply_ms=7.000 degraded=true suppressed=4");
}

TEST(SlowCallLine, LeavesOutWhatDidNotHappen) {
  EXPECT_EQ(SlowCallLine({.request_id = "r",
                          .trace_id = "",
                          .method = "POST /v1/batch",
                          .code = absl::StatusCode::kDeadlineExceeded,
                          .total = milliseconds(1500),
                          .wait = milliseconds(0),
                          .requests = 20,
                          .entry = std::nullopt,
                          .stages = nullptr},
                         0),
            "event=slow_call request_id=r method=\"POST /v1/batch\" "
            "code=DEADLINE_EXCEEDED total_ms=1500.000 wait_ms=0.000 "
            "requests=20 suppressed=0");
}

}  // namespace
}  // namespace tributary
