// The input is a RetrieveRequest in JSON.
#include <string>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/util/json_util.h"
#include "server/http/json_retrieval.h"
#include "tests/fuzz/fuzz_target.h"

namespace tributary {
namespace {

// protobuf prints a negative zero as -0, which it reads as a positive one.
void RemoveNegativeZeros(v1::RetrieveRequest* request) {
  for (auto& [space, vector] : *request->mutable_vectors()) {
    for (float& value : *vector.mutable_values()) value += 0.0F;
  }
  if (!request->has_fusion()) return;
  v1::Fusion& fusion = *request->mutable_fusion();
  fusion.set_k0(fusion.k0() + 0.0);
  for (auto& [source, weight] : *fusion.mutable_weights()) weight += 0.0;
}

// Equal messages have equal bytes, and NaN is equal to itself.
std::string BytesOf(v1::RetrieveRequest request) {
  RemoveNegativeZeros(&request);
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream output(&stream);
  output.SetSerializationDeterministic(true);
  request.SerializeToCodedStream(&output);
  output.Trim();
  return bytes;
}

}  // namespace
}  // namespace tributary

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tributary;  // NOLINT
  v1::RetrieveRequest request;
  const absl::Status parsed =
      ParseRetrieveRequest(std::string(AsText(data, size)), &request);
  if (!parsed.ok()) {
    Require(absl::IsInvalidArgument(parsed) && !parsed.message().empty());
    return 0;
  }
  std::string json;
  Require(google::protobuf::util::MessageToJsonString(request, &json).ok());
  v1::RetrieveRequest again;
  Require(ParseRetrieveRequest(json, &again).ok());
  Require(BytesOf(again) == BytesOf(request));
  return 0;
}
