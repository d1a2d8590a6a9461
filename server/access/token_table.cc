#include "server/access/token_table.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/time/time.h"
#include "fmt/format.h"

namespace tributary {
namespace {

constexpr size_t kMaxNameBytes = 128;
constexpr size_t kMaxTokens = 10'000;

bool IsName(std::string_view name) {
  constexpr std::string_view kOthers = "-_.@/:+";
  return !name.empty() && name.size() <= kMaxNameBytes &&
         std::ranges::all_of(name, [&](unsigned char c) {
           return absl::ascii_isalnum(c) ||
                  kOthers.find(static_cast<char>(c)) != std::string_view::npos;
         });
}

std::vector<std::string_view> Words(std::string_view line) {
  std::vector<std::string_view> words;
  constexpr std::string_view kSpaces = " \t\r";
  for (size_t begin = line.find_first_not_of(kSpaces);
       begin != std::string_view::npos;) {
    const size_t end = line.find_first_of(kSpaces, begin);
    words.push_back(line.substr(begin, end - begin));
    begin = line.find_first_not_of(kSpaces, std::min(end, line.size()));
  }
  return words;
}

bool ParseHash(std::string_view hex, TokenHash* hash) {
  const bool is_hex = hex.size() == 2 * hash->size() &&
                      std::ranges::all_of(hex, [](unsigned char c) {
                        return absl::ascii_isxdigit(c);
                      });
  if (!is_hex) return false;
  const std::string bytes = absl::HexStringToBytes({hex.data(), hex.size()});
  std::copy(bytes.begin(), bytes.end(), hash->begin());
  return true;
}

bool ParseExpiry(std::string_view text, int64_t* seconds) {
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, {text.data(), text.size()}, &time,
                       &error)) {
    return false;
  }
  *seconds = absl::ToUnixSeconds(time);
  return true;
}

// What is wrong with a line; null for nothing. The line itself may hold a
// secret that was put there by mistake, and is not repeated.
const char* ParseLine(const std::vector<std::string_view>& words,
                      TokenTable::Token* token) {
  if (words.size() < 2 || words.size() > 3) {
    return "expected a name, a SHA-256 and perhaps a time";
  }
  if (!IsName(words[0])) {
    return "expected a name of at most 128 letters, digits and -_.@/:+";
  }
  token->name = words[0];
  if (!ParseHash(words[1], &token->hash)) {
    return "expected the token's SHA-256, 64 hexadecimal digits, after its "
           "name";
  }
  token->expires_s = std::numeric_limits<int64_t>::max();
  if (words.size() == 3 && !ParseExpiry(words[2], &token->expires_s)) {
    return "expected a time such as 2027-01-31T00:00:00Z";
  }
  return nullptr;
}

}  // namespace

TokenHash HashToken(std::string_view text) {
  TokenHash hash;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         hash.data());
  return hash;
}

absl::StatusOr<TokenTable> TokenTable::Parse(const std::string& path,
                                             std::string_view text) {
  TokenTable table;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    const std::vector<std::string_view> words = Words(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (words.empty() || words[0].starts_with('#')) continue;
    Token token;
    const char* problem = ParseLine(words, &token);
    if (table.tokens_.size() == kMaxTokens) problem = "more than 10000 tokens";
    if (problem != nullptr) {
      return absl::InvalidArgumentError(
          fmt::format("{}: line {}: {}", path, number, problem));
    }
    table.tokens_.push_back(std::move(token));
  }
  return table;
}

const TokenTable::Token* TokenTable::Find(const TokenHash& hash) const {
  const Token* found = nullptr;
  for (const Token& token : tokens_) {
    // A line that has expired may have a successor of the same token.
    if (CRYPTO_memcmp(token.hash.data(), hash.data(), hash.size()) == 0 &&
        (found == nullptr || token.expires_s > found->expires_s)) {
      found = &token;
    }
  }
  return found;
}

}  // namespace tributary
