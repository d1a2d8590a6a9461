// Who may do what: every method, with every role, for every kind of identity,
// over gRPC and HTTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <array>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "google/rpc/error_details.pb.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/generic/generic_stub.h"
#include "tests/server/access/test_tokens.h"
#include "tests/server/rpc/encrypted_server.h"
#include "tests/server/rpc/error_detail.h"
#include "tributary/v1/change_service.grpc.pb.h"
#include "tributary/v1/explain.grpc.pb.h"
#include "xds/service/orca/v3/orca.grpc.pb.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kRoles[] = {"retrieve", "explain", "observe", "operate"};

// How a caller shows who it is.
struct Identity {
  std::string name;
  ClientCredentials credentials;
  std::string token;
};

// A method of gRPC, with an empty message.
template <typename Request, typename Response, typename Stub>
std::function<grpc::Status(const std::shared_ptr<grpc::Channel>&)> Method(
    std::unique_ptr<Stub> (*new_stub)(
        const std::shared_ptr<grpc::ChannelInterface>&,
        const grpc::StubOptions&),
    grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                 Response*)) {
  return [=](const std::shared_ptr<grpc::Channel>& channel) {
    const auto stub = new_stub(channel, grpc::StubOptions());
    grpc::ClientContext context;
    Response response;
    return ((*stub).*method)(&context, Request(), &response);
  };
}

grpc::Status Stream(const std::shared_ptr<grpc::Channel>& channel) {
  const auto stub = v1::Retrieval::NewStub(channel);
  grpc::ClientContext context;
  const auto reader =
      stub->StreamRetrieve(&context, v1::BatchRetrieveRequest());
  v1::BatchRetrieveResponse part;
  while (reader->Read(&part)) {
  }
  return reader->Finish();
}

grpc::Status PutSet(const std::shared_ptr<grpc::Channel>& channel) {
  const auto stub = v1::Bundles::NewStub(channel);
  grpc::ClientContext context;
  v1::ItemSetStatus response;
  const auto writer = stub->PutItemSet(&context, &response);
  writer->WritesDone();
  return writer->Finish();
}

grpc::Status Subscribe(const std::shared_ptr<grpc::Channel>& channel) {
  const auto stub = xds::service::orca::v3::OpenRcaService::NewStub(channel);
  grpc::ClientContext context;
  const auto reader = stub->StreamCoreMetrics(&context, {});
  xds::data::orca::v3::OrcaLoadReport report;
  if (reader->Read(&report)) context.TryCancel();
  return reader->Finish();
}

// Ends with the first status, which comes at once.
grpc::Status WatchOnce(const std::shared_ptr<grpc::Channel>& channel) {
  const auto stub = v1::Changes::NewStub(channel);
  grpc::ClientContext context;
  const auto reader = stub->Watch(&context, v1::WatchChangesRequest());
  v1::ChangesStatus status;
  if (!reader->Read(&status)) return reader->Finish();
  context.TryCancel();
  reader->Finish();
  return grpc::Status::OK;
}

struct GrpcMethod {
  std::string name;
  std::string role;
  bool control;
  std::function<grpc::Status(const std::shared_ptr<grpc::Channel>&)> call;
};

std::vector<GrpcMethod> GrpcMethods() {
  using R = v1::Retrieval;
  using E = v1::Explanation;
  using B = v1::Bundles;
  using C = v1::Changes;
  const std::string changes = "/tributary.v1.Changes/";
  const std::string retrieval = "/tributary.v1.Retrieval/";
  const std::string bundles = "/tributary.v1.Bundles/";
  return {
      {retrieval + "Retrieve", "retrieve", false,
       Method(&R::NewStub, &R::Stub::Retrieve)},
      {retrieval + "BatchRetrieve", "retrieve", false,
       Method(&R::NewStub, &R::Stub::BatchRetrieve)},
      {retrieval + "StreamRetrieve", "retrieve", false, Stream},
      {"/tributary.v1.Explanation/Explain", "explain", false,
       Method(&E::NewStub, &E::Stub::Explain)},
      {"/xds.service.orca.v3.OpenRcaService/StreamCoreMetrics", "observe",
       false, Subscribe},
      {bundles + "List", "observe", true, Method(&B::NewStub, &B::Stub::List)},
      {bundles + "Stage", "operate", true,
       Method(&B::NewStub, &B::Stub::Stage)},
      {bundles + "Activate", "operate", true,
       Method(&B::NewStub, &B::Stub::Activate)},
      {bundles + "Rollback", "operate", true,
       Method(&B::NewStub, &B::Stub::Rollback)},
      {bundles + "Unload", "operate", true,
       Method(&B::NewStub, &B::Stub::Unload)},
      {bundles + "SetLabel", "operate", true,
       Method(&B::NewStub, &B::Stub::SetLabel)},
      {bundles + "Diff", "observe", true, Method(&B::NewStub, &B::Stub::Diff)},
      {bundles + "PutItemSet", "operate", true, PutSet},
      {bundles + "DeleteItemSet", "operate", true,
       Method(&B::NewStub, &B::Stub::DeleteItemSet)},
      {bundles + "Refuse", "operate", true,
       Method(&B::NewStub, &B::Stub::Refuse)},
      {bundles + "Report", "operate", true,
       Method(&B::NewStub, &B::Stub::Report)},
      {bundles + "GetStatus", "observe", true,
       Method(&B::NewStub, &B::Stub::GetStatus)},
      {changes + "Apply", "operate", true,
       Method(&C::NewStub, &C::Stub::Apply)},
      {changes + "Watch", "observe", true, WatchOnce},
      {changes + "GetStatus", "observe", true,
       Method(&C::NewStub, &C::Stub::GetStatus)},
  };
}

