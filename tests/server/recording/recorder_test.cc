#include "server/recording/recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

v1::RecordedCall CallOf(const v1::RetrieveRequest& request) {
  v1::RecordedCall call;
  *call.mutable_request() = request;
  return call;
}

AnsweredCall Answered(const v1::RetrieveRequest& request) {
  v1::RetrieveResponse response;
  response.add_item_keys("a");
  return {.request_id = "id-1",
          .request = request.SerializeAsString(),
          .status = absl::OkStatus(),
          .response = response.SerializeAsString(),
          .took = std::chrono::microseconds(250)};
}

v1::RetrieveRequest RequestOf(const std::string& user) {
  v1::RetrieveRequest request;
  request.set_user_key(user);
  request.add_recent_item_keys("item-1");
  return request;
}

class RecorderTest : public testing::Test {
 protected:
  RecorderTest() {
    config_.set_file(path_);
    config_.set_max_bytes(1 << 20);
    config_.set_share(1);
  }

  std::unique_ptr<Recorder> Start() {
    auto recorder = Recorder::Start(config_, &metrics_);
    EXPECT_TRUE(recorder.ok()) << recorder.status();
    return *std::move(recorder);
  }

  std::vector<v1::RecordedCall> Recorded() {
    std::vector<v1::RecordedCall> calls;
    const auto reader = RecordingReader::Open(path_);
    EXPECT_TRUE(reader.ok()) << reader.status();
    for (const RecordedPlace& place : (*reader)->places()) {
      calls.push_back((*reader)->Read(place).value());
    }
    return calls;
  }

  const std::string path_ = MakeTestDir() / "calls.rec";
  v1::Recording config_;
  ServerMetrics metrics_;
};

TEST_F(RecorderTest, KeepsACallWithItsAnswer) {
  config_.set_user_keys(true);
  {
    const auto recorder = Start();
    EXPECT_EQ(metrics_.recording, 1);
    recorder->Offer(Answered(RequestOf("anna")));
    AnsweredCall failed = Answered(RequestOf("ben"));
    failed.status = absl::InvalidArgumentError("k: too large");
    failed.response.clear();
    recorder->Offer(failed);
    recorder->Drain();
    EXPECT_EQ(metrics_.recorded.value(), 2);
  }
  EXPECT_EQ(metrics_.recording, 0);
  const auto calls = Recorded();
  ASSERT_EQ(calls.size(), 2);
  EXPECT_EQ(calls[0].request().user_key(), "anna");
  EXPECT_EQ(calls[0].response().item_keys(0), "a");
  EXPECT_EQ(calls[0].request_id(), "id-1");
  EXPECT_EQ(calls[0].micros(), 250);
  EXPECT_EQ(calls[0].code(), 0);
  EXPECT_GT(calls[0].at_ms(), 1'600'000'000'000);
  EXPECT_FALSE(calls[0].user_key_hashed());
  EXPECT_EQ(calls[1].code(), 3);
  EXPECT_EQ(calls[1].message(), "k: too large");
  EXPECT_FALSE(calls[1].has_response());
}

TEST_F(RecorderTest, UsersAreHashedByASecretOfTheStart) {
  std::vector<std::string> users;
  for (int start = 0; start < 2; ++start) {
    const auto recorder = Start();
    recorder->Offer(Answered(RequestOf("anna@example.com")));
    recorder->Offer(Answered(RequestOf("anna@example.com")));
    recorder->Offer(Answered(RequestOf("ben@example.com")));
  }
  const auto calls = Recorded();
  ASSERT_EQ(calls.size(), 6);
  for (const v1::RecordedCall& call : calls) {
    EXPECT_TRUE(call.user_key_hashed());
    EXPECT_EQ(call.request().user_key().size(), 16);
    EXPECT_EQ(call.request().recent_item_keys(0), "item-1");
  }
  const auto user = [&](int i) { return calls[i].request().user_key(); };
  EXPECT_EQ(user(0), user(1));
  EXPECT_NE(user(0), user(2));
  EXPECT_NE(user(0), user(3));
  EXPECT_THAT(ReadFile(path_), Not(HasSubstr("example.com")));
}

