// Configuration files: YAML that maps onto a protobuf message.
#ifndef TRIBUTARY_PROTO_YAML_YAML_MESSAGE_H_
#define TRIBUTARY_PROTO_YAML_YAML_MESSAGE_H_

#include <filesystem>
#include <string_view>

#include "absl/status/status.h"
#include "google/protobuf/message.h"

namespace tributary {

// Sets the fields of *message that `text` names. Other fields keep their
// values; lists and maps are replaced. Keys are the field names of the .proto
// file, enum values are written by name, and `key:` without a value is an empty
// message, list or map. `name` is for error messages.
//
// Errors: INVALID_ARGUMENT as "name:line:column: dotted.path: what was expected
// and what was found", for bad YAML, unknown fields, wrong types, numbers out
// of range and duplicate keys. *message is then partly set.
absl::Status ReadYaml(std::string_view text, std::string_view name,
                      google::protobuf::Message* message);

// The same from a file of at most 1 MiB. Further errors name the file:
// NOT_FOUND and others when it cannot be read, INVALID_ARGUMENT when it is
// longer.
absl::Status ReadYamlFile(const std::filesystem::path& file,
                          google::protobuf::Message* message);

}  // namespace tributary

#endif  // TRIBUTARY_PROTO_YAML_YAML_MESSAGE_H_
