#include "index/data/random.h"

#include <cmath>

namespace tributary {

double Random::Normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  const double radius = std::sqrt(-2 * std::log(Uniform()));
  const double angle = 2 * 3.14159265358979323846 * Uniform();
  spare_ = radius * std::sin(angle);
  has_spare_ = true;
  return radius * std::cos(angle);
}

double Random::Gumbel() { return -std::log(-std::log(Uniform())); }

uint64_t HashKeys(std::string_view user, std::string_view item) {
  uint64_t hash = 0xCBF29CE484222325;
  const auto add = [&](unsigned char byte) {
    hash = (hash ^ byte) * 0x100000001B3;
  };
  for (const char c : user) add(static_cast<unsigned char>(c));
  add(0xFF);  // not a byte of UTF-8: "a", "bc" differs from "ab", "c"
  for (const char c : item) add(static_cast<unsigned char>(c));
  hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9;
  hash = (hash ^ (hash >> 27)) * 0x94D049BB133111EB;
  return hash ^ (hash >> 31);
}

}  // namespace tributary
