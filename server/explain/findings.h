// Explaining a retrieval: why is an item not among the candidates, and what
// would bring it in? This folder runs the pipeline as it is (server/pipeline),
// and reads what it did; it decides nothing that the pipeline decides.
//
// - findings.h: what the stages of one run made of an item.
// - remedy.h: which change of the request brings it in; tried, not guessed.
// - sentence.h: both in words.
// - explain.h: all of it, for one call.
// - explain_calls.h: calls, one at a time, on a thread of low priority.
#ifndef TRIBUTARY_SERVER_EXPLAIN_FINDINGS_H_
#define TRIBUTARY_SERVER_EXPLAIN_FINDINGS_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/changes/expiring_items.h"
#include "index/changes/removed_items.h"
#include "server/pipeline/fan_out.h"
#include "server/pipeline/pipeline.h"
#include "server/pipeline/plan.h"
#include "server/versions/bundle_routes.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/explain.pb.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// Until when a call may be worked on. Both flags may be null; they are valid
// for the whole call.
struct ExplainTerms {
  SteadyTime deadline = SteadyTime::max();
  // True when nobody waits for the answer any more.
  const std::atomic<bool>* cancelled = nullptr;
  // True when the server is shutting down.
  const std::atomic<bool>* closing = nullptr;

  // OK to go on; else CANCELLED, UNAVAILABLE or DEADLINE_EXCEEDED.
  absl::Status Check() const;
};

// What a planned source makes of an item.
struct SourceFinding {
  std::string name;
  // As planned, and asked.
  PlannedSource planned;
  SourceState state = SourceState::kAnswered;
  // Whether it can propose the item for some query; true where it cannot say.
  bool knows_item = false;
  // From 1; 0 for none.
  uint32_t exact_rank = 0;
  double exact_score = 0;
  uint32_t proposed_rank = 0;
  double contribution = 0;

  bool answered() const { return state == SourceState::kAnswered; }
  bool missed_by_index() const {
    return proposed_rank == 0 && exact_rank > 0 && exact_rank <= planned.asked;
  }
};

// A cap that has no room for an item, because the list has as many of its value
// already.
struct FullCap {
  // Index in RetrieveRequest.caps.
  int index = 0;
  std::string attribute;
  // Empty: the item has no value.
  std::string value;
  uint32_t max = 0;
  // The candidates with that value, best first.
  std::vector<std::string> items;
};

// What one run is like, whatever item is asked about.
struct RunSummary {
  uint32_t k = 0;
  // How long its list is.
  uint32_t candidates = 0;
  // Whether the list is a diverse one.
  bool diverse = false;
};

// What one run of the pipeline made of an item.
struct Finding {
  Row row = kNoRow;
  // The items that live changes added, if it is one of them; else null.
  std::shared_ptr<const AddedItems> added = nullptr;

  // Why it may not be proposed. `removal`: the live change that took it down,
  // whatever a request says. `expiry`: the one after which it expired.
  // `seen_by_change`: the number of the live change that says that the user met
  // it; 0: the bundle says so. `excluding_sets`: those of the request's item
  // sets that have it. `excluded_otherwise`: it may not, and none of the others
  // is the reason.
  std::optional<Removal> removal = std::nullopt;
  std::optional<Expiry> expiry = std::nullopt;
  bool seen = false;
  uint64_t seen_by_change = 0;
  bool recent = false;
  bool excluded = false;
  std::vector<std::string> excluding_sets;
  bool excluded_otherwise = false;
  google::protobuf::RepeatedPtrField<v1::FailedTerm> failed_terms;
  bool may_be_proposed() const {
    return !removal && !expiry && !seen && !recent && !excluded &&
           excluding_sets.empty() && !excluded_otherwise &&
           failed_terms.empty();
  }

  // Empty unless it may be proposed.
  std::vector<SourceFinding> sources;
  // How many items were proposed in all, and its rank and score among them;
  // 0 if it was not.
  uint32_t proposed = 0;
  uint32_t fused_rank = 0;
  double fused_score = 0;
  double factor = 1;
  std::vector<FullCap> full_caps;
  // Whether it would be in the list if there were no caps.
  bool fits_without_caps = false;

  RunSummary run;
  // From 1; 0 if it is not in the list.
  uint32_t rank = 0;

  v1::Verdict verdict() const;
};

// Runs the pipeline, and finds out what became of items. Thread-safe.
class Examiner {
 public:
  // `config` is complete (see CompleteServerConfig).
  explicit Examiner(const v1::ServerConfig& config);

  // Replaces *findings by one for each of `rows`, which are rows of the bundle.
  // Returns what the run was like. Errors: those of Pipeline::Retrieve and of
  // ExplainTerms::Check.
  absl::StatusOr<RunSummary> Examine(const RoutedBundle& routed,
                                     const v1::RetrieveRequest& request,
                                     const ExplainTerms& terms,
                                     std::span<const Row> rows,
                                     std::vector<Finding>* findings) const;

  // Whether the request's list has the item. Errors: as for Examine.
  absl::StatusOr<bool> IsInList(const RoutedBundle& routed,
                                const v1::RetrieveRequest& request,
                                const ExplainTerms& terms, Row row) const;

 private:
  absl::Status Run(const RoutedBundle& routed,
                   const v1::RetrieveRequest& request,
                   const ExplainTerms& terms,
                   Pipeline::ReplyFunction read) const;

  const Pipeline pipeline_;
};

// Whether a key, of either kind, is that of the item which the finding is
// about.
bool IsKeyOf(const Bundle& bundle, const Finding& finding, uint64_t id);
bool IsKeyOf(const Bundle& bundle, const Finding& finding,
             const std::string& key);

// What of the predicate the item fails; see index/filter/failed_parts.h.
std::vector<v1::Predicate> FailedParts(const AttributeView& attributes,
                                       const v1::Predicate& predicate,
                                       const Finding& finding);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_EXPLAIN_FINDINGS_H_
