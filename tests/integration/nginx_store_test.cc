// A store behind a real web server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <thread>

#include "fmt/core.h"
#include "index/bundle/version_directory.h"
#include "index/publish/fetch_version.h"
#include "index/publish/open_store.h"
#include "index/verify/verify_version.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/index/publish/padded_bundle.h"
#include "tests/index/publish/publish_to.h"
#include "tests/integration/deployment.h"
#include "tests/integration/store_servers.h"

namespace tributary {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

absl::Status Fetch(Store* store, uint64_t version, const fs::path& root) {
  const auto manifest = store->ReadManifest(version, {});
  if (!manifest.ok()) return manifest.status();
  FetchOptions options;
  options.exclusive = true;
  return FetchVersion(store, version, *manifest, root, options);
}

TEST(NginxStore, FeedsARealLoader) {
  Deployment deployment;
  Nginx nginx(deployment.store());
  deployment.StartServer();
  Process loader(
      {Program("tributary-loader"), "--store", nginx.url(), "--bundles",
       deployment.bundles(), "--control",
       fmt::format("unix:{}/control.sock", deployment.bundles().string()),
       "--poll-interval-ms", "20", "--gate.enabled", "false"});
  for (const uint64_t version : {1, 2}) {
    const auto bundle = WriteTinyBundle(deployment.built(), version);
    ASSERT_TRUE(PublishTo(bundle, deployment.store()).ok());
    ASSERT_TRUE(deployment.WaitForVersion(version)) << loader.Output();
  }
  EXPECT_THAT(loader.Output(), HasSubstr("fetched_bytes=0 "));
  // CURRENT is asked for with its ETag, once that is of one content only.
  EXPECT_TRUE(WaitUntil([&] {
    return nginx.AccessLog().find("GET /CURRENT 304") != std::string::npos;
  }));
  nginx.Kill();
  ASSERT_TRUE(loader.WaitFor("event=step_failed")) << loader.Output();
  EXPECT_EQ(deployment.Status().active_version(), 2);
  nginx.Start();
  ASSERT_TRUE(
      PublishTo(WriteTinyBundle(deployment.built(), 3), deployment.store())
          .ok());
  ASSERT_TRUE(deployment.WaitForVersion(3)) << loader.Output();
}

TEST(NginxStore, ResumesAFileWhenTheServerDiedAndCameBack) {
  const fs::path files = MakeTestDir();
  WritePaddedBundle(files, 1, 200'000);
  Nginx nginx(files);
  // 100 kB a second.
  const auto store = *OpenStore(nginx.url() + "/slow", {});
  const fs::path root = MakeTestDir();
  absl::Status status;
  {
    const std::jthread fetch([&] { status = Fetch(store.get(), 1, root); });
    // Until a part of the large file is there.
    ASSERT_TRUE(WaitUntil([&] {
      std::error_code error;
      for (const auto& entry : fs::recursive_directory_iterator(root, error)) {
        if (entry.path().filename() == kPadding && fs::file_size(entry) > 0) {
          return true;
        }
      }
      return false;
    }));
    nginx.Kill();
    nginx.Start();
  }
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_TRUE(VerifyVersion(root / "1").ok());
  EXPECT_THAT(nginx.AccessLog(),
              testing::ContainsRegex("GET /slow/1/padding.bin 206 [0-9]+ "
                                     "bytes=[1-9][0-9]*-"));
}

TEST(NginxStore, IsReadByTlsOnlyIfItsCertificateIsKnown) {
  const fs::path files = MakeTestDir();
  ASSERT_TRUE(PublishTo(WriteTinyBundle(MakeTestDir(), 1), files).ok());
  Nginx nginx(files, true);
  const auto store = *OpenStore(nginx.url(), {});
  const auto unknown = store->ReadCurrent({});
  EXPECT_TRUE(absl::IsUnauthenticated(unknown.status())) << unknown.status();
  ::setenv("CURL_CA_BUNDLE", nginx.certificate().c_str(), 1);
  const auto current = store->ReadCurrent({});
  EXPECT_TRUE(current.ok()) << current.status();
  const fs::path root = MakeTestDir();
  const absl::Status fetched = Fetch(store.get(), 1, root);
  EXPECT_TRUE(fetched.ok()) << fetched;
  ::unsetenv("CURL_CA_BUNDLE");
}

}  // namespace
}  // namespace tributary
