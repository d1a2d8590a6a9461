// Checks of a manifest that need none of the other files.
#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "fmt/core.h"
#include "google/protobuf/util/json_util.h"
#include "index/bundle/attribute_column.h"
#include "index/bundle/bundle.h"
#include "index/bundle/fusion_model.h"
#include "index/bundle/retriever_fields.h"
#include "status/status_macros.h"
#include "text/quoted.h"

namespace tributary {
namespace {

constexpr size_t kMaxNameBytes = 128;
constexpr size_t kMaxListNameBytes = 512;
// A reply has one bit per retriever in a 32-bit set.
constexpr int kMaxRetrievers = 32;
constexpr uint32_t kMaxSegment = 65535;
constexpr uint32_t kMaxCategory = 65535;
constexpr uint32_t kMaxNeighbors = 10000;

template <typename... Args>
absl::Status Wrong(fmt::format_string<Args...> format, Args&&... args) {
  return absl::InvalidArgumentError(
      "manifest.json: " + fmt::format(format, std::forward<Args>(args)...));
}

// Names become file names and metric labels.
bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-' || c == '=';
         });
}

// Whether the text, which is UTF-8, has a character of U+0000 to U+001F,
// U+007F, or U+0080 to U+009F.
bool HasControls(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7F) return true;
    if (byte == 0xC2 && i + 1 < text.size() &&
        static_cast<unsigned char>(text[i + 1]) < 0xA0) {
      return true;
    }
  }
  return false;
}

// Names of lists without files of their own, as the data write them. That they
// are UTF-8 is checked when the JSON is parsed.
bool IsListName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxListNameBytes &&
         !HasControls(name);
}

template <typename Entry>
bool HasFilesOfItsOwn(const Entry&) {
  return true;
}
bool HasFilesOfItsOwn(const v1::PopularityList& list) {
  return !list.has_begin();
}

