#include "index/publish/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <utility>

#include "absl/strings/ascii.h"
#include "fmt/core.h"
#include "sync/mutex.h"

namespace tributary {
namespace {

using Clock = std::chrono::steady_clock;

constexpr time_t kSettleSeconds = 2;
constexpr size_t kMaxErrorBytes = 4096;
constexpr size_t kMaxHeaderBytes = size_t{64} << 10;
constexpr long kMaxRedirects = 5;          // NOLINT: curl's type
constexpr long kBufferBytes = 256L << 10;  // NOLINT

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

// A transfer that is slower than this over the time of a stall has stalled.
constexpr double kMinBytesPerSecond = 100;

// The state of one request, for curl's callbacks.
struct Transfer {
  CURL* handle;
  ByteSink* sink;
  const std::stop_token& stop;
  std::chrono::milliseconds stall;
  std::span<const std::byte> body;
  StoreReply& reply;
  size_t sent = 0;
  size_t header_bytes = 0;
  bool begun = false;
  absl::Status sink_status = {};
  // Bytes carried until the beginning of the current period of `stall`.
  curl_off_t carried = 0;
  Clock::time_point carried_at = Clock::now();
  bool stalled = false;
};

// The offset in the file of the body of a reply with status 206.
uint64_t RangeBegin(const StoreReply& reply) {
  // The header is "bytes BEGIN-END/SIZE".
  const std::string range = reply.Header("content-range");
  return range.starts_with("bytes ")
             ? std::strtoull(range.c_str() + 6, nullptr, 10)
             : 0;
}

absl::Status Begin(Transfer* transfer) {
  transfer->begun = true;
  return transfer->sink->Begin(
      transfer->reply.status == 206 ? RangeBegin(transfer->reply) : 0);
}

size_t TakeHeader(char* data, size_t, size_t size, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  const std::string_view line(data, size);
  // The status line of the next response, after a redirect.
  if (line.starts_with("HTTP/")) transfer->reply.headers.clear();
  transfer->header_bytes += size;
  if (transfer->header_bytes > kMaxHeaderBytes) return 0;
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return size;
  const std::string value(line.substr(colon + 1));
  transfer->reply
      .headers[absl::AsciiStrToLower(std::string(line.substr(0, colon)))] =
      std::string(absl::StripAsciiWhitespace(value));
  return size;
}

size_t TakeBody(char* data, size_t, size_t size, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  long status = 0;  // NOLINT: curl's type
  curl_easy_getinfo(transfer->handle, CURLINFO_RESPONSE_CODE, &status);
  transfer->reply.status = static_cast<int>(status);
  if (status / 100 != 2) {
    std::string& kept = transfer->reply.error_body;
    kept.append(data, std::min(size, kMaxErrorBytes - kept.size()));
    return kept.size() < kMaxErrorBytes ? size : 0;
  }
  if (transfer->sink == nullptr) return size;
  if (!transfer->begun) transfer->sink_status = Begin(transfer);
  if (transfer->sink_status.ok()) {
    transfer->sink_status = transfer->sink->Append(
        {reinterpret_cast<const std::byte*>(data), size});
  }
  return transfer->sink_status.ok() ? size : 0;
}

size_t GiveBody(char* data, size_t, size_t size, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  const auto part = transfer->body.subspan(
      transfer->sent, std::min(size, transfer->body.size() - transfer->sent));
  std::memcpy(data, part.data(), part.size());
  transfer->sent += part.size();
  return part.size();
}

int SeekBody(void* user, curl_off_t offset, int) {
  static_cast<Transfer*>(user)->sent = static_cast<size_t>(offset);
  return CURL_SEEKFUNC_OK;
}

// curl calls this at least about once a second. A result other than 0 ends the
// transfer.
int Progress(void* user, curl_off_t, curl_off_t received, curl_off_t,
             curl_off_t sent) {
  auto* transfer = static_cast<Transfer*>(user);
  const Clock::time_point now = Clock::now();
  const auto period = now - transfer->carried_at;
  if (period > transfer->stall) {
    // A store that sends a byte now and then would hold a download for ever.
    const double seconds = std::chrono::duration<double>(period).count();
    const curl_off_t before = std::exchange(transfer->carried, received + sent);
    transfer->stalled = static_cast<double>(received + sent - before) <
                        kMinBytesPerSecond * seconds;
    transfer->carried_at = now;
  }
  return transfer->stalled || transfer->stop.stop_requested() ? 1 : 0;
}

// "http://proxy:3128" of "http://name:password@proxy:3128".
std::string WithoutCredentials(std::string_view url) {
  const size_t scheme = url.find("://");
  const size_t host = scheme == std::string_view::npos ? 0 : scheme + 3;
  const size_t at = url.substr(0, url.find('/', host)).rfind('@');
  if (at == std::string_view::npos || at < host) return std::string(url);
  return fmt::format("{}{}", url.substr(0, host), url.substr(at + 1));
}

// Which variable names a proxy, and which hosts are asked without it, is for
// libcurl to decide; before version 8.7, only these lines of its log say what
// it has decided.
int NoteProxy(CURL*, curl_infotype type, char* data, size_t size, void* user) {
  if (type != CURLINFO_TEXT) return 0;
  StoreReply& reply = static_cast<Transfer*>(user)->reply;
  std::string_view line(data, size);
  constexpr std::string_view kUses = "Uses proxy env variable ";
  constexpr std::string_view kRedirected = "Issue another request to this URL";
  if (line.starts_with(kRedirected)) {
    reply.proxy.clear();
    reply.proxy_variable.clear();
  }
  if (!line.starts_with(kUses)) return 0;
  line.remove_prefix(kUses.size());
  constexpr std::string_view kIs = " == '";
  const size_t is = line.find(kIs);
  const size_t end = line.rfind('\'');
  if (is == std::string_view::npos || end < is + kIs.size()) return 0;
  const size_t begin = is + kIs.size();
  reply.proxy_variable = line.substr(0, is);
  reply.proxy = WithoutCredentials(line.substr(begin, end - begin));
  return 0;
}

// The curl command reads these variables, but libcurl does not.
const char* CertificateFile() {
  for (const char* name : {"CURL_CA_BUNDLE", "SSL_CERT_FILE"}) {
    const char* file = std::getenv(name);
    if (file != nullptr && *file != '\0') return file;
  }
  return nullptr;
}

// The hosts that are asked without a proxy: the environment's, and this one.
std::string NoProxy() {
  std::string hosts = "localhost,127.0.0.0/8,::1";
  for (const char* name : {"no_proxy", "NO_PROXY"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    if (std::string_view(value) == "*") return value;
    return fmt::format("{},{}", hosts, value);
  }
  return hosts;
}

void SetSafety(CURL* handle, std::chrono::milliseconds stall) {
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  curl_easy_setopt(handle, CURLOPT_MAXREDIRS, kMaxRedirects);
  curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, kBufferBytes);
  curl_easy_setopt(handle, CURLOPT_NOPROXY, NoProxy().c_str());
  curl_easy_setopt(handle, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(stall.count()));  // NOLINT
  if (const char* file = CertificateFile()) {
    curl_easy_setopt(handle, CURLOPT_CAINFO, file);
  }
}

void SetCallbacks(CURL* handle, Transfer* transfer) {
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, TakeHeader);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, transfer);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, TakeBody);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, transfer);
  curl_easy_setopt(handle, CURLOPT_READFUNCTION, GiveBody);
  curl_easy_setopt(handle, CURLOPT_READDATA, transfer);
  curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, SeekBody);
  curl_easy_setopt(handle, CURLOPT_SEEKDATA, transfer);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, Progress);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, transfer);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  // The log goes to NoteProxy alone.
  curl_easy_setopt(handle, CURLOPT_DEBUGFUNCTION, NoteProxy);
  curl_easy_setopt(handle, CURLOPT_DEBUGDATA, transfer);
  curl_easy_setopt(handle, CURLOPT_VERBOSE, 1L);
}

