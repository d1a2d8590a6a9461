#include "cli/access_flags.h"

#include <string_view>
#include <utility>

#include "client/server_address.h"
#include "status/status_macros.h"
#include "status/status_message.h"

namespace tributary {
namespace {

constexpr std::pair<std::string_view, std::string_view> kFlagOfField[] = {
    {"ca_file", "--tls-ca"},           {"certificate_file", "--tls-cert"},
    {"private_key_file", "--tls-key"}, {"server_name", "--tls-server-name"},
    {"token_file", "--token-file"},
};

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || c == '_' || c == '/' || c == '.';
}

// Replaces the name where it stands by itself, not as a part of a path.
void ReplaceName(std::string_view name, std::string_view flag,
                 std::string* text) {
  for (size_t at = text->find(name); at != std::string::npos;
       at = text->find(name, at + flag.size())) {
    const size_t end = at + name.size();
    const bool is_part = (at > 0 && IsNameCharacter((*text)[at - 1])) ||
                         (end < text->size() && IsNameCharacter((*text)[end]));
    if (is_part) {
      at = end - flag.size();
    } else {
      text->replace(at, name.size(), flag);
    }
  }
}

}  // namespace

void AddAccessFlags(CLI::App& command, ClientCredentials* credentials) {
  command
      .add_option("--tls-ca", credentials->ca_file,
                  "File of the authorities that sign the server's certificate "
                  "(PEM), or system. Default: the connection is not encrypted")
      ->group("Access");
  command
      .add_option("--tls-cert", credentials->certificate_file,
                  "File of the certificate to show to the server (PEM)")
      ->group("Access");
  command
      .add_option("--tls-key", credentials->private_key_file,
                  "File of the private key of --tls-cert (PEM)")
      ->group("Access");
  command
      .add_option("--tls-server-name", credentials->server_name,
                  "Name that the server's certificate must have. Default: the "
                  "host of the address")
      ->group("Access");
  command
      .add_option("--token-file", credentials->token_file,
                  "File whose first line is the bearer token to show to the "
                  "server")
      ->group("Access");
}

absl::Status WithAccessFlags(const absl::Status& status) {
  if (status.ok()) return status;
  std::string text(MessageOf(status));
  for (const auto& [field, flag] : kFlagOfField) {
    ReplaceName(field, flag, &text);
  }
  return absl::Status(status.code(), text);
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannelOf(
    const char* field, const std::string& address,
    const ClientCredentials& credentials) {
  RETURN_IF_ERROR(CheckServerAddress(field, address));
  grpc::ChannelArguments arguments;
  SetProxyFor(address, &arguments);
  auto channel = OpenChannel(address, credentials, arguments);
  if (!channel.ok()) return WithAccessFlags(channel.status());
  return channel;
}

}  // namespace tributary
