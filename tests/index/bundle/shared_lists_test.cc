// Popularity lists that share two files, and their names.
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "index/bundle/bundle.h"
#include "index/bundle/bundle_writer.h"
#include "index/verify/verify_bundle.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

void Save(const std::filesystem::path& dir, const v1::Manifest& manifest) {
  std::string json;
  EXPECT_TRUE(
      google::protobuf::util::MessageToJsonString(manifest, &json).ok());
  OverwriteFile(dir / kManifestName, json);
}

// The tiny bundle with its lists of segments and categories in shared files.
std::filesystem::path WriteSharedLists(const std::vector<Row>& rows = {
                                           0, 1, 2, 0, 5, 3, 2}) {
  const auto bundle = *Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
  v1::Manifest manifest = bundle->manifest();
  manifest.mutable_popularity(1)->set_name("city=Köln/Süd");
  manifest.mutable_popularity(1)->set_begin(3);
  manifest.mutable_popularity(2)->set_name("items-类型=动作");
  manifest.mutable_popularity(2)->set_begin(0);
  manifest.mutable_popularity(3)->set_begin(5);
  return RewriteBundle(
             *bundle, manifest,
             [&](BundleWriter* writer) -> absl::Status {
               const std::vector<float> scores = {.5, .25, .25, 9, 8, .75, .25};
               auto status = writer->AddArray<Row>(kListsFile, rows);
               if (!status.ok()) return status;
               return writer->AddArray<float>(kListScoresFile, scores);
             })
      ->dir();
}

TEST(SharedLists, AreRangesOfTwoFiles) {
  const auto bundle = Bundle::Open(WriteSharedLists());
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  EXPECT_TRUE(VerifyBundle(**bundle).ok()) << VerifyBundle(**bundle);
  const PopularityList* const segment =
      (*bundle)->FindPopularity("city=Köln/Süd");
  ASSERT_NE(segment, nullptr);
  EXPECT_EQ((*bundle)->FindSegment(1), segment);
  EXPECT_THAT(segment->rows(), ElementsAre(0, 5));
  EXPECT_THAT(segment->scores(), ElementsAre(9, 8));
  EXPECT_THAT((*bundle)->FindPopularity("items-类型=动作")->rows(),
              ElementsAre(0, 1, 2));
  EXPECT_THAT((*bundle)->FindPopularity("items-kind=book")->rows(),
              ElementsAre(3, 2));
  EXPECT_THAT((*bundle)->FindPopularity("all")->rows(),
              ElementsAre(5, 4, 3, 2, 1, 0));
  EXPECT_EQ((*bundle)->FindPopularity("city=köln/süd"), nullptr);
  EXPECT_EQ((*bundle)->FindSegment(2), nullptr);
}

// A change of the manifest, and a part of the error that it must cause.
struct Case {
  std::string named;
  std::function<void(v1::Manifest&)> change;
};

TEST(SharedLists, MustLieWithinTheirFiles) {
  const auto dir = WriteSharedLists();
  const v1::Manifest original = (*Bundle::Open(dir))->manifest();
  const std::vector<Case> cases = {
      {"begin 6 and count 2, but popularity.lists.npy has 7 values",
       [](auto& m) { m.mutable_popularity(1)->set_begin(6); }},
      {"begin 18446744073709551615",
       [](auto& m) { m.mutable_popularity(1)->set_begin(UINT64_MAX); }},
      // Other ranges of the same files are lists, too, but not these.
      {"popularity[\"city=Köln/Süd\"].begin: 2, but the lists before it in "
       "popularity.lists.npy end at 3",
       [](auto& m) { m.mutable_popularity(1)->set_begin(2); }},
      {"popularity[\"items-kind=book\"].begin: 5, but the lists before it in "
       "popularity.lists.npy end at 4",
       [](auto& m) { m.mutable_popularity(1)->set_count(1); }},
      {"popularity: the lists in popularity.lists.npy end at 6, but it has 7 "
       "values",
       [](auto& m) { m.mutable_popularity(3)->set_count(1); }},
      {"popularity[1].name: \"\"",
       [](auto& m) { m.mutable_popularity(1)->clear_name(); }},
      {"expected 1 to 512 bytes",
       [](auto& m) { m.mutable_popularity(1)->set_name("a\tb"); }},
      {"expected 1 to 512 bytes",
       [](auto& m) { m.mutable_popularity(1)->set_name("a\xC2\x85"); }},
      {"expected 1 to 512 bytes",
       [](auto& m) {
         m.mutable_popularity(1)->set_name(std::string(513, 'a'));
       }},
      {"occurs twice",
       [](auto& m) { m.mutable_popularity(1)->set_name("all"); }},
      // Without files of its own, a list must keep to their alphabet.
      {"lower-case letters",
       [](auto& m) { m.mutable_popularity(2)->clear_begin(); }},
      {"popularity[\"lists\"].begin: missing",
       [](auto& m) { m.mutable_popularity(0)->set_name("lists"); }},
  };
  for (const Case& c : cases) {
    v1::Manifest manifest = original;
    c.change(manifest);
    Save(dir, manifest);
    EXPECT_THAT(std::string(VerifyBundle(dir).message()), HasSubstr(c.named));
  }
}

TEST(SharedLists, NamesTheSharedListWhoseEntryIsWrong) {
  const auto dir = WriteSharedLists({0, 1, 2, 0, 6, 3, 2});
  EXPECT_THAT(std::string(VerifyBundle(dir).message()),
              HasSubstr("popularity.lists.npy: list \"city=Köln/Süd\": entry "
                        "1 is row 6, which is not an item"));
}

}  // namespace
}  // namespace tributary
