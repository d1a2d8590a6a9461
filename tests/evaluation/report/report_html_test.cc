#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>

#include "evaluation/report/markup.h"
#include "evaluation/report/report.h"
#include "evaluation/verdict.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

const TestItems kTest = {
    {"10", {"e", "f"}}, {"20", {"a"}}, {"stranger", {"f", "nothing"}}};

size_t Count(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  return static_cast<size_t>(
      std::distance(std::sregex_iterator(text.begin(), text.end(), regex),
                    std::sregex_iterator()));
}

// Cuts out what stands from `begin` to `end`, the first `times` times, and
// returns the last of it.
std::string Cut(std::string* text, const std::string& begin,
                const std::string& end, size_t times = SIZE_MAX) {
  std::string cut;
  for (size_t i = 0; i < times; ++i) {
    const size_t from = text->find(begin);
    if (from == std::string::npos) break;
    const size_t to = text->find(end, from) + end.size();
    cut = text->substr(from, to - from);
    text->erase(from, to - from);
  }
  return cut;
}

// The tiny bundle, whose space has a training log.
std::shared_ptr<const Bundle> TrainedBundle() {
  const auto bundle = Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
  v1::Manifest manifest = (*bundle)->manifest();
  for (int step = 1; step <= 3; ++step) {
    auto* const point = manifest.mutable_spaces(0)->add_training();
    point->set_step(static_cast<uint32_t>(step));
    point->set_loss(1.0 / step);
  }
  return RewriteBundle(**bundle, manifest,
                       [](BundleWriter*) { return absl::OkStatus(); });
}

class ReportHtmlTest : public testing::Test {
 protected:
  ReportHtmlTest() {
    const auto serving =
        ServingBundle::Open(bundle_, RetrieverRegistry::BuiltIn());
    lists_.emplace(*ListSource::Make(*serving, v1::ServerConfig()));
  }

  std::string Report(const TestItems& test) {
    const auto users = FindTestUsers(test, bundle_->items());
    evaluation_ =
        *Evaluate(*lists_, users,
                  {.ks = {1, 3, 6}, .quota_curves = true, .examples = 10});
    if (with_rival_) {
      rivals_ = {RivalOf("their <b>lists", evaluation_, evaluation_, 1, 1)};
      rivals_[0].counts = GivenListsCounts();
    }
    return ReportHtml({.evaluation = evaluation_,
                       .bundle = *bundle_,
                       .groups = GroupsBySegment(evaluation_.item_segments),
                       .titles = titles_,
                       .rivals = rivals_,
                       .test_name = "test.inter",
                       .threads = 1});
  }

  const std::shared_ptr<const Bundle> bundle_ = TrainedBundle();
  std::optional<ListSource> lists_;
  Evaluation evaluation_;
  std::vector<Rival> rivals_;
  ItemTitles titles_;
  bool with_rival_ = false;
};

TEST_F(ReportHtmlTest, SaysInOneSentenceWhoWins) {
  const std::string alone = Report(kTest);
  EXPECT_EQ(Count(alone, "class=verdict"), 1);
  EXPECT_THAT(alone, HasSubstr(Escape(VerdictSentence(evaluation_, {}))));
  with_rival_ = true;
  const std::string beside = Report(kTest);
  EXPECT_EQ(Count(beside, "class=verdict"), 1);
  EXPECT_THAT(beside, HasSubstr("Nobody wins: "));
  EXPECT_THAT(beside, HasSubstr("their &lt;b&gt;lists"));
  EXPECT_THAT(beside, Not(HasSubstr("their <b>")));
}

TEST_F(ReportHtmlTest, ShowsExampleUsersWithTitles) {
  titles_.column = "title";
  titles_.by_row = {"Anna & Co", "", "Ciao", "Dune", "Ёлка", "<script>"};
  const std::string page = Report(kTest);
  EXPECT_EQ(Count(page, "class=user>"), 1);
  EXPECT_THAT(page, HasSubstr("<h3>10</h3>"));
  EXPECT_THAT(page, HasSubstr("Anna &amp; Co"));   // had
  EXPECT_THAT(page, HasSubstr("<span>b</span>"));  // has no title
  EXPECT_EQ(Count(page, "class=hit><span>(Ёлка|&lt;script)"), 2);
  EXPECT_THAT(page, Not(HasSubstr("gives them titles")));
  titles_ = {};
  EXPECT_THAT(Report(kTest), HasSubstr("of --data gives them titles"));
}

