#include "index/sign/signed_current.h"

#include <charconv>

#include "absl/strings/escaping.h"
#include "fmt/format.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr std::string_view kHead = "tributary current 1\n";
// How far the clocks of the signer and of this machine may differ.
constexpr int64_t kMaxAheadMs = 300'000;

// Takes a line "<name> <rest>" from *text. False without it.
bool TakeLine(std::string_view name, std::string_view* text,
              std::string_view* rest) {
  const size_t end = text->find('\n');
  if (end == std::string_view::npos || !text->starts_with(name) ||
      end < name.size() + 1 || (*text)[name.size()] != ' ') {
    return false;
  }
  *rest = text->substr(name.size() + 1, end - name.size() - 1);
  text->remove_prefix(end + 1);
  return true;
}

template <typename Number>
bool ParseWhole(std::string_view text, Number* number) {
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size();
}

bool IsHexOfSignature(std::string_view text) {
  return text.size() == 2 * kSignatureBytes &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

std::string SignedCurrent::SignedText() const {
  return fmt::format("{}version {}\nat_ms {}\n", kHead, version, at_ms);
}

std::string SignedCurrent::Text() const {
  return fmt::format("{}signature {}\n", SignedText(),
                     std::string(absl::BytesToHexString(signature)));
}

absl::StatusOr<SignedCurrent> ParseSignedCurrent(std::string_view text) {
  SignedCurrent current;
  std::string_view version;
  std::string_view at_ms;
  std::string_view signature;
  if (!text.starts_with(kHead)) {
    return absl::DataLossError(
        fmt::format("{}: its first line is not \"tributary current 1\"",
                    kSignedCurrentName));
  }
  text.remove_prefix(kHead.size());
  if (!TakeLine("version", &text, &version) ||
      !ParseWhole(version, &current.version) || current.version == 0 ||
      !TakeLine("at_ms", &text, &at_ms) || !ParseWhole(at_ms, &current.at_ms) ||
      !TakeLine("signature", &text, &signature) ||
      !IsHexOfSignature(signature) || !text.empty()) {
    return absl::DataLossError(
        fmt::format("{}: expected lines with version, at_ms and signature",
                    kSignedCurrentName));
  }
  current.signature = absl::HexStringToBytes(
      absl::string_view(signature.data(), signature.size()));
  return current;
}

absl::StatusOr<std::string> SignCurrent(uint64_t version, int64_t now_ms,
                                        const std::filesystem::path& key) {
  SignedCurrent current;
  current.version = version;
  current.at_ms = now_ms;
  ASSIGN_OR_RETURN(current.signature, SignManifest(current.SignedText(), key));
  return current.Text();
}

absl::Status CheckSignedCurrent(const SignedCurrent& current,
                                const PublicKeys& keys, int64_t now_ms,
                                uint64_t max_age_seconds) {
  RETURN_IF_ERROR(keys.CheckText(current.SignedText(), current.signature,
                                 kSignedCurrentName));
  if (current.at_ms > now_ms + kMaxAheadMs) {
    return absl::FailedPreconditionError(fmt::format(
        "{}: it was signed {} s in the future: one of the clocks is wrong",
        kSignedCurrentName, (current.at_ms - now_ms) / 1000));
  }
  const int64_t age_ms = now_ms - current.at_ms;
  if (age_ms <= 0 || static_cast<uint64_t>(age_ms) / 1000 <= max_age_seconds) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      fmt::format("{}: it was signed {} s ago, max_current_age_seconds is {}: "
                  "sign it again "
                  "with `tributary refresh`",
                  kSignedCurrentName, age_ms / 1000, max_age_seconds));
}

}  // namespace tributary
