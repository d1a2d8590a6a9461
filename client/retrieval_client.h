// The C++ client library of Tributary. It depends on the public protos alone.
//
//   auto client = tributary::RetrievalClient::Connect("localhost:7700");
//   tributary::v1::RetrieveRequest request;
//   request.set_user_key("nginx");
//   auto response = (*client)->Retrieve(request);
//   for (const auto& candidate : *tributary::Candidates(*response)) ...
#ifndef TRIBUTARY_CLIENT_RETRIEVAL_CLIENT_H_
#define TRIBUTARY_CLIENT_RETRIEVAL_CLIENT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tributary/v1/retrieval.grpc.pb.h"

namespace tributary {

// The defaults are the published retry policy, config/service_config.json: with
// them, and a deadline that is longer than a server takes to restart, no call
// fails because one does.
struct ClientOptions {
  // For a whole call, attempts and pauses between them included; at least 1.
  uint32_t deadline_ms = 1000;
  // How often a call is tried, from 1 (no retry) to 5. Tried again, after a
  // pause, is what failed with UNAVAILABLE, RESOURCE_EXHAUSTED or CANCELLED.
  uint32_t max_attempts = 4;
  // The longest first pause; later ones are up to twice as long, at most 1 s.
  // The pauses are random below that, so that callers do not come back at once.
  uint32_t initial_backoff_ms = 10;
  // Wait, within the deadline, for a server that cannot be reached yet, which
  // counts as no attempt; else such a call fails with UNAVAILABLE.
  bool wait_for_ready = true;
};

// The options' retry policy as gRPC's service config, in JSON.
std::string ServiceConfig(const ClientOptions& options);

// One connection to a server, over plain TCP or a unix socket, made when first
// used and again whenever it breaks. Thread-safe; calls run concurrently and
// block their thread. One client per process is enough for most uses.
//
// Errors of both calls have the code and the message of the server, which
// names the field of a bad request: INVALID_ARGUMENT, NOT_FOUND (no such
// bundle_version), UNAVAILABLE (no server, or it has no bundle yet),
// RESOURCE_EXHAUSTED (overload), and from here DEADLINE_EXCEEDED.
class RetrievalClient {
 public:
  // `address` is host:port or unix:PATH. Does not wait for the server.
  // INVALID_ARGUMENT names the option that is out of range.
  static absl::StatusOr<std::unique_ptr<RetrievalClient>> Connect(
      const std::string& address, const ClientOptions& options = {});

  RetrievalClient(const RetrievalClient&) = delete;
  RetrievalClient& operator=(const RetrievalClient&) = delete;

  absl::StatusOr<v1::RetrieveResponse> Retrieve(
      const v1::RetrieveRequest& request);

  // One entry per request, in order; each has a response or an error of its
  // own. All are answered from one bundle.
  absl::StatusOr<v1::BatchRetrieveResponse> BatchRetrieve(
      const v1::BatchRetrieveRequest& request);

 private:
  RetrievalClient(const std::string& address, const ClientOptions& options);

  const uint32_t deadline_ms_;
  const std::unique_ptr<v1::Retrieval::Stub> stub_;
};

// A source that proposed a candidate.
struct Proposal {
  // Views the response.
  std::string_view source;
  // From 1, and the source's own score. 0 unless the request's view is FULL.
  uint32_t rank = 0;
  float raw_score = 0;
};

// A row of a response.
struct Candidate {
  // The item's key; in decimal where the catalogue's keys are integers.
  std::string key;
  // The key as an integer; 0 where keys are strings.
  uint64_t id = 0;
  // Comparable within one response only; higher is better.
  float score = 0;
  std::vector<Proposal> proposals;
};

// The response's columns as rows, best first. They view the response, which
// must outlive them. DATA_LOSS when its columns are not equally long or name a
// source that it does not have.
absl::StatusOr<std::vector<Candidate>> Candidates(
    const v1::RetrieveResponse& response);

}  // namespace tributary

#endif  // TRIBUTARY_CLIENT_RETRIEVAL_CLIENT_H_
