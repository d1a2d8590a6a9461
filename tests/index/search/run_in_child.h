// Runs what may crash in a process of its own, for tests of damaged files.
#ifndef TRIBUTARY_TESTS_INDEX_SEARCH_RUN_IN_CHILD_H_
#define TRIBUTARY_TESTS_INDEX_SEARCH_RUN_IN_CHILD_H_

#include <sys/mman.h>

#include <functional>
#include <memory>
#include <new>
#include <string>

namespace tributary {

// Forks, runs `run` in the child, and waits. Returns "" when it came to its
// end, and else how the child ended. The child has two minutes and, except
// under AddressSanitizer, 512 MiB beyond its present size.
std::string RunInChild(const std::function<void()>& run);

// A T in memory that children share with the process that made it. A T that
// cannot be had is null. REQUIRES: T is trivially destructible.
template <typename T>
auto MakeShared() {
  const auto unmap = [](T* shared) { ::munmap(shared, sizeof(T)); };
  void* const memory = ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return std::unique_ptr<T, decltype(unmap)>(
      memory == MAP_FAILED ? nullptr : new (memory) T{}, unmap);
}

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_INDEX_SEARCH_RUN_IN_CHILD_H_
