// A bundle on disk whose user tower takes features of requests, for tests.
#ifndef TRIBUTARY_TESTS_INDEX_TOWER_FEATURE_TOWER_BUNDLE_H_
#define TRIBUTARY_TESTS_INDEX_TOWER_FEATURE_TOWER_BUNDLE_H_

#include <array>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/index/tower/tower_bundle.h"

namespace tributary {

// A TowerBundle whose tower has a context of three features end to end: the
// user's id (one value, not known by name), `city` (categories lima, paris and
// rome, two values) and `age` (a number, one value). Users 10 and 20 have a
// stored context; user 30 has none. One linear layer makes the query vector.
struct FeatureTowerBundle : TowerBundle {
  FeatureTowerBundle();
};

// What FeatureTowerBundle says of a user, computed without the code under test.
struct TowerUser {
  // The value of the id's input.
  double id = 7;
  // Known ones only.
  std::multiset<std::string> cities = {};
  std::optional<double> age = {};
};
// Users 10 and 20, and one whom the bundle does not know.
TowerUser UserTen();
TowerUser UserTwenty();

// The context, and the query vector of a user with this sum of the history.
std::vector<float> ContextOf(const TowerUser& user);
std::vector<float> QueryOf(const TowerUser& user,
                           std::array<double, 2> history = {0, 0});

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_INDEX_TOWER_FEATURE_TOWER_BUNDLE_H_
