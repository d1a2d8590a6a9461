#ifndef TRIBUTARY_SERVER_LOADER_BUNDLES_CLIENT_H_
#define TRIBUTARY_SERVER_LOADER_BUNDLES_CLIENT_H_

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/loader/loader_policy.h"
#include "tributary/v1/bundles.grpc.pb.h"

namespace tributary {

// A client of the server's control plane. Every call has a deadline, ends early
// with CANCELLED when `stop` is requested, and fails with UNAVAILABLE at once
// when nothing listens at the address. Errors are those of bundles.proto.
// Thread-safe.
class BundlesClient {
 public:
  // Does not connect: the first call does, and later calls reconnect if they
  // must.
  explicit BundlesClient(const std::string& address);

  absl::StatusOr<ServerView> GetStatus(std::stop_token stop);
  absl::Status Stage(uint64_t version, std::stop_token stop);
  absl::Status Activate(uint64_t version, std::stop_token stop);
  absl::Status Refuse(uint64_t version, const std::string& reason,
                      std::stop_token stop);
  absl::Status Report(const v1::LoaderStatus& status, std::stop_token stop);

 private:
  std::unique_ptr<v1::Bundles::Stub> stub_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_LOADER_BUNDLES_CLIENT_H_