TEST_F(ReportHtmlTest, ASeriesHasOneColourInAllCharts) {
  with_rival_ = true;
  const std::string page = Report(kTest);
  const std::regex legend("<li><i class='(c[^']*)'></i>([^<]*)</li>");
  std::map<std::string, std::set<std::string>> colours, names;
  for (auto it = std::sregex_iterator(page.begin(), page.end(), legend);
       it != std::sregex_iterator(); ++it) {
    colours[(*it)[2]].insert((*it)[1]);
    names[(*it)[1]].insert((*it)[2]);
  }
  // taste is in the charts of recall, quotas and training.
  ASSERT_THAT(colours, SizeIs(4));
  for (const auto& [name, of_name] : colours) {
    EXPECT_THAT(of_name, SizeIs(1)) << name;
  }
  for (const auto& [colour, of_colour] : names) {
    EXPECT_THAT(of_colour, SizeIs(1)) << colour;
  }
  EXPECT_GE(Count(page, "</i>taste</li>"), 3);
}

TEST_F(ReportHtmlTest, ShowsNoWallOfNumbers) {
  with_rival_ = true;
  const std::string page = Report(kTest);
  EXPECT_GE(Count(page, "<details><summary>"), 2);
  EXPECT_EQ(Count(page, "<details open"), 0);
  std::string open = page;
  Cut(&open, "<details>", "</details>");
  size_t tables = 0;
  for (std::string table;
       !(table = Cut(&open, "<tbody>", "</tbody>", 1)).empty(); ++tables) {
    EXPECT_LE(Count(table, "<t[hd]"), kMaxOpenCells);
  }
  EXPECT_GE(tables, 1);
}

TEST_F(ReportHtmlTest, HasNoNanAndAsksForNothing) {
  for (const TestItems& test : {kTest, TestItems{{"stranger", {"nothing"}}},
                                TestItems{{"10", {"a"}}}}) {
    const std::string page = Report(test);
    EXPECT_EQ(Count(page, "[^a-z](nan|NaN|inf|-nan)[^a-z]"), 0);
    EXPECT_EQ(Count(page, "<[^<>]*(href|src)="), 0);
    EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  }
}

TEST(TableMarkup, FoldsUpMoreThanKMaxOpenCells) {
  const std::vector<std::vector<std::string>> rows(kMaxOpenCells / 2,
                                                   {"a", "1"});
  EXPECT_THAT(TableMarkup("Lots", {"name", "n"}, rows),
              Not(HasSubstr("<details>")));
  auto more = rows;
  more.push_back({"b", "2"});
  EXPECT_THAT(TableMarkup("Lots & lots", {"name", "n"}, more),
              HasSubstr("<details><summary>Lots &amp; lots (25 rows)"));
}

FeatureColumn Column(std::string name, FeatureColumn::Kind kind,
                     std::vector<std::string> text) {
  return {std::move(name), kind, std::move(text), {}};
}

TEST(TitlesFrom, TakesTheColumnThatIsCalledSo) {
  const auto bundle = Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
  DataSet data;
  data.items = {v1::UTF8, {}, {"a", "c", "zinc"}};
  using Kind = FeatureColumn::Kind;
  data.item_features = {
      Column("year", Kind::kNumber, {}),
      Column("brand_name", Kind::kTokens, {"x", "y", "z"}),
      Column("Movie_Title", Kind::kTokens, {"Toy\x1fStory", "", "Zoo"})};
  const ItemTitles titles = TitlesFrom(**bundle, data);
  EXPECT_EQ(titles.column, "Movie_Title");
  EXPECT_EQ(titles.Of(**bundle, 0), "Toy Story");
  EXPECT_EQ(titles.Of(**bundle, 2), "c");  // has no title
  EXPECT_EQ(titles.Of(**bundle, 5), "f");  // is not in the data
  data.item_features.push_back(Column("name", Kind::kText, {"A", "C", "Z"}));
  EXPECT_EQ(TitlesFrom(**bundle, data).column, "name");
  data.item_features = {Column("genre", Kind::kTokens, {"x", "y", "z"})};
  EXPECT_EQ(TitlesFrom(**bundle, data).column, "");
  EXPECT_EQ(TitlesFrom(**bundle, data).Of(**bundle, 1), "b");
}

}  // namespace
}  // namespace tributary
