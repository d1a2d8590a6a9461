#include "cli/json_object.h"

#include <cmath>
#include <string>

namespace tributary {

using google::protobuf::Struct;

Struct& AddObject(Struct& parent, std::string_view name) {
  return *(*parent.mutable_fields())[std::string(name)].mutable_struct_value();
}

void SetNumber(Struct& parent, std::string_view name, double value) {
  if (!std::isfinite(value)) return;
  (*parent.mutable_fields())[std::string(name)].set_number_value(value);
}

}  // namespace tributary
