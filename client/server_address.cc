#include "client/server_address.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <optional>

#include "fmt/core.h"

namespace tributary {
namespace {

constexpr std::array<std::string_view, 7> kSchemes = {
    "unix:", "unix-abstract:", "dns:", "ipv4:", "ipv6:", "xds:", "vsock:"};
// In the order in which gRPC reads them.
constexpr std::array<const char*, 3> kProxyVariables = {
    "grpc_proxy", "https_proxy", "http_proxy"};

bool HasScheme(std::string_view address) {
  for (const std::string_view scheme : kSchemes) {
    if (address.starts_with(scheme)) return true;
  }
  return false;
}

bool IsPort(std::string_view text) {
  uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [parsed_to, error] = std::from_chars(text.data(), end, port);
  return error == std::errc() && parsed_to == end && port > 0;
}

// Where the ':' before the port is; npos without a port. Colons within "::1",
// which needs brackets, are none.
size_t PortColon(std::string_view address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || colon == 0) {
    return std::string_view::npos;
  }
  const std::string_view host = address.substr(0, colon);
  const bool brackets = host.front() == '[' && host.back() == ']';
  return brackets || host.find(':') == std::string_view::npos
             ? colon
             : std::string_view::npos;
}

// The host of a target, without scheme, slashes, port and brackets.
std::string_view HostOf(std::string_view address) {
  for (const std::string_view scheme : {"dns:", "ipv4:", "ipv6:"}) {
    if (address.starts_with(scheme)) address.remove_prefix(scheme.size());
  }
  if (const size_t slash = address.rfind('/');
      slash != std::string_view::npos) {
    address.remove_prefix(slash + 1);
  }
  if (const size_t colon = PortColon(address);
      colon != std::string_view::npos) {
    address = address.substr(0, colon);
  }
  if (address.size() > 2 && address.front() == '[' && address.back() == ']') {
    address = address.substr(1, address.size() - 2);
  }
  return address;
}

// Whether one of the suffixes in the list of a no_proxy variable is the host's.
bool IsExempt(std::string_view host) {
  const char* list = std::getenv("no_grpc_proxy");
  if (list == nullptr) list = std::getenv("no_proxy");
  if (list == nullptr) return false;
  std::string_view rest(list);
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    std::string_view suffix = rest.substr(0, comma);
    while (suffix.starts_with(' ')) suffix.remove_prefix(1);
    while (suffix.ends_with(' ')) suffix.remove_suffix(1);
    if (!suffix.empty() && host.ends_with(suffix)) return true;
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  return false;
}

struct Proxy {
  std::string variable;
  std::string url;
};

std::optional<Proxy> ProxyFor(std::string_view address) {
  if (IsLoopback(address) || IsExempt(HostOf(address))) return std::nullopt;
  for (const char* const variable : kProxyVariables) {
    const char* const value = std::getenv(variable);
    if (value == nullptr || *value == '\0') continue;
    std::string url(value);
    // user:password@
    const size_t at = url.rfind('@');
    const size_t scheme = url.find("://");
    const size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
    if (at != std::string::npos && at >= begin) {
      url.erase(begin, at + 1 - begin);
    }
    return Proxy{variable, url};
  }
  return std::nullopt;
}

}  // namespace

absl::Status CheckServerAddress(std::string_view field,
                                std::string_view address) {
  if (HasScheme(address)) return absl::OkStatus();
  const auto invalid = [&](std::string_view why, std::string_view expected) {
    return absl::InvalidArgumentError(fmt::format(
        "{}: \"{}\" {}: expected {}", field, address, why, expected));
  };
  if (const size_t scheme = address.find("://");
      scheme != std::string_view::npos) {
    std::string_view rest = address.substr(scheme + 3);
    rest = rest.substr(0, rest.find('/'));
    return invalid("is a URL", rest.empty()
                                   ? "host:port, such as localhost:7700"
                                   : fmt::format("host:port, {}", rest));
  }
  const size_t colon = PortColon(address);
  if (colon == std::string_view::npos) {
    if (address.empty()) {
      return invalid("is empty", "host:port, such as localhost:7700");
    }
    const bool bare_ipv6 =
        address.find(':') != std::string_view::npos && address.front() != '[';
    const std::string host =
        bare_ipv6 ? fmt::format("[{}]", address) : std::string(address);
    return invalid("has no port",
                   fmt::format("host:port, such as {}:7700", host));
  }
  if (!IsPort(address.substr(colon + 1))) {
    return invalid(
        fmt::format("has \"{}\" for a port", address.substr(colon + 1)),
        "host:port, with a port from 1 to 65535");
  }
  return absl::OkStatus();
}

bool IsLoopback(std::string_view address) {
  if (address.starts_with("unix")) return true;
  const std::string_view host = HostOf(address);
  return host == "localhost" || host.ends_with(".localhost") ||
         host.starts_with("127.") || host == "::1";
}

void SetProxyFor(std::string_view address, grpc::ChannelArguments* arguments) {
  if (IsLoopback(address)) arguments->SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
}

std::string ExplainUnavailable(std::string_view address,
                               std::string_view message) {
  if (message.find("http1.x server") != std::string_view::npos) {
    return fmt::format(
        "{} answers HTTP/1, not gRPC: is it the server's --http address? "
        "Calls go to the one of --listen, whose port is 7700 by default ({})",
        address, message);
  }
  const std::optional<Proxy> proxy = ProxyFor(address);
  if (!proxy.has_value()) return std::string(message);
  return fmt::format(
      "{}; the call went through the proxy {}, which the variable {} names: "
      "unset it, or add the host to no_proxy",
      message, proxy->url, proxy->variable);
}

}  // namespace tributary
