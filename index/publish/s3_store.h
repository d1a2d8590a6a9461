#ifndef TRIBUTARY_INDEX_PUBLISH_S3_STORE_H_
#define TRIBUTARY_INDEX_PUBLISH_S3_STORE_H_

#include <memory>
#include <string>

#include "index/bundle/bundle.h"
#include "index/publish/http_store.h"

namespace tributary {

// s3://BUCKET/PREFIX of an S3-compatible service. Requests are signed (version
// 4); credentials are looked up for each, so that those in a file may change.
//
// PutVersion uploads each file with its hash, which the service checks, and
// keeps as metadata x-amz-meta-sha256: what an earlier try left is not uploaded
// again. Files of more than 32 MiB go in parts. The manifest goes last, and
// only if there is none (If-None-Match), so that of two publishers of one
// version one is told.
class S3Store : public HttpStore {
 public:
  // INVALID_ARGUMENT for what is no bucket. REQUIRES: complete options.
  static absl::StatusOr<std::unique_ptr<S3Store>> Open(
      const std::string& url, const v1::Download& download, const v1::S3& s3);

  absl::Status PutVersion(const std::filesystem::path& bundle_dir,
                          const std::optional<std::string>& signature,
                          const std::stop_token& stop) override;
  absl::Status WriteCurrent(uint64_t version) override;

 private:
  // An object to be.
  struct Upload {
    std::string path;
    std::span<const std::byte> bytes;
    std::string sha256;
    // "Name: value".
    std::vector<std::string> headers = {};
  };

  S3Store(std::string url, std::string base, const v1::Download& download,
          v1::S3 s3);

  absl::Status Authorize(HttpRequest* request) override;
  std::string Explain(std::string_view error_body) const override;

  absl::Status PutFiles(const std::filesystem::path& dir,
                        const v1::Manifest& manifest,
                        const std::stop_token& stop);
  absl::Status PutManifest(uint64_t version, const SignedManifest& manifest,
                           const std::stop_token& stop);
  absl::Status PutSignature(uint64_t version, const std::string& signature,
                            const std::stop_token& stop);
  absl::Status CheckSame(uint64_t version, const SignedManifest& manifest,
                         const std::stop_token& stop);
  // Whether the object has the file's size and hash.
  absl::StatusOr<bool> HasFile(uint64_t version, const v1::FileEntry& file,
                               const std::stop_token& stop);
  absl::Status Put(const Upload& upload, const std::stop_token& stop);
  absl::Status PutInParts(const Upload& upload, const std::stop_token& stop);
  absl::StatusOr<std::string> PutParts(const Upload& upload,
                                       const std::string& upload_id,
                                       const std::stop_token& stop);
  // Tries again what may pass. *body is what the service answered.
  absl::Status Try(const std::string& path, const HttpRequest& request,
                   HttpReply* reply, std::string* body,
                   const std::stop_token& stop);

  const v1::S3 s3_;
  const uint32_t attempts_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_S3_STORE_H_
