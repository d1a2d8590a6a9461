// A kind of retriever of one's own: "newest".
#ifndef TRIBUTARY_EXAMPLES_CUSTOM_RETRIEVER_NEWEST_RETRIEVER_H_
#define TRIBUTARY_EXAMPLES_CUSTOM_RETRIEVER_NEWEST_RETRIEVER_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "server/retrieval/retriever.h"
#include "server/retrieval/retriever_settings.h"
#include "status/status_macros.h"

namespace tributary {

// README: begin
// Proposes the items of the highest rows: the newest, where ids ascend with
// time. An item that has `age` newer ones scores 2^(-age / half_life_items).
class NewestRetriever : public Retriever {
 public:
  static absl::StatusOr<std::unique_ptr<Retriever>> Create(
      const Bundle& bundle, const v1::RetrieverSpec& spec) {
    RETURN_IF_ERROR(CheckSettings(spec, {"half_life_items"}));
    ASSIGN_OR_RETURN(const double half_life,
                     NumberSetting(spec, "half_life_items", 1000, 1, 1e9));
    return std::make_unique<NewestRetriever>(bundle, half_life);
  }
  NewestRetriever(const Bundle& bundle, double half_life)
      : bundle_(bundle), half_life_(half_life) {}

  absl::StatusOr<Ask> Retrieve(
      const RetrieverQuery& query, uint32_t n,
      std::vector<ScoredRow>* proposals) const override {
    proposals->clear();
    const uint64_t items = bundle_.items().size();
    for (uint64_t age = 0; age < items && proposals->size() < n; ++age) {
      const auto row = static_cast<Row>(items - 1 - age);
      if (std::ranges::binary_search(query.excluded, row)) continue;
      const double score = std::exp2(-static_cast<double>(age) / half_life_);
      proposals->push_back({row, static_cast<float>(score)});
    }
    return Ask::kAnswered;
  }
  bool AddReachable(ReachableItems* items) const override {
    items->AddAll();
    return true;
  }

 private:
  const Bundle& bundle_;
  const double half_life_;
};
// README: end

}  // namespace tributary

#endif  // TRIBUTARY_EXAMPLES_CUSTOM_RETRIEVER_NEWEST_RETRIEVER_H_
