#include "index/bundle/version_reservation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

TEST(VersionReservation, TakesTheNumberAboveAllThatExistOrAreReserved) {
  const fs::path root = MakeTestDir() / "new";
  const auto first = VersionReservation::Take(root, 0);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->version(), 1);
  const auto second = VersionReservation::Take(root, 0);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->version(), 2);
  WriteTinyBundle(root, 9);
  EXPECT_EQ(VersionReservation::Take(root, 0)->version(), 10);
  // That one was given up at once.
  EXPECT_EQ(VersionReservation::Take(root, 0)->version(), 10);
}

TEST(VersionReservation, RefusesANumberThatIsTaken) {
  const fs::path root = MakeTestDir();
  WriteTinyBundle(root, 4);
  EXPECT_TRUE(
      absl::IsAlreadyExists(VersionReservation::Take(root, 4).status()));
  std::optional<VersionReservation> held(*VersionReservation::Take(root, 5));
  const absl::Status taken = VersionReservation::Take(root, 5).status();
  EXPECT_TRUE(absl::IsAlreadyExists(taken));
  EXPECT_THAT(std::string(taken.message()),
              testing::HasSubstr("another program is making"));
  held.reset();
  EXPECT_TRUE(VersionReservation::Take(root, 5).ok());
}

TEST(VersionReservation, NoTwoAtOnceAreEqual) {
  const fs::path root = MakeTestDir();
  std::vector<std::optional<VersionReservation>> taken(8);
  {
    std::vector<std::jthread> takers;
    for (auto& one : taken) {
      takers.emplace_back([&] {
        auto reservation = VersionReservation::Take(root, 0);
        ASSERT_TRUE(reservation.ok()) << reservation.status();
        one.emplace(*std::move(reservation));
      });
    }
  }
  std::vector<uint64_t> versions;
  for (const auto& one : taken) versions.push_back(one->version());
  EXPECT_THAT(versions, testing::UnorderedElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
}

TEST(VersionReservation, LeavesNothingAndRemovesWhatOthersLeft) {
  const fs::path root = MakeTestDir();
  // As a process that was killed leaves it: the lock is free.
  fs::create_directory(root / ".reserved-7-1-0");
  OverwriteFile(root / ".reserved-7-1-0" / "lock", "");
  EXPECT_EQ(VersionReservation::Take(root, 0)->version(), 1);
  EXPECT_EQ(std::distance(fs::directory_iterator(root), {}), 0);
}

TEST(VersionReservation, NamesADirectoryThatCannotBeMade) {
  const fs::path root = MakeTestDir();
  OverwriteFile(root / "file", "");
  const auto reservation = VersionReservation::Take(root / "file" / "out", 0);
  EXPECT_FALSE(reservation.ok());
  EXPECT_THAT(std::string(reservation.status().message()),
              testing::HasSubstr((root / "file" / "out").string()));
}

}  // namespace
}  // namespace tributary
