#ifndef TRIBUTARY_TESTS_TORTURE_FOLLOWED_STORE_H_
#define TRIBUTARY_TESTS_TORTURE_FOLLOWED_STORE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tests/integration/deployment.h"
#include "tests/torture/control_plane.h"
#include "tests/torture/fault.h"
#include "tests/torture/visible_versions.h"

namespace tributary {

// A server that stays, and versions 1, 2, … of the tiny bundle that come to it,
// each by a loader of its own.
class FollowedStoreTest : public testing::Test {
 protected:
  // Versions 1 and 2 have come.
  void SetUp() override;

  // The next version; newest_ from now on.
  void PublishNext();
  // Starts a loader, and ends it when newest_ is there.
  void Follow();
  // Takes the one before the newest out of the store.
  void ForgetPrevious();

  std::vector<std::string> LoaderCommand() const;
  // The version is active, the one before is on the host, and nothing else is.
  bool Reached(uint64_t version);
  uint64_t Active();

  std::filesystem::path bundles() const { return deployment_.bundles(); }
  // Of store and bundles.
  std::filesystem::path root() const { return bundles().parent_path(); }

  Deployment deployment_;
  std::optional<ControlPlane> control_;
  uint64_t newest_ = 0;
};

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_TORTURE_FOLLOWED_STORE_H_
