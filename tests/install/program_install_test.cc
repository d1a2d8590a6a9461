// Installs the component `programs` and starts the programs from there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/index/bundle/tiny_bundle.h"
#include "tests/integration/process.h"
#include "version/version.h"

namespace tributary {
namespace {

using testing::MatchesRegex;
using testing::StartsWith;

TEST(ProgramInstall, ProgramsTellTheirVersion) {
  const auto prefix = MakeTestDir();
  ASSERT_EQ(::unsetenv("DESTDIR"), 0);
  const Outcome installed =
      RunProgram({TRIBUTARY_CMAKE, "--install", TRIBUTARY_BUILD_DIR,
                  "--component", "programs", "--prefix", prefix});
  ASSERT_EQ(installed.exit_status, 0) << installed.output;
  const auto bin = prefix / TRIBUTARY_INSTALL_BINDIR;
  for (const std::string name :
       {"tributary", "tributary-server", "tributary-loader"}) {
    const Outcome shown = RunProgram({bin / name, "--version"});
    EXPECT_EQ(shown.exit_status, 0);
    EXPECT_THAT(shown.output, StartsWith(name + " " + Version()));
    EXPECT_THAT(shown.output,
                MatchesRegex("[a-z-]+ [0-9.]+( [(]revision [^)]+[)])?, "
                             "bundle format 1, gRPC [0-9.]+\n"));
  }
  const auto config =
      prefix / TRIBUTARY_INSTALL_DATADIR / "tributary" / "config";
  for (const char* name : {"build.yaml", "server.yaml", "loader.yaml"}) {
    EXPECT_TRUE(std::filesystem::exists(config / name)) << name;
  }
}

}  // namespace
}  // namespace tributary
