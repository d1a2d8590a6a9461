#ifndef TRIBUTARY_TESTS_SERVER_RPC_ERROR_DETAIL_H_
#define TRIBUTARY_TESTS_SERVER_RPC_ERROR_DETAIL_H_

#include <string>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"

namespace tributary {

// The detail of type T that a client would decode; default if there is none.
template <typename T>
T DetailOf(const grpc::Status& status) {
  google::rpc::Status decoded;
  EXPECT_TRUE(decoded.ParseFromString(status.error_details()));
  T detail;
  for (const auto& any : decoded.details()) {
    if (any.Is<T>()) any.UnpackTo(&detail);
  }
  return detail;
}

// The field that google.rpc.BadRequest names; "" if there is none.
inline std::string FieldOf(const grpc::Status& status) {
  const auto details = DetailOf<google::rpc::BadRequest>(status);
  return details.field_violations().empty()
             ? ""
             : details.field_violations(0).field();
}

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_SERVER_RPC_ERROR_DETAIL_H_
