#include "proto/yaml/yaml_message.h"

#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/manifest.pb.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string ErrorOf(std::string_view yaml, google::protobuf::Message* message) {
  const absl::Status status = ReadYaml(yaml, "f.yaml", message);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << yaml;
  return std::string(status.message());
}

std::string ServerError(std::string_view yaml) {
  v1::ServerConfig config;
  return ErrorOf(yaml, &config);
}

TEST(ReadYaml, SetsEveryKindOfField) {
  v1::ServerConfig config;
  const absl::Status status = ReadYaml(R"(
bundles: "/srv/bundles"
listen: 7700
limits: {max_k: 1000}
defaults:
  quotas:
    - {retriever: behavior, share: .75}
    - retriever: content
      share: 2.5e-1
  fusion:
    policy: RRF
    weights: {behavior: 2, content: 0.5}
)",
                                       "f.yaml", &config);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(config.bundles(), "/srv/bundles");
  EXPECT_EQ(config.listen(), "7700");
  EXPECT_EQ(config.limits().max_k(), 1000);
  ASSERT_EQ(config.defaults().quotas_size(), 2);
  EXPECT_EQ(config.defaults().quotas(0).share(), .75);
  EXPECT_EQ(config.defaults().quotas(1).retriever(), "content");
  EXPECT_EQ(config.defaults().fusion().policy(), v1::Fusion::RRF);
  EXPECT_EQ(config.defaults().fusion().weights().at("behavior"), 2);
  EXPECT_FALSE(config.limits().has_max_batch());
}

TEST(ReadYaml, SetsMapsOfMessagesAndNumbersOfEveryWidth) {
  v1::RetrieveRequest request;
  const absl::Status status = ReadYaml(R"(
user_id: 18446744073709551615
quotas: {content: {target: 7, min: 1}}
vectors: {behavior: {values: [1, -2.5], fingerprint: f}}
include_seen: true
)",
                                       "f.yaml", &request);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(request.user_id(), UINT64_MAX);
  EXPECT_EQ(request.quotas().at("content").min(), 1);
  EXPECT_EQ(request.vectors().at("behavior").values(1), -2.5F);
  EXPECT_TRUE(request.include_seen());
  v1::BatchEntry entry;
  ASSERT_TRUE(ReadYaml("code: -5", "f.yaml", &entry).ok());
  EXPECT_EQ(entry.code(), -5);
}

TEST(ReadYaml, KeepsWhatTheFileDoesNotNameAndReplacesLists) {
  v1::ServerConfig config;
  config.set_listen("kept");
  config.mutable_limits()->set_max_batch(3);
  config.mutable_defaults()->add_quotas()->set_retriever("replaced");
  const absl::Status status = ReadYaml(R"(
limits: {max_k: 1}
defaults: {quotas: [{retriever: content}]}
)",
                                       "f.yaml", &config);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(config.listen(), "kept");
  EXPECT_EQ(config.limits().max_batch(), 3);
  ASSERT_EQ(config.defaults().quotas_size(), 1);
  EXPECT_EQ(config.defaults().quotas(0).retriever(), "content");
}

TEST(ReadYaml, TakesAnEmptyDocumentAndEmptySections) {
  v1::ServerConfig config;
  EXPECT_TRUE(ReadYaml("", "f.yaml", &config).ok());
  EXPECT_TRUE(ReadYaml("# nothing\n", "f.yaml", &config).ok());
  EXPECT_TRUE(ReadYaml("limits:\n  # max_k: 5\n", "f.yaml", &config).ok());
  EXPECT_FALSE(config.limits().has_max_k());
}

TEST(ReadYaml, NamesUnknownFieldsWithLineAndPath) {
  EXPECT_EQ(ServerError("listen: a:1\nlimits:\n  max_k: 3\n  max_q: 4\n"),
            "f.yaml:4:3: limits.max_q: unknown field of Limits; did you mean "
            "\"max_k\"?");
  EXPECT_EQ(ServerError("defaults:\n  quotas:\n  - {retriever: a, shar: 1}"),
            "f.yaml:3:20: defaults.quotas[0].shar: unknown field of "
            "QuotaShare; did you mean \"share\"?");
}

