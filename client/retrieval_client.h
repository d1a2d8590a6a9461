// The C++ client library of Tributary. It depends on the public protos alone.
// client/example.cc is a whole program around these lines:
//
//   const auto client = tributary::RetrievalClient::Connect("localhost:7700");
//   if (!client.ok()) return Fail(client.status());
//   tributary::v1::RetrieveRequest request;
//   request.set_user_key("nginx");
//   const auto response = (*client)->Retrieve(request);
//   if (!response.ok()) return Fail(response.status());
//   const auto candidates = tributary::Candidates(*response);
//   if (!candidates.ok()) return Fail(candidates.status());
//   for (const tributary::Candidate& candidate : *candidates) ...
//
// Callers may compile this header as C++17.
#ifndef TRIBUTARY_CLIENT_RETRIEVAL_CLIENT_H_
#define TRIBUTARY_CLIENT_RETRIEVAL_CLIENT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/credentials.h"
#include "tributary/v1/retrieval.grpc.pb.h"

namespace tributary {

// The defaults are the published retry policy, config/service_config.json. With
// them, and with a deadline longer than a server takes to restart, no call
// fails because a server restarts.
struct ClientOptions {
  // Limits a whole call, including all attempts and the pauses between them; at
  // least 1.
  uint32_t deadline_ms = 1000;
  // Attempts per call, 1 (no retry) to 5. The client retries, after a pause,
  // when an attempt fails with UNAVAILABLE, RESOURCE_EXHAUSTED or CANCELLED.
  uint32_t max_attempts = 4;
  // Upper bound of the pause before the first retry, 1 to 1000. The bound
  // doubles with every retry, up to 1 s. Each pause is drawn at random below
  // its bound, so that callers do not return all at once.
  uint32_t initial_backoff_ms = 10;
  // If true, a call waits, within its deadline, for a server that cannot be
  // reached yet; waiting does not count as an attempt. If false, such a call
  // fails with UNAVAILABLE.
  bool wait_for_ready = true;
  // How to make sure of the server, and how to show it who calls. Without,
  // the connection is not encrypted, and nobody is shown.
  ClientCredentials credentials = {};
};

// What a call says of itself beside its request. Every attempt of a call says
// the same.
struct CallMetadata {
  // Names the call in the server's log and spans, and comes back with the
  // answer: at most 128 bytes of visible ASCII. Empty: the server names calls
  // that it tells of.
  std::string request_id = {};
  // The caller's span, as W3C Trace Context has it: "00-TRACE-SPAN-01". Empty:
  // the call begins a trace of its own.
  std::string traceparent = {};
  std::string tracestate = {};
};

// The name that the server gave a call that failed, or that its caller gave;
// empty where the server did not say.
std::string RequestIdOf(const absl::Status& error);

// Returns the retry policy of `options` as a gRPC service config, in JSON.
std::string ServiceConfig(const ClientOptions& options);

// One connection to a server, over TCP, with or without TLS, or a unix socket.
// It is opened by the first call and reopened after it breaks. Thread-safe:
// calls run concurrently, and each blocks its own thread. One client per
// process is enough for most uses.
//
// An error of a call has the code and the message that the server sent;
// the message names the field of a bad request:
//   INVALID_ARGUMENT    the request is malformed or out of range
//   NOT_FOUND           the server has no such bundle_version or bundle_label
//   UNAVAILABLE         no server answers, or it has no bundle yet
//   RESOURCE_EXHAUSTED  the server is overloaded
//   DEADLINE_EXCEEDED   the call took longer than deadline_ms
//   UNAUTHENTICATED     the server does not know who calls
//   PERMISSION_DENIED   who calls may not do this
// RequestIdOf(error) is the name by which the server knows the call. Metadata
// that cannot be sent is INVALID_ARGUMENT.
class RetrievalClient {
 public:
  // Returns at once, without waiting for the server at `address` (host:port or
  // unix:PATH). Calls to a loopback address never use a proxy. INVALID_ARGUMENT
  // says what is wrong with the address, or names an option that is out of
  // range; further errors are those of OpenChannel, about credentials.
  static absl::StatusOr<std::unique_ptr<RetrievalClient>> Connect(
      const std::string& address, const ClientOptions& options = {});

  RetrievalClient(const RetrievalClient&) = delete;
  RetrievalClient& operator=(const RetrievalClient&) = delete;

  absl::StatusOr<v1::RetrieveResponse> Retrieve(
      const v1::RetrieveRequest& request, const CallMetadata& metadata = {});

  // Returns one entry per request, in the order of the requests. Each entry has
  // a response or an error of its own. One bundle answers all of them.
  absl::StatusOr<v1::BatchRetrieveResponse> BatchRetrieve(
      const v1::BatchRetrieveRequest& request,
      const CallMetadata& metadata = {});

  // As BatchRetrieve, for more requests than one reply could hold: calls
  // `on_part` with each part of the answer, in order. An error of `on_part`
  // ends the call, and is returned. The deadline is that of each thousand
  // requests. Retried only until the first part has come.
  absl::Status StreamRetrieve(
      const v1::BatchRetrieveRequest& request,
      const std::function<absl::Status(const v1::BatchRetrieveResponse& part)>&
          on_part,
      const CallMetadata& metadata = {});

 private:
  RetrievalClient(const std::string& address, const ClientOptions& options,
                  const std::shared_ptr<grpc::Channel>& channel);

  // Constant after construction.
  const std::string address_;
  const uint32_t deadline_ms_;
  const std::unique_ptr<v1::Retrieval::Stub> stub_;
};

// One source's proposal of a candidate.
struct Proposal {
  // The source's name. It views the response.
  std::string_view source;
  // The candidate's rank in the source's list, from 1, and the score that the
  // source gave it. Both are 0 unless the request's view is FULL.
  uint32_t rank = 0;
  float raw_score = 0;
};

// One row of a response.
struct Candidate {
  // The item's key, in decimal if the catalogue has integer keys.
  std::string key;
  // The item's key as an integer; 0 if the catalogue has string keys.
  uint64_t id = 0;
  // Higher is better. Scores of different responses are not comparable.
  float score = 0;
  // What multiplied the score, with boosts or decay; 1 unless the request's
  // view is FULL.
  float factor = 1;
  std::vector<Proposal> proposals;
};

// Converts the columns of `response` to rows, best first. The rows view
// `response`, which must outlive them. DATA_LOSS if the columns differ in
// length or refer to a source that the response does not list.
absl::StatusOr<std::vector<Candidate>> Candidates(
    const v1::RetrieveResponse& response);
// The rows would view a response that no longer exists.
absl::StatusOr<std::vector<Candidate>> Candidates(
    const v1::RetrieveResponse&& response) = delete;

}  // namespace tributary

#endif  // TRIBUTARY_CLIENT_RETRIEVAL_CLIENT_H_
