#include "server/pipeline/asked_request.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "fmt/format.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// The profile that the request goes by: that of the first page, whatever has
// become of shares since then.
std::string_view ProfileOf(const v1::RetrieveRequest& request,
                           const std::optional<Page>& page) {
  if (request.page_token().empty()) return request.profile();
  const std::string& first = page->begin.profile;
  return first.empty() ? kNoProfile : std::string_view(first);
}

// Ages are counted to the time of the first page, or the order would change
// from page to page.
void FixTime(const Page& page, AskedRequest* asked,
             v1::RetrieveRequest* completed) {
  const v1::RetrieveRequest& message = asked->message();
  if (!message.has_decay() || !message.decay().at().empty()) return;
  if (asked->profiled.request != completed) *completed = message;
  completed->mutable_decay()->set_at(absl::FormatTime(
      absl::RFC3339_full, absl::FromUnixMillis(page.begin.first_asked_ms),
      absl::UTCTimeZone()));
  asked->profiled.request = completed;
}

template <typename T>
void KeepRange(size_t begin, size_t end, std::vector<T>* values) {
  if (values->empty()) return;
  values->erase(values->begin() + static_cast<std::ptrdiff_t>(end),
                values->end());
  values->erase(values->begin(),
                values->begin() + static_cast<std::ptrdiff_t>(begin));
}

}  // namespace

absl::StatusOr<AskedRequest> MakeAskedRequest(
    const Profiles& profiles, uint64_t bundle_version,
    const v1::RetrieveRequest& request, const RetrieveOptions& options,
    v1::RetrieveRequest* completed) {
  AskedRequest asked;
  asked.options = options;
  ASSIGN_OR_RETURN(asked.page, BeginPage(request, bundle_version, options.level,
                                         absl::ToUnixMillis(absl::Now())));
  ASSIGN_OR_RETURN(
      asked.profiled,
      profiles.Apply(request, ProfileOf(request, asked.page), completed));
  if (options.profiles != nullptr) {
    RETURN_IF_ERROR(options.profiles->Check(asked.profiled.profile));
  }
  if (!asked.page.has_value()) return asked;
  asked.page->begin.profile = asked.profiled.profile;
  asked.options.level = asked.page->begin.level;
  FixTime(*asked.page, &asked, completed);
  return asked;
}

absl::Status WithProfileNamed(const AskedRequest& asked,
                              const absl::Status& error) {
  if (asked.profiled.profile.empty() || error.ok()) return error;
  absl::Status named(error.code(), fmt::format("{} (with the profile \"{}\")",
                                               std::string(error.message()),
                                               asked.profiled.profile));
  error.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    named.SetPayload(url, payload);
  });
  return named;
}

absl::Status CutToPage(const AskedRequest& asked, std::string_view label,
                       FusionResult* fused, std::string* next_token) {
  next_token->clear();
  if (!asked.page.has_value()) return absl::OkStatus();
  Page page = *asked.page;
  if (page.begin.offset == 0) page.begin.bundle_label = label;
  thread_local std::vector<Row> rows;
  rows.clear();
  for (const FusedCandidate& candidate : fused->candidates) {
    rows.push_back(candidate.row);
  }
  ASSIGN_OR_RETURN(const auto place, PlacePage(page, rows, next_token));
  KeepRange(place.first, place.second, &fused->candidates);
  KeepRange(place.first, place.second, &fused->factors);
  return absl::OkStatus();
}

}  // namespace tributary
