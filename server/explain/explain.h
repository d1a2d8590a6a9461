#ifndef TRIBUTARY_SERVER_EXPLAIN_EXPLAIN_H_
#define TRIBUTARY_SERVER_EXPLAIN_EXPLAIN_H_

#include "absl/status/statusor.h"
#include "server/access/rights.h"
#include "server/explain/findings.h"
#include "server/explain/remedy.h"
#include "server/profiles/profiles.h"
#include "server/versions/bundle_routes.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/explain.pb.h"

namespace tributary {

// Answers calls of Explain from a bundle. Thread-safe; keeps no state between
// calls.
class Explainer {
 public:
  // `config` is complete (see CompleteServerConfig).
  explicit Explainer(const v1::ServerConfig& config);

  // OK if the items of the request are within the limits. UNIMPLEMENTED when
  // limits.max_explained_items is 0; else INVALID_ARGUMENT whose message begins
  // with the path of the field.
  absl::Status Check(const v1::ExplainRequest& request) const;

  // Explains, on the calling thread. `routed` is what request.request() is
  // answered from. Errors: those of Check; those of Pipeline::Retrieve, whose
  // paths begin with "request."; those of ExplainTerms::Check;
  // PERMISSION_DENIED for a profile that is not among `profiles`, which may be
  // null.
  absl::StatusOr<v1::ExplainResponse> Explain(
      const RoutedBundle& routed, const v1::ExplainRequest& request,
      const ExplainTerms& terms, const ProfileGrant* profiles = nullptr) const;

 private:
  // The request with the conditions of its profile, so that they can be
  // explained, too; the pipeline takes the profile's defaults by its name.
  absl::StatusOr<v1::RetrieveRequest> WithConditions(
      const v1::RetrieveRequest& request) const;
  // `whole` is the request with its conditions, and `finding` what a run made
  // of an item that is not in its list. `profiles` are those that the caller
  // may ask for; null: all.
  absl::StatusOr<Remedies> RemediesFor(const RoutedBundle& routed,
                                       const v1::RetrieveRequest& request,
                                       const v1::RetrieveRequest& whole,
                                       const ExplainTerms& terms,
                                       const Finding& finding,
                                       const ProfileGrant* profiles) const;

  const v1::Limits limits_;
  const Profiles profiles_;
  const Examiner examiner_;
};

// An error of a RetrieveRequest as one of the ExplainRequest that holds it:
// each path of INVALID_ARGUMENT begins with "request." then, and so does the
// message of FAILED_PRECONDITION. Others stay as they are.
absl::Status UnderRequest(const absl::Status& error);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_EXPLAIN_EXPLAIN_H_
