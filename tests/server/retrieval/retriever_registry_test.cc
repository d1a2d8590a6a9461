#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/retrieval/retriever.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class RetrieverRegistryTest : public testing::Test {
 protected:
  // The error of making a retriever "mine" with these fields.
  std::string Error(const std::string& kind, const std::string& space,
                    const std::vector<std::string>& lists) {
    v1::RetrieverSpec spec;
    spec.set_name("mine");
    spec.set_kind(kind);
    spec.set_space(space);
    for (const auto& list : lists) spec.add_lists(list);
    const auto retriever = RetrieverRegistry::BuiltIn().Make(*bundle_, spec);
    EXPECT_EQ(retriever.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(retriever.status().message());
  }

  std::shared_ptr<const Bundle> bundle_ =
      *Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
};

TEST_F(RetrieverRegistryTest, MakesEveryRetrieverOfABundle) {
  for (const auto& spec : bundle_->manifest().retrievers()) {
    const auto retriever = RetrieverRegistry::BuiltIn().Make(*bundle_, spec);
    EXPECT_TRUE(retriever.ok()) << retriever.status();
  }
}

TEST_F(RetrieverRegistryTest, NamesRetrieverAndFieldThatAreWrong) {
  EXPECT_THAT(
      Error("psychic", "", {}),
      AllOf(HasSubstr("retrievers[\"mine\"].kind"), HasSubstr("psychic")));
  EXPECT_THAT(
      Error("vector", "taast", {}),
      AllOf(HasSubstr("retrievers[\"mine\"]: space"), HasSubstr("taast")));
  EXPECT_THAT(
      Error("popularity", "", {"all", "hot"}),
      AllOf(HasSubstr("retrievers[\"mine\"]: lists"), HasSubstr("hot")));
  EXPECT_THAT(Error("popularity", "", {}),
              HasSubstr("retrievers[\"mine\"]: lists"));
}

TEST_F(RetrieverRegistryTest, BuiltInKindsRefuseSettings) {
  for (v1::RetrieverSpec spec : bundle_->manifest().retrievers()) {
    (*spec.mutable_settings())["depth"] = "3";
    const auto retriever = RetrieverRegistry::BuiltIn().Make(*bundle_, spec);
    EXPECT_TRUE(absl::IsInvalidArgument(retriever.status()));
    EXPECT_THAT(std::string(retriever.status().message()),
                AllOf(HasSubstr("retrievers[\"" + spec.name() +
                                "\"]: settings[\"depth\"]"),
                      HasSubstr(spec.kind())));
  }
}

TEST_F(RetrieverRegistryTest, AbortsWhenAKindIsRegisteredTwice) {
  RetrieverRegistry registry = RetrieverRegistry::BuiltIn();
  EXPECT_DEATH(registry.Register("vector", nullptr), "vector.*twice");
}

}  // namespace
}  // namespace tributary
