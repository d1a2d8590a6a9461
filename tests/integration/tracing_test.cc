// Traces and names of calls with the real programs, and a collector that takes
// OTLP over gRPC.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "grpcpp/grpcpp.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/integration/deployment.h"
#include "tests/server/tracing/span_collector.h"
#include "tributary/v1/explain.grpc.pb.h"

namespace tributary {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;

constexpr char kTrace[] = "0af7651916cd43dd8448eb211c80319c";
constexpr char kSpan[] = "b7ad6b7169203331";
// A user whom no attribute of a span may name.
constexpr char kUser[] = "u3";

std::string Parent(const std::string& trace, bool sampled) {
  return fmt::format("00-{}-{}-{}", trace, kSpan, sampled ? "01" : "00");
}

// A call of gRPC, and what came back beside its reply.
struct Called {
  grpc::Status status;
  std::map<std::string, std::string> initial;
  std::map<std::string, std::string> trailing;
};

using Metadata = std::vector<std::pair<std::string, std::string>>;

template <typename Method>
Called Call(const Metadata& metadata, const Method& method) {
  grpc::ClientContext context;
  for (const auto& [key, value] : metadata) context.AddMetadata(key, value);
  Called called;
  called.status = method(&context);
  const auto copy = [](const auto& from) {
    std::map<std::string, std::string> to;
    for (const auto& [key, value] : from) {
      to[{key.data(), key.size()}] = {value.data(), value.size()};
    }
    return to;
  };
  called.initial = copy(context.GetServerInitialMetadata());
  called.trailing = copy(context.GetServerTrailingMetadata());
  return called;
}

v1::RetrieveRequest Request(uint32_t k = 20) {
  v1::RetrieveRequest request;
  request.set_user_key(kUser);
  request.set_k(k);
  return request;
}

class TracingTest : public testing::Test {
 protected:
  void Start(const std::vector<std::string>& more,
             const std::string& collector) {
    // It is built once for all tests.
    static const auto* const built = new std::filesystem::path([this] {
      deployment_.Build(1);
      const auto copy = MakeTestDir() / "1";
      std::filesystem::copy(deployment_.built() / "1", copy,
                            std::filesystem::copy_options::recursive);
      return copy;
    }());
    if (!std::filesystem::exists(deployment_.built() / "1")) {
      std::filesystem::copy(*built, deployment_.built() / "1",
                            std::filesystem::copy_options::recursive);
    }
    ASSERT_EQ(deployment_.Publish(1).exit_status, 0);
    std::vector<std::string> flags = {"--tracing.otlp_endpoint", collector,
                                      "--tracing.interval_ms", "10"};
    std::vector<std::string> server_flags = flags;
    server_flags.insert(server_flags.end(), more.begin(), more.end());
    deployment_.StartServer(server_flags);
    deployment_.StartLoader(flags);
    ASSERT_TRUE(deployment_.WaitForVersion(1));
    const auto channel = grpc::CreateChannel(
        deployment_.grpc(), grpc::InsecureChannelCredentials());
    retrieval_ = v1::Retrieval::NewStub(channel);
    explanation_ = v1::Explanation::NewStub(channel);
  }

  Called Retrieve(const v1::RetrieveRequest& request,
                  const Metadata& metadata) {
    return Call(metadata, [&](grpc::ClientContext* context) {
      return retrieval_->Retrieve(context, request, &response_);
    });
  }

  // The span of a call of that trace, once it is there.
  ReceivedSpan CallOf(const std::string& trace) {
    return collector_.WaitFor([&](const ReceivedSpan& span) {
      return span.trace_id == trace && span.is_server;
    });
  }
  std::vector<ReceivedSpan> ChildrenOf(const ReceivedSpan& parent) {
    std::vector<ReceivedSpan> spans = collector_.SpansOfTrace(parent.trace_id);
    std::erase_if(spans, [&](const ReceivedSpan& span) {
      return span.parent_id != parent.id;
    });
    return spans;
  }
  static std::vector<std::string> Names(
      const std::vector<ReceivedSpan>& spans) {
    std::vector<std::string> names;
    for (const ReceivedSpan& span : spans) names.push_back(span.name);
    return names;
  }

