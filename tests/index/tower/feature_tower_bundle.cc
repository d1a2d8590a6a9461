#include "tests/index/tower/feature_tower_bundle.h"

#include <cmath>
#include <map>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace tributary {
namespace {

constexpr char kFeatures[] = R"pb(
  features { kind: CATEGORIES dim: 1 }
  features { kind: CATEGORIES column: "city" dim: 2 categories: 3 }
  features {
    kind: NUMBER
    column: "age"
    dim: 1
    log1p: true
    offset: 2
    scale: 0.5
    missing: 0.25
  }
  context_dim: 4
  context_vectors: 2
  layers { kind: LINEAR weights: "w.npy" bias: "b.npy" }
)pb";

const std::map<std::string, std::array<double, 2>>& Cities() {
  static const auto* const cities =
      new std::map<std::string, std::array<double, 2>>{
          {"lima", {1, 0}}, {"paris", {0, 2}}, {"rome", {3, 1}}};
  return *cities;
}
constexpr std::array<double, 2> kNoCity = {0.5, -1};
// [2, 6]: the history's two values, the id, the city's two values, the age.
constexpr float kLayer[2][6] = {{1, 0, 0.5F, 1, 2, -1}, {0, 1, 1, -2, 1, 3}};
constexpr float kBias[2] = {0.125F, -0.25F};

}  // namespace

TowerUser UserTen() { return {.id = 1, .cities = {"paris"}, .age = 30}; }

TowerUser UserTwenty() { return {.id = -2, .cities = {"paris", "rome"}}; }

std::vector<float> ContextOf(const TowerUser& user) {
  std::array<double, 2> city = kNoCity;
  if (!user.cities.empty()) city = {0, 0};
  for (const std::string& name : user.cities) {
    const auto count = static_cast<double>(user.cities.size());
    for (size_t i = 0; i < 2; ++i) city[i] += Cities().at(name)[i] / count;
  }
  double age = 0.25;
  if (user.age.has_value()) {
    const double sign = *user.age < 0 ? -1 : 1;
    age = (sign * std::log(1 + std::abs(*user.age)) - 2) * 0.5;
  }
  return {static_cast<float>(user.id), static_cast<float>(city[0]),
          static_cast<float>(city[1]), static_cast<float>(age)};
}

std::vector<float> QueryOf(const TowerUser& user,
                           std::array<double, 2> history) {
  std::vector<double> inputs(history.begin(), history.end());
  for (const float value : ContextOf(user)) inputs.push_back(value);
  std::vector<float> query;
  for (size_t out = 0; out < 2; ++out) {
    double sum = kBias[out];
    for (size_t in = 0; in < inputs.size(); ++in) {
      sum += kLayer[out][in] * inputs[in];
    }
    query.push_back(static_cast<float>(sum));
  }
  return query;
}

FeatureTowerBundle::FeatureTowerBundle() {
  v1::Tower features;
  EXPECT_TRUE(
      google::protobuf::TextFormat::ParseFromString(kFeatures, &features));
  const std::vector<float> unknown = ContextOf(TowerUser());
  features.mutable_default_context()->Add(unknown.begin(), unknown.end());
  tower().MergeFrom(features);
  std::vector<float> stored = ContextOf(UserTen());
  for (const float value : ContextOf(UserTwenty())) stored.push_back(value);
  arrays["taste.context"] = {stored, 4};
  rows["taste.context.rows"] = {0, 1};
  arrays["taste.user_tower.0"] = {{7}, 1};
  FloatArray& cities = arrays["taste.user_tower.1"] = {{0.5F, -1}, 2};
  KeyList& names = keys["taste.user_tower.1"];
  names.kind = v1::UTF8;
  for (const auto& [name, values] : Cities()) {
    names.strings.push_back(name);
    for (const double value : values) {
      cities.values.push_back(static_cast<float>(value));
    }
  }
  arrays["w"] = {{&kLayer[0][0], &kLayer[0][0] + 12}, 6};
  arrays["b"] = {{kBias[0], kBias[1]}, 0};
}

}  // namespace tributary
