#ifndef TRIBUTARY_TESTS_SERVER_RPC_ASK_REFLECTION_H_
#define TRIBUTARY_TESTS_SERVER_RPC_ASK_REFLECTION_H_

#include <string>

#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"

namespace tributary {

// The bytes that the reflection service replies to `request`, an encoded
// ServerReflectionRequest with list_services or file_containing_symbol. Debian
// ships no reflection.proto to encode it by.
inline std::string AskReflection(const std::string& address,
                                 const std::string& request) {
  const auto channel =
      grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  void* tag = nullptr;
  bool ok = false;
  const auto call = stub.PrepareCall(
      &context,
      "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
  call->StartCall(nullptr);
  queue.Next(&tag, &ok);
  const grpc::Slice slice(request);
  call->Write(grpc::ByteBuffer(&slice, 1), nullptr);
  queue.Next(&tag, &ok);
  grpc::ByteBuffer reply;
  call->Read(&reply, nullptr);
  queue.Next(&tag, &ok);
  grpc::Slice flat;
  EXPECT_TRUE(ok && reply.TrySingleSlice(&flat).ok());
  const std::string text(reinterpret_cast<const char*>(flat.begin()),
                         flat.size());
  context.TryCancel();
  grpc::Status status;
  call->Finish(&status, nullptr);
  queue.Next(&tag, &ok);
  return text;
}

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_SERVER_RPC_ASK_REFLECTION_H_
