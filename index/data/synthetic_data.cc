#include "index/data/synthetic_data.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "index/data/data_set_builder.h"
#include "index/data/random.h"

namespace tributary {
namespace {

constexpr uint32_t kUsers = 2000;
constexpr uint32_t kItems = 5000;
constexpr uint32_t kTopics = 24;
constexpr uint32_t kSegments = 4;
constexpr double kNewShare = 0.1;
constexpr double kTasteWeight = 10;
constexpr double kZipfExponent = 0.5;
// How far items are from their topic, and users from the topics they like.
constexpr double kItemSpread = 0.7;
constexpr double kUserSpread = 0.5;
constexpr uint32_t kMinUserInteractions = 10;
constexpr double kMeanFurtherInteractions = 50;
constexpr uint32_t kMaxInteractions = 300;
constexpr int64_t kFirstSecond = 1735689600;  // 2025-01-01
constexpr int64_t kYear_s = int64_t{365} * 86400;
// What features show of the truth.
constexpr double kTopicIsRight = 0.8;
constexpr uint32_t kWordsPerTopic = 40;
constexpr uint32_t kCommonWords = 300;
constexpr uint32_t kWordsPerItem = 8;
constexpr double kWordIsOfTopic = 0.5;
constexpr uint32_t kNumbers = 4;
constexpr double kNumberNoise = 0.5;

using Factors = std::vector<float>;

void Normalise(float* factors) {
  double norm = 0;
  for (uint32_t i = 0; i < SyntheticTruth::kDim; ++i) {
    norm += double{factors[i]} * factors[i];
  }
  const auto scale = static_cast<float>(1 / std::sqrt(norm));
  for (uint32_t i = 0; i < SyntheticTruth::kDim; ++i) factors[i] *= scale;
}

}  // namespace

double SyntheticTruth::Logit(Row user, Row item) const {
  const float* const u = &user_factors_[size_t{user} * kDim];
  const float* const v = &item_factors_[size_t{item} * kDim];
  double dot = 0;
  for (uint32_t i = 0; i < kDim; ++i) dot += double{u[i]} * v[i];
  return kTasteWeight * dot + log_popularity_[item];
}

// Draws the truth, then what can be seen of it.
struct SyntheticWorld {
  static constexpr uint32_t kDim = SyntheticTruth::kDim;

  explicit SyntheticWorld(uint64_t seed) : random(seed) {}

  void DrawTopics() {
    topics.resize(size_t{kTopics} * kDim);
    for (uint32_t topic = 0; topic < kTopics; ++topic) {
      for (uint32_t i = 0; i < kDim; ++i) {
        topics[topic * kDim + i] = static_cast<float>(random.Normal());
      }
      Normalise(&topics[size_t{topic} * kDim]);
    }
  }

  void DrawItems() {
    for (Row item = 0; item < kItems; ++item) {
      item_topics.push_back(static_cast<uint32_t>(random.Below(kTopics)));
      AddNear(item_topics.back(), item_topics.back(), kItemSpread,
              &truth.item_factors_);
      truth.is_new_.push_back(random.Uniform() < kNewShare);
    }
    std::vector<uint32_t> ranks(kItems);
    std::iota(ranks.begin(), ranks.end(), 1);
    for (uint32_t i = kItems - 1; i > 0; --i) {
      std::swap(ranks[i], ranks[random.Below(i + 1)]);
    }
    for (const uint32_t rank : ranks) {
      truth.log_popularity_.push_back(
          static_cast<float>(-kZipfExponent * std::log(rank)));
    }
  }

  void DrawUsers() {
    for (Row user = 0; user < kUsers; ++user) {
      const auto first = static_cast<uint32_t>(random.Below(kTopics));
      const auto second = static_cast<uint32_t>(random.Below(kTopics));
      AddNear(first, second, kUserSpread, &truth.user_factors_);
      // Segments are groups of topics, known for the most part.
      segments.push_back(static_cast<uint32_t>(random.Uniform() < kTopicIsRight
                                                   ? first % kSegments
                                                   : random.Below(kSegments)));
    }
  }

