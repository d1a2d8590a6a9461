// The files in config/ can be read, and state every default.
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "client/retrieval_client.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "index/assemble/build_config.h"
#include "proto/yaml/yaml_message.h"
#include "server/loader/loader_config.h"
#include "server/pipeline/server_config.h"
#include "tributary/v1/config.pb.h"

namespace tributary {
namespace {

using google::protobuf::util::MessageDifferencer;

template <typename Config>
Config Sample(const std::string& name) {
  Config config;
  const absl::Status status =
      ReadYamlFile(std::filesystem::path(TRIBUTARY_CONFIG_DIR) / name, &config);
  EXPECT_TRUE(status.ok()) << status;
  return config;
}

// Appends the paths of scalar fields that are not set, except in lists.
void CollectUnset(const google::protobuf::Message& message,
                  const std::string& prefix, std::string* unset) {
  const auto& type = *message.GetDescriptor();
  const auto& reflection = *message.GetReflection();
  for (int i = 0; i < type.field_count(); ++i) {
    const auto* field = type.field(i);
    const std::string path = prefix + std::string(field->name());
    if (field->is_repeated()) continue;
    if (field->message_type() != nullptr) {
      CollectUnset(reflection.GetMessage(message, field), path + ".", unset);
    } else if (!reflection.HasField(message, field)) {
      *unset += path + " ";
    }
  }
}

std::string UnsetIn(const google::protobuf::Message& message) {
  std::string unset;
  CollectUnset(message, "", &unset);
  return unset;
}

TEST(SampleConfigs, ServerStatesEveryDefault) {
  const auto sample = Sample<v1::ServerConfig>("server.yaml");
  v1::ServerConfig required;
  required.set_bundles(sample.bundles());
  auto defaults = CompleteServerConfig(required);
  ASSERT_TRUE(defaults.ok()) << defaults.status();
  EXPECT_EQ(UnsetIn(sample),
            "execution.search_threads execution.request_threads "
            "changes.s3.credentials_file ");
  defaults->mutable_execution()->clear_search_threads();
  defaults->mutable_execution()->clear_request_threads();
  EXPECT_TRUE(MessageDifferencer::Equals(sample, *defaults))
      << sample.DebugString() << defaults->DebugString();
}

TEST(SampleConfigs, LoaderStatesEveryDefault) {
  const auto sample = Sample<v1::LoaderConfig>("loader.yaml");
  v1::LoaderConfig required;
  required.set_store(sample.store());
  required.set_bundles(sample.bundles());
  const auto defaults = CompleteLoaderConfig(required);
  ASSERT_TRUE(defaults.ok()) << defaults.status();
  EXPECT_TRUE(MessageDifferencer::Equals(sample, *defaults))
      << sample.DebugString() << defaults->DebugString();
}

TEST(SampleConfigs, BuildStatesEveryDefault) {
  const auto sample = Sample<v1::BuildConfig>("build.yaml");
  auto defaults = CompleteBuildConfig({});
  ASSERT_TRUE(defaults.ok()) << defaults.status();
  EXPECT_EQ(UnsetIn(sample),
            "threads behavior.history.epochs behavior.history.dropout "
            "behavior.history.weight_decay behavior.history.decay "
            "behavior.history.cut_share "
            "behavior.history.dropped_targets behavior.towers.stop_after "
            "index.factory als.alpha als.regularization ");
  defaults->clear_threads();
  defaults->mutable_index()->clear_factory();
  EXPECT_TRUE(MessageDifferencer::Equals(sample, *defaults))
      << sample.DebugString() << defaults->DebugString();
}

TEST(SampleConfigs, TheServiceConfigIsTheClientsRetryPolicy) {
  const auto parse = [](const std::string& json) {
    google::protobuf::Struct parsed;
    EXPECT_TRUE(
        google::protobuf::util::JsonStringToMessage(json, &parsed).ok());
    return parsed.DebugString();
  };
  std::ifstream file(std::filesystem::path(TRIBUTARY_CONFIG_DIR) /
                     "service_config.json");
  std::stringstream published;
  published << file.rdbuf();
  EXPECT_EQ(parse(published.str()), parse(ServiceConfig({})));
}

TEST(SampleConfigs, TheMovieLensLabIsTwoTowersWithInBatchSoftmax) {
  const auto config =
      CompleteBuildConfig(Sample<v1::BuildConfig>("build_ml100k_lab.yaml"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->behavior().model(), "towers");
  const v1::Towers& towers = config->behavior().towers();
  EXPECT_EQ(towers.temperature(), 0.07);
  EXPECT_EQ(towers.history().encoder(), "none");
  EXPECT_EQ(towers.negatives().sampled(), 0);
  EXPECT_EQ(towers.user().hidden_size(), 2);
}

}  // namespace
}  // namespace tributary
