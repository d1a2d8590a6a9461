// A token is a byte with the form's number, the fixed-size fields in little
// endian order, each name after a byte with its length, and a hash of all that
// before it; in base64 for URLs.
#include "server/pages/page_token.h"

#include <cstddef>
#include <type_traits>

#include "absl/strings/escaping.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "status/field_error.h"

namespace tributary {
namespace {

constexpr uint8_t kForm = 1;
// Names of labels and profiles have at most 63 bytes; tokens of this form are
// shorter than this.
constexpr size_t kMaxTokenBytes = 512;

uint64_t HashOf(std::string_view bytes) {
  SequenceHash hash;
  for (const char c : bytes) hash.Add(static_cast<uint8_t>(c));
  return hash.value();
}

template <typename T>
void AppendNumber(T number, std::string* bytes) {
  const auto bits = static_cast<std::make_unsigned_t<T>>(number);
  for (size_t i = 0; i < sizeof(T); ++i) {
    bytes->push_back(static_cast<char>(bits >> (8 * i) & 0xff));
  }
}

void AppendName(std::string_view name, std::string* bytes) {
  bytes->push_back(static_cast<char>(name.size()));
  bytes->append(name);
}

// Reads from the front of a token. After a read beyond its end, failed().
class TokenReader {
 public:
  explicit TokenReader(std::string_view bytes) : bytes_(bytes) {}

  template <typename T>
  T Number() {
    const std::string_view read = Take(sizeof(T));
    std::make_unsigned_t<T> bits = 0;
    for (size_t i = 0; i < read.size(); ++i) {
      bits |= static_cast<std::make_unsigned_t<T>>(
          std::make_unsigned_t<T>{static_cast<uint8_t>(read[i])} << (8 * i));
    }
    return static_cast<T>(bits);
  }
  std::string Name() { return std::string(Take(Number<uint8_t>())); }

  bool failed() const { return failed_; }
  bool at_end() const { return bytes_.empty(); }

 private:
  std::string_view Take(size_t size) {
    if (size > bytes_.size()) {
      failed_ = true;
      return {};
    }
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }

  std::string_view bytes_;
  bool failed_ = false;
};

absl::Status NoToken() {
  return FieldError("page_token",
                    "not a token of this server; expected the next_page_token "
                    "of a reply, unchanged");
}

}  // namespace

std::string FormatPageToken(const PageToken& token) {
  std::string bytes;
  AppendNumber(kForm, &bytes);
  AppendNumber(token.bundle_version, &bytes);
  AppendNumber(token.first_asked_ms, &bytes);
  AppendNumber(token.request_hash, &bytes);
  AppendNumber(token.offset, &bytes);
  AppendNumber(token.items_hash, &bytes);
  AppendNumber(static_cast<uint8_t>(token.level), &bytes);
  AppendName(token.bundle_label, &bytes);
  AppendName(token.profile, &bytes);
  AppendNumber(HashOf(bytes), &bytes);
  std::string text;
  absl::WebSafeBase64Escape(bytes, &text);
  return text;
}

absl::StatusOr<PageToken> ParsePageToken(std::string_view text) {
  std::string bytes;
  if (text.size() > kMaxTokenBytes ||
      !absl::WebSafeBase64Unescape(absl::string_view(text.data(), text.size()),
                                   &bytes) ||
      bytes.size() < sizeof(uint64_t)) {
    return NoToken();
  }
  const std::string_view content(bytes.data(), bytes.size() - sizeof(uint64_t));
  TokenReader hash(std::string_view(bytes).substr(content.size()));
  if (hash.Number<uint64_t>() != HashOf(content)) return NoToken();

  TokenReader reader(content);
  if (reader.Number<uint8_t>() != kForm) return NoToken();
  PageToken token;
  token.bundle_version = reader.Number<uint64_t>();
  token.first_asked_ms = reader.Number<int64_t>();
  token.request_hash = reader.Number<uint64_t>();
  token.offset = reader.Number<uint32_t>();
  token.items_hash = reader.Number<uint64_t>();
  const auto level = reader.Number<uint8_t>();
  token.bundle_label = reader.Name();
  token.profile = reader.Name();
  if (reader.failed() || !reader.at_end() || !v1::ServiceLevel_IsValid(level)) {
    return NoToken();
  }
  token.level = static_cast<v1::ServiceLevel>(level);
  return token;
}

uint64_t HashForPages(const v1::RetrieveRequest& request) {
  v1::RetrieveRequest said = request;
  said.clear_page_size();
  said.clear_page_token();
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream output(&stream);
    // Entries of maps come in the order of their keys.
    output.SetSerializationDeterministic(true);
    said.SerializeToCodedStream(&output);
  }
  return HashOf(bytes);
}

}  // namespace tributary
