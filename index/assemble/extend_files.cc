#include "index/assemble/extend_files.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <system_error>
#include <vector>

#include "fmt/format.h"
#include "index/bundle/attribute_column.h"
#include "index/bundle/durable_file.h"
#include "index/bundle/npy.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

struct Rule {
  // A name, in which '*' stands for any characters.
  std::string_view pattern;
  FileTreatment treatment;
};

// The first pattern that matches a name counts.
constexpr Rule kRules[] = {
    {"items.keys.*", FileTreatment::kMade},
    // New items are in no category, which 0 stands for.
    {"items.categories.npy", FileTreatment::kByItem},
    {"*.items.npy", FileTreatment::kMade},
    {"*.items.rows.npy", FileTreatment::kMade},
    {"*.history.npy", FileTreatment::kMade},
    {"*.history.rows.npy", FileTreatment::kMade},
    {"*.index", FileTreatment::kMade},
    {"*.ivf.*", FileTreatment::kMade},
    {"popularity.*", FileTreatment::kMade},
    {"seen.rows.npy", FileTreatment::kItemRows},
    {"seen.offsets.npy", FileTreatment::kKeep},
    {"seen.wanted.npy", FileTreatment::kKeep},
    {"users.keys.*", FileTreatment::kKeep},
    {"users.segments.npy", FileTreatment::kKeep},
    {"*.users.npy", FileTreatment::kKeep},
    {"*.users.rows.npy", FileTreatment::kKeep},
    {"*.context.npy", FileTreatment::kKeep},
    {"*.context.rows.npy", FileTreatment::kKeep},
    {"*.history.weights.npy", FileTreatment::kKeep},
    {"*.user_tower.*", FileTreatment::kKeep},
    {"*.item_tower.*", FileTreatment::kKeep},
    {"neighbors.*.rows.npy", FileTreatment::kItemRowsByItem},
    {"neighbors.*.scores.npy", FileTreatment::kByItem},
    {"*.terms.*", FileTreatment::kKeep},
    {"*.projection.npy", FileTreatment::kKeep},
};

bool Fits(std::string_view name, std::string_view pattern) {
  if (pattern.empty()) return name.empty();
  if (pattern.front() == '*') {
    return Fits(name, pattern.substr(1)) ||
           (!name.empty() && Fits(name.substr(1), pattern));
  }
  return !name.empty() && name.front() == pattern.front() &&
         Fits(name.substr(1), pattern.substr(1));
}

absl::Status KeepFile(const std::filesystem::path& source,
                      const std::filesystem::path& target) {
  std::error_code error;
  // A link to a symbolic link would lead nowhere.
  std::filesystem::create_hard_link(std::filesystem::canonical(source, error),
                                    target, error);
  if (!error) return absl::OkStatus();
  // The file system is another one, or has no links.
  std::filesystem::copy_file(source, target, error);
  if (!error) return absl::OkStatus();
  return absl::ErrnoToStatus(error.value(), target.string());
}

template <typename T>
absl::Status WriteMoved(std::string_view file, const NpyArray& array,
                        const RowMap& map, bool values_are_rows, bool by_item,
                        BundleWriter* writer) {
  const auto old = array.elements<T>();
  const uint64_t columns = array.header().columns;
  std::vector<T> moved(by_item ? map.size() * columns : old.size());
  if constexpr (std::is_same_v<T, uint32_t>) {
    if (values_are_rows) std::fill(moved.begin(), moved.end(), kNoRow);
  }
  for (uint64_t i = 0; i < old.size(); ++i) {
    const uint64_t row = i / columns;
    const uint64_t to =
        by_item ? map.OfOld(static_cast<Row>(row)) * columns + i % columns : i;
    if constexpr (std::is_same_v<T, uint32_t>) {
      moved[to] = values_are_rows ? map.OfOld(old[i]) : old[i];
    } else {
      moved[to] = old[i];
    }
  }
  return writer->AddArray<T>(file, moved,
                             array.header().dimensions == 1 ? 0 : columns);
}

