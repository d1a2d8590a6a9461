#ifndef TRIBUTARY_CLI_JSON_OBJECT_H_
#define TRIBUTARY_CLI_JSON_OBJECT_H_

#include <string_view>

#include "google/protobuf/struct.pb.h"

namespace tributary {

// The member `name` of a JSON object, made an object itself if need be.
google::protobuf::Struct& AddObject(google::protobuf::Struct& parent,
                                    std::string_view name);

// Sets a number. JSON has no infinities and no NaN: those are not written.
void SetNumber(google::protobuf::Struct& parent, std::string_view name,
               double value);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_JSON_OBJECT_H_