// The code of a call with these bytes for a message.
grpc::StatusCode CallRaw(const std::shared_ptr<grpc::Channel>& channel,
                         const std::string& method, const std::string& bytes) {
  grpc::GenericStub stub(channel);
  const grpc::Slice slice(bytes);
  const grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer response;
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  grpc::Status status;
  const auto call = stub.PrepareUnaryCall(&context, method, request, &queue);
  call->StartCall();
  int tag = 0;
  call->Finish(&response, &status, &tag);
  void* got = nullptr;
  bool ok = false;
  queue.Next(&got, &ok);
  queue.Shutdown();
  while (queue.Next(&got, &ok)) {
  }
  return status.error_code();
}

struct HttpPath {
  std::string method;
  std::string path;
  // Empty: everybody may.
  std::string role;
};

const std::vector<HttpPath>& HttpPaths() {
  static const auto* const paths = new std::vector<HttpPath>{
      {"POST", "/v1/retrieve", "retrieve"},
      {"POST", "/v1/explain", "explain"},
      {"GET", "/metrics", "observe"},
      {"GET", "/", "observe"},
      {"GET", "/console", "observe"},
      {"GET", "/healthz", ""},
      {"GET", "/readyz", ""},
  };
  return *paths;
}

class GrantedServer : public testing::Test {
 protected:
  GrantedServer() {
    WriteTinyBundle(root_, 1);
    config_ = ConfigFor(root_);
    config_.mutable_load_reports()->set_out_of_band(true);
    files_.Encrypt(&config_);
    config_.mutable_tls()->set_client_ca_file(files_.path("ca.pem"));
    v1::Access& access = *config_.mutable_access();
    access.set_audit_file(files_.path("audit"));
    access.set_tokens_file(files_.path("tokens"));
    access.mutable_jwt()->set_jwks_file(files_.path("jwks"));
    access.mutable_jwt()->set_audience("tributary");
    ReplaceFile(files_.path("jwks"), KeySet(key_.Jwk()));
    std::string tokens;
    for (const std::string role : kRoles) {
      v1::Grant& grant = *access.add_grants();
      grant.add_roles(role);
      grant.add_who("token:" + role);
      grant.add_who("cert:spiffe://test/" + role);
      grant.add_who("jwt:" + role);
      tokens += fmt::format("{} {}\n", role, Sha256Text(role + "-token"));
    }
    tokens += fmt::format("nobody {}\n", Sha256Text("nobody-token"));
    ReplaceFile(files_.path("tokens"), tokens);
  }

  void Start() {
    auto started = Server::Start(config_);
    ASSERT_TRUE(started.ok()) << started.status();
    server_ = *std::move(started);
  }

  // Somebody of each kind with this role; "nobody" has none.
  std::vector<Identity> IdentitiesWith(const std::string& role) {
    const std::string claims =
        fmt::format(R"({{"aud":"tributary","sub":"{}","exp":{}}})", role,
                    std::time(nullptr) + 600);
    return {{"token", files_.Anonymous(), role + "-token"},
            {"jwt", files_.Anonymous(), key_.Sign(claims)},
            {"cert", files_.Client(role, "URI:spiffe://test/" + role), ""}};
  }

  std::shared_ptr<grpc::Channel> Channel(const Identity& identity,
                                         bool control) {
    ClientCredentials credentials = identity.credentials;
    if (!identity.token.empty()) {
      credentials.token_file = files_.path("token");
      ReplaceFile(credentials.token_file, identity.token + "\n");
    }
    return OwnChannel(
        control ? server_->control_address() : server_->grpc_address(),
        credentials);
  }

