// The input is a RetrieveRequest, which the pipeline answers from a tiny
// bundle.
#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <string_view>

#include "google/protobuf/stubs/logging.h"
#include "server/pipeline/server_config.h"
#include "server/service/retrieval_handler.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {
namespace {

v1::ServerConfig TinyConfig() {
  WriteTinyBundle(FuzzDir(), 1);
  v1::ServerConfig config;
  config.set_bundles(FuzzDir());
  config.mutable_defaults()->set_deadline_ms(60'000);
  config.mutable_residency()->set_warm_queries(0);
  return CompleteServerConfig(config).value();
}

// What answers requests, without threads for them.
class Answering {
 public:
  Answering() {
    // It would report each text that is not UTF-8.
    google::protobuf::SetLogHandler(nullptr);
    Require(bundles_.Restore().ok() && bundles_.Snapshot().ok());
  }

  const v1::Limits& limits() const { return config_.limits(); }
  uint32_t default_k() const { return config_.defaults().k(); }
  const RetrievalHandler& handler() const { return handler_; }

 private:
  const v1::ServerConfig config_ = TinyConfig();
  BundleSet bundles_{config_, RetrieverRegistry::BuiltIn(), {}};
  WorkerPool pool_{1, 4};
  Pipeline pipeline_{config_, &pool_, nullptr, nullptr};
  RetrievalHandler handler_{config_, &bundles_, &pipeline_};
};

void CheckReply(const v1::RetrieveResponse& reply, uint32_t k) {
  const auto& scores = reply.scores();
  Require(static_cast<uint32_t>(scores.size()) <= k);
  Require(reply.item_keys_size() == scores.size());
  Require(reply.sources_size() == scores.size());
  Require(std::is_sorted(scores.rbegin(), scores.rend()));
  for (const float score : scores) Require(std::isfinite(score));
  const std::set<std::string> keys(reply.item_keys().begin(),
                                   reply.item_keys().end());
  Require(keys.size() == static_cast<size_t>(reply.item_keys_size()));
}

}  // namespace
}  // namespace tributary

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tributary;  // NOLINT
  static const Answering answering;
  const RequestOutline outline =
      OutlineRetrieve(AsText(data, size), answering.limits());
  if (!outline.status.ok()) return 0;
  std::string bytes;
  const absl::Status status =
      answering.handler().Retrieve(outline, RetrieveOptions(), &bytes);
  if (!status.ok()) {
    Require(!status.message().empty());
    Require(absl::IsInvalidArgument(status) || absl::IsNotFound(status) ||
            absl::IsFailedPrecondition(status));
    return 0;
  }
  v1::RetrieveResponse reply;
  Require(reply.ParseFromString(bytes));
  CheckReply(reply, outline.k == 0 ? answering.default_k() : outline.k);
  return 0;
}
