#ifndef TRIBUTARY_TESTS_INDEX_DATA_COMPRESSED_H_
#define TRIBUTARY_TESTS_INDEX_DATA_COMPRESSED_H_

#include <zlib.h>
#include <zstd.h>

#include <string>
#include <string_view>

namespace tributary {

// The text as `gzip` writes it.
inline std::string Gzip(std::string_view text) {
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 16 + 15, 8,
               Z_DEFAULT_STRATEGY);
  std::string bytes(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_out = static_cast<uInt>(bytes.size());
  deflate(&stream, Z_FINISH);
  bytes.resize(stream.total_out);
  deflateEnd(&stream);
  return bytes;
}

// The text as `zstd` writes it.
inline std::string Zstd(std::string_view text) {
  std::string bytes(ZSTD_compressBound(text.size()), '\0');
  bytes.resize(
      ZSTD_compress(bytes.data(), bytes.size(), text.data(), text.size(), 1));
  return bytes;
}

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_INDEX_DATA_COMPRESSED_H_
