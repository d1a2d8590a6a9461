// Addresses of servers as clients are given them: what is wrong with one, and
// whether a proxy stands between.
#ifndef TRIBUTARY_CLIENT_SERVER_ADDRESS_H_
#define TRIBUTARY_CLIENT_SERVER_ADDRESS_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "grpcpp/support/channel_arguments.h"

namespace tributary {

// Whether `address` is host:port, unix:PATH, or a target with a scheme of
// gRPC's, such as dns:///host:port. INVALID_ARGUMENT, beginning with `field`,
// says what is wrong: "http://" in front, no port, something behind the port.
absl::Status CheckServerAddress(std::string_view field,
                                std::string_view address);

// Whether the address is of this host's loopback interface, by name or number,
// or a unix socket.
bool IsLoopback(std::string_view address);

// Makes a channel to the address not use a proxy if it is a loopback address:
// gRPC would take that of the environment for every host.
void SetProxyFor(std::string_view address, grpc::ChannelArguments* arguments);

// The message of a call to the address that failed with UNAVAILABLE, with what
// may be the matter: the server there speaks HTTP/1, or a proxy of the
// environment was used (grpc_proxy, https_proxy or http_proxy; its password is
// excluded).
std::string ExplainUnavailable(std::string_view address,
                               std::string_view message);

}  // namespace tributary

#endif  // TRIBUTARY_CLIENT_SERVER_ADDRESS_H_
