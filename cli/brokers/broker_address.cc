#include "cli/brokers/broker_address.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "fmt/format.h"
#include "text/quoted.h"

namespace tributary {
namespace {

constexpr std::string_view kKafka = "kafka://";
constexpr std::string_view kRedis = "redis://";

absl::Status AddressError(std::string_view address, std::string_view why) {
  return absl::InvalidArgumentError(fmt::format(
      "{}: {}, expected kafka://HOST:PORT/TOPIC or redis://HOST:PORT/STREAM, "
      "and ?group=GROUP if need be",
      Quoted(address), why));
}

bool IsHostAndPort(std::string_view server) {
  const size_t colon = server.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view port = server.substr(colon + 1);
  uint16_t number = 0;
  const auto [end, error] =
      std::from_chars(port.data(), port.data() + port.size(), number);
  return error == std::errc() && end == port.data() + port.size() && number > 0;
}

bool AreHostsAndPorts(std::string_view servers) {
  while (true) {
    const size_t comma = servers.find(',');
    if (!IsHostAndPort(servers.substr(0, comma))) return false;
    if (comma == std::string_view::npos) return true;
    servers.remove_prefix(comma + 1);
  }
}

}  // namespace

std::string BrokerAddress::Text() const {
  return fmt::format("{}://{}/{}?group={}", kind, servers, name, group);
}

bool IsBrokerAddress(std::string_view text) {
  return text.starts_with(kKafka) || text.starts_with(kRedis);
}

absl::StatusOr<BrokerAddress> ParseBrokerAddress(std::string_view text) {
  BrokerAddress address;
  address.kind = text.starts_with(kKafka) ? "kafka" : "redis";
  if (!IsBrokerAddress(text)) return AddressError(text, "not a broker");
  // Both prefixes are equally long.
  std::string_view rest = text.substr(kKafka.size());
  std::string_view settings;
  if (const size_t question = rest.find('?');
      question != std::string_view::npos) {
    settings = rest.substr(question + 1);
    rest = rest.substr(0, question);
  }
  const size_t slash = rest.find('/');
  if (slash == std::string_view::npos || slash + 1 == rest.size()) {
    return AddressError(text, address.kind == "kafka" ? "there is no topic"
                                                      : "there is no stream");
  }
  address.servers = rest.substr(0, slash);
  address.name = rest.substr(slash + 1);
  const bool is_one = address.servers.find(',') == std::string::npos;
  if (!AreHostsAndPorts(address.servers) ||
      (address.kind == "redis" && !is_one)) {
    return AddressError(text, fmt::format("{} is not a host and a port",
                                          Quoted(address.servers)));
  }
  while (!settings.empty()) {
    const size_t end = std::min(settings.find('&'), settings.size());
    const std::string_view setting = settings.substr(0, end);
    settings.remove_prefix(std::min(end + 1, settings.size()));
    const size_t equals = setting.find('=');
    if (equals == std::string_view::npos || equals == 0 ||
        equals + 1 == setting.size()) {
      return AddressError(text,
                          fmt::format("{} is not NAME=VALUE", Quoted(setting)));
    }
    const std::string name(setting.substr(0, equals));
    const std::string value(setting.substr(equals + 1));
    if (name == "group") {
      address.group = value;
    } else if (address.kind == "kafka") {
      address.properties[name] = value;
    } else {
      return AddressError(text,
                          fmt::format("there is no setting {}", Quoted(name)));
    }
  }
  return address;
}

}  // namespace tributary
