#include "server/console/console.h"

#include <utility>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "server/console/console_files.h"
#include "server/console/console_status.h"
#include "server/console/item_titles.h"

namespace tributary {
namespace {

constexpr std::string_view kStatus = "/console/api/status";
constexpr std::string_view kHistory = "/console/api/history";
constexpr std::string_view kTitles = "/console/api/titles";
// People type it; relative addresses in the page would be wrong there.
constexpr std::string_view kWithSlash = "/console/";

// The page has no code and no style but its own files', asks nobody but this
// server, is in no frame of others, and cannot make elements from text.
constexpr char kPolicy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'";

HttpReply WithHeaders(HttpReply reply, const char* cache_control) {
  reply.headers = {{"Content-Security-Policy", kPolicy},
                   {"X-Content-Type-Options", "nosniff"},
                   {"Referrer-Policy", "no-referrer"},
                   {"Cross-Origin-Resource-Policy", "same-origin"},
                   {"Cross-Origin-Opener-Policy", "same-origin"},
                   {"Cache-Control", cache_control}};
  return reply;
}

HttpReply FileReply(const ConsoleFile& file) {
  HttpReply reply;
  reply.content_type = ContentTypeOf(file);
  reply.body = file.text();
  // Another version of the server has other files.
  return WithHeaders(std::move(reply), "no-cache");
}

HttpReply JsonReply(absl::StatusOr<std::string> json) {
  if (!json.ok()) return WithHeaders(ErrorReply(json.status()), "no-store");
  HttpReply reply;
  reply.content_type = "application/json";
  reply.body = *std::move(json);
  return WithHeaders(std::move(reply), "no-store");
}

double UnixSeconds() {
  return std::chrono::duration<double>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Console::Console(const v1::ServerConfig& config, const BundleSet* bundles,
                 const ServerMetrics* metrics, ConsoleOptions options)
    : config_(config),
      bundles_(bundles),
      metrics_(metrics),
      options_(options),
      history_(options.samples),
      thread_([this] { Run(); }) {}

Console::~Console() {
  {
    const MutexLock lock(&mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  thread_.join();
}

const char* Console::MethodFor(std::string_view path) const {
  if (path == kTitles) return "POST";
  const bool exists = path == kStatus || path == kHistory ||
                      path == kWithSlash || FindConsoleFile(path) != nullptr;
  return exists ? "GET" : nullptr;
}

std::optional<HttpReply> Console::Handle(HttpRequest request,
                                         ReplyTo reply_to) {
  if (request.path == kWithSlash) {
    HttpReply reply = TextReply("/console\n");
    reply.status = 308;
    reply.headers = {{"Location", "../console"}};
    return reply;
  }
  if (const ConsoleFile* const file = FindConsoleFile(request.path)) {
    return FileReply(*file);
  }
  if (request.body.size() > kMaxTitlesBodyBytes) {
    return WithHeaders(
        ErrorReply(absl::InvalidArgumentError(
                       fmt::format("the body has {} bytes, expected at most {}",
                                   request.body.size(), kMaxTitlesBodyBytes)),
                   413),
        "no-store");
  }
  {
    const MutexLock lock(&mutex_);
    if (waiting_.size() >= options_.max_waiting) {
      return WithHeaders(
          ErrorReply(absl::ResourceExhaustedError(
              fmt::format("{} requests of the console wait already; ask again",
                          options_.max_waiting))),
          "no-store");
    }
    waiting_.push_back({std::move(request), std::move(reply_to)});
  }
  changed_.NotifyAll();
  return std::nullopt;
}

void Console::Run() {
  Clock::time_point next = Clock::now();
  MutexLock lock(&mutex_);
  while (!stopping_) {
    if (Clock::now() >= next) {
      lock.Unlock();
      history_.Add(TakeSample());
      // After a pause of the whole machine, the missed ones are not made up.
      next = std::max(next, Clock::now() - options_.sample_interval) +
             options_.sample_interval;
      lock.Lock();
    } else if (waiting_.empty()) {
      changed_.WaitUntil(&mutex_, next);
    } else {
      const Waiting taken = std::move(waiting_.front());
      waiting_.pop_front();
      lock.Unlock();
      if (!taken.reply_to.cancelled()->load(std::memory_order_relaxed)) {
        taken.reply_to(Answer(taken.request));
      }
      lock.Lock();
    }
  }
}

MetricsSample Console::TakeSample() {
  return MakeSample(metrics_->Collect(), UnixSeconds(), &names_);
}

template <typename Make>
const HttpReply& Console::KeptOr(Kept* kept, const Make& make) const {
  const Clock::time_point now = Clock::now();
  if (!kept->reply.has_value() || now - kept->made > options_.max_age) {
    kept->reply = make();
    kept->made = now;
  }
  return *kept->reply;
}

HttpReply Console::Answer(const HttpRequest& request) {
  if (request.path == kTitles) return Titles(request.body);
  if (request.path == kStatus) {
    return KeptOr(&status_, [this] {
      return JsonReply(ConsoleStatusJson(config_, *bundles_));
    });
  }
  return KeptOr(&columns_, [this] {
    const MetricsSample now = TakeSample();
    return JsonReply(history_.Json(now, names_.names()));
  });
}

HttpReply Console::Titles(const std::string& body) const {
  const auto request = ParseTitlesRequest(body);
  if (!request.ok()) return JsonReply(request.status());
  const auto bundle = bundles_->Snapshot(request->version);
  if (!bundle.ok()) return JsonReply(bundle.status());
  return JsonReply(TitlesJson(*request, **bundle));
}

}  // namespace tributary
