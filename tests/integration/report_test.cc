// The report of `tributary eval --html`, as a real browser shows it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <string>

#include "fmt/core.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/integration/process.h"

namespace tributary {
namespace {

using testing::HasSubstr;
using testing::Not;

// What a browser must show as text and never run or fetch.
constexpr char kHostile[] = "<img src=http://example.invalid/x onerror=boom()>";

size_t Count(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  return static_cast<size_t>(
      std::distance(std::sregex_iterator(text.begin(), text.end(), regex),
                    std::sregex_iterator()));
}

// The figure with that id.
std::string Figure(const std::string& page, const std::string& id) {
  const size_t begin = page.find(fmt::format("<figure id=\"{}\"", id));
  if (begin == std::string::npos) return "";
  return page.substr(begin, page.find("</figure>", begin) - begin);
}

// Six groups of users, each liking a fourth of the items of one category.
void WriteData(const std::filesystem::path& dir) {
  std::string interactions = "user,item\n";
  for (int user = 0; user < 120; ++user) {
    for (int i = 0; i < 10; ++i) {
      interactions += fmt::format("u{},{}i{}\n", user,
                                  i == 0 && user % 6 == 0 ? kHostile : "",
                                  user % 6 * 40 + user * 7 * i % 40);
    }
  }
  OverwriteFile(dir / "interactions.csv", interactions);
  std::string items = "item,genre\n";
  for (int i = 0; i < 240; ++i) {
    items += fmt::format("i{},{}\n", i, i / 40 == 3 ? kHostile : "genre");
  }
  OverwriteFile(dir / "items.csv", items);
}

class ReportTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = MakeTestDir();
    WriteData(dir_);
    const std::string data = "csv:" + dir_.string();
    const std::string test = dir_ / "test.inter";
    const Outcome built = RunProgram({Program("tributary"), "build", "--data",
                                      data, "--out", dir_, "--version", "1",
                                      "--holdout", "0.2", "--test-out", test});
    ASSERT_EQ(built.exit_status, 0) << built.output;
    const Outcome judged =
        RunProgram({Program("tributary"), "eval", "--bundle", dir_ / "1",
                    "--against", dir_ / "1", "--test", test, "-k", "5,10,20",
                    "--html", dir_ / "report.html", "--data", data});
    ASSERT_EQ(judged.exit_status, 0) << judged.output;
    sources_ = Count(judged.output,
                     "(behavior|content|popularity|trending|"
                     "als|item_item|ease|covisit|category) +0\\.\\d+ "
                     "+0\\.\\d+ +0\\.\\d+\n");
    const Outcome shown = RunProgram(
        {"chromium", "--headless=new", "--no-sandbox", "--disable-gpu",
         "--disable-background-networking", "--disable-component-update",
         "--no-first-run", "--enable-logging=stderr",
         "--user-data-dir=" + (dir_ / "profile").string(),
         "--log-net-log=" + (dir_ / "net.json").string(), "--dump-dom",
         "file://" + (dir_ / "report.html").string()});
    ASSERT_EQ(shown.exit_status, 0) << shown.output;
    page_ = shown.output;
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(dir_); }

  static inline std::filesystem::path dir_;
  static inline size_t sources_ = 0;
  // What the page was after its script had run, and the browser's log.
  static inline std::string page_;
};

TEST_F(ReportTest, RunsItsScriptToTheEndWithoutComplaint) {
  // Set by the script's last line.
  EXPECT_THAT(page_, HasSubstr("data-tips=\""));
  EXPECT_THAT(page_, Not(HasSubstr(":CONSOLE")));
  EXPECT_EQ(Count(page_, "<title>[^<]*</title>"), 1);  // the page's own
}

TEST_F(ReportTest, ShowsALineForEveryListAndADotForEveryK) {
  ASSERT_GE(sources_, 3);
  const std::string recall = Figure(page_, "recall");
  // Every source, the fused list, and that of the bundle of --against.
  const size_t lists = sources_ + 2;
  EXPECT_EQ(Count(recall, "<path class=\"line\""), lists);
  EXPECT_EQ(Count(recall, "<circle"), 3 * lists);
  EXPECT_EQ(Count(recall, "<li>"), lists);
}

TEST_F(ReportTest, ShowsQuotasLatencyAndMaps) {
  const std::string quotas = Figure(page_, "quotas-20");
  const size_t curves = Count(quotas, "<path class=\"line\"");
  EXPECT_GE(curves, 2);
  EXPECT_EQ(Count(quotas, "<circle"), 11 * curves);
  EXPECT_EQ(Count(Figure(page_, "latency"), "<rect class=\"bar\""), 40);
  for (const std::string map : {"pca-behavior", "tsne-behavior"}) {
    EXPECT_GT(Count(Figure(page_, map), "<circle class=\"point"), 100) << map;
  }
  EXPECT_THAT(page_, Not(HasSubstr("NaN")));
  EXPECT_THAT(page_, Not(HasSubstr("nan\"")));
}

TEST_F(ReportTest, ComparesAndTabulates) {
  EXPECT_THAT(page_, HasSubstr("Against "));
  EXPECT_EQ(Count(page_, "<table>"), 7);
  EXPECT_GE(Count(page_, "<details><summary>"), 3);
  EXPECT_EQ(Count(page_, "class=\"verdict\""), 1);
  EXPECT_EQ(Count(page_, "class=\"user\""), 10);
}

TEST_F(ReportTest, ShowsHostileNamesAsText) {
  EXPECT_THAT(page_, HasSubstr("&lt;img src=http://example.invalid"));
  EXPECT_EQ(Count(page_, "<img"), 0);
}

TEST_F(ReportTest, AsksNothingOfTheNetwork) {
  const std::string log = ReadFile(dir_ / "net.json");
  EXPECT_THAT(log, HasSubstr("constants"));
  EXPECT_THAT(log, Not(HasSubstr("example.invalid")));
  const std::string page = ReadFile(dir_ / "report.html");
  EXPECT_EQ(Count(page, "<[^<>]*(href|src)="), 0);
  EXPECT_EQ(Count(page, "url\\(|@import"), 0);
}

}  // namespace
}  // namespace tributary
