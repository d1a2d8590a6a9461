#include "index/bundle/magnitude.h"

#include "fmt/core.h"

namespace tributary {

std::string WhyUnusable(float value) {
  return std::isfinite(value)
             ? fmt::format("{} is beyond +-{}", value, kMaxMagnitude)
             : fmt::format("{} is not finite", value);
}

}  // namespace tributary
