#ifndef TRIBUTARY_SERVER_EXPLAIN_REMEDY_H_
#define TRIBUTARY_SERVER_EXPLAIN_REMEDY_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/explain/findings.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// How many changed requests are run for one item at most.
inline constexpr int kMaxTrials = 128;

// A change of a request that brings an item in.
struct Remedy {
  // As "include_seen and k >= 940".
  std::string text;
  v1::RetrieveRequest request;
};

struct Remedies {
  // The least change first. Each was run, and its list has the item.
  std::vector<Remedy> found;
  // The changes without which the item may not be proposed at all, as texts;
  // every remedy has them.
  std::vector<std::string> opening;
  // What one run made of the item after these; without any, the finding that
  // was given.
  Finding opened;
  // Whether the trials were used up.
  bool gave_up = false;
};

// Looks for changes of `request` that bring in the item of `finding`, which is
// what a run of it made of the item. First it is made sure that the item may be
// proposed: include_seen, no exclusion, no term of the filter that it fails.
// Then caps, the quotas of the sources that rank it best, and k are raised, one
// alone and then several together, as little as does; last, sources are added
// that the request does not ask. `made` are the changes, as texts, that the
// request has in it already; every remedy has them. Errors: those of
// ExplainTerms::Check.
absl::StatusOr<Remedies> FindRemedies(const Examiner& examiner,
                                      const v1::Limits& limits,
                                      const RoutedBundle& routed,
                                      const v1::RetrieveRequest& request,
                                      const ExplainTerms& terms,
                                      const Finding& finding,
                                      std::vector<std::string> made = {});

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_EXPLAIN_REMEDY_H_
