#include "server/access/audit_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using google::protobuf::Struct;

std::vector<Struct> LinesOf(const std::filesystem::path& path) {
  std::vector<Struct> lines;
  std::istringstream text(ReadFile(path));
  for (std::string line; std::getline(text, line);) {
    EXPECT_TRUE(
        google::protobuf::util::JsonStringToMessage(line, &lines.emplace_back())
            .ok())
        << line;
  }
  return lines;
}

AuditedCall Call(const char* who) {
  return {.method = "/tributary.v1.Bundles/Stage",
          .who = who,
          .from = "unix:",
          .arguments = R"({"version":"7"})",
          .result = absl::NotFoundError("no \"version\"\n7 \xff"),
          .seconds = 1.5};
}

TEST(AuditLog, WritesALineOfJsonForEachCall) {
  const auto path = MakeTestDir() / "audit";
  const auto log = AuditLog::Open(path).value();
  log->Record(Call("cert:a\"b"));
  AuditedCall named = Call("socket");
  named.request_id = "r-\"1";
  log->Record(named);
  const auto lines = LinesOf(path);
  ASSERT_EQ(lines.size(), 2);
  EXPECT_EQ(lines[1].fields().at("request_id").string_value(), "r-\"1");
  EXPECT_FALSE(lines[0].fields().contains("request_id"));
  const auto& fields = lines[0].fields();
  EXPECT_EQ(fields.at("who").string_value(), "cert:a\"b");
  EXPECT_EQ(fields.at("method").string_value(), "/tributary.v1.Bundles/Stage");
  EXPECT_EQ(fields.at("result").string_value(), "NOT_FOUND");
  EXPECT_EQ(fields.at("seconds").number_value(), 1.5);
  EXPECT_EQ(fields.at("from").string_value(), "unix:");
  EXPECT_EQ(fields.at("arguments")
                .struct_value()
                .fields()
                .at("version")
                .string_value(),
            "7");
  EXPECT_EQ(fields.at("time").string_value().back(), 'Z');
}

TEST(AuditLog, IsForItsOwnerAlone) {
  const auto path = MakeTestDir() / "audit";
  const auto log = AuditLog::Open(path).value();
  using std::filesystem::perms;
  EXPECT_EQ(std::filesystem::status(path).permissions(),
            perms::owner_read | perms::owner_write);
}

TEST(AuditLog, BeginsANewFileAfterARotation) {
  const auto path = MakeTestDir() / "audit";
  const auto log = AuditLog::Open(path).value();
  log->Record(Call("one"));
  std::filesystem::rename(path, path.string() + ".1");
  log->Record(Call("two"));
  ASSERT_EQ(LinesOf(path).size(), 1);
  EXPECT_EQ(LinesOf(path)[0].fields().at("who").string_value(), "two");
  EXPECT_EQ(LinesOf(path.string() + ".1").size(), 1);
}

TEST(AuditLog, AFailureIsCountedAndStopsNothing) {
  const auto dir = MakeTestDir() / "d";
  std::filesystem::create_directory(dir);
  const auto log = AuditLog::Open(dir / "audit").value();
  int failures = 0;
  log->set_on_failure([&] { ++failures; });
  std::filesystem::rename(dir, dir.string() + "-away");
  log->Record(Call("one"));
  EXPECT_EQ(failures, 1);
  std::filesystem::rename(dir.string() + "-away", dir);
  log->Record(Call("two"));
  EXPECT_EQ(failures, 1);
  EXPECT_EQ(LinesOf(dir / "audit").size(), 1);
}

TEST(AuditLog, AFullDiskIsAFailureToo) {
  const auto log = AuditLog::Open("/dev/full");
  ASSERT_TRUE(log.ok()) << log.status();
  int failures = 0;
  (*log)->set_on_failure([&] { ++failures; });
  (*log)->Record(Call("one"));
  EXPECT_EQ(failures, 1);
}

TEST(AuditLog, ADirectoryThatIsNotThereIsAnErrorAtTheStart) {
  const auto log = AuditLog::Open(MakeTestDir() / "none" / "audit");
  EXPECT_EQ(log.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(log.status().ToString(),
              testing::HasSubstr("access.audit_file: "));
}

}  // namespace
}  // namespace tributary
