#include "index/sign/signature.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>

#include "fmt/core.h"
#include "index/bundle/durable_file.h"
#include "index/bundle/mapped_file.h"
#include "index/bundle/sha256.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Bio = std::unique_ptr<BIO, Free>;
using Context = std::unique_ptr<EVP_MD_CTX, Free>;
using Key = std::shared_ptr<EVP_PKEY>;

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string Contents(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);  // NOLINT: OpenSSL's type
  return {data, static_cast<size_t>(size)};
}

absl::Status WriteNew(const std::filesystem::path& path,
                      std::string_view contents, mode_t mode) {
  const int fd =
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) return SystemError("create", path);
  // A few hundred bytes, which one call writes.
  const bool written = ::write(fd, contents.data(), contents.size()) ==
                           static_cast<ssize_t>(contents.size()) &&
                       ::fsync(fd) == 0;
  const absl::Status status =
      written ? absl::OkStatus() : SystemError("write", path);
  ::close(fd);
  if (!written) ::unlink(path.c_str());
  return status;
}

// Refuses keys with a pass phrase, for which OpenSSL would prompt.
int NoPassword(char*, int, int, void*) { return -1; }

absl::StatusOr<Key> ReadKey(const std::filesystem::path& path,
                            bool is_private) {
  ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  const Bio bio(BIO_new_mem_buf(file.bytes().data(),
                                static_cast<int>(file.bytes().size())));
  Key key(is_private
              ? PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassword, nullptr)
              : PEM_read_bio_PUBKEY(bio.get(), nullptr, NoPassword, nullptr),
          EVP_PKEY_free);
  ERR_clear_error();
  if (key != nullptr && EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_ED25519) {
    return key;
  }
  return absl::InvalidArgumentError(
      fmt::format("{}: expected an Ed25519 {} key (PEM)", path.string(),
                  is_private ? "private" : "public"));
}

bool Signed(std::string_view json, std::string_view signature, EVP_PKEY* key) {
  const Context context(EVP_MD_CTX_new());
  const bool is_signed =
      EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key) ==
          1 &&
      EVP_DigestVerify(context.get(), Bytes(signature), signature.size(),
                       Bytes(json), json.size()) == 1;
  ERR_clear_error();
  return is_signed;
}

}  // namespace

std::string SignedManifest::Fingerprint() const {
  const auto hash = [](const std::string& text) {
    return Sha256Hex(std::as_bytes(std::span(text)));
  };
  return signature ? hash(json) + hash(*signature) : hash(json);
}

absl::Status GenerateKeyPair(const std::filesystem::path& path) {
  const std::filesystem::path public_path = path.string() + ".pub";
  std::error_code error;
  if (std::filesystem::exists(public_path, error)) {
    return absl::AlreadyExistsError(public_path.string() + ": already exists");
  }
  const Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), EVP_PKEY_free);
  const Bio private_pem(BIO_new(BIO_s_secmem()));
  const Bio public_pem(BIO_new(BIO_s_mem()));
  if (key == nullptr ||
      PEM_write_bio_PrivateKey(private_pem.get(), key.get(), nullptr, nullptr,
                               0, nullptr, nullptr) != 1 ||
      PEM_write_bio_PUBKEY(public_pem.get(), key.get()) != 1) {
    return absl::InternalError("OpenSSL failed to make an Ed25519 key");
  }
  RETURN_IF_ERROR(WriteNew(path, Contents(private_pem.get()), 0600));
  return WriteNew(public_path, Contents(public_pem.get()), 0644);
}

absl::StatusOr<std::string> SignManifest(std::string_view json,
                                         const std::filesystem::path& key) {
  ASSIGN_OR_RETURN(const Key private_key, ReadKey(key, true));
  const Context context(EVP_MD_CTX_new());
  std::string signature(kSignatureBytes, '\0');
  size_t size = signature.size();
  if (EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr,
                         private_key.get()) != 1 ||
      EVP_DigestSign(context.get(),
                     reinterpret_cast<unsigned char*>(signature.data()), &size,
                     Bytes(json), json.size()) != 1 ||
      size != kSignatureBytes) {
    return absl::InternalError(key.string() + ": OpenSSL failed to sign");
  }
  return signature;
}

absl::StatusOr<PublicKeys> PublicKeys::Read(
    const std::vector<std::filesystem::path>& paths) {
  PublicKeys keys;
  for (const std::filesystem::path& path : paths) {
    ASSIGN_OR_RETURN(Key key, ReadKey(path, false));
    keys.keys_.push_back(std::move(key));
  }
  return keys;
}

absl::Status PublicKeys::Check(const SignedManifest& manifest) const {
  if (keys_.empty()) return absl::OkStatus();
  if (!manifest.signature) {
    return absl::FailedPreconditionError(fmt::format(
        "manifest.sig: missing{}, and only versions signed with one of {} keys "
        "are accepted",
        manifest.why_unsigned.empty()
            ? ""
            : fmt::format(" ({})", manifest.why_unsigned),
        keys_.size()));
  }
  const bool is_signed =
      std::any_of(keys_.begin(), keys_.end(), [&](const Key& key) {
        return Signed(manifest.json, *manifest.signature, key.get());
      });
  if (is_signed) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format(
      "manifest.sig: not a signature of this manifest by one of {} keys",
      keys_.size()));
}

absl::Status PublicKeys::CheckText(std::string_view text,
                                   std::string_view signature,
                                   std::string_view what) const {
  if (keys_.empty()) return absl::OkStatus();
  const bool is_signed = std::ranges::any_of(keys_, [&](const Key& key) {
    return !signature.empty() && Signed(text, signature, key.get());
  });
  if (is_signed) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format(
      "{}: {}, and only what one of {} keys signed is accepted", what,
      signature.empty() ? "not signed" : "its signature is by another key",
      keys_.size()));
}

}  // namespace tributary
