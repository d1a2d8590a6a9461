#include "cli/brokers/broker_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

TEST(BrokerAddressTest, HasServersNameAndGroup) {
  const auto redis = ParseBrokerAddress("redis://h:6379/stream");
  ASSERT_TRUE(redis.ok()) << redis.status();
  EXPECT_EQ(redis->Text(), "redis://h:6379/stream?group=tributary");
  const auto kafka = ParseBrokerAddress(
      "kafka://a:9092,b:9092/t?group=g&security.protocol=ssl");
  ASSERT_TRUE(kafka.ok()) << kafka.status();
  EXPECT_EQ(kafka->servers, "a:9092,b:9092");
  EXPECT_EQ(kafka->name, "t");
  EXPECT_EQ(kafka->group, "g");
  EXPECT_THAT(kafka->properties, ElementsAre(Pair("security.protocol", "ssl")));
  // Properties may be secrets.
  EXPECT_EQ(kafka->Text(), "kafka://a:9092,b:9092/t?group=g");
}

TEST(BrokerAddressTest, ErrorsSayWhatWasExpected) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"file.csv", "not a broker"},
      {"redis://h:1", "there is no stream"},
      {"kafka://h:1/", "there is no topic"},
      {"kafka://h/t", "\"h\" is not a host and a port"},
      {"kafka://h:0/t", "\"h:0\" is not a host and a port"},
      {"kafka://:1/t", "\":1\" is not a host and a port"},
      {"kafka://a:1,b/t", "\"a:1,b\" is not a host and a port"},
      {"redis://a:1,b:2/t", "\"a:1,b:2\" is not a host and a port"},
      {"redis://a:1/t?grup=x", "there is no setting \"grup\""},
      {"redis://a:1/t?group", "\"group\" is not NAME=VALUE"},
      {"redis://a:1/t?group=", "\"group=\" is not NAME=VALUE"},
  };
  for (const auto& [text, why] : wrong) {
    const auto address = ParseBrokerAddress(text);
    EXPECT_EQ(address.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(address.status().message()), HasSubstr(why));
  }
}

}  // namespace
}  // namespace tributary
