#ifndef TRIBUTARY_SERVER_EVALUATION_LIST_SOURCE_H_
#define TRIBUTARY_SERVER_EVALUATION_LIST_SOURCE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "index/bundle/row.h"
#include "server/pipeline/pipeline.h"
#include "server/pipeline/serving_bundle.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// Asks the pipeline as a caller of the server would, and gives rows. Limits
// and deadlines of requests do not apply. Thread-safe.
class ListSource {
 public:
  // INVALID_ARGUMENT when the configuration is wrong. `config` is what the
  // server would be given.
  static absl::StatusOr<ListSource> Make(
      std::shared_ptr<const ServingBundle> bundle, v1::ServerConfig config);

  // The list of the server's default quotas.
  absl::StatusOr<std::vector<Row>> Fused(const std::string& user_key,
                                         uint32_t k) const;
  // What one retriever alone would give.
  absl::StatusOr<std::vector<Row>> Alone(const std::string& user_key,
                                         const std::string& retriever,
                                         uint32_t k) const;

  const ServingBundle& bundle() const { return *bundle_; }
  // Complete.
  const v1::ServerConfig& config() const { return config_; }

 private:
  ListSource(std::shared_ptr<const ServingBundle> bundle,
             const v1::ServerConfig& config);
  absl::StatusOr<std::vector<Row>> Rows(
      const v1::RetrieveRequest& request) const;

  std::shared_ptr<const ServingBundle> bundle_;
  v1::ServerConfig config_;
  std::shared_ptr<const Pipeline> pipeline_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_EVALUATION_LIST_SOURCE_H_
