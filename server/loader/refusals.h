#ifndef TRIBUTARY_SERVER_LOADER_REFUSALS_H_
#define TRIBUTARY_SERVER_LOADER_REFUSALS_H_

#include <cstdint>
#include <filesystem>
#include <optional>

#include "absl/status/status.h"
#include "tributary/v1/gate.pb.h"

namespace tributary {

// Why versions were refused, for people and for a loader that starts again:
// <bundles>/.refused/<version>.json, a RefusalReport, and <version>.txt, the
// same to read. The reports of the highest versions are kept, a few of them;
// who removes one has its version tried again.
// Not thread-safe.
class Refusals {
 public:
  explicit Refusals(const std::filesystem::path& bundles)
      : dir_(bundles / ".refused") {}

  bool Has(uint64_t version) const;
  // Absent when there is none that can be read.
  std::optional<v1::RefusalReport> Load(uint64_t version) const;
  // Replaces the version's reports; each is there whole or not at all.
  absl::Status Save(const v1::RefusalReport& report) const;
  // No error when there is none.
  void Remove(uint64_t version) const;

  // Of the report to read.
  std::filesystem::path TextPath(uint64_t version) const;

 private:
  std::filesystem::path JsonPath(uint64_t version) const;
  void DropOld() const;

  const std::filesystem::path dir_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_LOADER_REFUSALS_H_