TEST(HashUserTest, ReplacesWhatTellsTheUser) {
  constexpr SipKey kSecret = {1, 2};
  v1::RetrieveRequest request = RequestOf("anna");
  request.set_page_token("a-token");
  v1::RecordedCall call = CallOf(request);
  call.set_message("user_key: \"anna\" is not known");
  call.mutable_response()->set_next_page_token("another");
  HashUser(kSecret, &call);
  EXPECT_THAT(call.DebugString(), Not(HasSubstr("anna")));
  EXPECT_EQ(call.request().page_token(), "hashed");
  EXPECT_EQ(call.response().next_page_token(), "hashed");
  EXPECT_EQ(call.request().recent_item_keys(0), "item-1");

  request.set_user_id(12345);
  call = CallOf(request);
  HashUser(kSecret, &call);
  EXPECT_TRUE(call.request().has_user_id());
  EXPECT_NE(call.request().user_id(), 12345);
  EXPECT_TRUE(call.user_key_hashed());

  request.clear_user();
  call = CallOf(request);
  HashUser(kSecret, &call);
  EXPECT_FALSE(call.user_key_hashed());
  EXPECT_EQ(call.request().page_token(), "a-token");
}

TEST_F(RecorderTest, SamplesTheShare) {
  config_.set_share(0.1);
  const auto recorder = Start();
  int sampled = 0;
  for (int i = 0; i < 100'000; ++i) sampled += recorder->Samples() ? 1 : 0;
  EXPECT_NEAR(sampled, 10'000, 500);
  for (const double share : {0.0, 1.0}) {
    config_.set_share(share);
    config_.set_file(path_ + std::to_string(share));
    const auto other = Start();
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(other->Samples(), share == 1);
  }
}

TEST_F(RecorderTest, WhatFindsNoPlaceIsDroppedAndCounted) {
  const auto recorder = Start();
  // Longer than a call of this file may be.
  AnsweredCall call = Answered(RequestOf(std::string(300 << 10, 'k')));
  recorder->Offer(call);
  config_.set_user_keys(true);
  recorder->Drain();
  // The user was replaced by a hash.
  EXPECT_EQ(metrics_.recorded.value(), 1);
  v1::RetrieveResponse response;
  response.add_item_keys(std::string(300 << 10, 'k'));
  call.response = response.SerializeAsString();
  recorder->Offer(call);
  recorder->Drain();
  EXPECT_EQ(metrics_.recording_dropped_size.value(), 1);
  // More than may wait, however fast they are written.
  for (int i = 0; i < 200; ++i) {
    response.add_item_keys(std::string(300 << 10, 'k'));
  }
  call.response = response.SerializeAsString();
  recorder->Offer(call);
  recorder->Drain();
  EXPECT_EQ(metrics_.recording_dropped_queue.value(), 1);
}

// A limit of the size of files stands for a full disk.
TEST_F(RecorderTest, AFullDiskEndsTheRecordingAndNothingElse) {
  const auto recorder = Start();
  signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small = {.rlim_cur = 4096, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  for (int i = 0; i < 1000; ++i) recorder->Offer(Answered(RequestOf("anna")));
  recorder->Drain();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(metrics_.recording, 0);
  const uint64_t recorded = metrics_.recorded.value();
  EXPECT_GT(recorded, 5);
  EXPECT_LT(recorded, 1000);
  EXPECT_EQ(Recorded().size(), recorded);
  recorder->Offer(Answered(RequestOf("anna")));
  recorder->Drain();
  EXPECT_EQ(metrics_.recorded.value(), recorded);
}

TEST_F(RecorderTest, WithoutAFileThereIsNone) {
  config_.clear_file();
  EXPECT_EQ(Start(), nullptr);
  EXPECT_EQ(metrics_.recording, 0);
}

}  // namespace
}  // namespace tributary
