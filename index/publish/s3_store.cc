#include "index/publish/s3_store.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "fmt/core.h"
#include "index/bundle/mapped_file.h"
#include "index/bundle/sha256.h"
#include "index/publish/backoff.h"
#include "index/publish/directory_store.h"
#include "index/publish/s3_credentials.h"
#include "index/publish/small_file.h"
#include "index/verify/verify_version.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// The size of each part but the last. Services accept up to 10 000 parts, of at
// least 5 MiB.
constexpr uint64_t kPartBytes = uint64_t{32} << 20;
constexpr uint64_t kMaxObjectBytes = 10'000 * kPartBytes;
constexpr uint64_t kMaxReplyBytes = 1 << 20;
constexpr char kContentSha256[] = "x-amz-content-sha256: ";
constexpr char kMetaSha256[] = "x-amz-meta-sha256";
constexpr char kIfNone[] = "If-None-Match: *";

bool IsBucket(std::string_view name) {
  return name.size() >= 3 && name.size() <= 63 &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '.';
         });
}

// Percent-encodes each segment of a path.
std::string EncodePath(std::string_view path) {
  std::string encoded;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    encoded += PercentEncode(path.substr(0, slash));
    if (slash == std::string_view::npos) break;
    encoded += '/';
    path.remove_prefix(slash + 1);
  }
  return encoded;
}

// The text of the first such element of an XML reply; empty if it has none.
std::string Element(std::string_view xml, std::string_view name) {
  const std::string begin = fmt::format("<{}>", name);
  const size_t from = xml.find(begin);
  if (from == std::string_view::npos) return "";
  xml.remove_prefix(from + begin.size());
  return std::string(xml.substr(0, xml.find("</")));
}

