// What live changes cost, and how long they take to be in force: two servers
// with their loaders follow a store, changes are written into it at some rate,
// and the first server answers all the while. Windows with and without changes
// alternate, so that both see the same machine.
//
// Changes take items down and restore them, or, with --set, give random items
// other values of an attribute, which others have. With --where, the requests
// have that filter.
//
//   live_bench BUNDLE [--rates 10,1000] [--pairs 4] [--seconds 5]
//              [--set ATTRIBUTE] [--where FILTER]
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "client/load/load_generator.h"
#include "client/load/log_linear_histogram.h"
#include "fmt/format.h"
#include "grpcpp/grpcpp.h"
#include "index/bundle/bundle.h"
#include "index/changes/change_log.h"
#include "tests/integration/process.h"
#include "tributary/v1/bundles.grpc.pb.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// At most so many items are down at a time.
constexpr size_t kMaxDown = 1000;
// How many times a minute a loader may take for the version.
constexpr int kPatience = 10;

[[noreturn]] void Fail(const std::string& why) {
  std::fprintf(stderr, "live_bench: %s\n", why.c_str());
  std::exit(1);
}

// A server and its loader.
class Replica {
 public:
  Replica(const fs::path& store, const fs::path& bundles) {
    fs::create_directories(bundles);
    const std::string control = "unix:" + (bundles / "control.sock").string();
    server_.emplace(std::vector<std::string>{
        Program("tributary-server"), "--bundles", bundles, "--listen",
        "127.0.0.1:0", "--http", "off", "--admin", "127.0.0.1:0"});
    const auto grpc = server_->WaitFor(" grpc=");
    if (!grpc) Fail(server_->Output());
    grpc_ = *grpc;
    loader_.emplace(std::vector<std::string>{
        Program("tributary-loader"), "--store", store, "--bundles", bundles,
        "--control", control, "--gate.enabled", "false"});
    control_ = v1::Bundles::NewStub(
        grpc::CreateChannel(control, grpc::InsecureChannelCredentials()));
    bool is_active = false;
    for (int i = 0; i < kPatience && !is_active; ++i) {
      is_active = WaitUntil([&] { return Status().active_version() > 0; });
    }
    if (!is_active) Fail(loader_->Output());
  }

  v1::ServerStatus Status() const {
    grpc::ClientContext context;
    v1::ServerStatus status;
    const grpc::Status got = control_->GetStatus(&context, {}, &status);
    if (!got.ok()) Fail(got.error_message());
    return status;
  }
  const std::string& grpc() const { return grpc_; }

 private:
  std::optional<Process> server_;
  std::optional<Process> loader_;
  std::string grpc_;
  std::unique_ptr<v1::Bundles::Stub> control_;
};

// When changes were acknowledged. Written by one thread, read by others.
class Acknowledged {
 public:
  void Add(uint64_t through) {
    const std::lock_guard lock(mutex_);
    times_.emplace_back(through, Clock::now());
  }
  // Takes those through `applied`, from position *next on.
  void Take(uint64_t applied, size_t* next, LogLinearHistogram* waits) const {
    const Clock::time_point now = Clock::now();
    const std::lock_guard lock(mutex_);
    for (; *next < times_.size() && times_[*next].first <= applied; ++*next) {
      waits->Add(now - times_[*next].second);
    }
  }
  size_t size() const {
    const std::lock_guard lock(mutex_);
    return times_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::deque<std::pair<uint64_t, Clock::time_point>> times_;
};

// Writes changes at a rate until it is destroyed: those that were due while a
// batch was written are the next batch.
class Writer {
 public:
  // Sets `attribute`, or takes items down if that is null.
  Writer(ChangeLog* log, const Bundle& bundle, const AttributeColumn* attribute,
         double rate, Acknowledged* acknowledged)
      : attribute_(attribute),
        thread_([=, &bundle, this] { Run(log, bundle, rate, acknowledged); }) {}
  ~Writer() {
    stop_ = true;
    thread_.join();
  }

 private:
  void Run(ChangeLog* log, const Bundle& bundle, double rate,
           Acknowledged* acknowledged) {
    std::mt19937 random(1);
    std::deque<std::string> down;
    const auto begin = Clock::now();
    for (uint64_t written = 0; !stop_;) {
      const std::chrono::duration<double> passed = Clock::now() - begin;
      const auto due = static_cast<uint64_t>(passed.count() * rate);
      std::vector<v1::Change> batch;
      for (; written < due; ++written) {
        v1::Change& change = batch.emplace_back();
        if (attribute_ != nullptr) {
          const KeyTable& items = bundle.items();
          change.set_item(
              items.text(static_cast<Row>(random() % items.size())));
          (*change.mutable_set()
                ->mutable_attributes()
                ->mutable_fields())[attribute_->name()] =
              DrawValue(*attribute_, &random);
        } else if (down.size() < kMaxDown) {
          const KeyTable& items = bundle.items();
          down.push_back(items.text(static_cast<Row>(random() % items.size())));
          change.set_item(down.back());
          change.mutable_remove();
        } else {
          change.set_item(down.front());
          change.mutable_restore();
          down.pop_front();
        }
      }
      if (batch.empty()) {
        std::this_thread::sleep_for(std::chrono::microseconds(500));
        continue;
      }
      if (const absl::Status added = log->Append(std::move(batch));
          !added.ok()) {
        Fail(added.ToString());
      }
      acknowledged->Add(log->head().through);
    }
  }

