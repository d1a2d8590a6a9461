#ifndef TRIBUTARY_INDEX_PUBLISH_S3_CREDENTIALS_H_
#define TRIBUTARY_INDEX_PUBLISH_S3_CREDENTIALS_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// Never written to a message or a log.
struct S3Credentials {
  std::string access_key;
  std::string secret_key;
  // Empty if there is none.
  std::string session_token;
};

// Finds credentials in the environment (AWS_ACCESS_KEY_ID,
// AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN); otherwise in the profile
// s3.profile of the first of these files that is set: s3.credentials_file,
// AWS_SHARED_CREDENTIALS_FILE, ~/.aws/credentials. UNAUTHENTICATED, naming the
// file, when there are none or they have unprintable characters.
absl::StatusOr<S3Credentials> FindS3Credentials(const v1::S3& s3);

// Finds the credentials of a profile in the text of an INI file.
// UNAUTHENTICATED when the profile lacks a key.
absl::StatusOr<S3Credentials> ParseS3Credentials(std::string_view text,
                                                 std::string_view profile);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_S3_CREDENTIALS_H_
