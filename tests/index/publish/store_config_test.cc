#include "index/publish/store_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "index/publish/open_store.h"

namespace tributary {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(CompleteDownload, NamesTheFieldThatIsOutOfRange) {
  v1::Download download;
  download.set_parallel(65);
  EXPECT_THAT(std::string(CompleteDownload(download).status().message()),
              HasSubstr("download.parallel: 65, expected 1 to 64"));
  download = {};
  download.set_stall_ms(0);
  EXPECT_TRUE(absl::IsInvalidArgument(CompleteDownload(download).status()));
  download = {};
  download.set_attempts(0);
  EXPECT_TRUE(absl::IsInvalidArgument(CompleteDownload(download).status()));
}

TEST(CompleteS3, TakesTheEndpointOfTheRegion) {
  v1::S3 s3;
  s3.set_region("eu-central-1");
  EXPECT_EQ(CompleteS3(s3)->endpoint(),
            "https://s3.eu-central-1.amazonaws.com");
  EXPECT_FALSE(CompleteS3(s3)->path_style());
}

TEST(CompleteS3, PutsTheBucketIntoThePathOfAGivenEndpoint) {
  v1::S3 s3;
  s3.set_endpoint("http://minio:9000");
  EXPECT_TRUE(CompleteS3(s3)->path_style());
  s3.set_path_style(false);
  EXPECT_FALSE(CompleteS3(s3)->path_style());
}

TEST(CompleteS3, DoesNotChangeCompleteOptions) {
  const auto once = CompleteS3({});
  const auto twice = CompleteS3(*once);
  EXPECT_EQ(once->SerializeAsString(), twice->SerializeAsString());
}

TEST(CompleteS3, RefusesABadEndpointWithoutRepeatingIt) {
  for (const char* endpoint :
       {"minio:9000", "ftp://secret", "http://user:secret@host",
        "https://host/secret", "https://", ""}) {
    v1::S3 s3;
    s3.set_endpoint(endpoint);
    const auto completed = CompleteS3(s3);
    EXPECT_TRUE(absl::IsInvalidArgument(completed.status())) << endpoint;
    EXPECT_THAT(std::string(completed.status().message()),
                Not(HasSubstr("secret")));
  }
  v1::S3 s3;
  s3.set_region("a.b/c");
  EXPECT_TRUE(absl::IsInvalidArgument(CompleteS3(s3).status()));
}

TEST(OpenStore, ChoosesTheStoreByItsUrl) {
  for (const std::string url :
       {"/srv/store", "store", "http://host/store/", "https://host:8443",
        "s3://bucket", "s3://bucket/a/b/"}) {
    const auto store = OpenStore(url, {});
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_EQ((*store)->url(), url);
  }
  for (const std::string url : {"", "file:///srv", "gs://bucket/x"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(OpenStore(url, {}).status())) << url;
  }
}

TEST(OpenStore, ChecksTheOptions) {
  StoreOptions options;
  options.download.set_parallel(0);
  EXPECT_TRUE(absl::IsInvalidArgument(OpenStore("/x", options).status()));
}

}  // namespace
}  // namespace tributary
