#include "server/pipeline/named_attribute.h"

#include <string>
#include <vector>

#include "status/nearest_name.h"
#include "text/quoted.h"

namespace tributary {

const AttributeColumn* FindNamedAttribute(const AttributeView& attributes,
                                          std::string_view name,
                                          std::string_view path,
                                          Violations* violations) {
  const AttributeColumn* const column = attributes.Find(name);
  if (column != nullptr) return column;
  std::vector<std::string_view> names;
  for (const AttributeColumn& known : attributes.bundle().attributes()) {
    names.push_back(known.name());
  }
  violations->Add(path, "{} is no attribute of version {}{}", Quoted(name),
                  attributes.bundle().version(),
                  names.empty() ? ", which has none (docs/filters.md)"
                                : DidYouMean(name, names));
  return nullptr;
}

}  // namespace tributary
