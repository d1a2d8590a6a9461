#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "client/report/line_chart.h"
#include "client/report/markup.h"
#include "client/report/principal_plane.h"
#include "client/report/sections.h"
#include "client/report/tsne.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(Escape, LeavesNothingThatCouldBeMarkup) {
  EXPECT_EQ(Escape("<a b=\"c\" d='e'>&\x01"),
            "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;\xEF\xBF\xBD");
  EXPECT_THAT(TableMarkup({"<i>"}, {{"<b>"}}),
              AllOf(Not(HasSubstr("<i>")), Not(HasSubstr("<b>"))));
}

TEST(LineChart, IsDefinedForOnePoint) {
  const std::string svg = LineChart({.x_label = "x", .y_label = "y"},
                                    {{.name = "one", .points = {{3, 0}}}});
  EXPECT_THAT(svg, AllOf(Not(HasSubstr("nan")), Not(HasSubstr("inf"))));
}

TEST(ProjectOnPlane, FindsTheDirectionsOfMostVariance) {
  // Deviations 10 along (1, 1, 0) and 1 along z.
  std::mt19937_64 engine(1);
  std::vector<float> vectors;
  for (int i = 0; i < 200; ++i) {
    const float far = static_cast<float>(engine() % 2000) / 100 - 10;
    const float near = static_cast<float>(engine() % 2000) / 1000 - 1;
    vectors.insert(vectors.end(), {far + 5, far - 2, near});
  }
  const PrincipalPlane plane = ProjectOnPlane(vectors, 3);
  EXPECT_GT(plane.variance_share[0], .98);
  EXPECT_NEAR(plane.variance_share[0] + plane.variance_share[1], 1, 1e-6);
  double mean = 0;
  for (const Point& point : plane.points) mean += point[0];
  EXPECT_NEAR(mean, 0, 1e-6);
}

// Three far groups of 20 in 5 dimensions.
std::vector<float> Groups() {
  std::mt19937_64 engine(2);
  std::vector<float> vectors;
  for (int i = 0; i < 60; ++i) {
    for (int d = 0; d < 5; ++d) {
      vectors.push_back((i % 3 == d ? 10.0F : 0.0F) +
                        static_cast<float>(engine() % 1000) / 1000);
    }
  }
  return vectors;
}

TEST(EmbedByTsne, KeepsNeighboursTogether) {
  const std::vector<Point> points = EmbedByTsne(Groups(), 5, 2);
  for (size_t i = 0; i < points.size(); ++i) {
    double best = INFINITY;
    size_t nearest = i;
    for (size_t j = 0; j < points.size(); ++j) {
      const double distance =
          std::hypot(points[i][0] - points[j][0], points[i][1] - points[j][1]);
      if (j == i || distance >= best) continue;
      best = distance;
      nearest = j;
    }
    EXPECT_EQ(nearest % 3, i % 3) << i;
  }
}

TEST(EmbedByTsne, IsTheSameOnAnyNumberOfThreads) {
  EXPECT_EQ(EmbedByTsne(Groups(), 5, 1), EmbedByTsne(Groups(), 5, 3));
}

TEST(EmbedByTsne, IsDefinedForEqualVectors) {
  for (const Point& point : EmbedByTsne(std::vector<float>(30, 1), 3, 1)) {
    EXPECT_TRUE(std::isfinite(point[0]) && std::isfinite(point[1]));
  }
}

TEST(TrainingPlots, DrawTheLogOfTheManifest) {
  const auto dir = WriteTinyBundle(MakeTestDir(), 1);
  std::string manifest = ReadFile(dir / "manifest.json");
  const std::string before = "\"metric\":";
  ASSERT_NE(manifest.find(before), std::string::npos) << manifest;
  manifest.insert(manifest.find(before),
                  "\"training\": [{\"step\": 1, \"loss\": 2.5, \"recall\": "
                  "0.1}, {\"step\": 2, \"loss\": 1.5}],\n");
  OverwriteFile(dir / "manifest.json", manifest);
  const auto bundle = Bundle::Open(dir);
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  const std::string plots = TrainingPlots(**bundle);
  EXPECT_THAT(plots, AllOf(HasSubstr("id=training-loss-taste"),
                           HasSubstr("id=training-recall-taste"),
                           HasSubstr("2.5000"), HasSubstr("1.5000")));

  const auto without = Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
  EXPECT_THAT(TrainingPlots(**without), HasSubstr("no training log"));
}

}  // namespace
}  // namespace tributary
