#include "server/change_writer/changes_config.h"

#include <cstdint>
#include <string>

#include "fmt/format.h"
#include "index/publish/store_config.h"
#include "status/field_error.h"
#include "status/status_message.h"

namespace tributary {
namespace {

constexpr uint32_t kMostInABatch = 100'000;

}  // namespace

absl::StatusOr<v1::ChangeWriting> CompleteChangeWriting(
    v1::ChangeWriting given) {
  if (!given.has_store()) given.set_store("");
  if (!given.has_sign_key_file()) given.set_sign_key_file("");
  if (!given.has_max_batch()) given.set_max_batch(10'000);
  const std::string& store = given.store();
  if (store.find("://") != std::string::npos && !store.starts_with("s3://")) {
    return FieldError("changes.store",
                      "expected a directory or s3://BUCKET/PREFIX: changes are "
                      "not written to stores of other kinds");
  }
  if (given.max_batch() < 1 || given.max_batch() > kMostInABatch) {
    return FieldError("changes.max_batch", "{} is not within 1 to {}",
                      given.max_batch(), kMostInABatch);
  }
  const auto s3 = CompleteS3(given.s3());
  if (!s3.ok()) {
    return absl::Status(s3.status().code(),
                        fmt::format("changes.{}", MessageOf(s3.status())));
  }
  *given.mutable_s3() = *s3;
  return given;
}

}  // namespace tributary
