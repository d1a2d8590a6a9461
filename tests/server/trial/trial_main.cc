#include <gmock/gmock.h>
#include <signal.h>

#include <memory>
#include <vector>

#include "server/trial/trial.h"
#include "tests/server/trial/crashes_kill.h"

namespace tributary {
namespace {

// Crashes when it is asked.
class CrashingRetriever : public Retriever {
 public:
  absl::StatusOr<Ask> Retrieve(
      const RetrieverQuery& /*query*/, uint32_t /*n*/,
      std::vector<ScoredRow>* /*proposals*/) const override {
    ::raise(SIGSEGV);
    return Ask::kNoQuery;
  }
};

// The kinds that trials know: "crashes" and "unmakable" beside the usual ones.
RetrieverRegistry TrialKinds() {
  RetrieverRegistry registry = RetrieverRegistry::BuiltIn();
  registry.Register("crashes",
                    [](const Bundle&, const v1::RetrieverSpec&)
                        -> absl::StatusOr<std::unique_ptr<Retriever>> {
                      return std::make_unique<CrashingRetriever>();
                    });
  registry.Register("unmakable",
                    [](const Bundle&, const v1::RetrieverSpec&)
                        -> absl::StatusOr<std::unique_ptr<Retriever>> {
                      return absl::InvalidArgumentError("settings: not today");
                    });
  return registry;
}

}  // namespace
}  // namespace tributary

int main(int argc, char** argv) {
  tributary::RunTrialIfAsked(argc, argv, tributary::TrialKinds());
  testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
