// Who calls, and what they may do: identities from certificates, tokens, JSON
// Web Tokens and unix sockets, and what the grants give them. This folder knows
// neither gRPC nor HTTP.
#ifndef TRIBUTARY_SERVER_ACCESS_ACCESS_CONTROL_H_
#define TRIBUTARY_SERVER_ACCESS_ACCESS_CONTROL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "server/access/denial.h"
#include "server/access/jwks.h"
#include "server/access/rights.h"
#include "server/access/token_table.h"
#include "sync/mutex.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// What a caller shows, as its listener sees it.
struct Shown {
  // The value of the header Authorization; empty without it. Schemes other than
  // Bearer show nothing.
  std::string_view authorization = {};
  // The names in a client certificate that was verified.
  std::span<const std::string> certificate_names = {};
  // Whether the connection is one of a unix socket.
  bool unix_socket = false;
};

// What was shown, in words for a log, as far as it need not be verified.
std::string Describe(const Shown& shown);

// Decides, by the grants of Access, which calls may be made. The files of
// tokens and keys are read again when they change; one that cannot be
// understood is not taken (event=access_file_refused). Thread-safe.
class AccessControl {
 public:
  // Called for each call that is refused.
  using OnDenied = std::function<void(Denial)>;

  // `access` is complete, and has grants. Errors name the field and the file.
  static absl::StatusOr<std::unique_ptr<AccessControl>> Open(v1::Access access);
  ~AccessControl();
  AccessControl(const AccessControl&) = delete;
  AccessControl& operator=(const AccessControl&) = delete;

  // The rights of a caller who may call `method`, which needs `role`. Otherwise
  // an error of DenyCall; a token that is not valid is refused whatever else is
  // shown. Costs about a microsecond for what was seen before.
  absl::StatusOr<SharedRights> Allow(const Shown& shown, AccessRole role,
                                     std::string_view method);

  // Only before the first call of Allow.
  void set_on_denied(OnDenied on_denied) { on_denied_ = std::move(on_denied); }

  // Whether health needs no identity.
  bool open_health() const { return access_.open_health(); }
  // A token that this process made for its calls to itself: it is for health
  // alone, and in no file.
  const std::string& own_token() const { return own_token_; }

  // Looks at the files now, as the thread does every second.
  void LookNow();

 private:
  struct VerifiedToken {
    std::string principal;
    int64_t expires_s = 0;
    // Of the key set that verified it.
    uint64_t generation = 0;
  };
  struct HashOfHash {
    size_t operator()(const TokenHash& hash) const;
  };
  struct HashOfText {
    using is_transparent = void;
    size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  // What was made of a file, and the bytes that were read last.
  struct SeenFile {
    std::string bytes;
    std::string refused;
  };

  explicit AccessControl(v1::Access access);

  absl::Status ReadTokens() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status ReadKeys() ABSL_LOCKS_EXCLUDED(mutex_);
  void LookAt(const char* field, const std::string& path, SeenFile* seen,
              absl::Status (AccessControl::*read)());
  void Run();

  // The principal that a bearer token shows, or UNAUTHENTICATED that says why
  // it shows none.
  absl::StatusOr<std::string> PrincipalOf(std::string_view token);
  absl::StatusOr<std::string> PrincipalOfJwt(std::string_view token,
                                             const TokenHash& hash,
                                             int64_t now_s);
  SharedRights RightsOfAll(std::span<const std::string_view> principals)
      ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Refuse(Denial denial, std::string_view method, AccessRole role,
                      std::string_view why) const;

  // Constant after construction.
  const v1::Access access_;
  OnDenied on_denied_;
  const std::string own_token_;
  const TokenHash own_hash_;
  const SharedRights own_rights_;

  mutable Mutex mutex_;
  CondVar changed_;
  std::shared_ptr<const TokenTable> tokens_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const std::vector<JwtKey>> keys_ ABSL_GUARDED_BY(mutex_);
  uint64_t keys_generation_ ABSL_GUARDED_BY(mutex_) = 0;
  // Both are emptied when they are full.
  std::unordered_map<TokenHash, VerifiedToken, HashOfHash> verified_
      ABSL_GUARDED_BY(mutex_);
  std::unordered_map<std::string, SharedRights, HashOfText, std::equal_to<>>
      rights_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  // The thread's own, and LookNow's.
  Mutex look_mutex_;
  SeenFile seen_tokens_ ABSL_GUARDED_BY(look_mutex_);
  SeenFile seen_keys_ ABSL_GUARDED_BY(look_mutex_);
  std::thread thread_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_ACCESS_ACCESS_CONTROL_H_