std::string HashOf(std::span<const std::byte> bytes) {
  return Sha256Hex(bytes);
}
std::string HashOf(const std::string& text) {
  return Sha256Hex(std::as_bytes(std::span(text)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<S3Store>> S3Store::Open(
    const std::string& url, const v1::Download& download, const v1::S3& s3) {
  std::string_view rest(url);
  rest.remove_prefix(std::min(rest.size(), std::string_view("s3://").size()));
  const std::string_view bucket = rest.substr(0, rest.find('/'));
  std::string_view prefix =
      rest.substr(std::min(rest.size(), bucket.size() + 1));
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  if (!url.starts_with("s3://") || !IsBucket(bucket)) {
    return absl::InvalidArgumentError(
        "store: expected s3://BUCKET/PREFIX, with a bucket of 3 to 63 "
        "lower-case letters, digits, '-' and '.'");
  }
  std::string base = s3.endpoint();
  if (s3.path_style()) {
    base += fmt::format("/{}", bucket);
  } else {
    base.insert(base.find("://") + 3, fmt::format("{}.", bucket));
  }
  if (!prefix.empty()) base += "/" + EncodePath(prefix);
  return std::unique_ptr<S3Store>(
      new S3Store(url, std::move(base), download, s3));
}

S3Store::S3Store(std::string url, std::string base,
                 const v1::Download& download, v1::S3 s3)
    : HttpStore(std::move(url), std::move(base), download),
      s3_(std::move(s3)),
      attempts_(download.attempts()) {}

absl::Status S3Store::Authorize(StoreRequest* request) {
  ASSIGN_OR_RETURN(S3Credentials credentials, FindS3Credentials(s3_));
  const bool hashed =
      std::any_of(request->headers.begin(), request->headers.end(),
                  [](const std::string& header) {
                    return header.starts_with(kContentSha256);
                  });
  // libcurl 7.88 signs this header, but does not add it.
  if (!hashed) {
    request->headers.push_back(kContentSha256 + HashOf(request->body));
  }
  if (!credentials.session_token.empty()) {
    request->headers.push_back("x-amz-security-token: " +
                               credentials.session_token);
  }
  request->signer = RequestSigner{fmt::format("aws:amz:{}:s3", s3_.region()),
                                  std::move(credentials.access_key),
                                  std::move(credentials.secret_key)};
  return absl::OkStatus();
}

// Only the code: the text of some errors repeats what was signed.
std::string S3Store::Explain(std::string_view error_body) const {
  const std::string code = Element(error_body, "Code");
  const bool plain = !code.empty() && code.size() <= 64 &&
                     std::all_of(code.begin(), code.end(), [](char c) {
                       return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
                     });
  return plain ? " " + code : "";
}

absl::Status S3Store::PutVersion(const std::filesystem::path& bundle_dir,
                                 const std::optional<std::string>& signature,
                                 const std::stop_token& stop) {
  ASSIGN_OR_RETURN(VersionSource source, OpenVersionSource(bundle_dir));
  const uint64_t version = source.version;
  const auto dir = VersionPath(source.store.root(), version);
  ASSIGN_OR_RETURN(SignedManifest manifest,
                   source.store.ReadManifest(version, stop));
  if (signature) manifest.signature = *signature;
  ASSIGN_OR_RETURN(const v1::Manifest parsed, ParseManifest(manifest.json));
  RETURN_IF_ERROR(VerifyVersion(dir));
  const auto existing = ReadManifest(version, stop);
  if (existing.ok()) {
    RETURN_IF_ERROR(CheckSame(version, manifest, stop));
    if (!signature || existing->signature == signature) return absl::OkStatus();
    return PutSignature(version, *signature, stop);
  }
  if (!absl::IsNotFound(existing.status())) return existing.status();
  RETURN_IF_ERROR(PutFiles(dir, parsed, stop));
  if (manifest.signature) {
    RETURN_IF_ERROR(PutSignature(version, *manifest.signature, stop));
  }
  return PutManifest(version, manifest, stop);
}

absl::Status S3Store::PutFiles(const std::filesystem::path& dir,
                               const v1::Manifest& manifest,
                               const std::stop_token& stop) {
  const uint64_t version = manifest.version();
  for (const v1::FileEntry& file : manifest.files()) {
    ASSIGN_OR_RETURN(const bool exists, HasFile(version, file, stop));
    if (exists) continue;
    ASSIGN_OR_RETURN(const MappedFile mapped,
                     MappedFile::Open(dir / file.name()));
    RETURN_IF_ERROR(Put(
        {FilePath(version, file.name()), mapped.bytes(), file.sha256()}, stop));
  }
  // Another publisher may be uploading another bundle with this version.
  for (const v1::FileEntry& file : manifest.files()) {
    ASSIGN_OR_RETURN(const bool exists, HasFile(version, file, stop));
    if (exists) continue;
    return absl::AbortedError(
        fmt::format("{}/{}/{}: another publisher replaced the file", url(),
                    version, file.name()));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> S3Store::HasFile(uint64_t version,
                                      const v1::FileEntry& file,
                                      const std::stop_token& stop) {
  StoreRequest request;
  request.method = "HEAD";
  StoreReply reply;
  const absl::Status status =
      Try(FilePath(version, file.name()), request, &reply, nullptr, stop);
  if (absl::IsNotFound(status)) return false;
  RETURN_IF_ERROR(status);
  return reply.Header("content-length") ==
             fmt::format("{}", file.size_bytes()) &&
         reply.Header(kMetaSha256) == file.sha256();
}

absl::Status S3Store::PutSignature(uint64_t version,
                                   const std::string& signature,
                                   const std::stop_token& stop) {
  return Put({FilePath(version, kSignatureName),
              std::as_bytes(std::span(signature)), HashOf(signature)},
             stop);
}

absl::Status S3Store::PutManifest(uint64_t version,
                                  const SignedManifest& manifest,
                                  const std::stop_token& stop) {
  Upload upload{FilePath(version, kManifestName),
                std::as_bytes(std::span(manifest.json)), HashOf(manifest.json)};
  upload.headers.push_back(kIfNone);
  absl::Status status = Put(upload, stop);
  if (absl::IsUnimplemented(status)) {
    upload.headers.clear();
    status = Put(upload, stop);
  }
  // Another publisher's manifest, or this one's from an attempt whose reply was
  // lost.
  if (absl::IsAborted(status)) return CheckSame(version, manifest, stop);
  return status;
}

absl::Status S3Store::CheckSame(uint64_t version,
                                const SignedManifest& manifest,
                                const std::stop_token& stop) {
  ASSIGN_OR_RETURN(const SignedManifest existing, ReadManifest(version, stop));
  if (existing.json == manifest.json) return absl::OkStatus();
  return absl::AlreadyExistsError(fmt::format(
      "{}/{}: version already exists with another manifest, and versions are "
      "immutable",
      url(), version));
}

absl::Status S3Store::WriteCurrent(uint64_t version) {
  return WriteSmallFile(kCurrentName, fmt::format("{}\n", version));
}

absl::Status S3Store::WriteSmallFile(const std::string& path,
                                     const std::string& contents) {
  return Put({path, std::as_bytes(std::span(contents)), HashOf(contents)}, {});
}

absl::StatusOr<S3Store::TaggedFile> S3Store::ReadTagged(const std::string& path,
                                                        uint64_t max_bytes) {
  SmallFile file(fmt::format("{}/{}", url(), path), max_bytes);
  StoreReply reply;
  RETURN_IF_ERROR(Send(path, StoreRequest(), &reply, &file, {}));
  return TaggedFile{std::move(file.contents()), reply.Header("etag")};
}

absl::StatusOr<std::string> S3Store::WriteIfTagged(const std::string& path,
                                                   const std::string& contents,
                                                   const std::string& tag) {
  StoreRequest request;
  request.method = "PUT";
  request.headers = {kContentSha256 + HashOf(contents),
                     tag.empty() ? kIfNone : "If-Match: " + tag};
  request.body = std::as_bytes(std::span(contents));
  StoreReply reply;
  // Not tried again: the caller must find out whether it has happened.
  RETURN_IF_ERROR(Send(path, request, &reply, nullptr, {}));
  return reply.Header("etag");
}

absl::Status S3Store::RemoveSmallFile(const std::string& path) {
  StoreRequest request;
  request.method = "DELETE";
  StoreReply reply;
  const absl::Status status = Send(path, request, &reply, nullptr, {});
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

absl::Status S3Store::Try(const std::string& path, const StoreRequest& request,
                          StoreReply* reply, std::string* body,
                          const std::stop_token& stop) {
  for (uint32_t attempt = 1;; ++attempt) {
    SmallFile answer(fmt::format("{}/{}", url(), path), kMaxReplyBytes);
    const absl::Status status = Send(path, request, reply, &answer, stop);
    if (body != nullptr) *body = std::move(answer.contents());
    if (!absl::IsUnavailable(status) || attempt >= attempts_) return status;
    const auto backoff = Backoff(static_cast<int>(attempt), kFirstBackoff,
                                 kMostBackoff, Chance());
    if (!SleepFor(backoff, stop)) return absl::CancelledError("stop requested");
  }
}

absl::Status S3Store::Put(const Upload& upload, const std::stop_token& stop) {
  if (upload.bytes.size() > kPartBytes) return PutInParts(upload, stop);
  StoreRequest request;
  request.method = "PUT";
  request.headers = upload.headers;
  request.headers.push_back(kContentSha256 + upload.sha256);
  request.headers.push_back(fmt::format("{}: {}", kMetaSha256, upload.sha256));
  request.body = upload.bytes;
  StoreReply reply;
  return Try(upload.path, request, &reply, nullptr, stop);
}

absl::Status S3Store::PutInParts(const Upload& upload,
                                 const std::stop_token& stop) {
  if (upload.bytes.size() > kMaxObjectBytes) {
    return absl::OutOfRangeError(
        fmt::format("{}/{}: {} bytes, but an object may have at most {}", url(),
                    upload.path, upload.bytes.size(), kMaxObjectBytes));
  }
  StoreRequest request;
  request.method = "POST";
  request.headers.push_back(fmt::format("{}: {}", kMetaSha256, upload.sha256));
  StoreReply reply;
  std::string body;
  RETURN_IF_ERROR(Try(upload.path + "?uploads=", request, &reply, &body, stop));
  const std::string upload_id = PercentEncode(Element(body, "UploadId"));
  const std::string query = fmt::format("?uploadId={}", upload_id);
  const auto parts = PutParts(upload, upload_id, stop);
  absl::Status status = parts.status();
  if (status.ok()) {
    request.headers.clear();
    request.body = std::as_bytes(std::span(*parts));
    status = Try(upload.path + query, request, &reply, &body, stop);
    // The service may fail after it has sent status 200.
    if (status.ok() && body.find("<Error>") != std::string::npos) {
      status = absl::UnavailableError(
          fmt::format("{}/{}: the service did not join the parts{}", url(),
                      upload.path, Explain(body)));
    }
  }
  if (status.ok()) return status;
  request = {};
  request.method = "DELETE";
  Send(upload.path + query, request, &reply, nullptr, {}).IgnoreError();
  return status;
}

absl::StatusOr<std::string> S3Store::PutParts(const Upload& upload,
                                              const std::string& upload_id,
                                              const std::stop_token& stop) {
  std::string list = "<CompleteMultipartUpload>";
  uint64_t number = 1;
  for (uint64_t from = 0; from < upload.bytes.size(); from += kPartBytes) {
    StoreRequest request;
    request.method = "PUT";
    request.body = upload.bytes.subspan(
        from, std::min<uint64_t>(kPartBytes, upload.bytes.size() - from));
    request.headers.push_back(kContentSha256 + HashOf(request.body));
    const std::string path = fmt::format("{}?partNumber={}&uploadId={}",
                                         upload.path, number, upload_id);
    StoreReply reply;
    RETURN_IF_ERROR(Try(path, request, &reply, nullptr, stop));
    list +=
        fmt::format("<Part><ETag>{}</ETag><PartNumber>{}</PartNumber></Part>",
                    reply.Header("etag"), number++);
  }
  return list + "</CompleteMultipartUpload>";
}

}  // namespace tributary
