// Ways to run calls on threads with gRPC, beside each other: servers that spend
// a while on a call and answer with some kilobytes. All are up at once and
// measured in turns, so that what the machine's other load does to one it does
// to all. What RetrievalService does is the first.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "CLI/CLI.hpp"
#include "client/load/load_generator.h"
#include "fmt/core.h"
#include "grpcpp/grpcpp.h"
#include "sync/mutex.h"
#include "tributary/v1/retrieval.grpc.pb.h"

namespace tributary {
namespace {

using Clock = std::chrono::steady_clock;
using RawAsync = v1::Retrieval::WithRawMethod_Retrieve<v1::Retrieval::Service>;
using RawCallback =
    v1::Retrieval::WithRawCallbackMethod_Retrieve<v1::Retrieval::Service>;

constexpr size_t kReplyBytes = 8000;
constexpr std::chrono::milliseconds kWarmUp(50);

// What a call does: uses its core for so long, and copies its reply.
class Work {
 public:
  explicit Work(double us) : us_(us), reply_(kReplyBytes, 'r') {}

  grpc::ByteBuffer operator()() const {
    const auto end =
        Clock::now() + std::chrono::nanoseconds(std::llround(us_ * 1e3));
    while (Clock::now() < end) {
    }
    const grpc::Slice slice(reply_);
    return grpc::ByteBuffer(&slice, 1);
  }

 private:
  const double us_;
  const std::string reply_;
};

class BenchedServer {
 public:
  virtual ~BenchedServer() = default;
  const std::string& address() const { return address_; }

 protected:
  void Start(grpc::Service* service, grpc::ServerBuilder* builder) {
    int port = 0;
    builder->AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                              &port);
    builder->RegisterService(service);
    server_ = builder->BuildAndStart();
    address_ = fmt::format("127.0.0.1:{}", port);
  }

  std::unique_ptr<grpc::Server> server_;

 private:
  std::string address_;
};

// The synchronous API: gRPC's own threads.
class SyncServer : public BenchedServer {
 public:
  SyncServer(const Work& work, int queues, int min_idle, int max_idle)
      : service_(work) {
    using Builder = grpc::ServerBuilder;
    Builder builder;
    builder.SetSyncServerOption(Builder::NUM_CQS, queues);
    builder.SetSyncServerOption(Builder::MIN_POLLERS, min_idle);
    builder.SetSyncServerOption(Builder::MAX_POLLERS, max_idle);
    Start(&service_, &builder);
  }

 private:
  class Service : public grpc::Service {
   public:
    explicit Service(const Work& work) : work_(work) {
      using grpc::ByteBuffer;
      AddMethod(new grpc::internal::RpcServiceMethod(
          "/tributary.v1.Retrieval/Retrieve",
          grpc::internal::RpcMethod::NORMAL_RPC,
          new grpc::internal::RpcMethodHandler<Service, ByteBuffer, ByteBuffer>(
              [](Service* service, grpc::ServerContext*, const ByteBuffer*,
                 ByteBuffer* reply) {
                *reply = service->work_();
                return grpc::Status::OK;
              },
              this)));
    }

   private:
    const Work& work_;
  };

  Service service_;
};

// The callback API, with the work in the reaction.
class CallbackServer : public BenchedServer {
 public:
  explicit CallbackServer(const Work& work) : service_(work) {
    grpc::ServerBuilder builder;
    Start(&service_, &builder);
  }

 private:
  class Service : public RawCallback {
   public:
    explicit Service(const Work& work) : work_(work) {}
    grpc::ServerUnaryReactor* Retrieve(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer*,
                                       grpc::ByteBuffer* reply) override {
      *reply = work_();
      auto* const reactor = context->DefaultReactor();
      reactor->Finish(grpc::Status::OK);
      return reactor;
    }

   private:
    const Work& work_;
  };

  Service service_;
};

// Completion queues and threads of our own, with the work on these: on at most
// `running` of them at a time, so that the others always poll. Calls beyond
// that wait until one of these has finished.
class AsyncServer : public BenchedServer {
 public:
  AsyncServer(const Work& work, size_t queues, size_t threads_of_each,
              size_t running)
      : work_(work), max_running_(running) {
    grpc::ServerBuilder builder;
    for (size_t i = 0; i < queues; ++i) {
      queues_.push_back(builder.AddCompletionQueue());
    }
    Start(&service_, &builder);
    for (const auto& queue : queues_) {
      for (size_t i = 0; i < threads_of_each; ++i) {
        threads_.emplace_back([this, q = queue.get()] { Serve(q); });
      }
    }
  }

