#include "server/service/explain_bytes.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "server/service/request_outline.h"
#include "status/field_error.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

using google::protobuf::internal::WireFormatLite;
using ExplainMessage = v1::ExplainRequest;

// As many as any other message may have.
constexpr uint32_t kMaxOtherFields = 256;

absl::Status NotAnExplainRequest() {
  return FieldError("request",
                    "the bytes are not a {}; was the client built from another "
                    "explain.proto?",
                    ExplainMessage::descriptor()->full_name());
}

// "k: ..." becomes "request.k: ..."; "request: ..." is of the whole message,
// and stays.
absl::Status UnderRequestField(const absl::Status& error) {
  const std::string message(error.message());
  if (message.starts_with("request: ")) return error;
  return {error.code(), "request." + message};
}

// What the fields of the message are, one by one.
class ExplainFields {
 public:
  ExplainFields(std::string_view bytes, const v1::Limits& limits)
      : bytes_(bytes), limits_(limits) {}

  absl::Status Check() {
    google::protobuf::io::CodedInputStream input(
        reinterpret_cast<const uint8_t*>(bytes_.data()),
        static_cast<int>(bytes_.size()));
    while (const uint32_t tag = input.ReadTag()) {
      const auto begin = static_cast<size_t>(input.CurrentPosition());
      if (!WireFormatLite::SkipField(&input, tag)) return NotAnExplainRequest();
      const auto end = static_cast<size_t>(input.CurrentPosition());
      RETURN_IF_ERROR(CheckField(tag, bytes_.substr(begin, end - begin)));
    }
    if (!input.ConsumedEntireMessage() ||
        static_cast<size_t>(input.CurrentPosition()) != bytes_.size()) {
      return NotAnExplainRequest();
    }
    return absl::OkStatus();
  }

  // The bytes of the last RetrieveRequest.
  std::string_view request() const { return request_; }

 private:
  absl::Status CheckField(uint32_t tag, std::string_view value) {
    const bool has_length = WireFormatLite::GetTagWireType(tag) ==
                            WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
    const int number = WireFormatLite::GetTagFieldNumber(tag);
    if (number == ExplainMessage::kRequestFieldNumber && has_length) {
      // Several would be merged, however long their lists are together.
      if (++requests_ > 1) {
        return FieldError("request", "given {} times", requests_);
      }
      request_ = WithoutLength(value);
      const RequestOutline outline = OutlineRetrieve(request_, limits_);
      return outline.status.ok() ? absl::OkStatus()
                                 : UnderRequestField(outline.status);
    }
    if (number == ExplainMessage::kItemKeysFieldNumber && has_length) {
      return Count("item_keys", 1);
    }
    if (number == ExplainMessage::kItemIdsFieldNumber) {
      return Count("item_ids",
                   CountIds(has_length ? WithoutLength(value) : value));
    }
    if (++others_ > kMaxOtherFields) {
      return FieldError("request", "more than {} fields that it does not have",
                        kMaxOtherFields);
    }
    return absl::OkStatus();
  }

  absl::Status Count(const char* path, uint64_t items) {
    items_ += items;
    if (items_ <= limits_.max_explained_items()) return absl::OkStatus();
    return FieldError(path, "more items than limits.max_explained_items, {}",
                      limits_.max_explained_items());
  }

  // A varint's last byte has no continuation bit.
  static uint64_t CountIds(std::string_view varints) {
    return static_cast<uint64_t>(
        std::ranges::count_if(varints, [](char c) { return (c & 0x80) == 0; }));
  }

  static std::string_view WithoutLength(std::string_view value) {
    const auto last_of_length =
        std::ranges::find_if(value, [](char c) { return (c & 0x80) == 0; });
    return value.substr(std::min(
        value.size(), static_cast<size_t>(last_of_length - value.begin()) + 1));
  }

  const std::string_view bytes_;
  const v1::Limits& limits_;
  std::string_view request_;
  uint32_t requests_ = 0;
  uint64_t items_ = 0;
  uint32_t others_ = 0;
};

}  // namespace

absl::Status ParseExplainBytes(std::string_view bytes, const v1::Limits& limits,
                               v1::ExplainRequest* request) {
  ExplainFields fields(bytes, limits);
  RETURN_IF_ERROR(fields.Check());
  if (request->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::OkStatus();
  }
  // Only a text can still be wrong: that of the request, or an item's key.
  v1::RetrieveRequest inner;
  if (!inner.ParseFromArray(fields.request().data(),
                            static_cast<int>(fields.request().size()))) {
    return UnderRequestField(WhyUnparsable(fields.request()));
  }
  return FieldError("item_keys", "the text is not UTF-8");
}

}  // namespace tributary