HeaderList SetRequest(CURL* handle, const StoreRequest& request) {
  curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  if (request.method == "HEAD") {
    curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
  } else if (request.method != "GET") {
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
  if (request.method == "PUT" || request.method == "POST") {
    curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
  }
  if (request.offset > 0) {
    const std::string range = fmt::format("{}-", request.offset);
    curl_easy_setopt(handle, CURLOPT_RANGE, range.c_str());
  }
  if (request.signer) {
    curl_easy_setopt(handle, CURLOPT_AWS_SIGV4, request.signer->scope.c_str());
    curl_easy_setopt(handle, CURLOPT_USERNAME,
                     request.signer->access_key.c_str());
    curl_easy_setopt(handle, CURLOPT_PASSWORD,
                     request.signer->secret_key.c_str());
  } else {
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(
        handle, CURLOPT_REDIR_PROTOCOLS_STR,
        request.url.starts_with("https:") ? "https" : "http,https");
  }
  HeaderList headers;
  for (const std::string& header : request.headers) {
    headers.reset(curl_slist_append(headers.release(), header.c_str()));
  }
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
  return headers;
}

absl::Status Failure(CURLcode code, const Transfer& transfer) {
  if (transfer.stop.stop_requested()) {
    return absl::CancelledError("stop requested");
  }
  if (transfer.stalled) {
    return absl::UnavailableError(fmt::format(
        "the connection carried nothing for {} ms", transfer.stall.count()));
  }
  const std::string what = curl_easy_strerror(code);
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return absl::UnauthenticatedError(what);
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return absl::InvalidArgumentError(what);
    default:
      return absl::UnavailableError(what);
  }
}

}  // namespace

