// What diversity costs and gives: recall and the difference of candidates, by
// lambda.
#ifndef TRIBUTARY_EVALUATION_DIVERSITY_CURVE_H_
#define TRIBUTARY_EVALUATION_DIVERSITY_CURVE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "evaluation/evaluate.h"
#include "evaluation/held_out_users.h"
#include "evaluation/list_source.h"

namespace tributary {

struct DiversityPoint {
  // None: without diversity.
  std::optional<double> lambda;
  // The mean over users of the fused list's recall, by k.
  std::vector<double> recall;
  // The mean over users of Diversity of its first list_k items; none where it
  // is undefined for all.
  std::optional<double> diversity;
};

struct DiversityCurve {
  std::string space;
  std::vector<uint32_t> ks;
  uint32_t list_k = 0;
  // The list without diversity first.
  std::vector<DiversityPoint> points;
};

// A curve with a point for each lambda, to be measured. INVALID_ARGUMENT when
// the bundle has no such space.
absl::Status MakeDiversityCurve(const Bundle& bundle, const std::string& space,
                                std::span<const double> lambdas,
                                DiversityCurve* curve);

// Measures the points of *curve on lists of the largest k of the options.
// Errors: those of retrieving.
absl::Status MeasureDiversity(const ListSource& lists,
                              const std::vector<TestUser>& users,
                              const EvaluationOptions& options, uint32_t list_k,
                              DiversityCurve* curve);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_DIVERSITY_CURVE_H_
