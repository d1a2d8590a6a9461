#include "server/rpc/control_service.h"

#include <string>
#include <utility>

#include "fmt/format.h"
#include "grpcpp/impl/rpc_service_method.h"
#include "grpcpp/support/method_handler.h"
#include "grpcpp/support/sync_stream.h"

namespace tributary {
namespace {

using grpc::internal::RpcMethod;
using grpc::internal::RpcServiceMethod;

// Of an upload, whose millions of keys are not repeated.
std::string ArgumentsOfUpload(const v1::ItemSetStatus& response) {
  return fmt::format("{{\"name\":\"{}\",\"items\":{}}}", response.name(),
                     response.items());
}

constexpr char kPutItemSet[] = "/tributary.v1.Bundles/PutItemSet";

}  // namespace

template <typename Request, typename Response>
void ControlService::AddMethodOf(const char* name, AccessRole role, bool reads,
                                 Method<Request, Response> method) {
  Add<Request, Response>(
      name, role, reads,
      [this, method](grpc::ServerContext* context, const Request* request,
                     Response* response) {
        return (bundles_->*method)(context, request, response);
      });
}

void ControlService::AddPutItemSet() {
  const CallMethod* const method = MethodNamed(kPutItemSet, false);
  const auto call = [this, method](
                        ControlService*, grpc::ServerContext* context,
                        grpc::ServerReader<v1::PutItemSetRequest>* reader,
                        v1::ItemSetStatus* response) {
    return Guard(method, AccessRole::kOperate, false, context,
                 [&](std::string* arguments, CallTrace*) {
                   grpc::Status status =
                       bundles_->PutItemSet(context, reader, response);
                   if (status.ok()) *arguments = ArgumentsOfUpload(*response);
                   return status;
                 });
  };
  AddMethod(new RpcServiceMethod(
      kPutItemSet, RpcMethod::CLIENT_STREAMING,
      new grpc::internal::ClientStreamingHandler<
          ControlService, v1::PutItemSetRequest, v1::ItemSetStatus>(call,
                                                                    this)));
}

ControlService::ControlService(BundlesService* bundles, ControlGuard guard)
    : GuardedService(std::move(guard)), bundles_(bundles) {
  constexpr AccessRole kObserve = AccessRole::kObserve;
  constexpr AccessRole kOperate = AccessRole::kOperate;
  AddMethodOf("/tributary.v1.Bundles/List", kObserve, true,
              &BundlesService::List);
  AddMethodOf("/tributary.v1.Bundles/Stage", kOperate, false,
              &BundlesService::Stage);
  AddMethodOf("/tributary.v1.Bundles/Activate", kOperate, false,
              &BundlesService::Activate);
  AddMethodOf("/tributary.v1.Bundles/Rollback", kOperate, false,
              &BundlesService::Rollback);
  AddMethodOf("/tributary.v1.Bundles/Unload", kOperate, false,
              &BundlesService::Unload);
  AddMethodOf("/tributary.v1.Bundles/SetLabel", kOperate, false,
              &BundlesService::SetLabel);
  AddMethodOf("/tributary.v1.Bundles/Diff", kObserve, true,
              &BundlesService::Diff);
  AddPutItemSet();
  AddMethodOf("/tributary.v1.Bundles/DeleteItemSet", kOperate, false,
              &BundlesService::DeleteItemSet);
  AddMethodOf("/tributary.v1.Bundles/Refuse", kOperate, false,
              &BundlesService::Refuse);
  // It comes with each step of the loader.
  AddMethodOf("/tributary.v1.Bundles/Report", kOperate, true,
              &BundlesService::Report);
  AddMethodOf("/tributary.v1.Bundles/GetStatus", kObserve, true,
              &BundlesService::GetStatus);
}

}  // namespace tributary