// The curl handles that no request uses at the moment. A handle owns its
// connections.
class HttpClient::Handles {
 public:
  Handles() {
    static const CURLcode initialized = curl_global_init(CURL_GLOBAL_DEFAULT);
    (void)initialized;
  }
  ~Handles() {
    for (CURL* handle : free_) curl_easy_cleanup(handle);
  }
  // nullptr when memory is exhausted.
  CURL* Take() {
    const MutexLock lock(&mutex_);
    if (free_.empty()) return curl_easy_init();
    CURL* handle = free_.back();
    free_.pop_back();
    return handle;
  }
  void Return(CURL* handle) {
    // Resets all options, including the secret key.
    curl_easy_reset(handle);
    const MutexLock lock(&mutex_);
    free_.push_back(handle);
  }

 private:
  Mutex mutex_;
  std::vector<CURL*> free_ ABSL_GUARDED_BY(mutex_);
};

std::string StoreReply::Header(const std::string& name) const {
  const auto header = headers.find(name);
  return header == headers.end() ? "" : header->second;
}

bool StoreReply::IsSettled() const {
  const std::string modified = Header("last-modified");
  if (modified.empty()) return true;
  return curl_getdate(modified.c_str(), nullptr) + kSettleSeconds <=
         curl_getdate(Header("date").c_str(), nullptr);
}

HttpClient::HttpClient(std::chrono::milliseconds stall)
    : stall_(stall), handles_(std::make_unique<Handles>()) {}

HttpClient::~HttpClient() = default;

absl::Status HttpClient::Send(const StoreRequest& request, StoreReply* reply,
                              ByteSink* sink, const std::stop_token& stop) {
  CURL* handle = handles_->Take();
  if (handle == nullptr) return absl::ResourceExhaustedError("no memory");
  *reply = {};
  Transfer transfer{.handle = handle,
                    .sink = sink,
                    .stop = stop,
                    .stall = stall_,
                    .body = request.body,
                    .reply = *reply};
  SetSafety(handle, stall_);
  SetCallbacks(handle, &transfer);
  const HeaderList headers = SetRequest(handle, request);
  const CURLcode code = curl_easy_perform(handle);
  long status = 0;  // NOLINT: curl's type
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  handles_->Return(handle);
  reply->status = static_cast<int>(status);
  if (!transfer.sink_status.ok()) return transfer.sink_status;
  // The body of an error need not be complete: TakeBody ends it at 4 KiB.
  const bool cut_by_us =
      code == CURLE_WRITE_ERROR && reply->error_body.size() == kMaxErrorBytes;
  if (code != CURLE_OK && !cut_by_us) return Failure(code, transfer);
  if (status / 100 == 2 && sink != nullptr && !transfer.begun) {
    return Begin(&transfer);
  }
  return absl::OkStatus();
}

std::string PercentEncode(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' ||
        c == '_' || c == '.' || c == '~') {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

}  // namespace tributary
