#ifndef TRIBUTARY_EVALUATION_LIST_SOURCE_H_
#define TRIBUTARY_EVALUATION_LIST_SOURCE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "index/bundle/row.h"
#include "index/filter/filter_cache.h"
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
};

// Asks the pipeline as a caller of the server would, and returns rows. The
// configured limits and deadlines of requests do not apply. A list without a
// source that failed is no measurement: INTERNAL, naming the source, where the
// server would answer without it. Thread-safe.
class ListSource {
 public:
  // INVALID_ARGUMENT when the configuration or the filter is wrong. `config` is
  // what the server would be given, `where` the filter of every request; empty:
  // none.
  static absl::StatusOr<ListSource> Make(
      std::shared_ptr<const ServingBundle> bundle, v1::ServerConfig config,
      const std::string& where = "");

  // The list of the server's default quotas.
  absl::StatusOr<std::vector<Row>> Fused(const std::string& user_key,
                                         uint32_t k) const;
  // The list of one retriever alone.
  absl::StatusOr<std::vector<Row>> Alone(const std::string& user_key,
                                         const std::string& retriever,
                                         uint32_t k) const;

  // Plans the request of Fused, with this diversity unless it is null, and asks
  // its sources.
  absl::Status AskSources(const std::string& user_key, uint32_t k,
                          Answers* answers,
                          const v1::Diversity* diversity = nullptr) const;
  // Fuses the answers. Gives the list of Fused, unless the plan's quotas or the
  // results were changed since.
  std::vector<Row> Fuse(const Answers& answers) const;

  const ServingBundle& bundle() const { return *bundle_; }
  // The items that pass the filter; null without one.
  const PassingItems* passing() const {
    return filter_ == nullptr ? nullptr : &filter_->items;
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
  std::string where_;
  std::shared_ptr<const ResolvedFilter> filter_;
};

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_LIST_SOURCE_H_