  httplib::Result Send(const Identity& identity, const std::string& method,
                       const std::string& path) {
    const std::string& address = server_->http_address();
    httplib::SSLClient client(
        "localhost", std::atoi(address.c_str() + address.rfind(':') + 1),
        identity.credentials.certificate_file,
        identity.credentials.private_key_file);
    client.set_ca_cert_path(identity.credentials.ca_file.c_str());
    client.set_read_timeout(std::chrono::seconds(20));
    httplib::Headers headers;
    if (!identity.token.empty()) {
      headers.emplace("Authorization", "Bearer " + identity.token);
    }
    return method == "POST"
               ? client.Post(path.c_str(), headers, "{}", "application/json")
               : client.Get(path.c_str(), headers);
  }

  TlsFiles files_;
  const SigningKey key_{"ES256", "k"};
  const std::filesystem::path root_ = MakeTestDir();
  v1::ServerConfig config_;
  std::unique_ptr<Server> server_;
};

bool IsDenied(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::PERMISSION_DENIED ||
         status.error_code() == grpc::StatusCode::UNAUTHENTICATED;
}

TEST_F(GrantedServer, EveryMethodOfGrpcNeedsItsRole) {
  Start();
  std::vector<std::string> roles(std::begin(kRoles), std::end(kRoles));
  roles.emplace_back("nobody");
  int asked = 0;
  for (const std::string& role : roles) {
    for (const Identity& identity : IdentitiesWith(role)) {
      const auto data = Channel(identity, false);
      const auto control = Channel(identity, true);
      for (const GrpcMethod& method : GrpcMethods()) {
        const grpc::Status status =
            method.call(method.control ? control : data);
        EXPECT_EQ(IsDenied(status), method.role != role)
            << identity.name << " of " << role << ": " << method.name << ": "
            << status.error_code() << " " << status.error_message();
        ++asked;
        if (method.role == role) continue;
        EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
        const auto info = DetailOf<google::rpc::ErrorInfo>(status);
        EXPECT_EQ(info.reason(), "ROLE_MISSING");
        EXPECT_EQ(info.metadata().at("method"), method.name);
        EXPECT_EQ(info.metadata().at("role"), method.role);
      }
    }
  }
  EXPECT_EQ(asked, 5 * 3 * 20);
}

TEST_F(GrantedServer, EveryPathOfHttpNeedsItsRole) {
  Start();
  std::vector<std::string> roles(std::begin(kRoles), std::end(kRoles));
  roles.emplace_back("nobody");
  for (const std::string& role : roles) {
    for (const Identity& identity : IdentitiesWith(role)) {
      for (const HttpPath& path : HttpPaths()) {
        const auto reply = Send(identity, path.method, path.path);
        ASSERT_TRUE(reply) << httplib::to_string(reply.error());
        const bool may = path.role.empty() || path.role == role;
        EXPECT_EQ(reply->status == 403, !may)
            << identity.name << " of " << role << ": " << path.path << ": "
            << reply->status << " " << reply->body;
        EXPECT_NE(reply->status, 401);
        if (may) continue;
        EXPECT_THAT(reply->body, HasSubstr("ROLE_MISSING"));
        EXPECT_THAT(reply->body, Not(HasSubstr("-token\"")));
      }
    }
  }
}

TEST_F(GrantedServer, WhoShowsNothingIsNotAuthenticated) {
  Start();
  const Identity nobody = {"", files_.Anonymous(), ""};
  const auto data = Channel(nobody, false);
  const auto control = Channel(nobody, true);
  for (const GrpcMethod& method : GrpcMethods()) {
    const grpc::Status status = method.call(method.control ? control : data);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED)
        << method.name;
    EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(status).reason(), "NO_IDENTITY");
  }
  for (const HttpPath& path : HttpPaths()) {
    const auto reply = Send(nobody, path.method, path.path);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status == 401, !path.role.empty()) << path.path;
    if (path.role.empty()) continue;
    EXPECT_EQ(reply->get_header_value("WWW-Authenticate"),
              "Bearer realm=\"tributary\"");
  }
  const auto bad = Send({"", files_.Anonymous(), "a-guess"}, "GET", "/metrics");
  ASSERT_TRUE(bad);
  EXPECT_EQ(bad->status, 401);
  EXPECT_EQ(bad->get_header_value("WWW-Authenticate"),
            "Bearer realm=\"tributary\", error=\"invalid_token\"");
  EXPECT_THAT(bad->body, Not(HasSubstr("a-guess")));
}

