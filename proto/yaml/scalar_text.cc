#include "proto/yaml/scalar_text.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

#include "fmt/format.h"

namespace tributary {
namespace {

using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// The value if all of `text` is a T within T's range, else nullopt.
template <typename T>
std::optional<T> ParseNumber(std::string_view text) {
  T value{};
  const char* const end = text.data() + text.size();
  const auto [parsed_to, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || parsed_to != end) return std::nullopt;
  if constexpr (std::is_floating_point_v<T>) {
    if (!std::isfinite(value)) return std::nullopt;
  }
  return value;
}

std::optional<bool> ParseBool(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

template <typename T>
std::string DescribeInteger() {
  return fmt::format("an integer from {} to {}", std::numeric_limits<T>::min(),
                     std::numeric_limits<T>::max());
}

std::string DescribeEnum(const EnumDescriptor& type) {
  std::string names = "one of ";
  for (int i = 0; i < type.value_count(); ++i) {
    if (i > 0) names += ", ";
    names += type.value(i)->name();
  }
  return names;
}

// Calls `set`, or `add` if the field is repeated. False without a value.
template <typename T>
bool Store(const std::optional<T>& value, const FieldDescriptor& field,
           Message* message,
           void (Reflection::*set)(Message*, const FieldDescriptor*, T) const,
           void (Reflection::*add)(Message*, const FieldDescriptor*, T) const) {
  if (!value.has_value()) return false;
  const Reflection& reflection = *message->GetReflection();
  (reflection.*(field.is_repeated() ? add : set))(message, &field, *value);
  return true;
}

bool StoreText(std::string_view text, const FieldDescriptor& field,
               Message* message) {
  using R = Reflection;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return Store(ParseNumber<int32_t>(text), field, message, &R::SetInt32,
                   &R::AddInt32);
    case FieldDescriptor::CPPTYPE_INT64:
      return Store(ParseNumber<int64_t>(text), field, message, &R::SetInt64,
                   &R::AddInt64);
    case FieldDescriptor::CPPTYPE_UINT32:
      return Store(ParseNumber<uint32_t>(text), field, message, &R::SetUInt32,
                   &R::AddUInt32);
    case FieldDescriptor::CPPTYPE_UINT64:
      return Store(ParseNumber<uint64_t>(text), field, message, &R::SetUInt64,
                   &R::AddUInt64);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return Store(ParseNumber<double>(text), field, message, &R::SetDouble,
                   &R::AddDouble);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return Store(ParseNumber<float>(text), field, message, &R::SetFloat,
                   &R::AddFloat);
    case FieldDescriptor::CPPTYPE_BOOL:
      return Store(ParseBool(text), field, message, &R::SetBool, &R::AddBool);
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto* value = field.enum_type()->FindValueByName(std::string(text));
      return Store(value == nullptr ? std::nullopt : std::optional(value),
                   field, message, &R::SetEnum, &R::AddEnum);
    }
    case FieldDescriptor::CPPTYPE_STRING:
      return Store(std::optional(std::string(text)), field, message,
                   &R::SetString, &R::AddString);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;
  }
  return false;
}

}  // namespace

std::string DescribeScalar(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return DescribeInteger<int32_t>();
    case FieldDescriptor::CPPTYPE_INT64:
      return DescribeInteger<int64_t>();
    case FieldDescriptor::CPPTYPE_UINT32:
      return DescribeInteger<uint32_t>();
    case FieldDescriptor::CPPTYPE_UINT64:
      return DescribeInteger<uint64_t>();
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
      return "a finite number";
    case FieldDescriptor::CPPTYPE_BOOL:
      return "true or false";
    case FieldDescriptor::CPPTYPE_ENUM:
      return DescribeEnum(*field.enum_type());
    case FieldDescriptor::CPPTYPE_STRING:
      return "a string";
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;
  }
  return "a mapping";
}

absl::Status SetScalar(std::string_view text, const FieldDescriptor& field,
                       Message* message) {
  if (StoreText(text, field, message)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("expected {}, found \"{}\"", DescribeScalar(field), text));
}

}  // namespace tributary
