// Runs kernels with every SIMD instruction set that the processor has.
#ifndef TRIBUTARY_TESTS_INDEX_SEARCH_EACH_TARGET_H_
#define TRIBUTARY_TESTS_INDEX_SEARCH_EACH_TARGET_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

// Kernels that have no code of their own for it run their plain one.
#define HWY_WANT_AVX3_DL 1
#include "hwy/targets.h"

namespace tributary {

// Runs `body` with each target that this processor has.
template <typename Body>
void ForEachTarget(const Body& body) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(target);
    body();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().DeInit();
}

// A heap block of its own size exactly: a sanitizer sees a read beyond it.
template <typename T>
std::unique_ptr<T[]> ExactCopy(const std::vector<T>& values) {
  auto copy = std::make_unique<T[]>(values.size());
  std::copy(values.begin(), values.end(), copy.get());
  return copy;
}

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_INDEX_SEARCH_EACH_TARGET_H_