  static google::protobuf::Value DrawValue(const AttributeColumn& attribute,
                                           std::mt19937* random) {
    google::protobuf::Value value;
    const auto code = static_cast<uint32_t>((*random)() % attribute.values());
    switch (attribute.type()) {
      case v1::BOOLEAN:
        value.set_bool_value(code == 1);
        break;
      case v1::INTEGER:
      case v1::NUMBER:
        value.set_number_value(attribute.Number(code));
        break;
      default:
        value.set_string_value(attribute.ValueText(code));
    }
    return value;
  }

  const AttributeColumn* const attribute_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

LoadReport Load(const std::string& address, const std::string& where,
                double seconds) {
  LoadOptions options;
  options.address = address;
  options.request.set_k(500);
  if (!where.empty()) options.request.mutable_filter()->set_where(where);
  options.callers = 2;
  options.warm_up = std::chrono::milliseconds(300);
  options.duration =
      std::chrono::nanoseconds(static_cast<int64_t>(seconds * 1e9));
  const auto generator = LoadGenerator::Connect(options);
  if (!generator.ok()) Fail(generator.status().ToString());
  return (*generator)->Run();
}

double Ms(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

void Measure(const std::vector<std::unique_ptr<Replica>>& replicas,
             const fs::path& store, const Bundle& bundle,
             const AttributeColumn* attribute, const std::string& where,
             double rate, int pairs, double seconds) {
  auto log = ChangeLog::Open(store / kChangesName);
  if (!log.ok()) Fail(log.status().ToString());
  LogLinearHistogram quiet;
  LogLinearHistogram changing;
  std::vector<LogLinearHistogram> waits(replicas.size());
  const uint64_t first = (*log)->head().through;
  for (int pair = 0; pair < pairs; ++pair) {
    quiet.Merge(Load(replicas[0]->grpc(), where, seconds).latency);
    Acknowledged acknowledged;
    std::atomic<bool> written{false};
    std::vector<std::thread> watchers;
    for (size_t i = 0; i < replicas.size(); ++i) {
      watchers.emplace_back([&, i] {
        for (size_t next = 0; !written || next < acknowledged.size();) {
          acknowledged.Take(replicas[i]->Status().changes().through(), &next,
                            &waits[i]);
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
      });
    }
    {
      const Writer writer(log->get(), bundle, attribute, rate, &acknowledged);
      changing.Merge(Load(replicas[0]->grpc(), where, seconds).latency);
    }
    written = true;
    for (std::thread& watcher : watchers) watcher.join();
  }
  LogLinearHistogram visible;
  for (const LogLinearHistogram& of_one : waits) visible.Merge(of_one);
  fmt::print(
      "{:>8.0f} {:>9} {:>9.1f} {:>9.1f} {:>11.3f} {:>11.3f} {:>11.3f} "
      "{:>11.3f} "
      "{:>7.2f}\n",
      rate, (*log)->head().through - first, Ms(visible.Quantile(.5)),
      Ms(visible.Quantile(.99)), Ms(quiet.Quantile(.5)),
      Ms(changing.Quantile(.5)), Ms(quiet.Quantile(.99)),
      Ms(changing.Quantile(.99)),
      Ms(changing.Quantile(.99)) / Ms(quiet.Quantile(.99)));
  std::fflush(stdout);
}

int Main(int argc, char** argv) {
  std::string bundle_dir;
  std::vector<double> rates = {10, 1000};
  int pairs = 4;
  double seconds = 5;
  std::string set;
  std::string where;
  CLI::App app("Measures live changes");
  app.add_option("bundle", bundle_dir)->required();
  app.add_option("--rates", rates)->delimiter(',');
  app.add_option("--pairs", pairs);
  app.add_option("--seconds", seconds);
  app.add_option("--set", set);
  app.add_option("--where", where);
  CLI11_PARSE(app, argc, argv);
  const auto bundle = Bundle::Open(bundle_dir);
  if (!bundle.ok()) Fail(bundle.status().ToString());
  const AttributeColumn* const attribute = (*bundle)->FindAttribute(set);
  if (!set.empty() && attribute == nullptr) {
    Fail("--set: the bundle has no attribute " + set);
  }
  const fs::path root =
      fs::temp_directory_path() / fmt::format("tributary-live-{}", ::getpid());
  const Outcome published = RunProgram(
      {Program("tributary"), "publish", bundle_dir, (root / "store").string()});
  if (published.exit_status != 0) Fail(published.output);
  {
    std::vector<std::unique_ptr<Replica>> replicas;
    for (const char* const name : {"a", "b"}) {
      replicas.push_back(
          std::make_unique<Replica>(root / "store", root / name));
    }
    fmt::print(
        "{} items; times in ms\n{:>8} {:>9} {:>9} {:>9} {:>11} {:>11} {:>11} "
        "{:>11} {:>7}\n",
        (*bundle)->items().size(), "per s", "changes", "seen p50", "seen p99",
        "quiet p50", "changed p50", "quiet p99", "changed p99", "ratio");
    for (const double rate : rates) {
      Measure(replicas, root / "store", **bundle, attribute, where, rate, pairs,
              seconds);
    }
  }
  std::error_code error;
  fs::remove_all(root, error);
  return 0;
}

}  // namespace
}  // namespace tributary

int main(int argc, char** argv) { return tributary::Main(argc, argv); }
