#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "fmt/core.h"
#include "server/retrieval/category_retriever.h"
#include "server/retrieval/neighbor_retriever.h"
#include "server/retrieval/popularity_retriever.h"
#include "server/retrieval/retriever.h"
#include "server/retrieval/retriever_settings.h"
#include "server/retrieval/vector_retriever.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// Built-in kinds read fields of the spec, and no settings.
RetrieverFactory WithoutSettings(RetrieverFactory factory) {
  return [factory = std::move(factory)](const Bundle& bundle,
                                        const v1::RetrieverSpec& spec)
             -> absl::StatusOr<std::unique_ptr<Retriever>> {
    RETURN_IF_ERROR(CheckSettings(spec, {}));
    return factory(bundle, spec);
  };
}

}  // namespace

RetrieverRegistry RetrieverRegistry::BuiltIn() {
  RetrieverRegistry registry;
  registry.Register("vector", WithoutSettings(VectorRetriever::Create));
  registry.Register("popularity", WithoutSettings(PopularityRetriever::Create));
  registry.Register("neighbors", WithoutSettings(NeighborRetriever::Create));
  registry.Register("category_popularity",
                    WithoutSettings(CategoryRetriever::Create));
  return registry;
}

void RetrieverRegistry::Register(std::string kind, RetrieverFactory factory) {
  const auto [entry, inserted] =
      factories_.emplace(std::move(kind), std::move(factory));
  if (inserted) return;
  fmt::print(stderr, "retriever kind \"{}\" is registered twice\n",
             entry->first);
  std::abort();
}

absl::StatusOr<std::unique_ptr<Retriever>> RetrieverRegistry::Make(
    const Bundle& bundle, const v1::RetrieverSpec& spec) const {
  const std::string field = fmt::format("retrievers[\"{}\"]", spec.name());
  const auto factory = factories_.find(spec.kind());
  if (factory == factories_.end()) {
    return absl::InvalidArgumentError(fmt::format(
        "{}.kind: \"{}\" is not a registered kind", field, spec.kind()));
  }
  auto retriever = factory->second(bundle, spec);
  if (retriever.ok()) return retriever;
  return absl::Status(
      retriever.status().code(),
      fmt::format("{}: {}", field, std::string(retriever.status().message())));
}

}  // namespace tributary
