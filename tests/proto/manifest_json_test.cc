// Fields have other names in C++ than in manifest.json, which keeps the ones
// that bundles have always had.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/message_differencer.h"
#include "index/bundle/bundle.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {
namespace {

std::string Print(const v1::Manifest& manifest) {
  std::string json;
  EXPECT_TRUE(
      google::protobuf::util::MessageToJsonString(manifest, &json).ok());
  return json;
}

google::protobuf::Struct ParseJson(const std::string& json) {
  google::protobuf::Struct parsed;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, &parsed).ok());
  return parsed;
}

TEST(ManifestJson, AnOldManifestIsReadAndWrittenAsItWas) {
  std::ifstream file(OLD_MANIFEST);
  std::stringstream text;
  text << file.rdbuf();
  const auto manifest = ParseManifest(text.str());
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  const v1::IndexSpec& index = manifest->spaces(0).index();
  EXPECT_EQ(index.reranked(), 252);
  ASSERT_EQ(index.candidates_size(), 1);
  EXPECT_EQ(index.candidates(0).reranked(), 252);
  // Numbers may be printed otherwise, and maps in another order.
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(
      ParseJson(Print(*manifest)), ParseJson(text.str())));
}

TEST(ManifestJson, NamesOfFilesAndOfCodeAreBothRead) {
  v1::Manifest of_files;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(
                  R"({"spaces": [{"index": {"rescored": 3, "shrinkage": 0.5,
                      "trials": [{"rescored": 4}]}}]})",
                  &of_files)
                  .ok());
  const v1::IndexSpec& index = of_files.spaces(0).index();
  EXPECT_EQ(index.reranked(), 3);
  EXPECT_EQ(index.small_n_exponent(), 0.5);
  EXPECT_EQ(index.candidates(0).reranked(), 4);
  v1::Manifest of_code;
  ASSERT_TRUE(
      google::protobuf::util::JsonStringToMessage(
          R"({"spaces": [{"index": {"reranked": 3, "small_n_exponent": 0.5,
              "candidates": [{"reranked": 4}]}}]})",
          &of_code)
          .ok());
  EXPECT_EQ(Print(of_code), Print(of_files));
  EXPECT_EQ(Print(of_code),
            R"({"spaces":[{"index":{"rescored":3,"trials":[{"rescored":4}],)"
            R"("shrinkage":0.5}}]})");
}

}  // namespace
}  // namespace tributary
