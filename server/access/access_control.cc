#include "server/access/access_control.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <strings.h>

#include <chrono>
#include <cstring>
#include <ctime>
#include <utility>

#include "absl/strings/escaping.h"
#include "fmt/format.h"
#include "server/access/grants.h"
#include "server/access/jwt.h"
#include "server/process/read_file.h"
#include "spdlog/spdlog.h"
#include "status/status_macros.h"
#include "status/status_message.h"

namespace tributary {
namespace {

constexpr std::string_view kBearer = "Bearer ";
constexpr auto kLookInterval = std::chrono::seconds(1);
constexpr size_t kMaxRemembered = 4096;
constexpr size_t kOwnTokenBytes = 32;

// The token of a header "Bearer TOKEN"; empty for other schemes.
std::string_view BearerOf(std::string_view authorization) {
  if (authorization.size() < kBearer.size() ||
      strncasecmp(authorization.data(), kBearer.data(), kBearer.size()) != 0) {
    return {};
  }
  authorization.remove_prefix(kBearer.size());
  return authorization;
}

std::string RandomToken() {
  std::string bytes(kOwnTokenBytes, '\0');
  // Without random numbers there is no token, and the server cannot call
  // itself.
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()),
                 static_cast<int>(bytes.size())) != 1) {
    return "";
  }
  return std::string(absl::BytesToHexString(bytes));
}

SharedRights OwnRights() {
  auto rights = std::make_shared<Rights>();
  rights->who = "the server itself";
  rights->roles[static_cast<size_t>(AccessRole::kObserve)] = true;
  return rights;
}

absl::StatusOr<std::string> ReadAccessFile(const char* field,
                                           const std::string& path) {
  absl::StatusOr<std::string> contents = ReadSmallFile(path);
  if (contents.ok()) return contents;
  return absl::Status(
      contents.status().code(),
      fmt::format("{}: {}", field, MessageOf(contents.status())));
}

std::string PathOf(const char* field, const std::string& path) {
  return fmt::format("{}: {}", field, path);
}

constexpr char kTokensField[] = "access.tokens_file";
constexpr char kKeysField[] = "access.jwt.jwks_file";

}  // namespace

std::string Describe(const Shown& shown) {
  std::string text;
  const auto add = [&text](std::string_view principal) {
    if (!text.empty()) text += ", ";
    text += principal;
  };
  for (const std::string& name : shown.certificate_names) {
    add(fmt::format("cert:{}", name));
  }
  if (shown.unix_socket) add("socket");
  if (text.empty()) text = "anyone";
  return text;
}

size_t AccessControl::HashOfHash::operator()(const TokenHash& hash) const {
  size_t value = 0;
  std::memcpy(&value, hash.data(), sizeof(value));
  return value;
}

absl::StatusOr<std::unique_ptr<AccessControl>> AccessControl::Open(
    v1::Access access) {
  std::unique_ptr<AccessControl> control(new AccessControl(std::move(access)));
  if (control->own_token_.empty()) {
    return absl::InternalError("OpenSSL has no random numbers");
  }
  if (!control->access_.tokens_file().empty()) {
    RETURN_IF_ERROR(control->ReadTokens());
  }
  if (!control->access_.jwt().jwks_file().empty()) {
    RETURN_IF_ERROR(control->ReadKeys());
  }
  // What was read just now is not read again.
  control->LookNow();
  control->thread_ = std::thread([self = control.get()] { self->Run(); });
  return control;
}

AccessControl::AccessControl(v1::Access access)
    : access_(std::move(access)),
      own_token_(RandomToken()),
      own_hash_(HashToken(own_token_)),
      own_rights_(OwnRights()) {}

