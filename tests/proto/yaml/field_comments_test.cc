#include "proto/yaml/field_comments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "google/protobuf/timestamp.pb.h"
#include "proto/yaml/config_flags.h"
#include "tributary/v1/config.pb.h"

namespace tributary {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

const FieldDescriptor& Field(const Descriptor& message, const char* name) {
  return *message.FindFieldByName(name);
}

TEST(CommentOf, IsTheFirstSentenceAndTheFacts) {
  const std::string comment =
      CommentOf(Field(*v1::Feedback::descriptor(), "max_per_user_item_day"));
  EXPECT_EQ(comment,
            "How many interactions of one user with one item count on one day; "
            "without times, in all. Unit: interactions. Range: 0 or more. "
            "Default: 1.");
}

TEST(CommentOf, IsEmptyForOtherFiles) {
  EXPECT_EQ(
      CommentOf(Field(*google::protobuf::Timestamp::descriptor(), "seconds")),
      "");
}

void ExpectComments(const Descriptor& message, int depth) {
  for (int i = 0; depth > 0 && i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    EXPECT_NE(CommentOf(field), "") << field.full_name();
    if (field.message_type() != nullptr && !field.is_map()) {
      ExpectComments(*field.message_type(), depth - 1);
    }
  }
}

TEST(CommentOf, EveryFieldOfEveryConfigurationHasOne) {
  for (const Descriptor* message :
       {v1::ServerConfig::descriptor(), v1::LoaderConfig::descriptor(),
        v1::BuildConfig::descriptor()}) {
    ExpectComments(*message, 4);
  }
}

TEST(CommentOf, IsTheHelpOfTheFlag) {
  CLI::App app;
  v1::BuildConfig config;
  AddConfigFlags(app, &config);
  EXPECT_THAT(app.get_option("--als.dim")->get_description(),
              testing::AllOf(testing::HasSubstr("Range: "),
                             testing::Not(testing::HasSubstr("als.dim"))));
}

}  // namespace
}  // namespace tributary
