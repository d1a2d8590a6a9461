#ifndef TRIBUTARY_CLIENT_LOAD_USER_KEYS_H_
#define TRIBUTARY_CLIENT_LOAD_USER_KEYS_H_

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace tributary {

// The users that a load asks for, drawn uniformly. Immutable and thread-safe.
class UserKeys {
 public:
  // Nobody that a bundle knows: every request is a cold start.
  UserKeys() = default;

  // REQUIRES: keys are not empty.
  explicit UserKeys(std::vector<std::string> keys) : keys_(std::move(keys)) {}
  // One key per line; empty lines are skipped. NOT_FOUND, or INVALID_ARGUMENT
  // for a file without any.
  static absl::StatusOr<UserKeys> ReadFile(const std::string& path);
  // "LOW-HIGH", both inclusive: decimal keys. INVALID_ARGUMENT.
  static absl::StatusOr<UserKeys> ParseRange(std::string_view text);

  // Replaces *key.
  void Draw(std::mt19937_64* random, std::string* key) const;

 private:
  // Those of keys_, else numbers from low_ to high_, else nobody's.
  std::vector<std::string> keys_;
  uint64_t low_ = 1;
  uint64_t high_ = 0;
};

}  // namespace tributary

#endif  // TRIBUTARY_CLIENT_LOAD_USER_KEYS_H_
