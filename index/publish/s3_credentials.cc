#include "index/publish/s3_credentials.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>

#include "absl/strings/ascii.h"
#include "fmt/core.h"

namespace tributary {
namespace {

constexpr std::streamsize kMaxFileBytes = 1 << 16;

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string Trim(std::string_view text) {
  return std::string(absl::StripAsciiWhitespace({text.data(), text.size()}));
}

std::string CredentialsFile(const v1::S3& s3) {
  if (!s3.credentials_file().empty()) return s3.credentials_file();
  const std::string shared = Environment("AWS_SHARED_CREDENTIALS_FILE");
  return shared.empty() ? Environment("HOME") + "/.aws/credentials" : shared;
}

// A line break in a key or a token could begin another header.
bool IsPrintable(const S3Credentials& credentials) {
  for (const std::string* text :
       {&credentials.access_key, &credentials.secret_key,
        &credentials.session_token}) {
    for (const char c : *text) {
      if (!absl::ascii_isgraph(static_cast<unsigned char>(c))) return false;
    }
  }
  return true;
}

absl::StatusOr<S3Credentials> Checked(S3Credentials credentials,
                                      std::string_view where) {
  if (credentials.access_key.empty() || credentials.secret_key.empty()) {
    return absl::UnauthenticatedError(fmt::format(
        "no credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not "
        "set, and {} has no aws_access_key_id and aws_secret_access_key. There "
        "is no other way: roles, instance profiles and credential_process are "
        "not asked; export the keys that they give",
        where));
  }
  if (IsPrintable(credentials)) return credentials;
  return absl::UnauthenticatedError(
      "credentials: expected printable characters without spaces");
}

}  // namespace

absl::StatusOr<S3Credentials> ParseS3Credentials(std::string_view text,
                                                 std::string_view profile) {
  std::string section;
  std::map<std::string, std::string> values;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string line = Trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[' && line.back() == ']') {
      section = Trim(std::string_view(line).substr(1, line.size() - 2));
      continue;
    }
    const size_t equals = line.find('=');
    if (section != profile || equals == std::string::npos) continue;
    values[absl::AsciiStrToLower(Trim(line.substr(0, equals)))] =
        Trim(std::string_view(line).substr(equals + 1));
  }
  return Checked({values["aws_access_key_id"], values["aws_secret_access_key"],
                  values["aws_session_token"]},
                 fmt::format("profile {}", profile));
}

absl::StatusOr<S3Credentials> FindS3Credentials(const v1::S3& s3) {
  const S3Credentials given = {Environment("AWS_ACCESS_KEY_ID"),
                               Environment("AWS_SECRET_ACCESS_KEY"),
                               Environment("AWS_SESSION_TOKEN")};
  if (!given.access_key.empty() && !given.secret_key.empty()) {
    return Checked(given, "the environment");
  }
  const std::string path = CredentialsFile(s3);
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxFileBytes, '\0');
  file.read(text.data(), kMaxFileBytes);
  text.resize(static_cast<size_t>(file.gcount()));
  auto parsed = ParseS3Credentials(text, s3.profile());
  if (parsed.ok()) return parsed;
  return absl::UnauthenticatedError(
      fmt::format("{}: {}", path, std::string(parsed.status().message())));
}

}  // namespace tributary
