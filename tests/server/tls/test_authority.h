// An authority that issues real certificates, made with OpenSSL's library, for
// tests.
#ifndef TRIBUTARY_TESTS_SERVER_TLS_TEST_AUTHORITY_H_
#define TRIBUTARY_TESTS_SERVER_TLS_TEST_AUTHORITY_H_

#include <filesystem>
#include <memory>
#include <string>

// OpenSSL's.
struct evp_pkey_st;
struct x509_st;

namespace tributary {

struct IssueOptions {
  // As OpenSSL's configuration writes them: "DNS:localhost,IP:127.0.0.1".
  std::string names = "DNS:localhost,IP:127.0.0.1";
  // From now; both may be below 0.
  int valid_from_days = -1;
  int valid_until_days = 30;
  bool is_authority = false;
};

// A certificate and its key, both PEM.
struct Issued {
  std::string certificate;
  std::string private_key;
};

class TestAuthority {
 public:
  // A root.
  explicit TestAuthority(const std::string& name);
  // An authority that `issuer` issued.
  TestAuthority(const std::string& name, const TestAuthority& issuer);

  const std::string& certificate() const { return own_.certificate; }
  // Every certificate has a key of its own.
  Issued Issue(const IssueOptions& options = {}) const;

 private:
  Issued own_;
  std::shared_ptr<evp_pkey_st> key_;
  std::shared_ptr<x509_st> x509_;
};

// Replaces a file as programs do that rotate certificates: by a rename.
void ReplaceFile(const std::filesystem::path& path, const std::string& text);

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_SERVER_TLS_TEST_AUTHORITY_H_
