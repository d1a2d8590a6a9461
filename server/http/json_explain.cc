#include "server/http/json_explain.h"

#include <chrono>
#include <utility>

#include "server/http/json_retrieval.h"

namespace tributary {

void StartJsonExplain(ExplainCalls* calls, std::string json,
                      SharedRights rights,
                      std::shared_ptr<const std::atomic<bool>> cancelled,
                      std::function<void(absl::StatusOr<std::string>)> done,
                      CallTrace* trace) {
  const CallScope scope(trace == nullptr ? nullptr : trace->id());
  calls->Start(
      [trace, json = std::move(json)](v1::ExplainRequest* request) {
        if (trace != nullptr) trace->Ran(std::chrono::steady_clock::now());
        return ParseExplainRequest(json, request);
      },
      SteadyTime::max(), std::move(cancelled),
      [trace, done = std::move(done)](
          const absl::StatusOr<v1::ExplainResponse>& response) {
        if (trace != nullptr && response.ok()) {
          trace->set_version(response->bundle_version());
        }
        if (!response.ok()) return done(response.status());
        done(PrintExplainResponse(*response));
      },
      std::move(rights));
}

}  // namespace tributary