// Checks that the names of a repeated field are well-formed and unique.
template <typename Entries>
absl::Status CheckNames(const Entries& entries, std::string_view field) {
  std::set<std::string_view> names;
  for (int i = 0; i < entries.size(); ++i) {
    const std::string& name = entries[i].name();
    if (!HasFilesOfItsOwn(entries[i])) {
      if (!IsListName(name)) {
        return Wrong(
            "{}[{}].name: {}, expected 1 to {} bytes of UTF-8 without "
            "control characters",
            field, i, Quoted(name), kMaxListNameBytes);
      }
    } else if (!IsName(name)) {
      return Wrong(
          "{}[{}].name: {}, expected 1 to {} lower-case letters, "
          "digits, '_', '-', '='",
          field, i, Quoted(name), kMaxNameBytes);
    }
    if (!names.insert(name).second) {
      return Wrong("{}[{}].name: {} occurs twice", field, i, Quoted(name));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckKeyTable(const v1::KeyTable& table, std::string_view field) {
  if (table.kind() != v1::UINT64 && table.kind() != v1::UTF8) {
    return Wrong("{}.kind: expected UINT64 or UTF8", field);
  }
  if (table.count() >= kNoRow) {
    return Wrong("{}.count: {}, expected less than {}", field, table.count(),
                 kNoRow);
  }
  return absl::OkStatus();
}

// The comparisons are written so that NaN fails them.
absl::Status CheckFeatureColumns(const v1::FeatureEncoder& encoder,
                                 const std::string& space) {
  for (int i = 0; i < encoder.columns_size(); ++i) {
    const v1::FeatureColumn& column = encoder.columns(i);
    const std::string field =
        fmt::format("{}.featureEncoder.columns[{}]", space, i);
    if (column.kind() != v1::FeatureColumn::TEXT &&
        column.kind() != v1::FeatureColumn::TOKENS &&
        column.kind() != v1::FeatureColumn::NUMBER) {
      return Wrong("{}.kind: expected TEXT, TOKENS or NUMBER", field);
    }
    if (!(column.weight() >= 0 && column.weight() < HUGE_VAL) ||
        !(column.deviation() >= 0 && column.deviation() < HUGE_VAL) ||
        !std::isfinite(column.mean())) {
      return Wrong(
          "{}: weight {}, mean {}, deviation {}; expected finite numbers, "
          "weight and deviation not below 0",
          field, column.weight(), column.mean(), column.deviation());
    }
  }
  return absl::OkStatus();
}

// Written so that NaN fails.
absl::Status CheckSearchEffort(const v1::EmbeddingSpace& space,
                               const std::string& field) {
  const v1::IndexSpec& index = space.index();
  if (!(index.measured_recall() >= 0 && index.measured_recall() <= 1)) {
    return Wrong("{}.index.measuredRecall: {}, expected 0 to 1", field,
                 index.measured_recall());
  }
  if (index.small_n_exponent() >= 0 && index.small_n_exponent() <= 1) {
    return absl::OkStatus();
  }
  return Wrong("{}.index.shrinkage: {}, expected 0 to 1", field,
               index.small_n_exponent());
}

absl::Status CheckSpace(const v1::EmbeddingSpace& space,
                        const v1::Manifest& manifest) {
  const std::string field = fmt::format("spaces[\"{}\"]", space.name());
  if (space.dim() < 1 || space.dim() > kMaxDim) {
    return Wrong("{}.dim: {}, expected 1 to {}", field, space.dim(), kMaxDim);
  }
  if (space.metric() != v1::INNER_PRODUCT && space.metric() != v1::COSINE) {
    return Wrong("{}.metric: expected INNER_PRODUCT or COSINE", field);
  }
  if (space.history_encoder() != v1::HISTORY_ENCODER_UNSPECIFIED &&
      space.history_encoder() != v1::MEAN &&
      space.history_encoder() != v1::TOWER) {
    return Wrong("{}.historyEncoder: unknown to this reader", field);
  }
  if (space.has_user_tower() != (space.history_encoder() == v1::TOWER)) {
    return Wrong("{}.userTower: must be set exactly if historyEncoder is TOWER",
                 field);
  }
  if (space.item_vectors() > manifest.items().count()) {
    return Wrong("{}.itemVectors: {}, but items.count is {}", field,
                 space.item_vectors(), manifest.items().count());
  }
  if (space.user_vectors() > manifest.users().count()) {
    return Wrong("{}.userVectors: {}, but users.count is {}", field,
                 space.user_vectors(), manifest.users().count());
  }
  if (space.index().kind().empty()) {
    return Wrong("{}.index.kind: missing", field);
  }
  if (space.feature_encoder().terms() >= kNoRow) {
    return Wrong("{}.featureEncoder.terms: {}, expected less than {}", field,
                 space.feature_encoder().terms(), kNoRow);
  }
  RETURN_IF_ERROR(CheckSearchEffort(space, field));
  return CheckFeatureColumns(space.feature_encoder(), field);
}

absl::Status CheckNeighbors(const v1::Manifest& manifest) {
  for (const v1::NeighborTable& table : manifest.neighbors()) {
    if (table.width() >= 1 && table.width() <= kMaxNeighbors) continue;
    return Wrong("neighbors[\"{}\"].width: {}, expected 1 to {}", table.name(),
                 table.width(), kMaxNeighbors);
  }
  return absl::OkStatus();
}

template <typename Entries>
bool HasName(const Entries& entries, std::string_view name) {
  return std::any_of(entries.begin(), entries.end(),
                     [&](const auto& entry) { return entry.name() == name; });
}

absl::Status CheckFusion(const v1::Manifest& manifest) {
  const absl::Status model = CheckFusionModel(manifest.fusion());
  if (!model.ok()) return Wrong("fusion.{}", std::string(model.message()));
  for (const v1::QuotaShare& quota : manifest.fusion().quotas()) {
    if (HasName(manifest.retrievers(), quota.retriever())) continue;
    return Wrong("fusion.quotas: there is no retriever {}",
                 Quoted(quota.retriever()));
  }
  return absl::OkStatus();
}

absl::Status CheckRetriever(const v1::RetrieverSpec& spec,
                            const v1::Manifest& manifest) {
  const std::string field = fmt::format("retrievers[\"{}\"]", spec.name());
  if (spec.kind().empty() || spec.kind().size() > kMaxNameBytes) {
    return Wrong("{}.kind: {}, expected 1 to {} bytes", field,
                 Quoted(spec.kind()), kMaxNameBytes);
  }
  if (!spec.space().empty() && !HasName(manifest.spaces(), spec.space())) {
    return Wrong("{}.space: there is no space {}", field, Quoted(spec.space()));
  }
  for (const std::string& list : spec.lists()) {
    if (!HasName(manifest.popularity(), list)) {
      return Wrong("{}.lists: there is no popularity list {}", field,
                   Quoted(list));
    }
  }
  if (!spec.table().empty() && !HasName(manifest.neighbors(), spec.table())) {
    return Wrong("{}.table: there is no neighbor table {}", field,
                 Quoted(spec.table()));
  }
  const absl::Status kind = CheckBuiltInKind(spec, manifest);
  return kind.ok() ? kind : Wrong("{}.{}", field, std::string(kind.message()));
}

absl::Status CheckPopularity(const v1::Manifest& manifest) {
  const bool shared = std::any_of(
      manifest.popularity().begin(), manifest.popularity().end(),
      [](const v1::PopularityList& list) { return list.has_begin(); });
  for (const v1::PopularityList& list : manifest.popularity()) {
    const std::string field = fmt::format("popularity[\"{}\"]", list.name());
    if (shared && !list.has_begin() && list.name() == "lists") {
      return Wrong(
          "{}.begin: missing, but its files belong to the lists that "
          "have one",
          field);
    }
    if (list.count() > manifest.items().count()) {
      return Wrong("{}.count: {}, but items.count is {}", field, list.count(),
                   manifest.items().count());
    }
    if (list.segment() > kMaxSegment) {
      return Wrong("{}.segment: {}, expected at most {}", field, list.segment(),
                   kMaxSegment);
    }
    if (list.category() > kMaxCategory ||
        (list.category() > 0 && list.segment() > 0)) {
      return Wrong("{}.category: {}, expected at most {}, and no segment",
                   field, list.category(), kMaxCategory);
    }
  }
  return absl::OkStatus();
}

absl::Status CheckGoldenQuery(const v1::GoldenQuery& query, int i,
                              const v1::Manifest& manifest) {
  const auto space = std::find_if(
      manifest.spaces().begin(), manifest.spaces().end(),
      [&](const auto& entry) { return entry.name() == query.space(); });
  const std::string field = fmt::format("goldenQueries[{}]", i);
  if (space == manifest.spaces().end()) {
    return Wrong("{}.space: there is no space {}", field,
                 Quoted(query.space()));
  }
  if (query.vector_size() != static_cast<int>(space->dim())) {
    return Wrong("{}.vector: {} values, but the space's dim is {}", field,
                 query.vector_size(), space->dim());
  }
  if (query.rows_size() != query.scores_size()) {
    return Wrong("{}.scores: {} values for {} rows", field, query.scores_size(),
                 query.rows_size());
  }
  return absl::OkStatus();
}

// A plain name cannot lead out of the bundle's directory.
bool IsPlainFileName(std::string_view name) {
  return !name.empty() && name.size() <= 255 && name.front() != '.' &&
         name.find('/') == std::string_view::npos && !HasControls(name) &&
         name != kManifestName && name != "manifest.sig";
}

bool IsSha256(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

absl::Status CheckAttributes(const v1::Manifest& manifest) {
  if (manifest.attributes_size() > static_cast<int>(kMaxAttributes)) {
    return Wrong("attributes: {} entries, expected at most {}",
                 manifest.attributes_size(), kMaxAttributes);
  }
  std::set<std::string_view> names;
  for (int i = 0; i < manifest.attributes_size(); ++i) {
    const v1::Attribute& attribute = manifest.attributes(i);
    if (!IsAttributeName(attribute.name())) {
      return Wrong(
          "attributes[{}].name: {}, expected 1 to {} lower-case letters, "
          "digits and '_', and no digit at the beginning",
          i, Quoted(attribute.name()), kMaxAttributeNameBytes);
    }
    if (!names.insert(attribute.name()).second) {
      return Wrong("attributes[{}].name: {} occurs twice", i,
                   Quoted(attribute.name()));
    }
    const auto path = fmt::format("attributes[\"{}\"]", attribute.name());
    if (attribute.type() < v1::BOOLEAN || attribute.type() > v1::TIME) {
      return Wrong("{}.type: {} is no known type", path,
                   static_cast<int>(attribute.type()));
    }
    const bool has_bitmaps = attribute.type() <= v1::TAGS;
    if (attribute.type() == v1::BOOLEAN ? attribute.values() != 2
                                        : attribute.values() >= kNoRow) {
      return Wrong(
          "{}.values: {}, expected {}", path, attribute.values(),
          attribute.type() == v1::BOOLEAN ? "2" : "less than 4294967295");
    }
    if (attribute.present() > manifest.items().count()) {
      return Wrong("{}.present: {}, but there are {} items", path,
                   attribute.present(), manifest.items().count());
    }
    if (attribute.frequent() > (has_bitmaps ? attribute.values() : 0)) {
      return Wrong("{}.frequent: {}, expected at most {}", path,
                   attribute.frequent(), has_bitmaps ? attribute.values() : 0);
    }
  }
  return absl::OkStatus();
}

absl::Status CheckFiles(const v1::Manifest& manifest) {
  std::set<std::string_view> names;
  for (int i = 0; i < manifest.files_size(); ++i) {
    const v1::FileEntry& file = manifest.files(i);
    if (!IsPlainFileName(file.name())) {
      return Wrong("files[{}].name: {}, expected a plain file name", i,
                   Quoted(file.name()));
    }
    if (!names.insert(file.name()).second) {
      return Wrong("files[{}].name: {} occurs twice", i, Quoted(file.name()));
    }
    if (!IsSha256(file.sha256())) {
      return Wrong(
          "files[\"{}\"].sha256: expected 64 lower-case hexadecimal "
          "digits",
          file.name());
    }
  }
  return absl::OkStatus();
}

absl::Status CheckManifest(const v1::Manifest& manifest) {
  if (manifest.format() != kBundleFormat) {
    return absl::FailedPreconditionError(
        fmt::format("manifest.json: format: {}, but this reader supports {}",
                    manifest.format(), kBundleFormat));
  }
  if (manifest.version() == 0) return Wrong("version: missing or 0");
  RETURN_IF_ERROR(CheckKeyTable(manifest.items(), "items"));
  if (manifest.has_users()) {
    RETURN_IF_ERROR(CheckKeyTable(manifest.users(), "users"));
  }
  RETURN_IF_ERROR(CheckNames(manifest.spaces(), "spaces"));
  RETURN_IF_ERROR(CheckNames(manifest.popularity(), "popularity"));
  RETURN_IF_ERROR(CheckNames(manifest.neighbors(), "neighbors"));
  RETURN_IF_ERROR(CheckNames(manifest.retrievers(), "retrievers"));
  for (const auto& space : manifest.spaces()) {
    RETURN_IF_ERROR(CheckSpace(space, manifest));
  }
  RETURN_IF_ERROR(CheckPopularity(manifest));
  RETURN_IF_ERROR(CheckNeighbors(manifest));
  RETURN_IF_ERROR(CheckAttributes(manifest));
  if (manifest.retrievers_size() < 1 ||
      manifest.retrievers_size() > kMaxRetrievers) {
    return Wrong("retrievers: {} entries, expected 1 to {}",
                 manifest.retrievers_size(), kMaxRetrievers);
  }
  for (const auto& retriever : manifest.retrievers()) {
    RETURN_IF_ERROR(CheckRetriever(retriever, manifest));
  }
  RETURN_IF_ERROR(CheckFusion(manifest));
  for (int i = 0; i < manifest.golden_queries_size(); ++i) {
    RETURN_IF_ERROR(CheckGoldenQuery(manifest.golden_queries(i), i, manifest));
  }
  return CheckFiles(manifest);
}

}  // namespace

absl::StatusOr<v1::Manifest> ParseManifest(std::string_view json) {
  v1::Manifest manifest;
  const auto parsed = google::protobuf::util::JsonStringToMessage(
      google::protobuf::StringPiece(json.data(), json.size()), &manifest);
  if (!parsed.ok()) {
    return Wrong("{}", std::string(parsed.message()));
  }
  RETURN_IF_ERROR(CheckManifest(manifest));
  return manifest;
}

}  // namespace tributary
