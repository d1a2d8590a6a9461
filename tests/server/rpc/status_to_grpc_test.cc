#include "server/rpc/status_to_grpc.h"

#include "gtest/gtest.h"
#include "tests/server/rpc/error_detail.h"

namespace tributary {
namespace {

TEST(StatusToGrpc, KeepsCodeAndMessage) {
  for (int code = 1; code <= 16; ++code) {
    const grpc::Status status =
        ToGrpcStatus(absl::Status(absl::StatusCode(code), "why"));
    EXPECT_EQ(status.error_code(), code);
    EXPECT_EQ(status.error_message(), "why");
  }
  EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok());
}

TEST(StatusToGrpc, SendsTheDetails) {
  const grpc::Status status =
      ToGrpcStatus(absl::InvalidArgumentError("limits.max_k: 0 is too few"));
  EXPECT_EQ(FieldOf(status), "limits.max_k");
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(status).domain(), "tributary");
}

}  // namespace
}  // namespace tributary
