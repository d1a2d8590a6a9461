// Every field of a configuration message as a command-line flag.
#ifndef TRIBUTARY_PROTO_YAML_CONFIG_FLAGS_H_
#define TRIBUTARY_PROTO_YAML_CONFIG_FLAGS_H_

#include "CLI/CLI.hpp"
#include "google/protobuf/message.h"

namespace tributary {

// Adds --config FILE, which is read by ReadYamlFile, and one option for every
// scalar field, named by its path (--limits.max_k 2000). When app.parse()
// returns, *config holds the file's values and, over them, the flags', in
// whatever order they were given. Lists of scalars are comma-separated; maps of
// scalars and lists of messages with two scalar fields are written
// key=value,key=value; a flag replaces the whole list. Lists of larger messages
// are for files only.
//
// *config outlives `app`. Bad files and values make app.parse() throw
// CLI::ValidationError, which app.exit() reports.
void AddConfigFlags(CLI::App& app, google::protobuf::Message* config);

}  // namespace tributary

#endif  // TRIBUTARY_PROTO_YAML_CONFIG_FLAGS_H_
