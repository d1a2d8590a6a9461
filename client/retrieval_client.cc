#include "client/retrieval_client.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/cord.h"
#include "client/server_address.h"
#include "fmt/core.h"

namespace tributary {
namespace {

// gRPC's own limit on maxAttempts.
constexpr uint32_t kMaxAttempts = 5;
constexpr uint32_t kMaxBackoffMs = 1000;
// Holds the reply to the largest batch of the longest lists.
constexpr int kMaxResponseBytes = 64 << 20;
// gRPC's default first pause, 1 s, is longer than a server takes to restart.
// gRPC does not take a pause below 100 ms.
constexpr int kInitialReconnectBackoffMs = 100;
constexpr int kMaxReconnectBackoffMs = 1000;
constexpr char kRequestIdKey[] = "x-request-id";
constexpr char kRequestIdPayload[] = "tributary.dev/request-id";

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(
    const std::string& address, const ClientOptions& options) {
  grpc::ChannelArguments arguments;
  arguments.SetServiceConfigJSON(ServiceConfig(options));
  SetProxyFor(address, &arguments);
  arguments.SetMaxReceiveMessageSize(kMaxResponseBytes);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS,
                   kInitialReconnectBackoffMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kMaxReconnectBackoffMs);
  return OpenChannel(address, options.credentials, arguments);
}

absl::Status CheckOptions(const ClientOptions& options) {
  if (options.deadline_ms == 0) {
    return absl::InvalidArgumentError("deadline_ms: 0, expected at least 1");
  }
  if (options.max_attempts < 1 || options.max_attempts > kMaxAttempts) {
    return absl::InvalidArgumentError(
        fmt::format("max_attempts: {}, expected 1 to {}", options.max_attempts,
                    kMaxAttempts));
  }
  if (options.initial_backoff_ms < 1 ||
      options.initial_backoff_ms > kMaxBackoffMs) {
    return absl::InvalidArgumentError(
        fmt::format("initial_backoff_ms: {}, expected 1 to {}",
                    options.initial_backoff_ms, kMaxBackoffMs));
  }
  return absl::OkStatus();
}

std::chrono::system_clock::time_point DeadlineIn(uint64_t ms) {
  return std::chrono::system_clock::now() + std::chrono::milliseconds(ms);
}

// The status codes of gRPC and of Abseil have equal numbers.
absl::Status FromGrpc(const std::string& address, const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const bool unavailable = status.error_code() == grpc::StatusCode::UNAVAILABLE;
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      unavailable
                          ? ExplainUnavailable(address, status.error_message())
                          : status.error_message());
}

// gRPC ends the program where metadata cannot be sent.
absl::Status CheckMetadata(const CallMetadata& metadata) {
  const auto is_visible = [](const std::string& text, char first) {
    return std::all_of(text.begin(), text.end(),
                       [first](char c) { return c >= first && c <= '~'; });
  };
  constexpr size_t kMaxRequestId = 128;
  if (metadata.request_id.size() > kMaxRequestId ||
      !is_visible(metadata.request_id, '!')) {
    return absl::InvalidArgumentError(
        fmt::format("request_id: expected at most {} bytes of visible ASCII",
                    kMaxRequestId));
  }
  if (!is_visible(metadata.traceparent, '!') ||
      !is_visible(metadata.tracestate, ' ')) {
    return absl::InvalidArgumentError(
        "traceparent, tracestate: expected printable ASCII");
  }
  return absl::OkStatus();
}

void AddTo(grpc::ClientContext* context, const CallMetadata& metadata) {
  const auto add = [context](const char* key, const std::string& value) {
    if (!value.empty()) context->AddMetadata(key, value);
  };
  add(kRequestIdKey, metadata.request_id);
  add("traceparent", metadata.traceparent);
  add("tracestate", metadata.tracestate);
}

