#include "tests/torture/followed_store.h"

#include <signal.h>

#include <set>

#include "fmt/core.h"
#include "index/bundle/version_directory.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/index/publish/publish_to.h"

namespace tributary {

void FollowedStoreTest::SetUp() {
  deployment_.StartServer();
  control_.emplace(bundles());
  for (int i = 0; i < 2; ++i) {
    PublishNext();
    ASSERT_NO_FATAL_FAILURE(Follow());
  }
}

void FollowedStoreTest::PublishNext() {
  const auto bundle = WriteTinyBundle(deployment_.built(), ++newest_);
  ASSERT_TRUE(PublishTo(bundle, deployment_.store()).ok());
}

void FollowedStoreTest::Follow() {
  Process loader(LoaderCommand());
  ASSERT_TRUE(loader.WaitFor("event=started")) << loader.Output();
  ASSERT_TRUE(WaitUntil([&] { return Reached(newest_); })) << loader.Output();
  loader.Signal(SIGTERM);
  EXPECT_EQ(loader.Wait(), 0) << loader.Output();
}

void FollowedStoreTest::ForgetPrevious() {
  EXPECT_TRUE(RemoveVersion(deployment_.store(), newest_ - 1).ok());
}

std::vector<std::string> FollowedStoreTest::LoaderCommand() const {
  return {Program("tributary-loader"),
          "--store",
          deployment_.store(),
          "--bundles",
          deployment_.bundles(),
          "--poll-interval-ms",
          "2"};
}

bool FollowedStoreTest::Reached(uint64_t version) {
  std::set<std::string> wanted = {fmt::format("{}", version)};
  if (version > 1) wanted.insert(fmt::format("{}", version - 1));
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator(bundles(), error)) {
    const std::string name = entry.path().filename().string();
    if (name == "CURRENT" || name == "SERVING" || name == "control.sock" ||
        name == ".server.lock" || name.starts_with(".loader.")) {
      continue;
    }
    if (wanted.erase(name) == 0) return false;
  }
  return wanted.empty() && Active() == version;
}

uint64_t FollowedStoreTest::Active() {
  const auto status = control_->GetStatus();
  EXPECT_TRUE(status) << deployment_.server().Output();
  return status ? status->active_version() : 0;
}

}  // namespace tributary
