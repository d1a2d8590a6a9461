#include "server/http/json_explain.h"

#include <utility>

#include "server/http/json_retrieval.h"

namespace tributary {

void StartJsonExplain(ExplainCalls* calls, std::string json,
                      SharedRights rights,
                      std::shared_ptr<const std::atomic<bool>> cancelled,
                      std::function<void(absl::StatusOr<std::string>)> done) {
  calls->Start(
      [json = std::move(json)](v1::ExplainRequest* request) {
        return ParseExplainRequest(json, request);
      },
      SteadyTime::max(), std::move(cancelled),
      [done = std::move(done)](
          const absl::StatusOr<v1::ExplainResponse>& response) {
        if (!response.ok()) return done(response.status());
        done(PrintExplainResponse(*response));
      },
      std::move(rights));
}

}  // namespace tributary
