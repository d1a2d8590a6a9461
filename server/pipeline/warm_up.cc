#include "server/pipeline/warm_up.h"

#include <string>
#include <vector>

#include "server/pipeline/pipeline.h"
#include "server/pipeline/reply_encoding.h"
#include "server/pipeline/row_sample.h"

namespace tributary {
namespace {

constexpr uint32_t kWarmUpDeadlineMs = 10'000;

void WarmUpFor(const Pipeline& pipeline,
               const std::shared_ptr<const ServingBundle>& bundle,
               v1::RetrieveRequest request) {
  std::string bytes;
  pipeline
      .Retrieve({bundle, LabelName()}, request, SteadyTime::max(),
                [&bytes](const Reply& reply) {
                  EncodeReply(reply, &bytes);
                  return absl::OkStatus();
                })
      .IgnoreError();
}

}  // namespace

void WarmUp(const v1::ServerConfig& config,
            const std::shared_ptr<const ServingBundle>& bundle) {
  v1::ServerConfig patient = config;
  patient.mutable_defaults()->set_deadline_ms(kWarmUpDeadlineMs);
  const Pipeline pipeline(patient, /*pool=*/nullptr, /*metrics=*/nullptr,
                          /*live_recall=*/nullptr);
  const uint32_t queries = config.residency().warm_queries();
  const KeyTable& users = bundle->bundle().users();
  for (const Row user : SampleRows(users, nullptr, queries)) {
    v1::RetrieveRequest request;
    request.set_user_key(users.text(user));
    WarmUpFor(pipeline, bundle, std::move(request));
  }
  if (users.size() > 0) return;
  // A bundle without users answers by the history in a request.
  const KeyTable& items = bundle->bundle().items();
  for (const Row item : SampleRows(items, nullptr, queries)) {
    v1::RetrieveRequest request;
    request.add_recent_item_keys(items.text(item));
    WarmUpFor(pipeline, bundle, std::move(request));
  }
}

}  // namespace tributary
