#ifndef TRIBUTARY_SERVER_ACCESS_TOKEN_TABLE_H_
#define TRIBUTARY_SERVER_ACCESS_TOKEN_TABLE_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace tributary {

using TokenHash = std::array<unsigned char, 32>;

TokenHash HashToken(std::string_view text);

// The bearer tokens of Access.tokens_file. Immutable and thread-safe.
class TokenTable {
 public:
  struct Token {
    std::string name;
    TokenHash hash;
    // In seconds since 1970; the greatest number: never.
    int64_t expires_s;
  };

  // A line for each token: its name, the SHA-256 of the token in hexadecimal,
  // and perhaps when it expires. Empty lines and lines that begin with # are
  // skipped. Lines of one name may differ, so that a token can be replaced by
  // another while both are valid. INVALID_ARGUMENT that begins with `path` and
  // the number of the line.
  static absl::StatusOr<TokenTable> Parse(const std::string& path,
                                          std::string_view text);

  // The token with this hash; null for none. Takes the same time whichever it
  // is, and compares in constant time.
  const Token* Find(const TokenHash& hash) const;
  size_t size() const { return tokens_.size(); }

 private:
  std::vector<Token> tokens_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_ACCESS_TOKEN_TABLE_H_
