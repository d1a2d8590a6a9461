// A bundle on disk whose only space has a user tower, for tests.
#ifndef TRIBUTARY_TESTS_INDEX_TOWER_TOWER_BUNDLE_H_
#define TRIBUTARY_TESTS_INDEX_TOWER_TOWER_BUNDLE_H_

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "index/bundle/bundle.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

struct FloatArray {
  std::vector<float> values;
  // 0: one dimension.
  uint64_t columns = 0;
};

// Items 0 to 5; a space "taste" of dimension 2, in which rows 0 to 4 have the
// vectors (1, 5), (2, 4), (3, 3), (4, 2), (5, 1). Users 10, 20 and 30, of whom
// 10 has seen rows 0 and 1. Its tower sums history rows 0 to 4, which are
// (1, 0), (0, 1), (2, 0), (0, 3), (4, 4), with decay 1. Tests change the
// members that they are about before they open the bundle.
struct TowerBundle {
  TowerBundle();

  // Floats by name; files are called <name>.npy.
  std::map<std::string, FloatArray> arrays;
  std::map<std::string, std::vector<Row>> rows;
  // Key tables by name; files are called <name>.keys.*.
  std::map<std::string, KeyList> keys;
  v1::Manifest manifest;

  v1::Tower& tower() {
    return *manifest.mutable_spaces(0)->mutable_user_tower();
  }
  v1::Layer& AddLayer(v1::Layer::Kind kind);

  // Writes the bundle to a fresh directory. Open also opens it.
  std::filesystem::path Write() const;
  std::shared_ptr<const Bundle> Open() const;
};

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_INDEX_TOWER_TOWER_BUNDLE_H_