// The error with the name that the server sent with it.
absl::Status WithRequestId(const grpc::ClientContext& context,
                           absl::Status error) {
  if (error.ok()) return error;
  const auto& trailing = context.GetServerTrailingMetadata();
  const auto found = trailing.find(kRequestIdKey);
  if (found == trailing.end()) return error;
  error.SetPayload(kRequestIdPayload,
                   absl::Cord(absl::string_view(found->second.data(),
                                                found->second.size())));
  return error;
}

// Calls a method of the stub.
template <typename Request, typename Response>
absl::StatusOr<Response> Call(
    v1::Retrieval::Stub& stub, const std::string& address,
    grpc::Status (v1::Retrieval::Stub::*method)(grpc::ClientContext*,
                                                const Request&, Response*),
    const Request& request, uint32_t deadline_ms,
    const CallMetadata& metadata) {
  if (absl::Status status = CheckMetadata(metadata); !status.ok()) {
    return status;
  }
  grpc::ClientContext context;
  AddTo(&context, metadata);
  context.set_deadline(DeadlineIn(deadline_ms));
  Response response;
  const grpc::Status status = (stub.*method)(&context, request, &response);
  if (status.ok()) return response;
  return WithRequestId(context, FromGrpc(address, status));
}

absl::Status CheckColumn(std::string_view name, int size, int candidates) {
  if (size == candidates) return absl::OkStatus();
  return absl::DataLossError(
      fmt::format("{}: {} entries, expected {}", name, size, candidates));
}

absl::Status CheckColumns(const v1::RetrieveResponse& response) {
  const int n = response.scores_size();
  absl::Status status =
      CheckColumn("item_ids and item_keys",
                  response.item_ids_size() + response.item_keys_size(), n);
  status.Update(CheckColumn("sources", response.sources_size(), n));
  if (response.factors_size() > 0) {
    status.Update(CheckColumn("factors", response.factors_size(), n));
  }
  for (const v1::SourceReport& report : response.source_reports()) {
    if (report.ranks_size() == 0 && report.raw_scores_size() == 0) continue;
    status.Update(CheckColumn("ranks", report.ranks_size(), n));
    status.Update(CheckColumn("raw_scores", report.raw_scores_size(), n));
  }
  return status;
}

absl::Status AddProposals(const v1::RetrieveResponse& response, int i,
                          Candidate* candidate) {
  const uint64_t sources = response.sources(i);
  if (sources >> response.source_reports_size() != 0) {
    return absl::DataLossError(
        fmt::format("sources[{}]: {:#x}, but there are {} sources", i, sources,
                    response.source_reports_size()));
  }
  for (int s = 0; s < response.source_reports_size(); ++s) {
    if ((sources >> s & 1) == 0) continue;
    const v1::SourceReport& report = response.source_reports(s);
    Proposal proposal{.source = report.name()};
    if (report.ranks_size() > 0) {
      proposal.rank = report.ranks(i);
      proposal.raw_score = report.raw_scores(i);
    }
    candidate->proposals.push_back(proposal);
  }
  return absl::OkStatus();
}

}  // namespace

std::string RequestIdOf(const absl::Status& error) {
  const auto id = error.GetPayload(kRequestIdPayload);
  return id.has_value() ? std::string(*id) : std::string();
}

// https://github.com/grpc/proposal/blob/master/A6-client-retries.md describes
// the fields. CANCELLED is retryable because a server that shuts down ends with
// it the calls that it has not started to handle.
std::string ServiceConfig(const ClientOptions& options) {
  std::string retry_policy;
  std::string throttling;
  if (options.max_attempts > 1) {
    // Retries stop while more than a tenth of the calls fail, so that they do
    // not add to the load of a server that refuses calls. A restart costs a few
    // of the 500 failures before that.
    throttling = R"(, "retryThrottling": {"maxTokens": 1000,)"
                 R"( "tokenRatio": 0.1})";
    retry_policy =
        fmt::format(R"(, "retryPolicy": {{"maxAttempts": {},)"
                    R"( "initialBackoff": "{:.3f}s", "maxBackoff": "{:.3f}s",)"
                    R"( "backoffMultiplier": 2, "retryableStatusCodes":)"
                    R"( ["UNAVAILABLE", "RESOURCE_EXHAUSTED", "CANCELLED"]}})",
                    options.max_attempts, options.initial_backoff_ms / 1e3,
                    kMaxBackoffMs / 1e3);
  }
  return fmt::format(R"({{"methodConfig": [{{"name": [{{"service": "{}"}}],)"
                     R"( "waitForReady": {}{}}}]{}}})",
                     v1::Retrieval::service_full_name(), options.wait_for_ready,
                     retry_policy, throttling);
}

