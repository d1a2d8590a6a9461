#ifndef TRIBUTARY_SERVER_PIPELINE_REPLY_H_
#define TRIBUTARY_SERVER_PIPELINE_REPLY_H_

#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "server/fusion/fusion.h"
#include "server/pipeline/fan_out.h"
#include "server/pipeline/key_rows.h"
#include "server/pipeline/plan.h"
#include "server/versions/serving_bundle.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// The answer to one request before it takes a form: WriteMessage makes a
// message of it, EncodeReply (reply_encoding.h) bytes. Both forms are written
// from here; neither is made from the other.
//
// A view of memory that the pipeline reuses: valid only during the call that
// hands it out.
struct Reply {
  // Answers the request: its version, its items' keys, its sources' names.
  const ServingBundle* bundle = nullptr;
  // The label by which the bundle was found. Empty for the active version, and
  // for a version that was requested by number.
  std::string_view bundle_label = {};
  // The profile that applied, and what asks for the next page; empty for none.
  std::string_view profile = {};
  std::string_view next_page_token = {};
  const Plan* plan = nullptr;
  // results[i] and fused->outcomes[i] belong to plan->sources[i]. The
  // candidates are those of the page, if one was asked for; the outcomes those
  // of the whole list.
  std::span<const SourceResult> results = {};
  const FusionResult* fused = nullptr;
};

// The items that candidates may be.
ItemRows ItemsOf(const Reply& reply);

// Whether a source failed or missed the deadline, or the deadline passed while
// a diverse list was chosen.
bool IsDegraded(const Reply& reply);

// Why a source has fewer candidates than its target; NO_SHORTFALL if it has
// not. `filtered`: whether the request has a filter.
v1::ShortfallCause CauseOf(const SourceResult& result,
                           const SourceOutcome& outcome, bool filtered);

// DATA_LOSS when the key of a candidate is not UTF-8: parsers of protobuf
// refuse such a reply, and verifying a bundle does not look for such keys.
absl::Status CheckReplyKeys(const Reply& reply);

// Replaces *response by all of the reply but its columns: item_ids, item_keys,
// scores and sources stay empty.
void WriteSummary(const Reply& reply, v1::RetrieveResponse* response);

// Replaces *response by the reply. DATA_LOSS when a key is not UTF-8.
absl::Status WriteMessage(const Reply& reply, v1::RetrieveResponse* response);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_REPLY_H_
