#ifndef TRIBUTARY_INDEX_BUNDLE_FUSION_MODEL_H_
#define TRIBUTARY_INDEX_BUNDLE_FUSION_MODEL_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "google/protobuf/repeated_field.h"
#include "tributary/v1/fusion.pb.h"

namespace tributary {

using QuotaShares = google::protobuf::RepeatedPtrField<v1::QuotaShare>;

// INVALID_ARGUMENT, beginning with "[i].field: ", unless retrievers are named,
// each once, and shares are within 0 to 1 and so is their sum.
absl::Status CheckQuotaShares(const QuotaShares& shares);

// INVALID_ARGUMENT, beginning with the field's path, unless segments ascend,
// the last takes everyone, and weights, intercepts and quotas are in range.
absl::Status CheckFusionModel(const v1::FusionModel& model);

// The segment of a user with so many items in the history. REQUIRES: the model
// has segments and is in order.
const v1::FusionSegment& FindFusionSegment(const v1::FusionModel& model,
                                           size_t history);

// The retriever's weight; at least a little, so that a source that the model
// gives nothing still orders its own proposals.
double FusionWeight(const v1::FusionSegment& segment,
                    const std::string& retriever);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_FUSION_MODEL_H_