AccessControl::~AccessControl() {
  {
    const MutexLock lock(&mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  if (thread_.joinable()) thread_.join();
}

absl::Status AccessControl::ReadTokens() {
  const std::string& path = access_.tokens_file();
  ASSIGN_OR_RETURN(const std::string text, ReadAccessFile(kTokensField, path));
  ASSIGN_OR_RETURN(TokenTable table,
                   TokenTable::Parse(PathOf(kTokensField, path), text));
  auto shared = std::make_shared<const TokenTable>(std::move(table));
  const MutexLock lock(&mutex_);
  tokens_ = std::move(shared);
  return absl::OkStatus();
}

absl::Status AccessControl::ReadKeys() {
  const std::string& path = access_.jwt().jwks_file();
  ASSIGN_OR_RETURN(const std::string text, ReadAccessFile(kKeysField, path));
  ASSIGN_OR_RETURN(std::vector<JwtKey> keys,
                   ParseJwks(PathOf(kKeysField, path), text));
  auto shared = std::make_shared<const std::vector<JwtKey>>(std::move(keys));
  const MutexLock lock(&mutex_);
  keys_ = std::move(shared);
  // A key that is gone must not live on in what it verified.
  ++keys_generation_;
  verified_.clear();
  return absl::OkStatus();
}

void AccessControl::LookAt(const char* field, const std::string& path,
                           SeenFile* seen,
                           absl::Status (AccessControl::*read)()) {
  if (path.empty()) return;
  const absl::StatusOr<std::string> bytes = ReadAccessFile(field, path);
  if (bytes.ok() && *bytes == seen->bytes) return;
  const bool is_first = seen->bytes.empty() && seen->refused.empty();
  absl::Status status = bytes.status();
  if (status.ok()) {
    seen->bytes = *bytes;
    status = (this->*read)();
  }
  if (status.ok()) {
    seen->refused.clear();
    if (!is_first) spdlog::info("event=access_file_taken file={}", path);
    return;
  }
  const std::string why(MessageOf(status));
  if (why == seen->refused) return;
  seen->refused = why;
  spdlog::error(
      "event=access_file_refused error={:?} hint=\"what was read before still "
      "counts\"",
      why);
}

void AccessControl::LookNow() {
  const MutexLock lock(&look_mutex_);
  LookAt(kTokensField, access_.tokens_file(), &seen_tokens_,
         &AccessControl::ReadTokens);
  LookAt(kKeysField, access_.jwt().jwks_file(), &seen_keys_,
         &AccessControl::ReadKeys);
}

void AccessControl::Run() {
  while (true) {
    {
      MutexLock lock(&mutex_);
      const auto next = std::chrono::steady_clock::now() + kLookInterval;
      while (!stopping_ && changed_.WaitUntil(&mutex_, next)) {
      }
      if (stopping_) return;
    }
    LookNow();
  }
}

absl::StatusOr<std::string> AccessControl::PrincipalOfJwt(
    std::string_view token, const TokenHash& hash, int64_t now_s) {
  std::shared_ptr<const std::vector<JwtKey>> keys;
  uint64_t generation = 0;
  {
    const MutexLock lock(&mutex_);
    const auto found = verified_.find(hash);
    if (found != verified_.end() && now_s < found->second.expires_s) {
      return found->second.principal;
    }
    keys = keys_;
    generation = keys_generation_;
  }
  ASSIGN_OR_RETURN(const VerifiedJwt verified,
                   VerifyJwt(token, *keys, access_.jwt(), now_s));
  std::string principal = "jwt:" + verified.subject;
  const MutexLock lock(&mutex_);
  if (generation != keys_generation_) return principal;
  if (verified_.size() >= kMaxRemembered) verified_.clear();
  verified_[hash] = {principal, verified.expires_s, generation};
  return principal;
}

absl::StatusOr<std::string> AccessControl::PrincipalOf(std::string_view token) {
  const TokenHash hash = HashToken(token);
  const int64_t now_s = std::time(nullptr);
  std::shared_ptr<const TokenTable> tokens;
  bool has_keys = false;
  {
    const MutexLock lock(&mutex_);
    tokens = tokens_;
    has_keys = keys_ != nullptr;
  }
  const TokenTable::Token* const found =
      tokens == nullptr ? nullptr : tokens->Find(hash);
  if (found != nullptr) {
    if (now_s < found->expires_s) return "token:" + found->name;
    return absl::UnauthenticatedError("the bearer token has expired");
  }
  if (has_keys && LooksLikeJwt(token)) {
    return PrincipalOfJwt(token, hash, now_s);
  }
  return absl::UnauthenticatedError("the bearer token is not known");
}

SharedRights AccessControl::RightsOfAll(
    std::span<const std::string_view> principals) {
  // Kept for its capacity.
  thread_local std::string key;
  key.clear();
  for (const std::string_view principal : principals) {
    key += principal;
    key += '\0';
  }
  {
    const MutexLock lock(&mutex_);
    const auto found = rights_.find(std::string_view(key));
    if (found != rights_.end()) return found->second;
  }
  SharedRights made = RightsOf(access_.grants(), principals);
  const MutexLock lock(&mutex_);
  if (rights_.size() >= kMaxRemembered) rights_.clear();
  rights_.emplace(key, made);
  return made;
}

absl::Status AccessControl::Refuse(Denial denial, std::string_view method,
                                   AccessRole role,
                                   std::string_view why) const {
  if (on_denied_) on_denied_(denial);
  return DenyCall(denial, method, role, why);
}

absl::StatusOr<SharedRights> AccessControl::Allow(const Shown& shown,
                                                  AccessRole role,
                                                  std::string_view method) {
  const std::string_view token = BearerOf(shown.authorization);
  std::vector<std::string> owned;
  if (!token.empty()) {
    const TokenHash hash = HashToken(token);
    if (CRYPTO_memcmp(hash.data(), own_hash_.data(), hash.size()) == 0 &&
        own_rights_->Has(role)) {
      return own_rights_;
    }
    absl::StatusOr<std::string> principal = PrincipalOf(token);
    if (!principal.ok()) {
      return Refuse(Denial::kNotValid, method, role,
                    MessageOf(principal.status()));
    }
    owned.push_back(*std::move(principal));
  }
  for (const std::string& name : shown.certificate_names) {
    // Names with a zero byte would end before they end.
    if (name.find('\0') == std::string::npos) owned.push_back("cert:" + name);
  }
  if (shown.unix_socket) owned.emplace_back("socket");
  const std::vector<std::string_view> principals(owned.begin(), owned.end());
  SharedRights rights = RightsOfAll(principals);
  if (rights->Has(role)) return rights;
  if (principals.empty()) {
    return Refuse(Denial::kNoIdentity, method, role,
                  "show a bearer token or a client certificate");
  }
  return Refuse(Denial::kRoleMissing, method, role,
                fmt::format("{} does not have it", rights->who));
}

}  // namespace tributary