  // A unit vector near the middle of two topics.
  void AddNear(uint32_t a, uint32_t b, double spread, Factors* factors) {
    const double noise = spread / std::sqrt(double{kDim});
    for (uint32_t i = 0; i < kDim; ++i) {
      factors->push_back(
          static_cast<float>((topics[a * kDim + i] + topics[b * kDim + i]) / 2 +
                             2 * noise * random.Normal()));
    }
    Normalise(&factors->back() + 1 - kDim);
  }

  // The items with the largest of logit + Gumbel noise are a draw without
  // replacement from the softmax (Yellott 1977).
  void DrawInteractions(Row user) {
    std::vector<std::pair<double, Row>> noisy;
    for (Row item = 0; item < kItems; ++item) {
      const double noise = random.Gumbel();
      if (truth.is_new_[item]) continue;
      noisy.push_back({-truth.Logit(user, item) - noise, item});
    }
    const auto more = static_cast<uint32_t>(-kMeanFurtherInteractions *
                                            std::log(random.Uniform()));
    const uint32_t n = std::min(kMinUserInteractions + more, kMaxInteractions);
    std::partial_sort(noisy.begin(), noisy.begin() + n, noisy.end());
    for (uint32_t i = 0; i < n; ++i) {
      builder.AddInteraction(
          user, noisy[i].second, 1,
          kFirstSecond + static_cast<int64_t>(random.Below(kYear_s)));
    }
  }

  std::string DrawWords(Row item) {
    std::string words;
    for (uint32_t i = 0; i < kWordsPerItem; ++i) {
      const bool of_topic = random.Uniform() < kWordIsOfTopic;
      words += fmt::format(
          "{}{}{}", i == 0 ? "" : " ",
          of_topic ? fmt::format("topic{}word", item_topics[item]) : "word",
          random.Below(of_topic ? kWordsPerTopic : kCommonWords));
    }
    return words;
  }

  void DrawFeatures() {
    FeatureTable& features = builder.item_features;
    features.AddColumn("topic", FeatureColumn::Kind::kTokens);
    features.AddColumn("words", FeatureColumn::Kind::kText);
    for (uint32_t i = 0; i < kNumbers; ++i) {
      features.AddColumn(fmt::format("number{}", i),
                         FeatureColumn::Kind::kNumber);
    }
    for (Row item = 0; item < kItems; ++item) {
      const uint64_t topic = random.Uniform() < kTopicIsRight
                                 ? item_topics[item]
                                 : random.Below(kTopics);
      features.Set(0, item, fmt::format("topic{}", topic));
      features.Set(1, item, DrawWords(item));
      for (uint32_t i = 0; i < kNumbers; ++i) {
        const double factor = truth.item_factors_[item * kDim + i];
        const double seen =
            factor * std::sqrt(double{kDim}) + kNumberNoise * random.Normal();
        features.Set(2 + i, item, fmt::format("{:.3f}", seen));
      }
    }
    builder.user_features.AddColumn("segment", FeatureColumn::Kind::kTokens);
    for (Row user = 0; user < kUsers; ++user) {
      builder.user_features.Set(0, user, fmt::format("s{}", segments[user]));
    }
  }

  Random random;
  SyntheticTruth truth;
  Factors topics;
  std::vector<uint32_t> item_topics;
  std::vector<uint32_t> segments;
  DataSetBuilder builder;
};

SyntheticData MakeSyntheticData(uint64_t seed) {
  SyntheticWorld world(seed);
  // Keys are in the order of their numbers, so that rows are numbers.
  for (Row i = 0; i < kItems; ++i) {
    world.builder.items.Add(fmt::format("item-{:04}", i));
  }
  for (Row i = 0; i < kUsers; ++i) world.builder.users.Add(fmt::to_string(i));
  world.DrawTopics();
  world.DrawItems();
  world.DrawUsers();
  for (Row user = 0; user < kUsers; ++user) world.DrawInteractions(user);
  world.DrawFeatures();
  return {std::move(world.builder).Finish(), std::move(world.truth)};
}

}  // namespace tributary
