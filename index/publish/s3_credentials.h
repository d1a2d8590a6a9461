#ifndef TRIBUTARY_INDEX_PUBLISH_S3_CREDENTIALS_H_
#define TRIBUTARY_INDEX_PUBLISH_S3_CREDENTIALS_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// None of it goes into a message or a log.
struct S3Credentials {
  std::string access_key;
  std::string secret_key;
  // Empty: none.
  std::string session_token;
};

// From AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN in the
// environment; else of the profile in s3.credentials_file, or, where that is
// not set, in AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials.
// UNAUTHENTICATED, saying where they were looked for, when there are none.
absl::StatusOr<S3Credentials> FindS3Credentials(const v1::S3& s3);

// Of an INI file's text; UNAUTHENTICATED when the profile lacks a key.
absl::StatusOr<S3Credentials> ParseS3Credentials(std::string_view text,
                                                 std::string_view profile);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_S3_CREDENTIALS_H_
