// Everything that a log has passed here, and a server passes it here again when
// it starts: paths of fields are made for errors only.
#include "index/changes/check_change.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include "fmt/format.h"
#include "google/protobuf/struct.pb.h"
#include "status/field_error.h"
#include "status/status_macros.h"
#include "text/quoted.h"
#include "text/utf8.h"

namespace tributary {
namespace {

using google::protobuf::Value;

// Where an error is: the change, and the field below it.
class FieldPath {
 public:
  FieldPath(std::string_view change, std::string_view field)
      : change_(change), field_(field) {}

  template <typename... Args>
  absl::Status Error(fmt::format_string<Args...> what, Args&&... args) const {
    return FieldError(fmt::format("{}.{}", change_, field_), what,
                      std::forward<Args>(args)...);
  }
  // An error of a field's member.
  template <typename... Args>
  absl::Status ErrorOf(std::string_view member,
                       fmt::format_string<Args...> what, Args&&... args) const {
    return FieldError(fmt::format("{}.{}[{}]", change_, field_, Quoted(member)),
                      what, std::forward<Args>(args)...);
  }

 private:
  const std::string_view change_;
  const std::string_view field_;
};

absl::Status CheckText(const FieldPath& path, std::string_view text,
                       size_t max_bytes) {
  if (text.size() > max_bytes) {
    return path.Error("{} bytes, at most {} are allowed", text.size(),
                      max_bytes);
  }
  if (!IsUtf8(text)) return path.Error("not UTF-8");
  return absl::OkStatus();
}

absl::Status CheckKey(const FieldPath& path, std::string_view key,
                      std::string_view of) {
  if (key.empty()) return path.Error("expected {} key", of);
  return CheckText(path, key, kMaxChangedKeyBytes);
}

absl::Status CheckTime(const FieldPath& path, int64_t ms) {
  if (ms >= 0) return absl::OkStatus();
  return path.Error("{}, expected milliseconds since 1970, or 0", ms);
}

// Numbers become single-precision ones in models and lists.
bool IsUsableNumber(double number) {
  return std::isfinite(number) &&
         std::abs(number) <= std::numeric_limits<float>::max();
}

absl::Status CheckTags(const FieldPath& path, const std::string& name,
                       const google::protobuf::ListValue& list, int max_tags) {
  if (list.values_size() > max_tags) {
    return path.ErrorOf(name, "{} texts, at most {} are allowed",
                        list.values_size(), max_tags);
  }
  for (int i = 0; i < list.values_size(); ++i) {
    const Value& tag = list.values(i);
    if (tag.kind_case() != Value::kStringValue) {
      return path.ErrorOf(name, "element {} of the list is not a text", i);
    }
    if (!IsUtf8(tag.string_value())) {
      return path.ErrorOf(name, "element {} of the list is not UTF-8", i);
    }
  }
  return absl::OkStatus();
}

absl::Status CheckValue(const FieldPath& path, const std::string& name,
                        const Value& value, int max_tags) {
  switch (value.kind_case()) {
    case Value::kNullValue:
    case Value::kBoolValue:
      return absl::OkStatus();
    case Value::kNumberValue:
      if (std::isfinite(value.number_value())) return absl::OkStatus();
      return path.ErrorOf(name, "{} is not a finite number",
                          value.number_value());
    case Value::kStringValue:
      if (IsUtf8(value.string_value())) return absl::OkStatus();
      return path.ErrorOf(name, "not UTF-8");
    case Value::kListValue:
      return CheckTags(path, name, value.list_value(), max_tags);
    case Value::kStructValue:
    case Value::KIND_NOT_SET:
      break;
  }
  return path.ErrorOf(name,
                      "expected a boolean, a number, a text, a list of texts, "
                      "or null");
}

// The values of attributes or of columns, whose number is checked before.
absl::Status CheckValues(const FieldPath& path,
                         const google::protobuf::Struct& values, int max_tags,
                         size_t max_bytes) {
  const size_t bytes = values.ByteSizeLong();
  if (bytes > max_bytes) {
    return path.Error("{} bytes, at most {} are allowed", bytes, max_bytes);
  }
  for (const auto& [name, value] : values.fields()) {
    if (name.empty()) return path.Error("a name is empty");
    if (!IsUtf8(name)) return path.ErrorOf(name, "the name is not UTF-8");
    RETURN_IF_ERROR(CheckValue(path, name, value, max_tags));
  }
  return absl::OkStatus();
}

absl::Status CheckSet(std::string_view change, const v1::SetAttributes& set) {
  const FieldPath path(change, "set.attributes");
  const auto& fields = set.attributes().fields();
  if (fields.empty()) return path.Error("expected at least one attribute");
  if (fields.size() > kMaxSetAttributes) {
    return path.Error("{} attributes, at most {} are allowed", fields.size(),
                      kMaxSetAttributes);
  }
  return CheckValues(path, set.attributes(), kMaxSetTags, kMaxSetBytes);
}

absl::Status CheckVector(const FieldPath& path, const std::string& space,
                         const v1::ItemVector& vector) {
  if (space.empty()) return path.Error("the name of a space is empty");
  if (!IsUtf8(space)) return path.ErrorOf(space, "the name is not UTF-8");
  if (vector.values().empty() || vector.values_size() > kMaxUpsertDim) {
    return path.ErrorOf(space, "{} values, expected 1 to {}",
                        vector.values_size(), kMaxUpsertDim);
  }
  for (int i = 0; i < vector.values_size(); ++i) {
    if (std::isfinite(vector.values(i))) continue;
    return path.ErrorOf(space, "value {} is {}, expected a finite number", i,
                        vector.values(i));
  }
  return absl::OkStatus();
}

absl::Status CheckUpsert(std::string_view change,
                         const v1::UpsertItem& upsert) {
  const FieldPath features(change, "upsert.features");
  const size_t columns = upsert.features().fields().size();
  if (columns > kMaxUpsertColumns) {
    return features.Error("{} columns, at most {} are allowed", columns,
                          kMaxUpsertColumns);
  }
  RETURN_IF_ERROR(CheckValues(features, upsert.features(),
                              std::numeric_limits<int>::max(),
                              kMaxUpsertFeatureBytes));
  const FieldPath vectors(change, "upsert.vectors");
  if (upsert.vectors().size() > kMaxUpsertVectors) {
    return vectors.Error("{} vectors, at most {} are allowed",
                         upsert.vectors().size(), kMaxUpsertVectors);
  }
  for (const auto& [space, vector] : upsert.vectors()) {
    RETURN_IF_ERROR(CheckVector(vectors, space, vector));
  }
  if (upsert.has_popularity() &&
      !(upsert.popularity() >= 0 && IsUsableNumber(upsert.popularity()))) {
    return FieldPath(change, "upsert.popularity")
        .Error("{}, expected a finite number, 0 or more", upsert.popularity());
  }
  return CheckTime({change, "upsert.expires_at_ms"}, upsert.expires_at_ms());
}

absl::Status CheckEvent(std::string_view change, const v1::UserEvent& event) {
  RETURN_IF_ERROR(CheckKey({change, "event.user"}, event.user(), "a user's"));
  RETURN_IF_ERROR(
      CheckText({change, "event.type"}, event.type(), kMaxEventTypeBytes));
  if (event.has_value() && !IsUsableNumber(event.value())) {
    return FieldPath(change, "event.value")
        .Error("{}, expected a finite number", event.value());
  }
  return CheckTime({change, "event.time_ms"}, event.time_ms());
}

}  // namespace

absl::Status CheckChange(const v1::Change& change, std::string_view path) {
  RETURN_IF_ERROR(CheckKey({path, "item"}, change.item(), "an item's"));
  switch (change.what_case()) {
    case v1::Change::kRemove:
      return CheckText({path, "remove.reason"}, change.remove().reason(),
                       kMaxReasonBytes);
    case v1::Change::kRestore:
      return absl::OkStatus();
    case v1::Change::kSet:
      return CheckSet(path, change.set());
    case v1::Change::kUpsert:
      return CheckUpsert(path, change.upsert());
    case v1::Change::kEvent:
      return CheckEvent(path, change.event());
    case v1::Change::kExpire:
      return CheckTime({path, "expire.at_ms"}, change.expire().at_ms());
    case v1::Change::WHAT_NOT_SET:
      break;
  }
  return FieldPath(path, "what")
      .Error("not set, or something that this program is too old to know");
}

}  // namespace tributary
