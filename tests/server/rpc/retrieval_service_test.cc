#include "server/rpc/retrieval_service.h"

#include <future>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "grpcpp/generic/generic_stub.h"
#include "gtest/gtest.h"
#include "tests/server/rpc/error_detail.h"
#include "tests/server/rpc/gated_retriever.h"
#include "tests/server/rpc/raw_http2.h"
#include "tests/server/rpc/running_server.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::filesystem::path TinyRoot() {
  const std::filesystem::path root = MakeTestDir();
  WriteTinyBundle(root, 1);
  return root;
}

// What the server answers to these bytes as the request of `method`.
grpc::Status SendBytes(const std::string& address, const std::string& method,
                       const std::string& bytes) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxSendMessageSize(-1);
  grpc::GenericStub stub(grpc::CreateCustomChannel(
      address, grpc::InsecureChannelCredentials(), arguments));
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const grpc::Slice slice(bytes);
  const auto call =
      stub.PrepareUnaryCall(&context, "/tributary.v1.Retrieval/" + method,
                            grpc::ByteBuffer(&slice, 1), &queue);
  call->StartCall();
  grpc::ByteBuffer reply;
  grpc::Status status;
  call->Finish(&reply, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  return status;
}

TEST(RetrievalService, BytesThatAreNoRequestAreInvalid) {
  RunningServer running(ConfigFor(TinyRoot()));
  for (const char* method : {"Retrieve", "BatchRetrieve", "StreamRetrieve"}) {
    const grpc::Status status =
        SendBytes(running.server().grpc_address(), method, "\x0A\xFF");
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(FieldOf(status), "request");
    EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(status).domain(), "tributary");
  }
}

TEST(RetrievalService, NamesTextThatIsNotUtf8) {
  RunningServer running(ConfigFor(TinyRoot()));
  // Field 13, the segment.
  EXPECT_EQ(FieldOf(SendBytes(running.server().grpc_address(), "Retrieve",
                              "\x6A\x01\xFF")),
            "segment");
}

TEST(RetrievalService, ALongRequestIsInvalidAndNotRetried) {
  v1::ServerConfig config = ConfigFor(TinyRoot());
  config.mutable_limits()->set_max_request_bytes(1024);
  RunningServer running(config);
  v1::RetrieveRequest request;
  request.set_user_key(std::string(1100, 'x'));
  const grpc::Status status = SendBytes(
      running.server().grpc_address(), "Retrieve", request.SerializeAsString());
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(),
              HasSubstr("bytes, limits.max_request_bytes is 1024"));
}

TEST(RetrievalService, TwoMillionEntriesAreCountedNotBuilt) {
  RunningServer running(ConfigFor(TinyRoot()));
  std::string bytes;
  while (bytes.size() < 4'000'000) bytes += {'\x0A', '\x00'};
  const grpc::Status status =
      SendBytes(running.server().grpc_address(), "BatchRetrieve", bytes);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(FieldOf(status), "requests");
  EXPECT_THAT(status.error_message(),
              HasSubstr("2000000 requests, limits.max_batch is 64"));
}

TEST(RetrievalService, ReportsEveryViolation) {
  RunningServer running(ConfigFor(TinyRoot()));
  v1::RetrieveRequest request;
  request.set_k(5000);
  request.set_segment(std::string(600, 'x'));
  (*request.mutable_quotas())["none"].set_target(1);
  v1::RetrieveResponse response;
  const grpc::Status status = running.Retrieve(request, &response);
  std::vector<std::string> fields;
  const auto details = DetailOf<google::rpc::BadRequest>(status);
  for (const auto& one : details.field_violations()) {
    fields.push_back(one.field());
  }
  EXPECT_THAT(fields, ElementsAre("k", "segment", "quotas[\"none\"]"));

  v1::BatchRetrieveRequest batch;
  *batch.add_requests() = request;
  v1::BatchRetrieveResponse replies;
  ASSERT_TRUE(running.BatchRetrieve(batch, &replies).ok());
  EXPECT_EQ(replies.entries(0).message(), status.error_message());
}

