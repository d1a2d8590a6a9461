#ifndef TRIBUTARY_INDEX_PUBLISH_S3_STORE_H_
#define TRIBUTARY_INDEX_PUBLISH_S3_STORE_H_

#include <memory>
#include <string>

#include "index/bundle/bundle.h"
#include "index/publish/http_store.h"

namespace tributary {

// A store s3://BUCKET/PREFIX in an S3-compatible service. Requests are signed
// (AWS signature version 4). Credentials are looked up for each request, so
// that those in a file may change.
//
// PutVersion uploads each file with its hash, which the service checks and
// keeps as metadata (x-amz-meta-sha256), so that a retry does not upload a file
// again. Files of more than 32 MiB are uploaded in parts. The manifest is
// uploaded last, and only if there is none (If-None-Match), so that of two
// concurrent publishers of a version one gets ALREADY_EXISTS.
class S3Store : public HttpStore {
 public:
  // INVALID_ARGUMENT when `url` does not name a bucket. REQUIRES: `download`
  // and `s3` are complete (see store_config.h).
  static absl::StatusOr<std::unique_ptr<S3Store>> Open(
      const std::string& url, const v1::Download& download, const v1::S3& s3);

  absl::Status PutVersion(const std::filesystem::path& bundle_dir,
                          const std::optional<std::string>& signature,
                          const std::stop_token& stop) override;
  absl::Status WriteCurrent(uint64_t version) override;
  absl::Status WriteSmallFile(const std::string& path,
                              const std::string& contents) override;

  // A file beside the versions, and what identifies its contents (its ETag).
  struct TaggedFile {
    std::string contents;
    std::string tag;
  };
  // Errors as ReadSmallFile's.
  absl::StatusOr<TaggedFile> ReadTagged(const std::string& path,
                                        uint64_t max_bytes);
  // Writes such a file if it has this tag or, if `tag` is empty, if there is
  // none. Returns its new tag. ABORTED, with nothing done, when it has another.
  absl::StatusOr<std::string> WriteIfTagged(const std::string& path,
                                            const std::string& contents,
                                            const std::string& tag);
  // Removes such a file. OK also when there is none.
  absl::Status RemoveSmallFile(const std::string& path);

 private:
  // An object to be uploaded.
  struct Upload {
    std::string path;
    std::span<const std::byte> bytes;
    std::string sha256;
    // Each "Name: value".
    std::vector<std::string> headers = {};
  };

  S3Store(std::string url, std::string base, const v1::Download& download,
          v1::S3 s3);

  absl::Status Authorize(StoreRequest* request) override;
  std::string Explain(std::string_view error_body) const override;

  absl::Status PutFiles(const std::filesystem::path& dir,
                        const v1::Manifest& manifest,
                        const std::stop_token& stop);
  absl::Status PutManifest(uint64_t version, const SignedManifest& manifest,
                           const std::stop_token& stop);
  absl::Status PutSignature(uint64_t version, const std::string& signature,
                            const std::stop_token& stop);
  // ALREADY_EXISTS unless the version in the store has this manifest.
  absl::Status CheckSame(uint64_t version, const SignedManifest& manifest,
                         const std::stop_token& stop);
  // Whether the store has an object with the file's size and hash.
  absl::StatusOr<bool> HasFile(uint64_t version, const v1::FileEntry& file,
                               const std::stop_token& stop);
  absl::Status Put(const Upload& upload, const std::stop_token& stop);
  absl::Status PutInParts(const Upload& upload, const std::stop_token& stop);
  absl::StatusOr<std::string> PutParts(const Upload& upload,
                                       const std::string& upload_id,
                                       const std::stop_token& stop);
  // Sends a request, and retries it after UNAVAILABLE. Sets *body, if not null,
  // to the body of the reply.
  absl::Status Try(const std::string& path, const StoreRequest& request,
                   StoreReply* reply, std::string* body,
                   const std::stop_token& stop);

  const v1::S3 s3_;
  const uint32_t attempts_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_S3_STORE_H_
