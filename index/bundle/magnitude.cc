#include "index/bundle/magnitude.h"

#include "fmt/core.h"

namespace tributary {

std::string DescribeUnusable(float value) {
  return fmt::format("{}, expected a finite number within +-{:g}", value,
                     kMaxMagnitude);
}

}  // namespace tributary
