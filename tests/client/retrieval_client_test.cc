#include "client/retrieval_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "tests/client/local_server.h"

namespace tributary {
namespace {

using testing::HasSubstr;

// Fails the first `failures` calls with `failure`, then answers with the
// request's k as an item's id.
class FakeRetrieval : public v1::Retrieval::Service {
 public:
  const std::string& address() const { return server_.address(); }

  int calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
  }

  void FailWith(const grpc::Status& failure, int failures) {
    const std::lock_guard lock(mutex_);
    failure_ = failure;
    failures_ = failures;
  }

  void HangUntilCancelled() { hang_ = true; }

 private:
  grpc::Status CountCall() {
    const std::lock_guard lock(mutex_);
    return ++calls_ <= failures_ ? failure_ : grpc::Status::OK;
  }

  grpc::Status Retrieve(grpc::ServerContext* context,
                        const v1::RetrieveRequest* request,
                        v1::RetrieveResponse* response) override {
    while (hang_ && !context->IsCancelled()) std::this_thread::yield();
    response->add_item_ids(request->k());
    return CountCall();
  }

  grpc::Status BatchRetrieve(grpc::ServerContext*,
                             const v1::BatchRetrieveRequest* request,
                             v1::BatchRetrieveResponse* response) override {
    for (const v1::RetrieveRequest& each : request->requests()) {
      response->add_entries()->mutable_response()->add_item_ids(each.k());
    }
    return CountCall();
  }

  std::atomic<bool> hang_ = false;

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  int calls_ = 0;
  grpc::Status failure_;
  int failures_ = 0;

  LocalServer server_{this};
};

// Retries at once and has a long deadline, so that slowness fails no test.
constexpr ClientOptions kPatient = {
    .deadline_ms = 60'000, .max_attempts = 3, .initial_backoff_ms = 1};

absl::StatusOr<v1::RetrieveResponse> Retrieve(const FakeRetrieval& server,
                                              const ClientOptions& options) {
  const auto client = RetrievalClient::Connect(server.address(), options);
  if (!client.ok()) return client.status();
  v1::RetrieveRequest request;
  request.set_k(42);
  return (*client)->Retrieve(request);
}

TEST(RetrievalClient, ReturnsTheServersAnswer) {
  const FakeRetrieval server;
  const auto response = Retrieve(server, kPatient);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->item_ids(0), 42);
}

TEST(RetrievalClient, RetriesWhenTheServerIsUnavailableOrOverloaded) {
  for (const auto code :
       {grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::RESOURCE_EXHAUSTED}) {
    FakeRetrieval server;
    server.FailWith({code, "not now"}, 2);
    const auto response = Retrieve(server, kPatient);
    EXPECT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(server.calls(), 3);
  }
}

TEST(RetrievalClient, MakesAtMostMaxAttempts) {
  for (const uint32_t max_attempts : {1, 2, 5}) {
    FakeRetrieval server;
    server.FailWith({grpc::StatusCode::UNAVAILABLE, "not now"}, 1000);
    ClientOptions options = kPatient;
    options.max_attempts = max_attempts;
    EXPECT_TRUE(absl::IsUnavailable(Retrieve(server, options).status()));
    EXPECT_EQ(server.calls(), max_attempts);
  }
}

TEST(RetrievalClient, DoesNotRetryABadRequest) {
  FakeRetrieval server;
  server.FailWith({grpc::StatusCode::INVALID_ARGUMENT, "k: too large"}, 1000);
  const auto response = Retrieve(server, kPatient);
  EXPECT_EQ(response.status(), absl::InvalidArgumentError("k: too large"));
  EXPECT_EQ(server.calls(), 1);
}

TEST(RetrievalClient, GivesUpAtTheDeadline) {
  FakeRetrieval server;
  server.HangUntilCancelled();
  ClientOptions options = kPatient;
  options.deadline_ms = 50;
  EXPECT_TRUE(absl::IsDeadlineExceeded(Retrieve(server, options).status()));
}

TEST(RetrievalClient, IsUnavailableWithoutAServer) {
  const auto client = RetrievalClient::Connect("unix:/nowhere/at/all.sock",
                                               {.wait_for_ready = false});
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_TRUE(
      absl::IsUnavailable((*client)->Retrieve(v1::RetrieveRequest()).status()));
}

TEST(RetrievalClient, WaitsForAServerIfAsked) {
  ClientOptions options = kPatient;
  options.wait_for_ready = true;
  options.deadline_ms = 50;
  const auto client =
      RetrievalClient::Connect("unix:/nowhere/at/all.sock", options);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(
      (*client)->Retrieve(v1::RetrieveRequest()).status()));
}

TEST(RetrievalClient, RetriesBatchesToo) {
  FakeRetrieval server;
  server.FailWith({grpc::StatusCode::UNAVAILABLE, "not now"}, 1);
  const auto client = RetrievalClient::Connect(server.address(), kPatient);
  ASSERT_TRUE(client.ok()) << client.status();
  v1::BatchRetrieveRequest request;
  request.add_requests()->set_k(1);
  request.add_requests()->set_k(2);
  const auto response = (*client)->BatchRetrieve(request);
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->entries_size(), 2);
  EXPECT_EQ(response->entries(1).response().item_ids(0), 2);
  EXPECT_EQ(server.calls(), 2);
}

TEST(RetrievalClient, NamesTheOptionThatIsOutOfRange) {
  const auto expect_error = [](const ClientOptions& options,
                               const char* option) {
    const auto status = RetrievalClient::Connect("x:1", options).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(option));
  };
  expect_error({.deadline_ms = 0}, "deadline_ms");
  expect_error({.max_attempts = 0}, "max_attempts");
  expect_error({.max_attempts = 6}, "max_attempts");
  expect_error({.initial_backoff_ms = 0}, "initial_backoff_ms");
  expect_error({.initial_backoff_ms = 1001}, "initial_backoff_ms");
}

}  // namespace
}  // namespace tributary
