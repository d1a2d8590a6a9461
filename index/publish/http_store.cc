#include "index/publish/http_store.h"

#include <utility>

#include "fmt/core.h"
#include "index/bundle/bundle.h"
#include "index/bundle/version_file.h"
#include "index/publish/small_file.h"
#include "status/status_macros.h"
#include "status/status_message.h"

namespace tributary {
namespace {

// More than a version number and a newline take.
constexpr uint64_t kMaxCurrentBytes = 32;
// CURRENT, and a version's manifest and signature.
constexpr size_t kMaxKnown = 5;
constexpr uint64_t kMaxKeptBytes = uint64_t{1} << 20;

bool IsPlainUrl(std::string_view url) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (!url.starts_with(scheme)) continue;
    url.remove_prefix(scheme.size());
    return !url.empty() && url.front() != '/' &&
           url.find_first_of("@?# \t\r\n\\") == std::string_view::npos;
  }
  return false;
}

absl::StatusCode CodeOf(int http_status) {
  switch (http_status) {
    case 401:
      return absl::StatusCode::kUnauthenticated;
    case 403:
      return absl::StatusCode::kPermissionDenied;
    case 404:
    case 410:
      return absl::StatusCode::kNotFound;
    case 409:
    case 412:
      return absl::StatusCode::kAborted;
    case 416:
      return absl::StatusCode::kOutOfRange;
    case 501:
      return absl::StatusCode::kUnimplemented;
    case 507:
      return absl::StatusCode::kResourceExhausted;
    case 408:
    case 429:
      return absl::StatusCode::kUnavailable;
    default:
      // 5xx comes from a proxy, or from a server that starts or is overloaded.
      return http_status / 100 == 4 ? absl::StatusCode::kPermissionDenied
                                    : absl::StatusCode::kUnavailable;
  }
}

// For the end of an error: a proxy that was in the way is the first suspect.
std::string WithProxy(const StoreReply& reply) {
  if (reply.proxy.empty()) return "";
  return fmt::format(
      "; the request went through the proxy {}, which the variable {} names: "
      "unset it, or add the host to no_proxy, if it should not",
      reply.proxy, reply.proxy_variable);
}

// Passes bytes on if they continue the content of earlier ones, by the ETag.
class SameContent : public ByteSink {
 public:
  SameContent(const StoreReply& reply, uint64_t offset, std::string* validator,
              ByteSink* sink)
      : reply_(reply), offset_(offset), validator_(validator), sink_(sink) {}

  absl::Status Begin(uint64_t offset) override {
    std::string etag = reply_.Header("etag");
    // Weak ETags do not identify the bytes.
    if (etag.starts_with("W/")) etag.clear();
    const bool other = !validator_->empty() && *validator_ != etag;
    if (offset != 0 && (offset != offset_ || other)) {
      return absl::OutOfRangeError(
          "the server sent another range than requested");
    }
    *validator_ = std::move(etag);
    return sink_->Begin(offset);
  }
  absl::Status Append(std::span<const std::byte> bytes) override {
    return sink_->Append(bytes);
  }

 private:
  const StoreReply& reply_;
  const uint64_t offset_;
  std::string* const validator_;
  ByteSink* const sink_;
};

}  // namespace

std::string FilePath(uint64_t version, const std::string& name) {
  return fmt::format("{}/{}", version, PercentEncode(name));
}

absl::StatusOr<std::unique_ptr<HttpStore>> HttpStore::Open(
    const std::string& url, const v1::Download& download) {
  if (!IsPlainUrl(url)) {
    return absl::InvalidArgumentError(
        "store: expected http(s)://HOST[:PORT][/PATH], without a user's name, "
        "query or fragment");
  }
  return std::unique_ptr<HttpStore>(new HttpStore(url, url, download));
}

HttpStore::HttpStore(std::string url, std::string base,
                     const v1::Download& download)
    : Store(std::move(url)),
      base_(std::move(base)),
      client_(std::chrono::milliseconds(download.stall_ms())) {}

