#include "server/process/call_id.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "server/process/process.h"
#include "spdlog/spdlog.h"

namespace tributary {
namespace {

using testing::HasSubstr;

TEST(CallId, IsWhatWasGivenOrElseANumber) {
  CallId id = {.given = "a", .number = {0x01, 0xab}};
  EXPECT_EQ(id.Text(), "a");
  id.given = {};
  EXPECT_EQ(id.Text(), "01ab" + std::string(28, '0'));
}

TEST(CallScope, Nests) {
  EXPECT_EQ(CurrentCall(), nullptr);
  const CallId outer;
  const CallId inner;
  {
    const CallScope scope(&outer);
    {
      const CallScope within(&inner);
      EXPECT_EQ(CurrentCall(), &inner);
      const CallScope none(nullptr);
      EXPECT_EQ(CurrentCall(), nullptr);
    }
    EXPECT_EQ(CurrentCall(), &outer);
  }
  EXPECT_EQ(CurrentCall(), nullptr);
}

TEST(CallScope, EveryLineOfItsThreadHasTheId) {
  testing::internal::CaptureStderr();
  LogToStderr("info");
  spdlog::info("event=before");
  {
    std::string name = "call-1";
    const CallId id = {.given = name};
    const CallScope scope(&id);
    spdlog::warn("event=within");
    std::thread([] { spdlog::info("event=elsewhere"); }).join();
    // Another thread that works for the call outlives it.
    auto copied = std::make_unique<CopiedCallId>();
    name = "gone..";
    std::thread([&] {
      const CallScope copy(copied->id());
      spdlog::info("event=copied");
    }).join();
  }
  spdlog::info("event=after");
  spdlog::default_logger()->flush();
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("level=warning event=within request_id=call-1\n"));
  EXPECT_THAT(log, HasSubstr("event=copied request_id=call-1\n"));
  EXPECT_THAT(log, HasSubstr("event=before\n"));
  EXPECT_THAT(log, HasSubstr("event=elsewhere\n"));
  EXPECT_THAT(log, HasSubstr("event=after\n"));
}

TEST(CopiedCallId, IsNoneWhereThereIsNone) {
  EXPECT_EQ(CopiedCallId().id(), nullptr);
}

}  // namespace
}  // namespace tributary
