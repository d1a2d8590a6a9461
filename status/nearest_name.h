#ifndef TRIBUTARY_STATUS_NEAREST_NAME_H_
#define TRIBUTARY_STATUS_NEAREST_NAME_H_

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tributary {

// How many characters must be inserted, removed, replaced or swapped with their
// neighbour to make `b` of `a` (optimal string alignment).
inline size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> before_last(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> now(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      now[j] = std::min(
          {last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        now[j] = std::min(now[j], before_last[j - 2] + 1);
      }
    }
    before_last.swap(last);
    last.swap(now);
  }
  return last.back();
}

// The name that `given` was probably meant to be: the nearest one, the first of
// several, if no more than a third of its characters, and at most three, differ
// from it. Empty when none is so near. `names` are strings.
template <typename Names>
std::string NearestName(std::string_view given, const Names& names) {
  std::string nearest;
  size_t best = 4;
  for (const auto& name : names) {
    const std::string_view candidate(name);
    const size_t longer = std::max(given.size(), candidate.size());
    // So many must be inserted at least. It also bounds the time that a very
    // long name of a request takes.
    if (longer - std::min(given.size(), candidate.size()) >= best) continue;
    const size_t distance = EditDistance(given, candidate);
    if (distance < best && distance * 3 <= std::max<size_t>(longer, 3)) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

// "; did you mean \"<name>\"?", or nothing when no name is near.
template <typename Names>
std::string DidYouMean(std::string_view given, const Names& names) {
  const std::string nearest = NearestName(given, names);
  return nearest.empty() ? "" : "; did you mean \"" + nearest + "\"?";
}

}  // namespace tributary

#endif  // TRIBUTARY_STATUS_NEAREST_NAME_H_
