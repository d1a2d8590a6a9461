// The service Changes of a whole server, whose store is its own bundle
// directory: what is written there is what it follows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "index/changes/change_log.h"
#include "index/sign/signature.h"
#include "tests/server/rpc/running_server.h"
#include "tributary/v1/change_service.grpc.pb.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

v1::Change Remove(const std::string& item) {
  v1::Change change;
  change.set_item(item);
  change.mutable_remove();
  return change;
}

class ChangesServiceTest : public testing::Test {
 protected:
  ChangesServiceTest() {
    WriteTinyBundle(root_, 1);
    config_ = ConfigFor(root_);
    config_.mutable_changes()->set_store(root_);
  }
  void Start() {
    server_ = std::make_unique<RunningServer>(config_);
    changes_ =
        v1::Changes::NewStub(ChannelTo(server_->server().control_address()));
  }

  grpc::Status Apply(
      const std::vector<v1::Change>& changes,
      std::chrono::milliseconds patience = std::chrono::milliseconds(20'000)) {
    v1::ApplyChangesRequest request;
    request.mutable_changes()->Assign(changes.begin(), changes.end());
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + patience);
    return changes_->Apply(&context, request, &applied_);
  }
  v1::ChangesStatus Status() {
    grpc::ClientContext context;
    v1::ChangesStatus status;
    EXPECT_TRUE(changes_->GetStatus(&context, {}, &status).ok());
    return status;
  }
  uint64_t Written() const {
    const auto head = ReadChangeHead(root_ / kChangesName);
    EXPECT_TRUE(head.ok()) << head.status();
    return head->through;
  }
  static bool BecomesTrue(const std::function<bool()>& condition) {
    for (int i = 0; i < 4000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }

  const fs::path root_ = MakeTestDir();
  v1::ServerConfig config_;
  std::unique_ptr<RunningServer> server_;
  std::unique_ptr<v1::Changes::Stub> changes_;
  v1::ApplyChangesResponse applied_;
};

TEST_F(ChangesServiceTest, WhatItAcknowledgesIsInTheLogAndIsApplied) {
  Start();
  EXPECT_EQ(Status().through(), 0U);
  ASSERT_TRUE(Apply({Remove("a"), Remove("b")}).ok());
  EXPECT_EQ(applied_.first(), 1U);
  EXPECT_EQ(applied_.last(), 2U);
  EXPECT_EQ(Written(), 2U);
  ASSERT_TRUE(Apply({Remove("c")}).ok());
  EXPECT_EQ(applied_.first(), 3U);
  EXPECT_EQ(applied_.last(), 3U);
  EXPECT_TRUE(BecomesTrue([&] { return Status().removed_items() == 3; }));
  EXPECT_EQ(Status().pending(), 0U);
}

TEST_F(ChangesServiceTest, RefusesABatchAsAWhole) {
  config_.mutable_changes()->set_max_batch(3);
  Start();
  const auto error_of = [&](const std::vector<v1::Change>& changes) {
    const grpc::Status status = Apply(changes);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    return status.error_message();
  };
  v1::Change numbered = Remove("b");
  numbered.set_number(7);
  v1::Change dated = Remove("b");
  dated.set_at_ms(7);
  EXPECT_THAT(error_of({}), StartsWith("changes: expected at least one"));
  EXPECT_THAT(error_of(std::vector<v1::Change>(4, Remove("a"))),
              StartsWith("changes: 4 changes, at most 3"));
  EXPECT_THAT(error_of({Remove("a"), numbered}),
              StartsWith("changes[1].number: "));
  EXPECT_THAT(error_of({Remove("a"), dated}), StartsWith("changes[1].at_ms: "));
  EXPECT_THAT(error_of({Remove("a"), Remove("")}),
              StartsWith("changes[1].item: "));
  EXPECT_EQ(Written(), 0U);
}

TEST_F(ChangesServiceTest, WithoutAStoreItSaysWhichFieldIsMissing) {
  config_.clear_changes();
  Start();
  const grpc::Status status = Apply({Remove("a")});
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), StartsWith("changes.store: "));
  EXPECT_EQ(Status().through(), 0U);
}

