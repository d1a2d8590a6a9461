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

// Files that a web server serves from a directory store, or from a copy of one.
// Read-only. CURRENT and manifests are asked for with the ETag of the copy that
// was read last; files are resumed by ranges, where the server has them.
class HttpStore : public Store {
 public:
  // INVALID_ARGUMENT unless it is http(s)://HOST[:PORT][/PATH], without a
  // user's name, query or fragment. The message does not repeat it, because it
  // may hold a password.
  static absl::StatusOr<std::unique_ptr<HttpStore>> Open(
      const std::string& url, const v1::Download& download);

  absl::StatusOr<uint64_t> ReadCurrent(const std::stop_token& stop) override;
  absl::StatusOr<SignedManifest> ReadManifest(
      uint64_t version, const std::stop_token& stop) override;
  absl::Status ReadFile(uint64_t version, const std::string& name,
                        uint64_t offset, std::string* validator, ByteSink* sink,
                        const std::stop_token& stop) override;
  absl::Status PutVersion(const std::filesystem::path& bundle_dir,
                          const std::optional<std::string>& signature,
                          const std::stop_token& stop) override;
  absl::Status WriteCurrent(uint64_t version) override;

 protected:
  // Files are at <base>/<path>; `url` is for messages.
  HttpStore(std::string url, std::string base, const v1::Download& download);

  // Sends the request for the file at `path`, to which it adds the URL, and
  // makes errors of replies that are neither 2xx nor 304.
  absl::Status Send(const std::string& path, HttpRequest request,
                    HttpReply* reply, ByteSink* sink,
                    const std::stop_token& stop);
  // The file's contents; what came last, if the server says it is still that.
  absl::StatusOr<std::string> ReadSmall(const std::string& path,
                                        uint64_t max_bytes,
                                        const std::stop_token& stop);

 private:
  struct Known {
    std::string etag;
    std::string contents;
  };

  // Completes a request for the store's kind of server.
  virtual absl::Status Authorize(HttpRequest*) { return absl::OkStatus(); }
  // What the server says in an error's body, for the message.
  virtual std::string Explain(std::string_view) const { return ""; }

  const std::string base_;
  HttpClient client_;
  Mutex mutex_;
  // By path; of few files.
  std::map<std::string, Known> known_ ABSL_GUARDED_BY(mutex_);
};

// <version>/<name>, percent-encoded.
std::string FilePath(uint64_t version, const std::string& name);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_HTTP_STORE_H_
