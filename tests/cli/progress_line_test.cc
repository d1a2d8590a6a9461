#include "cli/progress_line.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ProgressLineTest : public testing::Test {
 protected:
  ~ProgressLineTest() override { std::fclose(out_); }

  std::vector<std::string> Lines() {
    std::vector<std::string> lines;
    // Beside the position at which the object may be writing.
    std::fflush(out_);
    std::string text(65536, '\0');
    const ssize_t size = ::pread(::fileno(out_), text.data(), text.size(), 0);
    EXPECT_GE(size, 0);
    text.resize(static_cast<size_t>(std::max<ssize_t>(size, 0)));
    for (size_t end; (end = text.find('\n')) != std::string::npos;) {
      lines.push_back(text.substr(0, end));
      text.erase(0, end + 1);
    }
    EXPECT_EQ(text, "") << "an unfinished line";
    return lines;
  }
  std::vector<google::protobuf::Struct> Objects() {
    std::vector<google::protobuf::Struct> objects;
    for (const std::string& line : Lines()) {
      const auto status = google::protobuf::util::JsonStringToMessage(
          line, &objects.emplace_back());
      EXPECT_TRUE(status.ok()) << line;
    }
    return objects;
  }

  std::FILE* const out_ = std::tmpfile();
};

TEST_F(ProgressLineTest, ALogHasALineForEachStep) {
  {
    ProgressLine progress(ProgressStyle::kLog, out_);
    progress.Show("als", 0);
    progress.Show("als, loss 3", 1);
    progress.Say("said");
    progress.Show("index", 0);
  }
  const auto lines = Lines();
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_THAT(lines[0], HasSubstr("als, loss 3"));
  EXPECT_THAT(lines[0], HasSubstr(" s"));
  EXPECT_EQ(lines[1], "  said");
  EXPECT_THAT(lines[2], HasSubstr("index"));
}

TEST_F(ProgressLineTest, ProgramsGetObjects) {
  {
    ProgressLine progress(ProgressStyle::kJson, out_);
    progress.Expect({{"als", 1}, {"index", 1}});
    progress.Show("als, loss \"3\"", 0);
    progress.EndStep();
    progress.Say("said \xff \"so\"");
    progress.Show("index", 0.5);
  }
  const auto objects = Objects();
  ASSERT_EQ(objects.size(), 5U);
  const auto& begin = objects[0].fields();
  EXPECT_EQ(begin.at("step").string_value(), "als");
  EXPECT_EQ(begin.at("note").string_value(), "loss \"3\"");
  EXPECT_EQ(begin.at("done").number_value(), 0);
  EXPECT_FALSE(begin.at("over").bool_value());
  EXPECT_TRUE(objects[1].fields().at("over").bool_value());
  EXPECT_EQ(objects[1].fields().at("done").number_value(), 1);
  EXPECT_THAT(objects[2].fields().at("text").string_value(),
              HasSubstr("\"so\""));
  const auto& half = objects[3].fields();
  EXPECT_EQ(half.at("step").string_value(), "index");
  EXPECT_GT(half.at("allDone").number_value(), 0);
  EXPECT_LT(half.at("allDone").number_value(), 1);
  EXPECT_EQ(objects[4].fields().at("allSecondsLeft").number_value(), 0);
}

TEST_F(ProgressLineTest, SilentWorkIsShownEachSecond) {
  ProgressLine progress(ProgressStyle::kJson, out_);
  progress.Show("fusion", 0);
  std::vector<google::protobuf::Struct> objects;
  for (int i = 0; i < 1000 && objects.size() < 3; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    objects = Objects();
  }
  ASSERT_GE(objects.size(), 3U);
  EXPECT_GE(objects[1].fields().at("seconds").number_value(), 1);
}

TEST_F(ProgressLineTest, StepsOfOneNameAreOneStep) {
  {
    ProgressLine progress(ProgressStyle::kLog, out_);
    for (int i = 0; i < 100; ++i) progress.Show("als", i / 100.0);
  }
  EXPECT_EQ(Lines().size(), 1U);
}

TEST_F(ProgressLineTest, NoneSaysOnlyWhatIsSaid) {
  {
    ProgressLine progress(ProgressStyle::kNone, out_);
    progress.Show("als", 0);
    progress.Say("warning: so");
  }
  EXPECT_EQ(Lines(), std::vector<std::string>{"  warning: so"});
}

TEST_F(ProgressLineTest, ABarIsRedrawnInPlace) {
  {
    ProgressLine progress(ProgressStyle::kBar, out_);
    progress.Show("als", 0.5);
  }
  const auto lines = Lines();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines[0], HasSubstr("[===============   "));
  EXPECT_THAT(lines[0], HasSubstr("50%"));
  EXPECT_EQ(lines[0][0], '\r');
}

}  // namespace
}  // namespace tributary