TEST(ReadYaml, NamesWrongTypes) {
  EXPECT_EQ(ServerError("limits: {max_k: many}"),
            "f.yaml:1:17: limits.max_k: expected an integer from 0 to "
            "4294967295, found \"many\"");
  EXPECT_THAT(ServerError("limits: {max_k: '5'}"), HasSubstr("limits.max_k"));
  EXPECT_THAT(ServerError("limits: {max_k: 5.0}"), HasSubstr("limits.max_k"));
  EXPECT_THAT(ServerError("limits: {max_k: }"), HasSubstr("found nothing"));
  EXPECT_THAT(ServerError("limits: {max_k: [1]}"), HasSubstr("found a list"));
  EXPECT_THAT(ServerError("limits: 5"), HasSubstr("expected a mapping"));
  EXPECT_THAT(ServerError("[]"), HasSubstr("expected a mapping"));
  EXPECT_THAT(ServerError("defaults: {quotas: {a: 1}}"),
              HasSubstr("defaults.quotas: expected a list"));
  EXPECT_THAT(ServerError("defaults: {fusion: {policy: BEST}}"),
              HasSubstr("one of POLICY_UNSPECIFIED, QUOTA, RRF"));
  EXPECT_THAT(ServerError("live_recall: {sample_share: .nan}"),
              HasSubstr("expected a finite number"));
  v1::BuildConfig build;
  EXPECT_THAT(ErrorOf("content: {weigh_by_value: yes}", &build),
              HasSubstr("expected true or false"));
  EXPECT_THAT(ErrorOf("content: {column_weights: {title: x}}", &build),
              StartsWith("f.yaml:1:35: content.column_weights.title: "));
}

TEST(ReadYaml, NamesNumbersOutOfRange) {
  EXPECT_THAT(ServerError("limits: {max_k: 4294967296}"),
              HasSubstr("limits.max_k: expected an integer from 0 to"));
  EXPECT_THAT(ServerError("limits: {max_k: -1}"), HasSubstr("limits.max_k"));
  EXPECT_THAT(ServerError("live_recall: {sample_share: 1e999}"),
              HasSubstr("live_recall.sample_share"));
  v1::QueryVector vector;
  EXPECT_THAT(ErrorOf("values: [1e39]", &vector), HasSubstr("values[0]"));
}

TEST(ReadYaml, RefusesKeysGivenTwice) {
  EXPECT_EQ(ServerError("limits:\n  max_k: 1\n  max_k: 2\n"),
            "f.yaml:3:3: limits.max_k: given twice");
  v1::BuildConfig build;
  EXPECT_EQ(ErrorOf("content:\n  column_weights: {a: 1, a: 2}", &build),
            "f.yaml:2:26: content.column_weights.a: given twice");
  v1::RetrieveRequest request;
  EXPECT_THAT(ErrorOf("user_id: 1\nuser_key: a", &request),
              StartsWith("f.yaml:2:1: user_key: excludes user_id"));
}

TEST(ReadYaml, ReportsBrokenYamlWithItsLine) {
  EXPECT_THAT(ServerError("listen: a\nlimits: {max_k: 1"),
              StartsWith("f.yaml:2:"));
  EXPECT_THAT(ServerError("a: *nowhere"), StartsWith("f.yaml:1:"));
  EXPECT_THAT(ServerError("listen: a\n---\nlisten: b\n"),
              HasSubstr("one YAML document"));
  EXPECT_THAT(ServerError(std::string(100000, '[')), StartsWith("f.yaml:"));
  // On which YAML::LoadAll hangs.
  EXPECT_THAT(ServerError(", server.yaml\nlisten: a\n"), StartsWith("f.yaml:"));
}

TEST(ReadYamlFile, NamesTheFile) {
  const std::string path = testing::TempDir() + "/yaml_message_test.yaml";
  std::ofstream(path) << "listen: here\nbundels: x\n";
  v1::ServerConfig config;
  EXPECT_EQ(ReadYamlFile(path, &config).message(),
            path +
                ":2:1: bundels: unknown field of ServerConfig; did you mean "
                "\"bundles\"?");
  const absl::Status missing = ReadYamlFile(path + ".none", &config);
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.message()), HasSubstr(path + ".none"));
  EXPECT_FALSE(ReadYamlFile(testing::TempDir(), &config).ok());
}

TEST(ReadYamlFile, RefusesHugeFiles) {
  const std::string path = testing::TempDir() + "/yaml_message_test_huge.yaml";
  std::ofstream(path) << std::string((1 << 20) + 1, '#');
  v1::ServerConfig config;
  EXPECT_THAT(std::string(ReadYamlFile(path, &config).message()),
              HasSubstr("longer than"));
}

}  // namespace
}  // namespace tributary
