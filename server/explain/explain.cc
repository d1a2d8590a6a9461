#include "server/explain/explain.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "fmt/format.h"
#include "google/rpc/error_details.pb.h"
#include "server/explain/nearest_keys.h"
#include "server/explain/sentence.h"
#include "server/pipeline/key_rows.h"
#include "server/pipeline/violations.h"
#include "status/field_error.h"
#include "status/status_macros.h"
#include "text/utf8.h"

namespace tributary {
namespace {

// A key of the request, and where the bundle has it.
struct AskedItem {
  std::string key;
  Row row = kNoRow;
};

// A key of an item of the bundle, or of one that live changes added to it.
std::vector<AskedItem> AskedItems(const ServingBundle& serving,
                                  const v1::ExplainRequest& request) {
  const auto overlay = serving.changes().overlay();
  const ItemRows known = {
      serving.bundle().items(),
      overlay == nullptr ? nullptr : overlay->additions.get()};
  std::vector<AskedItem> items;
  for (const uint64_t id : request.item_ids()) {
    items.push_back({fmt::format("{}", id), FindKey(known, id)});
  }
  for (const std::string& key : request.item_keys()) {
    items.push_back({key, FindKey(known, key)});
  }
  return items;
}

void WriteUnknown(const Bundle& bundle, const AskedItem& item,
                  v1::ItemExplanation* to) {
  to->set_item_key(item.key);
  to->set_verdict(v1::NOT_IN_THE_CATALOGUE);
  const std::vector<std::string> nearest =
      NearestKeys(bundle.items(), item.key);
  for (const std::string& key : nearest) {
    if (IsUtf8(key)) to->add_nearest_keys(key);
  }
  to->set_sentence(UnknownItemSentence(item.key, nearest));
}

void WriteSource(const SourceFinding& source, v1::SourceExplanation* to) {
  to->set_name(source.name);
  to->set_had_query(source.state != SourceState::kNoQuery);
  to->set_knows_item(source.knows_item);
  to->set_exact_rank(source.exact_rank);
  to->set_exact_score(source.exact_score);
  to->set_proposed_rank(source.proposed_rank);
  to->set_asked(source.planned.asked);
  to->set_missed_by_index(source.missed_by_index());
  to->set_contribution(source.contribution);
}

void WriteKnown(const AskedItem& item, const Finding& finding,
                const Remedies& remedies, const v1::Limits& limits,
                v1::ItemExplanation* to) {
  to->set_item_key(item.key);
  to->set_verdict(finding.verdict());
  to->set_sentence(SentenceOf(finding, remedies, limits));
  *to->mutable_failed_terms() = finding.failed_terms;
  for (const SourceFinding& source : finding.sources) {
    WriteSource(source, to->add_sources());
  }
  to->set_fused_rank(finding.fused_rank);
  to->set_fused_score(finding.fused_score);
  to->set_factor(finding.factor);
  if (finding.verdict() == v1::KEPT_OUT_BY_CAP) {
    const FullCap& cap = finding.full_caps.front();
    to->set_cap_attribute(cap.attribute);
    for (const std::string& key : cap.items) {
      if (IsUtf8(key)) to->add_cap_items(key);
    }
  }
  to->set_rank(finding.rank);
  if (!remedies.found.empty()) {
    *to->mutable_remedy() = remedies.found.front().request;
  }
}

}  // namespace

Explainer::Explainer(const v1::ServerConfig& config)
    : limits_(config.limits()), profiles_(config), examiner_(config) {}

absl::Status Explainer::Check(const v1::ExplainRequest& request) const {
  if (limits_.max_explained_items() == 0) {
    return absl::UnimplementedError(
        "limits.max_explained_items is 0: this server does not explain");
  }
  const int64_t items =
      int64_t{request.item_ids_size()} + request.item_keys_size();
  const char* const path =
      request.item_keys().empty() && items > 0 ? "item_ids" : "item_keys";
  if (items == 0) return FieldError(path, "empty, expected at least one item");
  if (items > limits_.max_explained_items()) {
    return FieldError(path, "{} items, limits.max_explained_items is {}", items,
                      limits_.max_explained_items());
  }
  for (int i = 0; i < request.item_keys_size(); ++i) {
    const size_t bytes = request.item_keys(i).size();
    if (bytes <= limits_.max_key_bytes()) continue;
    return FieldError(fmt::format("item_keys[{}]", i),
                      "{} bytes, limits.max_key_bytes is {}", bytes,
                      limits_.max_key_bytes());
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::ExplainResponse> Explainer::Explain(
    const RoutedBundle& routed, const v1::ExplainRequest& request,
    const ExplainTerms& terms, const ProfileGrant* profiles) const {
  RETURN_IF_ERROR(Check(request));
  const Bundle& bundle = routed.bundle->bundle();
  const absl::StatusOr<v1::RetrieveRequest> completed =
      WithConditions(request.request());
  if (!completed.ok()) return UnderRequest(completed.status());
  const v1::RetrieveRequest& whole = *completed;
  if (profiles != nullptr) RETURN_IF_ERROR(profiles->Check(whole.profile()));
  const std::vector<AskedItem> items = AskedItems(*routed.bundle, request);
  std::vector<Row> rows;
  for (const AskedItem& item : items) {
    if (item.row != kNoRow) rows.push_back(item.row);
  }
  // Also without any row, so that a request that is refused is refused.
  std::vector<Finding> findings;
  const absl::StatusOr<RunSummary> run =
      examiner_.Examine(routed, whole, terms, rows, &findings);
  if (!run.ok()) return UnderRequest(run.status());
  v1::ExplainResponse response;
  response.set_k(run->k);
  response.set_candidates(run->candidates);
  auto finding = findings.begin();
  for (const AskedItem& item : items) {
    v1::ItemExplanation* const explanation = response.add_items();
    if (item.row == kNoRow) {
      WriteUnknown(bundle, item, explanation);
      continue;
    }
    Remedies remedies;
    if (finding->rank == 0) {
      ASSIGN_OR_RETURN(remedies, RemediesFor(routed, request.request(), whole,
                                             terms, *finding, profiles));
    }
    WriteKnown(item, *finding, remedies, limits_, explanation);
    ++finding;
  }
  response.set_bundle_version(bundle.version());
  response.set_bundle_label(std::string(routed.label.view()));
  if (whole.profile() != kNoProfile) response.set_profile(whole.profile());
  return response;
}

absl::StatusOr<v1::RetrieveRequest> Explainer::WithConditions(
    const v1::RetrieveRequest& request) const {
  v1::RetrieveRequest whole = request;
  ASSIGN_OR_RETURN(const ProfiledRequest profiled,
                   profiles_.Apply(request, request.profile(), &whole));
  if (!profiled.profile.empty()) {
    whole.set_profile(std::string(profiled.profile));
  }
  whole.clear_page_size();
  whole.clear_page_token();
  return whole;
}

// A request cannot take back what its profile's filter asks for. What can be
// done is to ask without the profile, or with another.
absl::StatusOr<Remedies> Explainer::RemediesFor(
    const RoutedBundle& routed, const v1::RetrieveRequest& request,
    const v1::RetrieveRequest& whole, const ExplainTerms& terms,
    const Finding& finding, const ProfileGrant* profiles) const {
  ASSIGN_OR_RETURN(Remedies remedies, FindRemedies(examiner_, limits_, routed,
                                                   whole, terms, finding));
  const bool by_profile = !whole.profile().empty() &&
                          whole.profile() != kNoProfile &&
                          !remedies.opened.failed_terms.empty();
  if (!remedies.found.empty() || !by_profile) return remedies;
  std::vector<std::string_view> names = {kNoProfile};
  for (const std::string_view name : profiles_.names()) {
    if (name != whole.profile()) names.push_back(name);
  }
  for (const std::string_view name : names) {
    // What the caller may not ask for is no remedy.
    if (profiles != nullptr && !profiles->Allows(name)) continue;
    v1::RetrieveRequest other = request;
    other.set_profile(std::string(name));
    ASSIGN_OR_RETURN(other, WithConditions(other));
    std::vector<Finding> findings;
    const absl::Status examined =
        examiner_.Examine(routed, other, terms, {&finding.row, 1}, &findings)
            .status();
    // The bundle may lack what that profile needs.
    if (absl::IsInvalidArgument(examined) ||
        absl::IsFailedPrecondition(examined)) {
      continue;
    }
    RETURN_IF_ERROR(examined);
    ASSIGN_OR_RETURN(
        Remedies others,
        FindRemedies(examiner_, limits_, routed, other, terms, findings.front(),
                     {fmt::format("profile {}", name)}));
    if (!others.found.empty()) return others;
    // Why there is none without the profile says more than that it has a
    // filter.
    if (name == kNoProfile) remedies = std::move(others);
  }
  return remedies;
}

absl::Status UnderRequest(const absl::Status& error) {
  if (!absl::IsInvalidArgument(error) && !absl::IsFailedPrecondition(error)) {
    return error;
  }
  const std::string_view message(error.message().data(),
                                 error.message().size());
  google::rpc::BadRequest details;
  const auto payload = error.GetPayload(kBadRequestPayload);
  if (!payload.has_value() || !details.ParseFromString(std::string(*payload))) {
    return {error.code(), fmt::format("request.{}", message)};
  }
  // What the message says beyond the violations: how many more there are.
  size_t said = 0;
  std::string under;
  for (auto& violation : *details.mutable_field_violations()) {
    if (said > 0) {
      said += 2;
      under += "; ";
    }
    said += violation.field().size() + 2 + violation.description().size();
    violation.set_field("request." + violation.field());
    under += fmt::format("{}: {}", violation.field(), violation.description());
  }
  under += message.substr(std::min(said, message.size()));
  absl::Status status(error.code(), under);
  status.SetPayload(kBadRequestPayload,
                    absl::Cord(details.SerializeAsString()));
  return status;
}

}  // namespace tributary
