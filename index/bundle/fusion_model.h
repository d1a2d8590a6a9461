#ifndef TRIBUTARY_INDEX_BUNDLE_FUSION_MODEL_H_
#define TRIBUTARY_INDEX_BUNDLE_FUSION_MODEL_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "google/protobuf/repeated_field.h"
#include "tributary/v1/fusion.pb.h"

namespace tributary {

using QuotaShares = google::protobuf::RepeatedPtrField<v1::QuotaShare>;

// Checks that every share names a retriever, none twice, and that the shares
// and their sum are within 0 to 1. INVALID_ARGUMENT, beginning with
// "[i].field: ".
absl::Status CheckQuotaShares(const QuotaShares& shares);

// Checks that max_history ascends over the segments, that only the last has
// none and so takes all other users, and that weights, intercepts and quotas
// are in range. INVALID_ARGUMENT, beginning with the field's path.
absl::Status CheckFusionModel(const v1::FusionModel& model);

// The segment of a user whose history has `history` items. REQUIRES: the model
// has segments and CheckFusionModel accepts it.
const v1::FusionSegment& FindFusionSegment(const v1::FusionModel& model,
                                           size_t history);

// The retriever's weight, at least 0.001: a source to which the model gives no
// weight still orders its own proposals.
double FusionWeight(const v1::FusionSegment& segment,
                    const std::string& retriever);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_FUSION_MODEL_H_
