#ifndef TRIBUTARY_TESTS_SERVER_RPC_GATED_RETRIEVER_H_
#define TRIBUTARY_TESTS_SERVER_RPC_GATED_RETRIEVER_H_

#include <memory>
#include <semaphore>
#include <utility>
#include <vector>

#include "server/retrieval/retriever.h"

namespace tributary {

// Where requests wait until the test lets one of them continue.
struct Gate {
  std::counting_semaphore<> entered{0};
  std::counting_semaphore<> open{0};
};

// Waits at the gate, then proposes item 0.
class GatedRetriever final : public Retriever {
 public:
  explicit GatedRetriever(Gate* gate) : gate_(gate) {}

  absl::StatusOr<Ask> Retrieve(
      const RetrieverQuery& /*query*/, uint32_t /*n*/,
      std::vector<ScoredRow>* proposals) const override {
    gate_->entered.release();
    gate_->open.acquire();
    proposals->assign(1, ScoredRow{0, 1.0F});
    return Ask::kAnswered;
  }

 private:
  Gate* const gate_;
};

// Makes a GatedRetriever for every retriever of a bundle. The gate outlives
// them.
inline RetrieverRegistry GatedRegistry(Gate* gate) {
  RetrieverRegistry registry;
  for (const char* kind : {"vector", "popularity"}) {
    registry.Register(kind,
                      [gate](const Bundle&, const v1::RetrieverSpec&)
                          -> absl::StatusOr<std::unique_ptr<Retriever>> {
                        return std::make_unique<GatedRetriever>(gate);
                      });
  }
  return registry;
}

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_SERVER_RPC_GATED_RETRIEVER_H_
