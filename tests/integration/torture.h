#ifndef TRIBUTARY_TESTS_INTEGRATION_TORTURE_H_
#define TRIBUTARY_TESTS_INTEGRATION_TORTURE_H_

#include <cstdlib>
#include <string_view>

namespace tributary {

// True in `make torture`: long runs, and limits on latency.
inline bool IsTorture() {
  const char* const value = std::getenv("TRIBUTARY_TORTURE");
  return value != nullptr && std::string_view(value) == "1";
}

// How often to do what a test repeats.
template <typename Count>
Count TortureCount(Count in_make_test, Count in_make_torture) {
  return IsTorture() ? in_make_torture : in_make_test;
}

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_INTEGRATION_TORTURE_H_
