// Every field of a configuration message as a command-line flag.
#ifndef TRIBUTARY_PROTO_YAML_CONFIG_FLAGS_H_
#define TRIBUTARY_PROTO_YAML_CONFIG_FLAGS_H_

#include "CLI/CLI.hpp"
#include "google/protobuf/message.h"

namespace tributary {

// Adds --config FILE, which is read by ReadYamlFile, and one option for every
// scalar field, named by its path (--limits.max_k 2000). When app.parse()
// returns, *config holds the file's values, overridden by the flags', whatever
// the order in which they were given. A list of scalars is written with commas;
// a map to scalars, and a list of messages with two scalar fields, as
// key=value,key=value. A flag replaces the whole list. Lists of larger messages
// have no flag.
//
// *config outlives `app`. A bad file or value makes app.parse() throw
// CLI::ValidationError, which app.exit() reports. Not thread-safe.
void AddConfigFlags(CLI::App& app, google::protobuf::Message* config);

}  // namespace tributary

#endif  // TRIBUTARY_PROTO_YAML_CONFIG_FLAGS_H_