absl::Status HttpStore::Send(const std::string& path, StoreRequest request,
                             StoreReply* reply, ByteSink* sink,
                             const std::stop_token& stop) {
  const std::string_view slash = base_.ends_with('/') ? "" : "/";
  request.url = fmt::format("{}{}{}", base_, slash, path);
  RETURN_IF_ERROR(Authorize(&request));
  const absl::Status sent = client_.Send(request, reply, sink, stop);
  const std::string what =
      fmt::format("{}{}{}", url(), url().ends_with('/') ? "" : "/",
                  std::string_view(path).substr(0, path.find('?')));
  if (absl::IsUnavailable(sent) || absl::IsUnauthenticated(sent)) {
    return {sent.code(),
            fmt::format("{}: {}{}", what, MessageOf(sent), WithProxy(*reply))};
  }
  // An error of the sink names the file itself.
  RETURN_IF_ERROR(sent);
  if (reply->status / 100 == 2 || reply->status == 304) return sent;
  const std::string why = Explain(reply->error_body);
  // A missing bucket says nothing about the file.
  const bool no_bucket = why == " NoSuchBucket";
  return {no_bucket ? absl::StatusCode::kUnavailable : CodeOf(reply->status),
          fmt::format("{}: the server answered {}{}{}", what, reply->status,
                      why, WithProxy(*reply))};
}

absl::StatusOr<std::string> HttpStore::ReadSmall(const std::string& path,
                                                 uint64_t max_bytes,
                                                 const std::stop_token& stop) {
  Known known;
  {
    const MutexLock lock(&mutex_);
    if (const auto last = known_.find(path); last != known_.end()) {
      known = last->second;
    }
  }
  StoreRequest request;
  // Makes caches on the way ask the server.
  request.headers.push_back("Cache-Control: no-cache");
  if (!known.etag.empty()) {
    request.headers.push_back("If-None-Match: " + known.etag);
  }
  SmallFile file(fmt::format("{}/{}", url(), path), max_bytes);
  StoreReply reply;
  RETURN_IF_ERROR(Send(path, std::move(request), &reply, &file, stop));
  if (reply.status == 304 && !known.etag.empty()) return known.contents;
  known = {reply.IsSettled() ? reply.Header("etag") : "",
           std::move(file.contents())};
  const MutexLock lock(&mutex_);
  if (known_.size() >= kMaxKnown && !known_.contains(path)) known_.clear();
  known_[path] = known;
  return known.contents;
}

absl::StatusOr<uint64_t> HttpStore::ReadCurrent(const std::stop_token& stop) {
  const auto text = ReadSmall(kCurrentName, kMaxCurrentBytes, stop);
  if (absl::IsNotFound(text.status())) return 0;
  if (!text.ok()) return text.status();
  return ParseVersionFile(*text, fmt::format("{}/{}", url(), kCurrentName));
}

absl::StatusOr<SignedManifest> HttpStore::ReadManifest(
    uint64_t version, const std::stop_token& stop) {
  return ReadSignedManifest([&](const std::string& name, uint64_t max_bytes) {
    return ReadSmall(FilePath(version, name), max_bytes, stop);
  });
}

absl::Status HttpStore::ReadFile(uint64_t version, const std::string& name,
                                 uint64_t offset, std::string* validator,
                                 ByteSink* sink, const std::stop_token& stop) {
  StoreRequest request;
  request.offset = offset;
  if (offset > 0 && !validator->empty()) {
    request.headers.push_back("If-Range: " + *validator);
  }
  StoreReply reply;
  SameContent same(reply, offset, validator, sink);
  return Send(FilePath(version, name), std::move(request), &reply, &same, stop);
}

absl::StatusOr<std::string> HttpStore::ReadSmallFile(
    const std::string& path, uint64_t max_bytes, const std::stop_token& stop) {
  // What may be larger is not kept to be compared with what comes.
  if (max_bytes <= kMaxKeptBytes) return ReadSmall(path, max_bytes, stop);
  SmallFile file(fmt::format("{}/{}", url(), path), max_bytes);
  StoreReply reply;
  RETURN_IF_ERROR(Send(path, StoreRequest(), &reply, &file, stop));
  return std::move(file.contents());
}

absl::Status HttpStore::PutVersion(const std::filesystem::path&,
                                   const std::optional<std::string>&,
                                   const std::stop_token&) {
  return absl::FailedPreconditionError(fmt::format(
      "{}: a store on a web server is read-only; publish to the directory that "
      "it serves",
      url()));
}

absl::Status HttpStore::WriteSmallFile(const std::string&, const std::string&) {
  return PutVersion({}, {}, {});
}

absl::Status HttpStore::WriteCurrent(uint64_t) {
  return PutVersion({}, {}, {});
}

}  // namespace tributary
