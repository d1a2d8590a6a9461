#include "server/evaluation/list_source.h"

#include <string_view>
#include <utility>

#include "server/pipeline/server_config.h"
#include "status/status_macros.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {
namespace {

// Longer lists than any test asks for, and no hurry.
constexpr uint32_t kMaxK = 100000;
constexpr uint32_t kDeadlineMs = 60000;

}  // namespace

absl::StatusOr<ListSource> ListSource::Make(
    std::shared_ptr<const ServingBundle> bundle, v1::ServerConfig config) {
  config.set_bundles(bundle->bundle().dir().parent_path());
  config.mutable_limits()->set_max_k(kMaxK);
  config.mutable_defaults()->set_deadline_ms(kDeadlineMs);
  ASSIGN_OR_RETURN(config, CompleteServerConfig(std::move(config)));
  return ListSource(std::move(bundle), config);
}

ListSource::ListSource(std::shared_ptr<const ServingBundle> bundle,
                       const v1::ServerConfig& config)
    : bundle_(std::move(bundle)),
      config_(config),
      pipeline_(std::make_shared<const Pipeline>(config_, nullptr, nullptr,
                                                 nullptr)) {}

absl::StatusOr<std::vector<Row>> ListSource::Fused(const std::string& user_key,
                                                   uint32_t k) const {
  v1::RetrieveRequest request;
  request.set_user_key(user_key);
  request.set_k(k);
  return Rows(request);
}

absl::StatusOr<std::vector<Row>> ListSource::Alone(const std::string& user_key,
                                                   const std::string& retriever,
                                                   uint32_t k) const {
  v1::RetrieveRequest request;
  request.set_user_key(user_key);
  request.set_k(k);
  (*request.mutable_quotas())[retriever].set_target(k);
  return Rows(request);
}

absl::StatusOr<std::vector<Row>> ListSource::Rows(
    const v1::RetrieveRequest& request) const {
  v1::RetrieveResponse response;
  RETURN_IF_ERROR(
      pipeline_->Retrieve(bundle_, request, SteadyTime::max(), &response));
  const KeyTable& items = bundle_->bundle().items();
  std::vector<Row> rows;
  for (const uint64_t id : response.item_ids()) rows.push_back(items.Find(id));
  for (const std::string& key : response.item_keys()) {
    rows.push_back(items.Find(std::string_view(key)));
  }
  return rows;
}

}  // namespace tributary
