#ifndef TRIBUTARY_CLIENT_LOAD_USER_KEYS_H_
#define TRIBUTARY_CLIENT_LOAD_USER_KEYS_H_

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace tributary {

// The users of a load's requests, drawn uniformly. Immutable and thread-safe.
class UserKeys {
 public:
  // Draws random keys that no bundle knows, so that every request is a cold
  // start.
  UserKeys() = default;
  // Draws from `keys`. REQUIRES: they are not empty.
  explicit UserKeys(std::vector<std::string> keys) : keys_(std::move(keys)) {}
  // Draws from the lines of a file; empty lines are skipped. NOT_FOUND if it
  // cannot be read, INVALID_ARGUMENT if it has no keys.
  static absl::StatusOr<UserKeys> ReadFile(const std::string& path);
  // Draws decimal keys from `text`, "LOW-HIGH", both inclusive.
  // INVALID_ARGUMENT if it is not such a range.
  static absl::StatusOr<UserKeys> ParseRange(std::string_view text);

  // Draws a key, and replaces *key by it.
  void Draw(std::mt19937_64* random, std::string* key) const;

 private:
  // Keys are drawn from keys_ or, if that is empty, from low_ to high_ or, if
  // that is an empty range too, at random.
  std::vector<std::string> keys_;
  uint64_t low_ = 1;
  uint64_t high_ = 0;
};

}  // namespace tributary

#endif  // TRIBUTARY_CLIENT_LOAD_USER_KEYS_H_