absl::Status WriteMoved(std::string_view file, const NpyArray& array,
                        const RowMap& map, bool rows, bool by_item,
                        BundleWriter* writer) {
  switch (array.header().dtype) {
    case Dtype::kUint8:
      return WriteMoved<uint8_t>(file, array, map, rows, by_item, writer);
    case Dtype::kUint16:
      return WriteMoved<uint16_t>(file, array, map, rows, by_item, writer);
    case Dtype::kUint32:
      return WriteMoved<uint32_t>(file, array, map, rows, by_item, writer);
    case Dtype::kUint64:
      return WriteMoved<uint64_t>(file, array, map, rows, by_item, writer);
    case Dtype::kInt64:
      return WriteMoved<int64_t>(file, array, map, rows, by_item, writer);
    case Dtype::kFloat64:
      return WriteMoved<double>(file, array, map, rows, by_item, writer);
    case Dtype::kFloat16:
      return WriteMoved<Half>(file, array, map, rows, by_item, writer);
    case Dtype::kFloat32:
      return WriteMoved<float>(file, array, map, rows, by_item, writer);
  }
  return absl::OkStatus();
}

absl::Status CheckShape(std::string_view file, const NpyArray& array,
                        const RowMap& map, bool rows, bool by_item) {
  if (by_item && array.header().rows != map.n_old()) {
    return absl::DataLossError(fmt::format("{}: {} rows, but items.count is {}",
                                           file, array.header().rows,
                                           map.n_old()));
  }
  if (!rows) return absl::OkStatus();
  if (array.header().dtype != Dtype::kUint32) {
    return absl::DataLossError(
        fmt::format("{}: dtype {}, expected <u4: rows of items", file,
                    DtypeName(array.header().dtype)));
  }
  for (const Row row : array.elements<uint32_t>()) {
    if (row < map.n_old() || row == kNoRow) continue;
    return absl::DataLossError(fmt::format("{}: row {}, but items.count is {}",
                                           file, row, map.n_old()));
  }
  return absl::OkStatus();
}

// The weights of layers are named by the manifest.
bool IsOfTower(const v1::Tower& tower, std::string_view file) {
  return std::any_of(tower.layers().begin(), tower.layers().end(),
                     [&](const auto& layer) {
                       return file == layer.weights() || file == layer.bias();
                     });
}

bool IsOfAttribute(const v1::Manifest& manifest, std::string_view file) {
  constexpr std::string_view kPrefix = "attribute.";
  if (!file.starts_with(kPrefix)) return false;
  file.remove_prefix(kPrefix.size());
  return std::ranges::any_of(manifest.attributes(), [&](const auto& spec) {
    if (!file.starts_with(spec.name() + ".")) return false;
    const std::vector<std::string_view> parts = AttributeFiles(spec);
    return std::ranges::count(parts, file.substr(spec.name().size() + 1)) > 0;
  });
}

}  // namespace

absl::StatusOr<FileTreatment> TreatmentOf(const v1::Manifest& manifest,
                                          std::string_view file) {
  for (const v1::EmbeddingSpace& space : manifest.spaces()) {
    if (IsOfTower(space.user_tower(), file) ||
        IsOfTower(space.item_tower(), file)) {
      return FileTreatment::kKeep;
    }
  }
  if (IsOfAttribute(manifest, file)) return FileTreatment::kMade;
  const auto* const found =
      std::find_if(std::begin(kRules), std::end(kRules),
                   [&](const Rule& rule) { return Fits(file, rule.pattern); });
  if (found != std::end(kRules)) return found->treatment;
  return absl::FailedPreconditionError(fmt::format(
      "{}: whether this file holds rows of items is not known, so that they "
      "cannot be moved: build the bundle anew",
      file));
}

absl::Status TakeOverFile(const Bundle& from, std::string_view file,
                          const RowMap& map, BundleWriter* writer) {
  ASSIGN_OR_RETURN(const FileTreatment treatment,
                   TreatmentOf(from.manifest(), file));
  const std::filesystem::path source = from.dir() / file;
  if (treatment == FileTreatment::kKeep) {
    return writer->AddFile(file, [&](const std::filesystem::path& target) {
      return KeepFile(source, target);
    });
  }
  const bool by_item = treatment != FileTreatment::kItemRows;
  const bool rows = treatment != FileTreatment::kByItem;
  ASSIGN_OR_RETURN(const NpyArray array, NpyArray::Open(source));
  RETURN_IF_ERROR(CheckShape(file, array, map, rows, by_item));
  return WriteMoved(file, array, map, rows, by_item, writer);
}

}  // namespace tributary
