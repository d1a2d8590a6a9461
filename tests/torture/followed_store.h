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

// A store with versions 1, 2, … of the tiny bundle, and a server that runs for
// the whole test. A new loader brings each version to the server.
class FollowedStoreTest : public testing::Test {
 protected:
  // Publishes versions 1 and 2 and brings them to the server.
  void SetUp() override;

  // Publishes the next version, which becomes newest_.
  void PublishNext();
  // Runs a loader until newest_ has been reached.
  void Follow();
  // Removes the version before the newest from the store.
  void ForgetPrevious();

  std::vector<std::string> LoaderCommand() const;
  // Whether `version` is active, and it and the one before it are the only
  // versions on the host, without leftovers.
  bool Reached(uint64_t version);
  uint64_t Active();

  std::filesystem::path bundles() const { return deployment_.bundles(); }
  // The directory that contains store and bundles.
  std::filesystem::path root() const { return bundles().parent_path(); }

  Deployment deployment_;
  std::optional<ControlPlane> control_;
  uint64_t newest_ = 0;
};

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_TORTURE_FOLLOWED_STORE_H_
