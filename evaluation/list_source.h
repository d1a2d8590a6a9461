#ifndef TRIBUTARY_EVALUATION_LIST_SOURCE_H_
#define TRIBUTARY_EVALUATION_LIST_SOURCE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "index/bundle/row.h"
#include "index/filter/passing_items.h"
#include "server/pipeline/fan_out.h"
#include "server/pipeline/pipeline.h"
#include "server/pipeline/plan.h"
#include "server/versions/serving_bundle.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// A planned request and what its sources answered, so that it can be fused
// again in other ways. Reused from user to user for its capacity. Do not copy
// it: the plan views the request.
struct Answers {
  // Viewed by `plan`.
  v1::RetrieveRequest request;
  Plan plan;
  // results[i] is of plan.sources[i].
  std::vector<SourceResult> results;
  // Scratch memory.
  std::vector<SourceResult> deeper;
};

// Asks the pipeline as a caller of the server would, and returns rows. The
// configured limits, deadlines and profiles of requests do not apply. A list
// without a source that failed is no measurement: INTERNAL, naming the source,
// where the server would answer without it. Thread-safe.
class ListSource {
 public:
  // INVALID_ARGUMENT when the configuration or the request is wrong. `config`
  // is what the server would be given. `asked` is what every request says
  // beside its user and k, such as a filter, caps, boosts or decay.
  static absl::StatusOr<ListSource> Make(
      std::shared_ptr<const ServingBundle> bundle, v1::ServerConfig config,
      v1::RetrieveRequest asked = {});

  // The list of the server's default quotas.
  absl::StatusOr<std::vector<Row>> Fused(const std::string& user_key,
                                         uint32_t k) const;
  // The list of one retriever alone.
  absl::StatusOr<std::vector<Row>> Alone(const std::string& user_key,
                                         const std::string& retriever,
                                         uint32_t k) const;

  // Plans the request of Fused, with this diversity unless it is null, and asks
  // its sources, deeper where caps leave the list short.
  absl::Status AskSources(const std::string& user_key, uint32_t k,
                          Answers* answers,
                          const v1::Diversity* diversity = nullptr) const;
  // Fuses the answers. Gives the list of Fused, unless the plan's quotas or the
  // results were changed since.
  std::vector<Row> Fuse(const Answers& answers) const;

  const ServingBundle& bundle() const { return *bundle_; }
  // The items that pass the filter and are in no excluded set; null where all
  // do.
  const std::shared_ptr<const PassingItems>& passing() const {
    return passing_;
  }
  // Whether requests have caps, boosts or decay: the list of a source alone is
  // then another one than what it proposes.
  bool shapes_lists() const {
    return asked_.caps_size() > 0 || asked_.boosts_size() > 0 ||
           asked_.has_decay();
  }
  // With every default filled in.
  const v1::ServerConfig& config() const { return config_; }

 private:
  ListSource(std::shared_ptr<const ServingBundle> bundle,
             const v1::ServerConfig& config);
  void Ask(const std::string& user_key, uint32_t k,
           v1::RetrieveRequest* request) const;
  absl::StatusOr<std::vector<Row>> Rows(
      const v1::RetrieveRequest& request) const;

  std::shared_ptr<const ServingBundle> bundle_;
  v1::ServerConfig config_;
  std::shared_ptr<const Pipeline> pipeline_;
  v1::RetrieveRequest asked_;
  std::shared_ptr<const PassingItems> passing_;
};

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_LIST_SOURCE_H_
