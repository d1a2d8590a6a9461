#ifndef TRIBUTARY_SERVER_LOADER_BUNDLES_CLIENT_H_
#define TRIBUTARY_SERVER_LOADER_BUNDLES_CLIENT_H_

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/channel.h"
#include "server/loader/loader_policy.h"
#include "tributary/v1/bundles.grpc.pb.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// A client of the server's control plane. Every call has a deadline, ends early
// with CANCELLED when `stop` is requested, and fails with UNAVAILABLE at once
// when nothing listens at the address. Errors are those of bundles.proto.
// Thread-safe.
class BundlesClient {
 public:
  // Does not connect: the first call does, and later calls reconnect if they
  // must. `access` is complete, and says how the server learns who calls;
  // errors begin with its field, such as "access.token_file", and are those of
  // OpenChannel.
  static absl::StatusOr<std::unique_ptr<BundlesClient>> Connect(
      const std::string& address, const v1::ClientAccess& access);

  absl::StatusOr<ServerView> GetStatus(std::stop_token stop);
  // `traceparent`: the trace that the call is part of; empty for none.
  absl::Status Stage(uint64_t version, std::stop_token stop,
                     const std::string& traceparent = "");
  absl::Status Activate(uint64_t version, std::stop_token stop,
                        const std::string& traceparent = "");
  absl::Status Refuse(uint64_t version, const std::string& reason,
                      std::stop_token stop);
  absl::Status Report(const v1::LoaderStatus& status, std::stop_token stop);

 private:
  explicit BundlesClient(const std::shared_ptr<grpc::Channel>& channel)
      : stub_(v1::Bundles::NewStub(channel)) {}

  std::unique_ptr<v1::Bundles::Stub> stub_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_LOADER_BUNDLES_CLIENT_H_
