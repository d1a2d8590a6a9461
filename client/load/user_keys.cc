#include "client/load/user_keys.h"

#include <charconv>
#include <fstream>
#include <iterator>

#include "fmt/format.h"

namespace tributary {
namespace {

bool ParseNumber(std::string_view text, uint64_t* number) {
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

absl::StatusOr<UserKeys> UserKeys::ReadFile(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    return absl::NotFoundError(fmt::format("{}: cannot be read", path));
  }
  std::vector<std::string> keys;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty()) keys.push_back(std::move(line));
  }
  if (keys.empty()) {
    return absl::InvalidArgumentError(
        fmt::format("{}: no keys, expected one per line", path));
  }
  return UserKeys(std::move(keys));
}

absl::StatusOr<UserKeys> UserKeys::ParseRange(std::string_view text) {
  const size_t dash = text.find('-');
  UserKeys keys;
  if (dash == std::string_view::npos ||
      !ParseNumber(text.substr(0, dash), &keys.low_) ||
      !ParseNumber(text.substr(dash + 1), &keys.high_) ||
      keys.low_ > keys.high_) {
    return absl::InvalidArgumentError(
        fmt::format("\"{}\": expected LOW-HIGH, e.g. 1-943", text));
  }
  return keys;
}

void UserKeys::Draw(std::mt19937_64* random, std::string* key) const {
  if (!keys_.empty()) {
    std::uniform_int_distribution<size_t> index(0, keys_.size() - 1);
    *key = keys_[index(*random)];
    return;
  }
  key->clear();
  if (low_ <= high_) {
    std::uniform_int_distribution<uint64_t> number(low_, high_);
    fmt::format_to(std::back_inserter(*key), "{}", number(*random));
    return;
  }
  fmt::format_to(std::back_inserter(*key), "nobody {:016x}", (*random)());
}

}  // namespace tributary
