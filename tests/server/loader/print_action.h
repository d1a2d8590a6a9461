#ifndef TRIBUTARY_TESTS_SERVER_LOADER_PRINT_ACTION_H_
#define TRIBUTARY_TESTS_SERVER_LOADER_PRINT_ACTION_H_

#include <ostream>

#include "server/loader/loader_policy.h"

namespace tributary {

// Prints actions in messages of failed tests.
inline void PrintTo(const LoaderAction& action, std::ostream* out) {
  *out << ActionName(action.kind) << " " << action.version;
}

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_SERVER_LOADER_PRINT_ACTION_H_