  ~AsyncServer() override {
    server_->Shutdown(std::chrono::system_clock::now());
    for (const auto& queue : queues_) queue->Shutdown();
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  // Calls that a thread waits for at a time.
  static constexpr size_t kWaiting = 64;

  struct Call {
    std::unique_ptr<grpc::ServerContext> context;
    std::unique_ptr<grpc::ServerAsyncResponseWriter<grpc::ByteBuffer>> writer;
    grpc::ByteBuffer request;
    bool answered = false;
  };

  void Serve(grpc::ServerCompletionQueue* queue) {
    std::vector<Call> calls(kWaiting);
    for (Call& call : calls) Await(&call, queue);
    void* tag = nullptr;
    for (bool ok = false; queue->Next(&tag, &ok);) {
      auto* const call = static_cast<Call*>(tag);
      if (!ok) continue;
      if (call->answered) {
        Await(call, queue);
        continue;
      }
      call->answered = true;
      if (Begin(call)) RunAll(call);
    }
  }

  // Whether the calling thread may run the call; else it waits.
  bool Begin(Call* call) {
    const MutexLock lock(&mutex_);
    if (running_ < max_running_) {
      ++running_;
      return true;
    }
    waiting_.push_back(call);
    return false;
  }

  void RunAll(Call* call) {
    while (call != nullptr) {
      call->writer->Finish(work_(), grpc::Status::OK, call);
      const MutexLock lock(&mutex_);
      call = nullptr;
      if (waiting_.empty()) {
        --running_;
      } else {
        call = waiting_.front();
        waiting_.pop_front();
      }
    }
  }

  void Await(Call* call, grpc::ServerCompletionQueue* queue) {
    call->answered = false;
    call->context = std::make_unique<grpc::ServerContext>();
    call->writer =
        std::make_unique<grpc::ServerAsyncResponseWriter<grpc::ByteBuffer>>(
            call->context.get());
    service_.RequestRetrieve(call->context.get(), &call->request,
                             call->writer.get(), queue, queue, call);
  }

  const Work& work_;
  const size_t max_running_;
  Mutex mutex_;
  size_t running_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<Call*> waiting_ ABSL_GUARDED_BY(mutex_);
  RawAsync service_;
  std::vector<std::unique_ptr<grpc::ServerCompletionQueue>> queues_;
  std::vector<std::thread> threads_;
};

struct Contender {
  std::string name;
  std::unique_ptr<BenchedServer> server;
};

std::vector<Contender> StartAll(const Work& work) {
  const int cores =
      static_cast<int>(std::max(2U, std::thread::hardware_concurrency()));
  const auto n = static_cast<size_t>(cores);
  const auto sync = [&](int queues, int min_idle, int max_idle) {
    return Contender{
        fmt::format("sync, {} queue(s), {} to {} idle", queues, min_idle,
                    max_idle),
        std::make_unique<SyncServer>(work, queues, min_idle, max_idle)};
  };
  const auto async = [&](size_t queues, size_t threads, size_t running) {
    return Contender{
        fmt::format("async, {} queue(s) of {}, {} run", queues, threads,
                    running),
        std::make_unique<AsyncServer>(work, queues, threads, running)};
  };
  std::vector<Contender> contenders;
  contenders.push_back(async(1, n + 2, n));
  contenders.push_back(sync(1, 1, 2 * cores));
  contenders.push_back(sync(1, 1, 2));
  contenders.push_back(sync(1, 2, cores));
  contenders.push_back(sync(cores, 1, 2));
  contenders.push_back(async(1, n + 1, n + 1));
  contenders.push_back(async(n, 1, n));
  contenders.push_back({"callback", std::make_unique<CallbackServer>(work)});
  return contenders;
}

double Median(std::vector<double> values) {
  const auto middle =
      values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// A row for each contender; rates are medians over the rounds.
void Compare(const std::vector<Contender>& contenders, uint32_t callers,
             uint32_t connections, int rounds) {
  std::vector<std::unique_ptr<LoadGenerator>> loads;
  for (const Contender& contender : contenders) {
    LoadOptions options;
    options.address = contender.server->address();
    options.callers = callers;
    options.connections = connections;
    options.deadline_ms = 10'000;
    options.warm_up = kWarmUp;
    options.duration = std::chrono::milliseconds(150);
    auto load = LoadGenerator::Connect(options);
    if (!load.ok()) {
      fmt::print(stderr, "{}\n", load.status().ToString());
      std::exit(1);
    }
    loads.push_back(*std::move(load));
  }
  std::vector<std::vector<double>> qps(loads.size());
  std::vector<std::vector<double>> to_first(loads.size());
  for (int round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < loads.size(); ++i) {
      qps[i].push_back(loads[i]->Run().Qps());
      to_first[i].push_back(qps[i].back() / qps[0].back());
    }
  }
  for (size_t i = 0; i < loads.size(); ++i) {
    fmt::print("{:<28}{:>8}{:>12}{:>10.0f}{:>10.2f}\n", contenders[i].name,
               callers, connections, Median(qps[i]), Median(to_first[i]));
  }
}

}  // namespace
}  // namespace tributary

int main(int argc, char** argv) {
  CLI::App app("gRPC's ways to run calls on threads");
  double work_us = 50;
  int rounds = 15;
  app.add_option("--work-us", work_us, "Of each call")->capture_default_str();
  app.add_option("--rounds", rounds, "In turns")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  const tributary::Work work(work_us);
  const auto contenders = tributary::StartAll(work);
  fmt::print("{:<28}{:>8}{:>12}{:>10}{:>10}\n", "", "callers", "connections",
             "QPS", "to first");
  for (const auto& [callers, connections] :
       {std::pair{1, 1}, {4, 1}, {4, 4}, {16, 1}, {16, 4}}) {
    tributary::Compare(contenders, static_cast<uint32_t>(callers),
                       static_cast<uint32_t>(connections), rounds);
  }
  return 0;
}
