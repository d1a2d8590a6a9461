#ifndef TRIBUTARY_SERVER_LOADER_REFUSALS_H_
#define TRIBUTARY_SERVER_LOADER_REFUSALS_H_

#include <cstdint>
#include <filesystem>
#include <optional>

#include "absl/status/status.h"
#include "tributary/v1/gate.pb.h"

namespace tributary {

// The refusals that outlive a restart of the loader: <bundles>/.refused has
// <version>.json, a RefusalReport, and <version>.txt, the same as text. Only
// the reports of the 20 highest versions are kept. Removing a version's report
// makes the loader try the version again. Not thread-safe.
class Refusals {
 public:
  explicit Refusals(const std::filesystem::path& bundles)
      : dir_(bundles / ".refused") {}

  bool Has(uint64_t version) const;
  // Absent when the version has no report, or one that cannot be read.
  std::optional<v1::RefusalReport> Load(uint64_t version) const;
  // Replaces the version's two files, each atomically.
  absl::Status Save(const v1::RefusalReport& report) const;
  // Does nothing when the version has no report.
  void Remove(uint64_t version) const;

  // The path of the text.
  std::filesystem::path TextPath(uint64_t version) const;

 private:
  std::filesystem::path JsonPath(uint64_t version) const;
  void DropOld() const;

  const std::filesystem::path dir_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_LOADER_REFUSALS_H_
