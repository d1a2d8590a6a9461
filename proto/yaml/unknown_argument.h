#ifndef TRIBUTARY_PROTO_YAML_UNKNOWN_ARGUMENT_H_
#define TRIBUTARY_PROTO_YAML_UNKNOWN_ARGUMENT_H_

#include <string>
#include <vector>

#include "CLI/CLI.hpp"

namespace tributary {

// What is wrong with the first command or --flag among `arguments` (without the
// program's name) that `app` does not know, and which known one is near; empty
// when all are known. CLI11 would first complain of required flags that are
// missing, and has no suggestions.
std::string UnknownArgument(const CLI::App& app,
                            const std::vector<std::string>& arguments);

}  // namespace tributary

#endif  // TRIBUTARY_PROTO_YAML_UNKNOWN_ARGUMENT_H_
