#include "server/versions/serving_bundle.h"

#include <utility>

#include "status/status_macros.h"

namespace tributary {
absl::StatusOr<std::shared_ptr<const ServingBundle>> ServingBundle::Open(
    std::shared_ptr<const Bundle> bundle, const RetrieverRegistry& registry) {
  std::shared_ptr<ServingBundle> serving(new ServingBundle(std::move(bundle)));
  for (const v1::RetrieverSpec& spec :
       serving->bundle().manifest().retrievers()) {
    ASSIGN_OR_RETURN(std::unique_ptr<Retriever> retriever,
                     registry.Make(serving->bundle(), spec));
    serving->retrievers_.push_back({&spec, std::move(retriever)});
  }
  return serving;
}

int ServingBundle::FindRetriever(std::string_view name) const {
  for (size_t i = 0; i < retrievers_.size(); ++i) {
    if (retrievers_[i].spec->name() == name) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace tributary