RetrievalClient::RetrievalClient(const std::string& address,
                                 const ClientOptions& options,
                                 const std::shared_ptr<grpc::Channel>& channel)
    : address_(address),
      deadline_ms_(options.deadline_ms),
      stub_(v1::Retrieval::NewStub(channel)) {}

absl::StatusOr<std::unique_ptr<RetrievalClient>> RetrievalClient::Connect(
    const std::string& address, const ClientOptions& options) {
  absl::Status status = CheckServerAddress("address", address);
  status.Update(CheckOptions(options));
  if (!status.ok()) return status;
  const auto channel = MakeChannel(address, options);
  if (!channel.ok()) return channel.status();
  return std::unique_ptr<RetrievalClient>(
      new RetrievalClient(address, options, *channel));
}

absl::StatusOr<v1::RetrieveResponse> RetrievalClient::Retrieve(
    const v1::RetrieveRequest& request, const CallMetadata& metadata) {
  return Call(*stub_, address_, &v1::Retrieval::Stub::Retrieve, request,
              deadline_ms_, metadata);
}

absl::StatusOr<v1::BatchRetrieveResponse> RetrievalClient::BatchRetrieve(
    const v1::BatchRetrieveRequest& request, const CallMetadata& metadata) {
  return Call(*stub_, address_, &v1::Retrieval::Stub::BatchRetrieve, request,
              deadline_ms_, metadata);
}

absl::Status RetrievalClient::StreamRetrieve(
    const v1::BatchRetrieveRequest& request,
    const std::function<absl::Status(const v1::BatchRetrieveResponse& part)>&
        on_part,
    const CallMetadata& metadata) {
  if (absl::Status status = CheckMetadata(metadata); !status.ok()) {
    return status;
  }
  constexpr uint64_t kRequestsPerDeadline = 1000;
  const uint64_t deadlines =
      1 + static_cast<uint64_t>(request.requests_size()) / kRequestsPerDeadline;
  grpc::ClientContext context;
  AddTo(&context, metadata);
  context.set_deadline(DeadlineIn(deadlines * deadline_ms_));
  const auto reader = stub_->StreamRetrieve(&context, request);
  v1::BatchRetrieveResponse part;
  while (reader->Read(&part)) {
    if (absl::Status status = on_part(part); !status.ok()) {
      context.TryCancel();
      reader->Finish();
      return status;
    }
  }
  const grpc::Status finished = reader->Finish();
  return WithRequestId(context, FromGrpc(address_, finished));
}

absl::StatusOr<std::vector<Candidate>> Candidates(
    const v1::RetrieveResponse& response) {
  if (absl::Status status = CheckColumns(response); !status.ok()) return status;
  std::vector<Candidate> candidates(response.scores_size());
  for (int i = 0; i < response.scores_size(); ++i) {
    Candidate& candidate = candidates[i];
    if (response.item_keys_size() > 0) {
      candidate.key = response.item_keys(i);
    } else {
      candidate.id = response.item_ids(i);
      candidate.key = fmt::format("{}", candidate.id);
    }
    candidate.score = response.scores(i);
    if (response.factors_size() > 0) candidate.factor = response.factors(i);
    if (absl::Status status = AddProposals(response, i, &candidate);
        !status.ok()) {
      return status;
    }
  }
  return candidates;
}

}  // namespace tributary
