// Runs kernels with every SIMD instruction set that the processor has.
#ifndef TRIBUTARY_TESTS_INDEX_SEARCH_EACH_TARGET_H_
#define TRIBUTARY_TESTS_INDEX_SEARCH_EACH_TARGET_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

// Kernels without code for AVX3_DL run that of a lower target.
#define HWY_WANT_AVX3_DL 1
#include "hwy/targets.h"

namespace tributary {

// Runs `body` once for each target that this processor supports.
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

// A copy in a heap block of exactly its size, so that a sanitizer sees a read
// beyond it.
template <typename T>
std::unique_ptr<T[]> ExactCopy(const std::vector<T>& values) {
  auto copy = std::make_unique<T[]>(values.size());
  std::copy(values.begin(), values.end(), copy.get());
  return copy;
}

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_INDEX_SEARCH_EACH_TARGET_H_
