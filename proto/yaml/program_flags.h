#ifndef TRIBUTARY_PROTO_YAML_PROGRAM_FLAGS_H_
#define TRIBUTARY_PROTO_YAML_PROGRAM_FLAGS_H_

#include <optional>
#include <string>
#include <vector>

#include "google/protobuf/message.h"

namespace tributary {

// Another spelling of a flag, for a scalar field of the message itself.
struct FlagAlias {
  std::string flag;
  std::string field;
};

// A program whose arguments are the fields of one message.
struct ProgramFlags {
  // The first line of --help.
  std::string description;
  // The line that --version prints.
  std::string version;
  std::vector<FlagAlias> aliases = {};
};

// Parses main's arguments into *config, as AddConfigFlags describes. Returns
// nothing when the program shall run; otherwise its exit status, after printing
// help, the version or what is wrong with an argument. (CLI11's header takes
// ten seconds to compile: a program that needs only this does not include it.)
// REQUIRES: `aliases` name fields. Not thread-safe.
std::optional<int> ParseProgramFlags(int argc, char** argv,
                                     const ProgramFlags& program,
                                     google::protobuf::Message* config);

}  // namespace tributary

#endif  // TRIBUTARY_PROTO_YAML_PROGRAM_FLAGS_H_