TEST(RetrievalService, ABatchHasTheErrorOfARequestInItsEntry) {
  RunningServer running(ConfigFor(TinyRoot()));
  v1::BatchRetrieveRequest batch;
  for (const uint32_t k : {3, 5000, 2}) {
    *batch.add_requests() = TinyRequest();
    batch.mutable_requests()->rbegin()->set_k(k);
  }
  for (int i = 0; i < 2000; ++i)
    batch.mutable_requests(2)->add_recent_item_keys("");
  v1::BatchRetrieveResponse response;
  const grpc::Status status = running.BatchRetrieve(batch, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response.entries_size(), 3);
  EXPECT_EQ(response.entries(0).response().item_keys_size(), 3);
  EXPECT_EQ(response.entries(1).code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(response.entries(1).message(), HasSubstr("k: 5000"));
  EXPECT_EQ(response.entries(2).code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(response.entries(2).message(),
              HasSubstr("recent_item_keys: 2000 items"));
}

// All parts of a stream, and how it ended.
struct Parts {
  std::vector<v1::BatchRetrieveResponse> all;
  grpc::Status status;

  std::vector<v1::BatchEntry> entries() const {
    std::vector<v1::BatchEntry> entries;
    for (const auto& part : all) {
      entries.insert(entries.end(), part.entries().begin(),
                     part.entries().end());
    }
    return entries;
  }
};

Parts Stream(const RunningServer& running,
             const v1::BatchRetrieveRequest& request) {
  const auto stub =
      v1::Retrieval::NewStub(ChannelTo(running.server().grpc_address()));
  grpc::ClientContext context;
  const auto reader = stub->StreamRetrieve(&context, request);
  Parts parts;
  v1::BatchRetrieveResponse part;
  while (reader->Read(&part)) parts.all.push_back(part);
  parts.status = reader->Finish();
  return parts;
}

v1::BatchRetrieveRequest TinyRequests(int count) {
  v1::BatchRetrieveRequest request;
  for (int i = 0; i < count; ++i) {
    v1::RetrieveRequest* const one = request.add_requests();
    *one = TinyRequest();
    one->set_k(static_cast<uint32_t>(1 + i % 4));
    (*one->mutable_quotas())["taste"].set_target(1);
    (*one->mutable_quotas())["popularity"].set_target(0);
  }
  return request;
}

TEST(RetrievalService, AStreamAnswersEveryRequestInParts) {
  RunningServer running(ConfigFor(TinyRoot()));
  for (const int count : {1, 63, 64, 65, 1000}) {
    v1::BatchRetrieveRequest request = TinyRequests(count);
    if (count > 3) request.mutable_requests(3)->set_k(5000);
    const Parts parts = Stream(running, request);
    ASSERT_TRUE(parts.status.ok()) << parts.status.error_message();
    EXPECT_EQ(parts.all.size(), static_cast<size_t>((count + 63) / 64));
    const std::vector<v1::BatchEntry> entries = parts.entries();
    ASSERT_EQ(entries.size(), static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) {
      const v1::BatchEntry& entry = entries[static_cast<size_t>(i)];
      if (i == 3) {
        EXPECT_EQ(entry.code(), grpc::StatusCode::INVALID_ARGUMENT);
      } else {
        EXPECT_EQ(entry.response().item_keys_size(), 1 + i % 4) << i;
      }
    }
    for (const auto& part : parts.all) EXPECT_EQ(part.bundle_version(), 1U);
  }
}

TEST(RetrievalService, AStreamWithoutRequestsHasNoPart) {
  RunningServer running(ConfigFor(TinyRoot()));
  const Parts parts = Stream(running, v1::BatchRetrieveRequest());
  EXPECT_TRUE(parts.status.ok()) << parts.status.error_message();
  EXPECT_TRUE(parts.all.empty());
}

TEST(RetrievalService, AStreamHasLimitsAndOneVersion) {
  v1::ServerConfig config = ConfigFor(TinyRoot());
  config.mutable_limits()->set_max_stream(100);
  RunningServer running(config);
  const Parts many = Stream(running, TinyRequests(101));
  EXPECT_EQ(many.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(many.status.error_message(),
              HasSubstr("requests: 101 requests, limits.max_stream is 100"));

  v1::BatchRetrieveRequest mixed = TinyRequests(100);
  mixed.mutable_requests(99)->set_bundle_version(2);
  EXPECT_EQ(Stream(running, mixed).status.error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

// A client that announces a small window takes a part and no more.
TEST(RetrievalService, AStreamThatNobodyReadsHoldsNoThreadAndEnds) {
  v1::ServerConfig config = ConfigFor(TinyRoot());
  config.mutable_execution()->set_request_threads(1);
  config.mutable_transport()->set_write_timeout_ms(100);
  RunningServer running(config);
  RawHttp2 stalled(running.server().grpc_address(), /*initial_window=*/0);
  const std::string message = TinyRequests(1000).SerializeAsString();
  std::string calls;
  for (int i = 0; i < 5; ++i) {
    calls +=
        stalled.CallBytes("/tributary.v1.Retrieval/StreamRetrieve", message);
  }
  ASSERT_TRUE(stalled.Send(calls));
  v1::RetrieveResponse response;
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(running.Retrieve(TinyRequest(), &response).ok());
  }
  EXPECT_TRUE(stalled.ReadUntil(kRstStreamFrame));
}

TEST(RetrievalService, AStreamThatIsCancelledEnds) {
  v1::ServerConfig config = ConfigFor(TinyRoot());
  // On a busy machine the streams before may still end while the next one comes:
  // it waits, and is not refused.
  config.mutable_overload()->set_max_wait_ms(60'000);
  config.mutable_overload()->set_adaptive_limit(false);
  config.mutable_limits()->set_max_concurrent_requests(10'000);
  RunningServer running(config);
  const auto stub =
      v1::Retrieval::NewStub(ChannelTo(running.server().grpc_address()));
  for (int i = 0; i < 50; ++i) {
    grpc::ClientContext context;
    const auto reader = stub->StreamRetrieve(&context, TinyRequests(1000));
    v1::BatchRetrieveResponse part;
    if (i % 2 == 0) {
      ASSERT_TRUE(reader->Read(&part)) << reader->Finish().error_message();
    }
    context.TryCancel();
    EXPECT_FALSE(reader->Finish().ok());
  }
  EXPECT_TRUE(Stream(running, TinyRequests(100)).status.ok());
}

// A server with one thread, all of whose retrievers wait at a gate.
class GatedService : public testing::Test {
 protected:
  static v1::ServerConfig Config() {
    v1::ServerConfig config = ConfigFor(TinyRoot());
    config.mutable_execution()->set_request_threads(1);
    config.mutable_overload()->set_max_wait_ms(60'000);
    return config;
  }

  static v1::RetrieveRequest Request() {
    v1::RetrieveRequest request = TinyRequest();
    request.mutable_quotas()->erase("popularity");
    return request;
  }

  // A failed test leaves calls at the gate, and the server waits for them.
  void TearDown() override { gate_.open.release(1000); }

  std::future<grpc::Status> Start(grpc::ClientContext* context) {
    return std::async(std::launch::async, [this, context] {
      v1::RetrieveResponse response;
      return stub_->Retrieve(context, Request(), &response);
    });
  }

  // Returns after the server has read what the connection had sent before:
  // calls that are refused as they come, on the same connection, do not
  // overtake it. They are many because a thread of the server may be slow
  // with what it has read.
  void WaitUntilRead() {
    v1::RetrieveRequest refused = Request();
    for (int i = 0; i < 2000; ++i) refused.add_recent_item_keys("");
    for (int i = 0; i < 200; ++i) {
      grpc::ClientContext context;
      v1::RetrieveResponse response;
      ASSERT_EQ(stub_->Retrieve(&context, refused, &response).error_code(),
                grpc::StatusCode::INVALID_ARGUMENT);
    }
  }

  Gate gate_;
  RunningServer running_{Config(), GatedRegistry(&gate_)};
  const std::unique_ptr<v1::Retrieval::Stub> stub_ =
      v1::Retrieval::NewStub(ChannelTo(running_.server().grpc_address()));
};

TEST_F(GatedService, ACallThatIsCancelledWhileItWaitsIsNotRun) {
  grpc::ClientContext contexts[3];
  auto first = Start(&contexts[0]);
  gate_.entered.acquire();
  auto second = Start(&contexts[1]);
  contexts[1].TryCancel();
  EXPECT_EQ(second.get().error_code(), grpc::StatusCode::CANCELLED);
  WaitUntilRead();
  auto third = Start(&contexts[2]);
  gate_.open.release();
  EXPECT_TRUE(first.get().ok());
  gate_.entered.acquire();
  gate_.open.release();
  EXPECT_TRUE(third.get().ok());
  // The second one would have run before the third.
  EXPECT_FALSE(gate_.entered.try_acquire());
}

TEST_F(GatedService, ACallBeyondItsDeadlineIsRefusedAtOnce) {
  grpc::ClientContext contexts[2];
  auto first = Start(&contexts[0]);
  gate_.entered.acquire();
  contexts[1].set_deadline(std::chrono::system_clock::now());
  EXPECT_FALSE(Start(&contexts[1]).get().ok());
  WaitUntilRead();
  gate_.open.release();
  EXPECT_TRUE(first.get().ok());
  EXPECT_FALSE(gate_.entered.try_acquire());
}

// A client that announces a window of 0 takes no byte of a reply.
TEST(RetrievalService, RepliesThatNobodyReadsHoldNoThreadAndEnd) {
  v1::ServerConfig config = ConfigFor(TinyRoot());
  config.mutable_execution()->set_request_threads(1);
  config.mutable_transport()->set_write_timeout_ms(100);
  RunningServer running(config);
  RawHttp2 stalled(running.server().grpc_address(), /*initial_window=*/0);
  const std::string message = TinyRequest().SerializeAsString();
  std::string calls;
  for (int i = 0; i < 100; ++i) {
    calls += stalled.CallBytes(kRetrieveMethod, message);
  }
  ASSERT_TRUE(stalled.Send(calls));
  v1::RetrieveResponse response;
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(running.Retrieve(TinyRequest(), &response).ok());
  }
  EXPECT_TRUE(stalled.ReadUntil(kRstStreamFrame));
}

TEST(RetrievalService, ResetStreamsCostNobodyElseTheirAnswer) {
  RunningServer running(ConfigFor(TinyRoot()));
  RawHttp2 hostile(running.server().grpc_address());
  const std::string message = TinyRequest().SerializeAsString();
  for (int round = 0; round < 20; ++round) {
    std::string bytes;
    for (int i = 0; i < 50; ++i) {
      bytes += hostile.CallBytes(kRetrieveMethod, message);
      bytes += RawHttp2::ResetBytes(hostile.last_stream());
    }
    if (!hostile.Send(bytes)) break;
  }
  v1::RetrieveResponse response;
  EXPECT_TRUE(running.Retrieve(TinyRequest(), &response).ok());
}

}  // namespace
}  // namespace tributary
