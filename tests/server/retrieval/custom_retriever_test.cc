// How to add a retriever: the README shows the first part of this file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "server/retrieval/retriever.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {

// Proposes the newest items: those of the highest rows.
class NewestRetriever : public Retriever {
 public:
  explicit NewestRetriever(const Bundle& bundle) : bundle_(bundle) {}

  absl::StatusOr<Ask> Retrieve(
      const RetrieverQuery& query, uint32_t n,
      std::vector<ScoredRow>* proposals) const override {
    proposals->clear();
    for (Row row = bundle_.items().size(); row-- > 0;) {
      if (proposals->size() == n) break;
      if (std::binary_search(query.excluded.begin(), query.excluded.end(),
                             row)) {
        continue;
      }
      proposals->push_back({row, static_cast<float>(row)});
    }
    return Ask::kAnswered;
  }

 private:
  const Bundle& bundle_;
};

void RegisterNewest(RetrieverRegistry* registry) {
  registry->Register("newest",
                     [](const Bundle& bundle, const v1::RetrieverSpec&) {
                       return std::make_unique<NewestRetriever>(bundle);
                     });
}

namespace {

TEST(CustomRetriever, IsMadeAndAskedLikeABuiltInOne) {
  const auto bundle = Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  RetrieverRegistry registry = RetrieverRegistry::BuiltIn();
  RegisterNewest(&registry);
  v1::RetrieverSpec spec;
  spec.set_name("fresh");
  spec.set_kind("newest");

  const auto retriever = registry.Make(**bundle, spec);
  ASSERT_TRUE(retriever.ok()) << retriever.status();
  const std::vector<Row> excluded = {4};
  std::vector<ScoredRow> proposals;
  const auto ask =
      (*retriever)->Retrieve({.excluded = excluded}, 3, &proposals);
  ASSERT_TRUE(ask.ok()) << ask.status();
  EXPECT_EQ(*ask, Ask::kAnswered);
  EXPECT_THAT(proposals, testing::ElementsAre(ScoredRow{5, 5}, ScoredRow{3, 3},
                                              ScoredRow{2, 2}));
}

}  // namespace
}  // namespace tributary
