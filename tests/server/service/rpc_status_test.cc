#include "server/rpc/status_to_grpc.h"

#include <string>

#include "gtest/gtest.h"
#include "tests/server/rpc/error_detail.h"

namespace tributary {
namespace {

std::string FieldIn(const std::string& message) {
  return FieldOf(ToGrpcStatus(absl::InvalidArgumentError(message)));
}

TEST(StatusToGrpc, KeepsCodeAndMessage) {
  for (int code = 1; code <= 16; ++code) {
    const grpc::Status status =
        ToGrpcStatus(absl::Status(absl::StatusCode(code), "why"));
    EXPECT_EQ(status.error_code(), code);
    EXPECT_EQ(status.error_message(), "why");
  }
  EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok());
}

TEST(StatusToGrpc, NamesTheField) {
  EXPECT_EQ(FieldIn("k: 5000, limits.max_k is 2000"), "k");
  EXPECT_EQ(FieldIn("requests[3].vectors[\"a b: c\"].values[2]: NaN"),
            "requests[3].vectors[\"a b: c\"].values[2]");
  const auto details = DetailOf<google::rpc::BadRequest>(
      ToGrpcStatus(absl::InvalidArgumentError("limits.max_k: 0: too few")));
  EXPECT_EQ(details.field_violations(0).description(), "0: too few");
}

TEST(StatusToGrpc, NamesNoFieldWhereThereIsNone) {
  EXPECT_EQ(FieldIn("not JSON: at 3"), "");
  EXPECT_EQ(FieldIn(": empty"), "");
  EXPECT_EQ(FieldIn("nothing"), "");
  EXPECT_EQ(FieldIn("quotas[\"open: x"), "");
  EXPECT_EQ(FieldIn(""), "");
}

TEST(StatusToGrpc, TellsWhenToRetry) {
  const auto overload = DetailOf<google::rpc::RetryInfo>(
      ToGrpcStatus(absl::ResourceExhaustedError("full")));
  EXPECT_EQ(overload.retry_delay().seconds(), 0);
  EXPECT_EQ(overload.retry_delay().nanos(), 50'000'000);
  const auto unavailable = DetailOf<google::rpc::RetryInfo>(
      ToGrpcStatus(absl::UnavailableError("no version yet")));
  EXPECT_EQ(unavailable.retry_delay().seconds(), 1);
  EXPECT_FALSE(
      DetailOf<google::rpc::RetryInfo>(ToGrpcStatus(absl::NotFoundError("x")))
          .has_retry_delay());
}

TEST(StatusToGrpc, SaysWhoseErrorItIs) {
  const auto info = DetailOf<google::rpc::ErrorInfo>(
      ToGrpcStatus(absl::NotFoundError("version 7")));
  EXPECT_EQ(info.domain(), "tributary");
  EXPECT_EQ(info.reason(), "NOT_FOUND");
}

}  // namespace
}  // namespace tributary
