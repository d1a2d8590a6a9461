#include "server/service/rpc_status.h"

#include <string>

#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"

namespace tributary {
namespace {

// The detail of type T; default if there is none.
template <typename T>
T DetailOf(const google::rpc::Status& status) {
  T detail;
  for (const auto& any : status.details()) {
    if (any.Is<T>()) any.UnpackTo(&detail);
  }
  return detail;
}

// The field that google.rpc.BadRequest names; "" if there is none.
std::string FieldIn(const std::string& message) {
  const auto details = DetailOf<google::rpc::BadRequest>(
      ToRpcStatus(absl::InvalidArgumentError(message)));
  return details.field_violations().empty()
             ? ""
             : details.field_violations(0).field();
}

TEST(RpcStatus, KeepsCodeAndMessage) {
  for (int code = 1; code <= 16; ++code) {
    const google::rpc::Status status =
        ToRpcStatus(absl::Status(absl::StatusCode(code), "why"));
    EXPECT_EQ(status.code(), code);
    EXPECT_EQ(status.message(), "why");
  }
}

TEST(RpcStatus, NamesTheField) {
  EXPECT_EQ(FieldIn("k: 5000, limits.max_k is 2000"), "k");
  EXPECT_EQ(FieldIn("requests[3].vectors[\"a b: c\"].values[2]: NaN"),
            "requests[3].vectors[\"a b: c\"].values[2]");
  const auto details = DetailOf<google::rpc::BadRequest>(
      ToRpcStatus(absl::InvalidArgumentError("limits.max_k: 0: too few")));
  EXPECT_EQ(details.field_violations(0).description(), "0: too few");
}

TEST(RpcStatus, NamesNoFieldIfTheMessageDoesNot) {
  EXPECT_EQ(FieldIn("not JSON: at 3"), "");
  EXPECT_EQ(FieldIn(": empty"), "");
  EXPECT_EQ(FieldIn("nothing"), "");
  EXPECT_EQ(FieldIn("quotas[\"open: x"), "");
  EXPECT_EQ(FieldIn(""), "");
}

TEST(RpcStatus, SaysWhenToRetry) {
  const auto overload = DetailOf<google::rpc::RetryInfo>(
      ToRpcStatus(absl::ResourceExhaustedError("full")));
  EXPECT_EQ(overload.retry_delay().seconds(), 0);
  EXPECT_EQ(overload.retry_delay().nanos(), 50'000'000);
  const auto unavailable = DetailOf<google::rpc::RetryInfo>(
      ToRpcStatus(absl::UnavailableError("no version yet")));
  EXPECT_EQ(unavailable.retry_delay().seconds(), 1);
  EXPECT_FALSE(
      DetailOf<google::rpc::RetryInfo>(ToRpcStatus(absl::NotFoundError("x")))
          .has_retry_delay());
}

TEST(RpcStatus, HasTheDomainAndTheNameOfTheCode) {
  const auto info = DetailOf<google::rpc::ErrorInfo>(
      ToRpcStatus(absl::NotFoundError("version 7")));
  EXPECT_EQ(info.domain(), "tributary");
  EXPECT_EQ(info.reason(), "NOT_FOUND");
}

}  // namespace
}  // namespace tributary
