#ifndef TRIBUTARY_SERVER_PIPELINE_PLAN_H_
#define TRIBUTARY_SERVER_PIPELINE_PLAN_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "server/fusion/fusion.h"
#include "server/retrieval/retriever.h"
#include "server/versions/serving_bundle.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// A source that a request asks, and for what.
struct PlannedSource {
  // Index in ServingBundle::retrievers().
  int retriever = 0;
  uint32_t target = 0;
  uint32_t min = 0;
  uint32_t max = 0;
  // How many proposals it is asked for.
  uint32_t asked = 0;
  double weight = 0;
};

// A request, resolved against one bundle. Reused between requests for the
// capacity of its vectors; not copyable, because `query` views them.
struct Plan {
  Plan() = default;
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  FusionOptions fusion;
  // By priority.
  std::vector<PlannedSource> sources;
  // Views the vectors below and the request.
  RetrieverQuery query;
  std::vector<Row> history;
  std::vector<SpaceVector> vectors;
  std::vector<Row> excluded;
  bool cold_start = false;
  uint32_t unknown_items = 0;
  bool full_view = false;
};

// Decides all that can be decided before anything is searched. `now` is when
// the configured deadline starts to run. `config` is complete. Errors:
// INVALID_ARGUMENT, beginning with the field's path.
absl::Status MakePlan(const v1::ServerConfig& config,
                      const ServingBundle& bundle,
                      const v1::RetrieveRequest& request, SteadyTime now,
                      SteadyTime deadline, Plan* plan);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_PLAN_H_
