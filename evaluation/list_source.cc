#include "evaluation/list_source.h"

#include <chrono>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "server/pipeline/ask_deeper.h"
#include "server/pipeline/fuse_results.h"
#include "server/pipeline/server_config.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// Above what any evaluation asks for.
constexpr uint32_t kMaxK = 100000;
constexpr uint32_t kDeadlineMs = 60000;

// A source that failed has no list: to measure it as an empty one would say
// that it finds nothing.
absl::Status SourceFailed(std::string_view retriever,
                          std::string_view user_key) {
  return absl::InternalError(fmt::format(
      "retriever {} failed for user \"{}\"; event=source_failed in the log has "
      "the reason",
      retriever, user_key));
}

}  // namespace

absl::StatusOr<ListSource> ListSource::Make(
    std::shared_ptr<const ServingBundle> bundle, v1::ServerConfig config,
    v1::RetrieveRequest asked) {
  config.set_bundles(bundle->bundle().dir().parent_path());
  config.mutable_limits()->set_max_k(kMaxK);
  config.mutable_defaults()->set_deadline_ms(kDeadlineMs);
  ASSIGN_OR_RETURN(config, CompleteServerConfig(std::move(config)));
  ListSource lists(std::move(bundle), config);
  lists.asked_ = std::move(asked);
  if (lists.asked_.ByteSizeLong() == 0) return lists;
  // What is wrong with the request is said here, and not for the first user.
  Plan plan;
  const absl::Status planned =
      MakePlan(lists.config_, *lists.bundle_, lists.asked_,
               std::chrono::steady_clock::now(), SteadyTime::max(), &plan);
  if (!planned.ok()) return absl::Status(planned.code(), planned.message());
  lists.passing_ = plan.query.passing;
  return lists;
}

void ListSource::Ask(const std::string& user_key, uint32_t k,
                     v1::RetrieveRequest* request) const {
  *request = asked_;
  request->set_user_key(user_key);
  request->set_k(k);
  // The user may belong to the share of a profile, of which AskSources knows
  // nothing.
  request->set_profile("none");
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
  Ask(user_key, k, &request);
  return Rows(request);
}

absl::StatusOr<std::vector<Row>> ListSource::Alone(const std::string& user_key,
                                                   const std::string& retriever,
                                                   uint32_t k) const {
  v1::RetrieveRequest request;
  Ask(user_key, k, &request);
  (*request.mutable_quotas())[retriever].set_target(k);
  return Rows(request);
}

absl::Status ListSource::AskSources(const std::string& user_key, uint32_t k,
                                    Answers* answers,
                                    const v1::Diversity* diversity) const {
  Ask(user_key, k, &answers->request);
  if (diversity != nullptr) {
    *answers->request.mutable_diversity() = *diversity;
  }
  RETURN_IF_ERROR(MakePlan(config_, *bundle_, answers->request,
                           std::chrono::steady_clock::now(), SteadyTime::max(),
                           &answers->plan));
  answers->results.resize(answers->plan.sources.size());
  FanOut(bundle_, answers->plan, nullptr, config_.execution().inline_below_us(),
         answers->results);
  for (size_t i = 0; i < answers->results.size(); ++i) {
    const SourceState state = answers->results[i].state;
    if (state == SourceState::kAnswered || state == SourceState::kNoQuery) {
      continue;
    }
    return SourceFailed(bundle_->NameOf(answers->plan.sources[i].retriever),
                        user_key);
  }
  if (answers->plan.caps.empty()) return absl::OkStatus();
  static thread_local std::vector<FusionSource> sources;
  static thread_local FusionResult fused;
  FuseResults(answers->plan, answers->results, &sources, &fused);
  while (IsShortByCaps(answers->plan, fused) &&
         AskDeeper(bundle_, nullptr, config_.execution().inline_below_us(),
                   &answers->plan, answers->results, &answers->deeper)) {
    FuseResults(answers->plan, answers->results, &sources, &fused);
  }
  return absl::OkStatus();
}

std::vector<Row> ListSource::Fuse(const Answers& answers) const {
  static thread_local std::vector<FusionSource> sources;
  static thread_local FusionResult fused;
  FuseResults(answers.plan, answers.results, &sources, &fused);
  std::vector<Row> rows;
  rows.reserve(fused.candidates.size());
  for (const FusedCandidate& candidate : fused.candidates) {
    rows.push_back(candidate.row);
  }
  return rows;
}

absl::StatusOr<std::vector<Row>> ListSource::Rows(
    const v1::RetrieveRequest& request) const {
  v1::RetrieveResponse response;
  RETURN_IF_ERROR(
      pipeline_->Retrieve(bundle_, request, SteadyTime::max(), &response));
  for (const v1::SourceReport& report : response.source_reports()) {
    if (report.cause() == v1::FAILED || report.cause() == v1::DEADLINE) {
      return SourceFailed(report.name(), request.user_key());
    }
  }
  const KeyTable& items = bundle_->bundle().items();
  std::vector<Row> rows;
  for (const uint64_t id : response.item_ids()) rows.push_back(items.Find(id));
  for (const std::string& key : response.item_keys()) {
    rows.push_back(items.Find(std::string_view(key)));
  }
  return rows;
}

}  // namespace tributary
