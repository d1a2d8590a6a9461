#ifndef TRIBUTARY_SERVER_PIPELINE_ASKED_REQUEST_H_
#define TRIBUTARY_SERVER_PIPELINE_ASKED_REQUEST_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/fusion/fusion.h"
#include "server/pages/page.h"
#include "server/pipeline/plan.h"
#include "server/profiles/profiles.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// A request as it is answered: with the conditions of its profile, for one page
// of its list, by the options that hold for all pages of the list. Views what
// MakeAskedRequest was given.
struct AskedRequest {
  ProfiledRequest profiled;
  // Nothing when the whole list is asked for.
  std::optional<Page> page;
  RetrieveOptions options;

  const v1::RetrieveRequest& message() const { return *profiled.request; }
  const v1::ServerConfig& config() const { return *profiled.config; }
};

// Finds the request's profile and page. *completed is memory for a request that
// differs from `request`; one without a profile and a page is not copied.
// Errors: INVALID_ARGUMENT for an unknown profile or a wrong page token;
// ABORTED when the page cannot be had from `bundle_version`.
absl::StatusOr<AskedRequest> MakeAskedRequest(
    const Profiles& profiles, uint64_t bundle_version,
    const v1::RetrieveRequest& request, const RetrieveOptions& options,
    v1::RetrieveRequest* completed);

// The error of a request with a profile, which may be the profile's fault: says
// so after the message.
absl::Status WithProfileNamed(const AskedRequest& asked,
                              const absl::Status& error);

// Cuts the fused list down to the page, if one is asked for, and sets
// *next_token to what asks for the one after it; to nothing if there is none.
// ABORTED when the list is not that of the pages before it.
absl::Status CutToPage(const AskedRequest& asked, std::string_view label,
                       FusionResult* fused, std::string* next_token);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_ASKED_REQUEST_H_