TEST_F(GrantedServer, IsRefusedBeforeItsMessageIsParsed) {
  Start();
  // No message of any kind: whoever parses it says INVALID_ARGUMENT.
  const Identity nobody = {"", files_.Anonymous(), ""};
  const Identity somebody = IdentitiesWith("retrieve")[0];
  const std::string name = "/tributary.v1.Retrieval/Retrieve";
  EXPECT_EQ(CallRaw(Channel(nobody, false), name, "\xff\xff\xff"),
            grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(CallRaw(Channel(somebody, false), name, "\xff\xff\xff"),
            grpc::StatusCode::INVALID_ARGUMENT);
  for (const GrpcMethod& method : GrpcMethods()) {
    EXPECT_EQ(
        CallRaw(Channel(nobody, method.control), method.name, "\xff\xff\xff"),
        grpc::StatusCode::UNAUTHENTICATED)
        << method.name;
  }
}

TEST_F(GrantedServer, HealthIsOpenUnlessSaidOtherwise) {
  const auto check = [this](const Identity& identity) {
    const auto stub =
        grpc::health::v1::Health::NewStub(Channel(identity, false));
    grpc::ClientContext context;
    grpc::health::v1::HealthCheckResponse response;
    return stub->Check(&context, {}, &response).error_code();
  };
  const Identity nobody = {"", files_.Anonymous(), ""};
  Start();
  EXPECT_EQ(check(nobody), grpc::StatusCode::OK);
  server_.reset();
  config_.mutable_access()->set_open_health(false);
  Start();
  EXPECT_EQ(check(nobody), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(check(IdentitiesWith("observe")[0]), grpc::StatusCode::OK);
  EXPECT_EQ(Send(nobody, "GET", "/readyz")->status, 401);
  EXPECT_EQ(Send(IdentitiesWith("observe")[0], "GET", "/readyz")->status, 200);
}

TEST_F(GrantedServer, ProfilesAreGrantedByNameAndByShare) {
  v1::Profile& home = *config_.add_profiles();
  home.set_name("home");
  v1::Profile& rest = *config_.add_profiles();
  rest.set_name("rest");
  rest.set_share(1);
  config_.mutable_access()->mutable_grants(0)->add_profiles("home");
  Start();
  const Identity identity = IdentitiesWith("retrieve")[0];
  const auto stub = v1::Retrieval::NewStub(Channel(identity, false));
  const auto ask = [&](const std::string& profile) {
    v1::RetrieveRequest request = TinyRequest();
    request.set_profile(profile);
    grpc::ClientContext context;
    v1::RetrieveResponse response;
    return stub->Retrieve(&context, request, &response);
  };
  EXPECT_TRUE(ask("home").ok());
  for (const char* const profile : {"rest", "none", ""}) {
    const grpc::Status status = ask(profile);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED)
        << profile;
    EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(status).reason(),
              "PROFILE_NOT_GRANTED");
  }
  EXPECT_THAT(ask("").error_message(), HasSubstr("the profile \"rest\""));
  EXPECT_EQ(Send(identity, "POST", "/v1/retrieve")->status, 403);
}

TEST_F(GrantedServer, ReflectionIsNotForEverybody) {
  Start();
  EXPECT_EQ(
      CallRaw(Channel(IdentitiesWith("operate")[0], false),
              "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
              ""),
      grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(GrantedServer, EveryCallOfTheControlPlaneIsRecorded) {
  Start();
  const auto stage = [this](const Identity& identity) {
    const auto stub = v1::Bundles::NewStub(Channel(identity, true));
    v1::StageRequest request;
    request.set_version(7);
    v1::BundleStatus response;
    grpc::ClientContext context;
    return stub->Stage(&context, request, &response).error_code();
  };
  EXPECT_EQ(stage(IdentitiesWith("operate")[2]), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(stage({"", files_.Anonymous(), "wrong-token"}),
            grpc::StatusCode::UNAUTHENTICATED);
  const std::string audit = ReadFile(files_.path("audit"));
  EXPECT_THAT(audit,
              HasSubstr("\"method\":\"/tributary.v1.Bundles/Stage\",\"who\":"
                        "\"cert:spiffe://test/operate\",\"from\":\"ipv4:127."));
  EXPECT_THAT(audit, HasSubstr("\"arguments\":{\"version\":\"7\"},\"result\":"
                               "\"NOT_FOUND\""));
  EXPECT_THAT(audit, HasSubstr("\"who\":\"anyone\""));
  EXPECT_THAT(audit, HasSubstr("\"result\":\"UNAUTHENTICATED\""));
  EXPECT_THAT(audit, Not(HasSubstr("wrong-token")));
  // Who is refused is counted, too.
  const auto metrics = Send(IdentitiesWith("observe")[0], "GET", "/metrics");
  ASSERT_TRUE(metrics);
  for (const char* const code : {"NotFound", "Unauthenticated"}) {
    EXPECT_THAT(metrics->body,
                HasSubstr(fmt::format(
                    "grpc_method=\"Stage\",grpc_code=\"{}\"}} 1\n", code)));
  }
}

}  // namespace
}  // namespace tributary