  SpanCollector collector_;
  Deployment deployment_;
  std::unique_ptr<v1::Retrieval::Stub> retrieval_;
  std::unique_ptr<v1::Explanation::Stub> explanation_;
  v1::RetrieveResponse response_;
};

TEST_F(TracingTest, TheSpansOfACallAreATree) {
  Start({"--tracing.sample_share", "0", "--live_recall.sample_share", "1"},
        collector_.address());
  v1::RetrieveRequest request = Request();
  request.mutable_filter()->set_where("genres = \"all\"");
  const Called called =
      Retrieve(request, {{"traceparent", Parent(kTrace, true)},
                         {"tracestate", "vendor=1"},
                         {"x-request-id", "order-17"}});
  ASSERT_TRUE(called.status.ok()) << called.status.error_message();
  EXPECT_THAT(called.initial,
              Contains(testing::Pair("x-request-id", "order-17")));
  const ReceivedSpan call = CallOf(kTrace);
  EXPECT_EQ(call.name, "tributary.v1.Retrieval/Retrieve");
  EXPECT_EQ(call.parent_id, kSpan);
  EXPECT_EQ(call.tracestate, "vendor=1");
  EXPECT_EQ(call.service, "tributary-server");
  EXPECT_FALSE(call.failed);
  EXPECT_EQ(call.Get("rpc.system"), "grpc");
  EXPECT_EQ(call.Get("rpc.method"), "Retrieve");
  EXPECT_EQ(call.Get("rpc.grpc.status_code"), "0");
  EXPECT_EQ(call.Get("server.address"), "127.0.0.1");
  EXPECT_EQ(call.Get("tributary.request_id"), "order-17");
  EXPECT_EQ(call.Get("tributary.bundle.version"), "1");
  EXPECT_EQ(call.Get("tributary.k"), "20");
  EXPECT_EQ(call.Get("tributary.candidates"),
            std::to_string(response_.scores_size()));
  // Live recall measures after the call.
  collector_.WaitFor(
      [](const ReceivedSpan& span) { return span.name == "live recall"; });

  const std::vector<ReceivedSpan> stages = ChildrenOf(call);
  std::vector<std::string> expected = {"wait", "plan", "fusion", "reply",
                                       "live recall"};
  for (const v1::SourceReport& report : response_.source_reports()) {
    expected.push_back("source " + report.name());
  }
  EXPECT_THAT(Names(stages), testing::UnorderedElementsAreArray(expected));
  for (const ReceivedSpan& stage : stages) {
    EXPECT_GE(stage.end_ns, stage.begin_ns) << stage.name;
    EXPECT_GE(stage.begin_ns, call.begin_ns) << stage.name;
    if (stage.name != "live recall") {
      EXPECT_LE(stage.end_ns, call.end_ns) << stage.name;
    }
    if (stage.name == "plan") {
      EXPECT_THAT(Names(ChildrenOf(stage)), testing::ElementsAre("filter"));
      EXPECT_LE(ChildrenOf(stage).at(0).end_ns, stage.end_ns);
    }
    for (const v1::SourceReport& report : response_.source_reports()) {
      if (stage.name != "source " + report.name()) continue;
      EXPECT_EQ(stage.Get("tributary.proposed"),
                std::to_string(report.proposed()));
      EXPECT_EQ(stage.Get("tributary.admitted"),
                std::to_string(report.admitted()));
      EXPECT_NEAR(static_cast<double>(stage.end_ns - stage.begin_ns) / 1000,
                  report.micros(), 2);
    }
  }
  for (const ReceivedSpan& span : collector_.Spans()) {
    for (const auto& [name, value] : span.attributes) {
      EXPECT_THAT(value, AllOf(Not(testing::Eq(kUser)), Not(HasSubstr("v1-"))))
          << span.name << " " << name;
    }
  }
  const std::string metrics = deployment_.Get("/metrics");
  EXPECT_THAT(metrics,
              AllOf(ContainsRegex("\ntributary_spans_exported_total [1-9]"),
                    HasSubstr("\ntributary_spans_dropped_total{reason=\"queue_"
                              "full\"} 0\n")));
}

TEST_F(TracingTest, OnlyWhatIsToBeSampledIsExported) {
  Start({"--tracing.sample_share", "0"}, collector_.address());
  const std::string quiet = "11111111111111111111111111111111";
  const std::string failing = "22222222222222222222222222222222";
  const std::string last = "33333333333333333333333333333333";
  EXPECT_TRUE(
      Retrieve(Request(), {{"traceparent", Parent(quiet, false)}}).status.ok());
  EXPECT_TRUE(Retrieve(Request(), {}).status.ok());
  // A call that fails is, whatever its caller says; its answer names it, in
  // the trailing metadata: other metadata would forbid clients to retry.
  const Called failed =
      Retrieve(Request(1'000'000), {{"traceparent", Parent(failing, false)}});
  EXPECT_EQ(failed.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(failed.trailing,
              Contains(testing::Pair("x-request-id", failing)));
  EXPECT_THAT(failed.initial, IsEmpty());
  EXPECT_TRUE(
      Retrieve(Request(), {{"traceparent", Parent(last, true)}}).status.ok());
  CallOf(last);
  const ReceivedSpan call = CallOf(failing);
  EXPECT_EQ(call.Get("error.type"), "INVALID_ARGUMENT");
  EXPECT_EQ(call.Get("rpc.grpc.status_code"), "3");
  // The fault is the caller's.
  EXPECT_FALSE(call.failed);
  EXPECT_THAT(collector_.SpansOfTrace(quiet), IsEmpty());
  std::set<std::string> traces;
  for (const ReceivedSpan& span : collector_.Spans()) {
    if (span.name == "tributary.v1.Retrieval/Retrieve") {
      traces.insert(span.trace_id);
    }
  }
  EXPECT_EQ(traces, (std::set<std::string>{failing, last}));
}

TEST_F(TracingTest, BatchesStreamsExplainAndHttpHaveSpansToo) {
  Start({"--tracing.sample_share", "0"}, collector_.address());
  const auto trace = [](char digit) { return std::string(32, digit); };
  v1::BatchRetrieveRequest batch;
  for (int i = 0; i < 3; ++i) *batch.add_requests() = Request(5);
  *batch.add_requests() = Request(1'000'000);
  v1::BatchRetrieveResponse answered;
  const Called batched =
      Call({{"traceparent", Parent(trace('1'), true)}},
           [&](grpc::ClientContext* context) {
             return retrieval_->BatchRetrieve(context, batch, &answered);
           });
  ASSERT_TRUE(batched.status.ok());
  // Whatever is exported can be found by its name.
  EXPECT_THAT(batched.initial,
              Contains(testing::Pair("x-request-id", trace('1'))));
  const ReceivedSpan call = CallOf(trace('1'));
  EXPECT_EQ(call.Get("tributary.requests"), "4");
  int requests = 0;
  for (const ReceivedSpan& entry : ChildrenOf(call)) {
    if (entry.name != "request") continue;
    ++requests;
    if (entry.Get("tributary.entry") == "3") {
      EXPECT_EQ(entry.Get("error.type"), "INVALID_ARGUMENT");
      continue;
    }
    EXPECT_THAT(Names(ChildrenOf(entry)),
                IsSupersetOf({"plan", "fusion", "reply", "source popularity"}));
  }
  EXPECT_EQ(requests, 4);

  grpc::ClientContext stream_context;
  stream_context.AddMetadata("traceparent", Parent(trace('2'), true));
  stream_context.AddMetadata("x-request-id", "all of it");
  const auto reader = retrieval_->StreamRetrieve(&stream_context, batch);
  while (reader->Read(&answered)) {
  }
  EXPECT_TRUE(reader->Finish().ok());
  // No name may have a space.
  const auto named = stream_context.GetServerInitialMetadata();
  ASSERT_TRUE(named.contains("x-request-id"));
  EXPECT_EQ(std::string(named.find("x-request-id")->second.data(), 32),
            trace('2'));
  EXPECT_EQ(CallOf(trace('2')).Get("rpc.method"), "StreamRetrieve");

  v1::ExplainRequest why;
  *why.mutable_request() = Request(5);
  why.add_item_keys("v1-1");
  v1::ExplainResponse because;
  EXPECT_TRUE(Call({{"traceparent", Parent(trace('3'), true)}},
                   [&](grpc::ClientContext* context) {
                     return explanation_->Explain(context, why, &because);
                   })
                  .status.ok());
  EXPECT_EQ(CallOf(trace('3')).Get("tributary.bundle.version"), "1");

  httplib::Client http("http://" + deployment_.http());
  const auto posted =
      http.Post("/v1/retrieve", {{"Traceparent", Parent(trace('4'), true)}},
                R"({"userKey":"u3","k":5})", "application/json");
  ASSERT_TRUE(posted);
  EXPECT_EQ(posted->status, 200);
  EXPECT_EQ(posted->get_header_value("X-Request-Id"), trace('4'));
  const ReceivedSpan page = CallOf(trace('4'));
  EXPECT_EQ(page.name, "POST /v1/retrieve");
  EXPECT_EQ(page.Get("http.route"), "/v1/retrieve");
  EXPECT_EQ(page.Get("http.response.status_code"), "200");
  EXPECT_THAT(Names(ChildrenOf(page)),
              IsSupersetOf({"wait", "plan", "fusion"}));
  ASSERT_TRUE(
      http.Post("/v1/batch", {{"Traceparent", Parent(trace('5'), true)}},
                R"({"requests":[{"k":2},{"k":3}]})", "application/json"));
  EXPECT_EQ(CallOf(trace('5')).Get("tributary.requests"), "2");
}

TEST_F(TracingTest, EveryHttpAnswerHasTheNameOfItsRequest) {
  Start({}, "");
  httplib::Client http("http://" + deployment_.http());
  const httplib::Headers named = {{"X-Request-Id", "r-1"}};
  const auto name_of = [](const httplib::Result& result) {
    return result ? result->get_header_value("X-Request-Id")
                  : httplib::to_string(result.error());
  };
  EXPECT_EQ(name_of(http.Post("/v1/retrieve", named, "{}", "text/json")),
            "r-1");
  EXPECT_EQ(name_of(http.Post("/v1/retrieve", named, "{", "text/json")), "r-1");
  EXPECT_EQ(name_of(http.Get("/no/such/path", named)), "r-1");
  EXPECT_EQ(name_of(http.Get("/healthz", named)), "r-1");
  EXPECT_EQ(name_of(http.Get("/healthz")), "");
  // What the listener refuses before it reads the body.
  EXPECT_EQ(name_of(http.Post("/v1/retrieve", named,
                              std::string(5'000'000, ' '), "text/json")),
            "r-1");
  // One that no name may be like, and errors of those who gave none.
  EXPECT_EQ(name_of(http.Get("/healthz", {{"X-Request-Id", "a b"}})).size(),
            32U);
  EXPECT_EQ(name_of(http.Post("/v1/retrieve", "{", "text/json")).size(), 32U);
  EXPECT_EQ(name_of(http.Post("/v1/retrieve", "{}", "text/json")), "");
}

TEST_F(TracingTest, TheLogAndTheAuditRecordNameTheCall) {
  const auto audit = deployment_.store() / "audit.json";
  Start({"--access.audit_file", audit}, "");
  v1::ActivateRequest activate;
  activate.set_version(77);
  v1::BundleStatus activated;
  const Called called =
      Call({{"x-request-id", "operator-9"}}, [&](grpc::ClientContext* context) {
        return deployment_.control().Activate(context, activate, &activated);
      });
  EXPECT_FALSE(called.status.ok());
  EXPECT_THAT(called.trailing,
              Contains(testing::Pair("x-request-id", "operator-9")));
  EXPECT_THAT(deployment_.server().Output(),
              ContainsRegex("event=control_failed method=Activate .* "
                            "request_id=operator-9\n"));
  std::ifstream file(audit);
  const std::string records{std::istreambuf_iterator<char>(file), {}};
  EXPECT_THAT(records,
              ContainsRegex("\"method\":\"/tributary.v1.Bundles/Activate\",.*"
                            "\"request_id\":\"operator-9\","));
}

TEST_F(TracingTest, ClientsNameTheirCallsAndLearnTheNameOfWhatFailed) {
  Start({"--tracing.sample_share", "0"}, collector_.address());
  const absl::Status failed =
      deployment_.client()
          .Retrieve(Request(1'000'000), {.request_id = "order-17",
                                         .traceparent = Parent(kTrace, true),
                                         .tracestate = "vendor=1"})
          .status();
  EXPECT_TRUE(absl::IsInvalidArgument(failed)) << failed;
  EXPECT_EQ(RequestIdOf(failed), "order-17");
  const ReceivedSpan call = CallOf(kTrace);
  EXPECT_EQ(call.parent_id, kSpan);
  EXPECT_EQ(call.tracestate, "vendor=1");
  // Without a name of the caller's, that of the server.
  EXPECT_EQ(
      RequestIdOf(deployment_.client().Retrieve(Request(1'000'000)).status())
          .size(),
      32U);
  // What gRPC could not send.
  for (const CallMetadata& bad :
       {CallMetadata{.request_id = "two\nlines"},
        CallMetadata{.request_id = std::string(129, 'x')},
        CallMetadata{.traceparent = "\x01"}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(
        deployment_.client().Retrieve(Request(), bad).status()));
  }

  const auto run = [&](const char* command, const std::string& id) {
    return RunProgram({Program("tributary"), command, kUser, "v1-1",
                       "--address", deployment_.grpc(), "-k", "1000000",
                       "--request-id", id});
  };
  EXPECT_THAT(run("explain", "why-1").output, HasSubstr(" (request why-1) "));
  EXPECT_THAT(run("explain", "two words").output,
              HasSubstr("--request-id: expected 1 to 128 bytes"));
  EXPECT_THAT(RunProgram({Program("tributary"), "retrieve", kUser, "--address",
                          deployment_.grpc(), "-k", "1000000", "--request-id",
                          "list-1"})
                  .output,
              HasSubstr(" (request list-1) "));
}

TEST_F(TracingTest, ARolloutIsOneTraceOfLoaderAndServer) {
  Start({"--tracing.sample_share", "0"}, collector_.address());
  const ReceivedSpan rollout = collector_.WaitFor(
      [](const ReceivedSpan& span) { return span.name == "rollout"; });
  EXPECT_EQ(rollout.service, "tributary-loader");
  EXPECT_EQ(rollout.parent_id, "");
  EXPECT_EQ(rollout.Get("tributary.bundle.version"), "1");
  EXPECT_EQ(rollout.Get("tributary.outcome"), "activated");
  const std::vector<ReceivedSpan> actions = ChildrenOf(rollout);
  EXPECT_THAT(Names(actions),
              IsSupersetOf({"fetch", "trial", "stage", "activate"}));
  for (const ReceivedSpan& action : actions) {
    EXPECT_GE(action.begin_ns, rollout.begin_ns) << action.name;
    EXPECT_LE(action.end_ns, rollout.end_ns) << action.name;
    if (action.name == "fetch") {
      EXPECT_THAT(Names(ChildrenOf(action)), Contains("verify"));
    }
    if (action.name != "stage") continue;
    const ReceivedSpan staged =
        collector_.WaitFor([&](const ReceivedSpan& span) {
          return span.name == "tributary.v1.Bundles/Stage" &&
                 span.parent_id == action.id;
        });
    EXPECT_EQ(staged.service, "tributary-server");
    EXPECT_EQ(staged.trace_id, rollout.trace_id);
    EXPECT_EQ(staged.Get("tributary.bundle.version"), "1");
    EXPECT_GE(staged.begin_ns, action.begin_ns);
    EXPECT_LE(staged.end_ns, action.end_ns);
  }
}

TEST_F(TracingTest, ACollectorThatIsAwayCostsNoCall) {
  int free_port = 0;
  { free_port = SpanCollector().port(); }
  Start({"--tracing.sample_share", "1", "--tracing.queue_length", "50"},
        fmt::format("127.0.0.1:{}", free_port));
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(Retrieve(Request(), {}).status.ok()) << i;
  }
  EXPECT_TRUE(WaitUntil([&] {
    const std::string metrics = deployment_.Get("/metrics");
    return metrics.find("\ntributary_span_export_failures_total 0\n") ==
               std::string::npos &&
           metrics.find(
               "tributary_spans_dropped_total{reason=\"queue_full\"} "
               "0\n") == std::string::npos;
  }));
  EXPECT_THAT(deployment_.Get("/metrics"),
              HasSubstr("\ntributary_spans_exported_total 0\n"));
  EXPECT_THAT(deployment_.server().Output(),
              ContainsRegex("event=spans_not_exported endpoint=127.0.0.1:"));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(deployment_.StopServer(), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

}  // namespace
}  // namespace tributary
