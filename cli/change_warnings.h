#ifndef TRIBUTARY_CLI_CHANGE_WARNINGS_H_
#define TRIBUTARY_CLI_CHANGE_WARNINGS_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "index/bundle/bundle.h"
#include "tributary/v1/changes.pb.h"

namespace tributary {

// What the changes say that a version passes over, a sentence for each: items
// that neither it nor the log has; attributes, columns and spaces that it
// lacks, with the name that was probably meant; values that are not of an
// attribute's type; and vectors of other dimensions. `was_added` says whether
// the log has added an item. A version that is built later may know all of
// them.
std::vector<std::string> WarningsOf(
    const std::vector<v1::Change>& changes, const Bundle& bundle,
    const std::function<bool(std::string_view key)>& was_added);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_CHANGE_WARNINGS_H_