TEST_F(ChangesServiceTest, WaitsForAnotherWriterAsLongAsItsCallerDoes) {
  Start();
  auto other = ChangeLog::Open(root_ / kChangesName);
  ASSERT_TRUE(other.ok()) << other.status();
  const grpc::Status status =
      Apply({Remove("a")}, std::chrono::milliseconds(300));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("another process writes"));
  EXPECT_EQ(Written(), 0U);
  std::thread ending([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    other->reset();
  });
  EXPECT_TRUE(Apply({Remove("a")}).ok());
  ending.join();
  EXPECT_EQ(Written(), 1U);
}

TEST_F(ChangesServiceTest, ManyCallersLoseNothing) {
  Start();
  constexpr int kCallers = 6;
  constexpr int kCalls = 15;
  std::vector<std::thread> callers;
  std::atomic<int> failed{0};
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([this, i, &failed] {
      const auto stub =
          v1::Changes::NewStub(ChannelTo(server_->server().control_address()));
      for (int j = 0; j < kCalls; ++j) {
        v1::ApplyChangesRequest request;
        *request.add_changes() = Remove(fmt::format("{}-{}", i, j));
        *request.add_changes() = Remove(fmt::format("{}-{}-too", i, j));
        grpc::ClientContext context;
        v1::ApplyChangesResponse response;
        const grpc::Status status = stub->Apply(&context, request, &response);
        if (!status.ok() || response.last() != response.first() + 1) ++failed;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(Written(), 2U * kCallers * kCalls);
  EXPECT_TRUE(BecomesTrue(
      [&] { return Status().removed_items() == 2U * kCallers * kCalls; }));
}

TEST_F(ChangesServiceTest, SignsTheLog) {
  const fs::path key = MakeTestDir() / "key";
  ASSERT_TRUE(GenerateKeyPair(key).ok());
  config_.mutable_changes()->set_sign_key_file(key);
  Start();
  ASSERT_TRUE(Apply({Remove("a")}).ok());
  const auto head = ReadChangeHead(root_ / kChangesName);
  ASSERT_TRUE(head.ok());
  const auto keys = PublicKeys::Read({key.native() + ".pub"});
  ASSERT_TRUE(keys.ok()) << keys.status();
  EXPECT_TRUE(
      keys->CheckText(head->SignedText(), head->signature, "HEAD").ok());
}

TEST_F(ChangesServiceTest, AWatcherHearsOfEachChangeAtOnce) {
  Start();
  grpc::ClientContext context;
  const auto reader = changes_->Watch(&context, {});
  v1::ChangesStatus status;
  ASSERT_TRUE(reader->Read(&status));
  EXPECT_EQ(status.through(), 0U);
  for (uint64_t change = 1; change <= 3; ++change) {
    ASSERT_TRUE(Apply({Remove(fmt::format("{}", change))}).ok());
    do {
      ASSERT_TRUE(reader->Read(&status));
    } while (status.through() < change);
    EXPECT_EQ(status.through(), change);
    EXPECT_EQ(status.removed_items(), change);
  }
  context.TryCancel();
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(ChangesServiceTest, WatchersLeaveThreadsToOthers) {
  Start();
  struct Watcher {
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<v1::ChangesStatus>> reader;
  };
  std::vector<std::unique_ptr<Watcher>> watchers;
  v1::ChangesStatus status;
  for (int i = 0; i < ChangesService::kMaxWatchers; ++i) {
    watchers.push_back(std::make_unique<Watcher>());
    watchers.back()->reader = changes_->Watch(&watchers.back()->context, {});
    ASSERT_TRUE(watchers.back()->reader->Read(&status));
  }
  grpc::ClientContext context;
  const auto one_more = changes_->Watch(&context, {});
  EXPECT_FALSE(one_more->Read(&status));
  EXPECT_EQ(one_more->Finish().error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(Apply({Remove("a")}).ok());
  // A place is free again when a watcher has gone.
  watchers[0]->context.TryCancel();
  EXPECT_TRUE(BecomesTrue([&] {
    grpc::ClientContext again;
    const auto reader = changes_->Watch(&again, {});
    const bool read = reader->Read(&status);
    again.TryCancel();
    reader->Finish();
    return read;
  }));
  // The others are let go when the server ends.
  server_.reset();
  for (size_t i = 1; i < watchers.size(); ++i) {
    while (watchers[i]->reader->Read(&status)) {
    }
    EXPECT_FALSE(watchers[i]->reader->Finish().ok());
  }
}

}  // namespace
}  // namespace tributary
