#ifndef TRIBUTARY_INDEX_PUBLISH_HTTP_STORE_H_
#define TRIBUTARY_INDEX_PUBLISH_HTTP_STORE_H_

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "index/publish/http_client.h"
#include "index/publish/store.h"
#include "sync/mutex.h"

namespace tributary {

// A read-only store on a web server that serves a directory store or a copy of
// one. CURRENT and manifests are requested with the ETag of the last copy
// (If-None-Match). Downloads are resumed by ranges, if the server supports
// them.
class HttpStore : public Store {
 public:
  // INVALID_ARGUMENT unless `url` is http(s)://HOST[:PORT][/PATH], without user
  // name, query or fragment. The message does not repeat the URL, which may
  // hold a password.
  static absl::StatusOr<std::unique_ptr<HttpStore>> Open(
      const std::string& url, const v1::Download& download);

  absl::StatusOr<uint64_t> ReadCurrent(const std::stop_token& stop) override;
  absl::StatusOr<SignedManifest> ReadManifest(
      uint64_t version, const std::stop_token& stop) override;
  absl::Status ReadFile(uint64_t version, const std::string& name,
                        uint64_t offset, std::string* validator, ByteSink* sink,
                        const std::stop_token& stop) override;
  absl::StatusOr<std::string> ReadSmallFile(
      const std::string& path, uint64_t max_bytes,
      const std::stop_token& stop) override;
  absl::Status WriteSmallFile(const std::string& path,
                              const std::string& contents) override;
  absl::Status PutVersion(const std::filesystem::path& bundle_dir,
                          const std::optional<std::string>& signature,
                          const std::stop_token& stop) override;
  absl::Status WriteCurrent(uint64_t version) override;

 protected:
  // The URL of a file is <base>/<path>; `url` is for messages.
  HttpStore(std::string url, std::string base, const v1::Download& download);

  // Sends the request, with the URL of the file at `path`. A reply other than
  // 2xx and 304 is an error, whose code depends on its status.
  absl::Status Send(const std::string& path, StoreRequest request,
                    StoreReply* reply, ByteSink* sink,
                    const std::stop_token& stop);
  // Reads a file of up to max_bytes. Returns the contents that were read last
  // if the server replies that they have not changed (304).
  absl::StatusOr<std::string> ReadSmall(const std::string& path,
                                        uint64_t max_bytes,
                                        const std::stop_token& stop);

 private:
  struct Known {
    std::string etag;
    std::string contents;
  };

  // Adds what the kind of server needs to a request, such as a signature.
  virtual absl::Status Authorize(StoreRequest*) { return absl::OkStatus(); }
  // The text that an error message gets from the body of an error reply.
  virtual std::string Explain(std::string_view) const { return ""; }

  const std::string base_;
  HttpClient client_;
  Mutex mutex_;
  // By path, for a few files.
  std::map<std::string, Known> known_ ABSL_GUARDED_BY(mutex_);
};

// <version>/<name>, percent-encoded.
std::string FilePath(uint64_t version, const std::string& name);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_HTTP_STORE_H_
