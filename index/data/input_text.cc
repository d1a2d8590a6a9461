#include "index/data/input_text.h"

#include <iconv.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "fmt/format.h"
#include "status/status_macros.h"
#include "text/utf8.h"

namespace tributary {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr size_t kChunkBytes = size_t{1} << 20;
// How much of a file decides whether it is UTF-16 without a mark.
constexpr size_t kProbedBytes = 4096;

bool StartsWith(std::string_view bytes, std::string_view magic) {
  return bytes.substr(0, magic.size()) == magic;
}

absl::Status Damaged(const std::string& name, std::string_view kind,
                     std::string_view why) {
  return absl::DataLossError(fmt::format(
      "{}: the {} data are damaged or cut short: {}", name, kind, why));
}

// A file may consist of several gzip members, end to end.
absl::StatusOr<std::string> Gunzip(const std::string& name,
                                   std::string_view bytes) {
  std::string text;
  z_stream stream{};
  // 16: a gzip header, 15: the largest window.
  if (inflateInit2(&stream, 16 + 15) != Z_OK) {
    return absl::ResourceExhaustedError(
        fmt::format("{}: no memory for decompression", name));
  }
  std::string chunk(kChunkBytes, '\0');
  size_t fed = 0;
  int result = Z_OK;
  while (result == Z_OK || (result == Z_STREAM_END && fed < bytes.size())) {
    if (result == Z_STREAM_END) inflateReset(&stream);
    const size_t n = std::min(bytes.size() - fed, kChunkBytes);
    stream.next_in =
        reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data() + fed));
    stream.avail_in = static_cast<uInt>(n);
    stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
    stream.avail_out = static_cast<uInt>(chunk.size());
    result = inflate(&stream, Z_NO_FLUSH);
    fed += n - stream.avail_in;
    text.append(chunk, 0, chunk.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (result == Z_STREAM_END) return text;
  return Damaged(name, "gzip",
                 result == Z_BUF_ERROR ? "the file ends too early"
                                       : "the checksum or a code is wrong");
}

absl::StatusOr<std::string> Unzstd(const std::string& name,
                                   std::string_view bytes) {
  const std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(
      ZSTD_createDCtx(), ZSTD_freeDCtx);
  std::string text;
  std::string chunk(kChunkBytes, '\0');
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  size_t left = 1;
  // A full chunk may leave more to write though all is read.
  for (bool full = false; in.pos < in.size || full;) {
    ZSTD_outBuffer out{chunk.data(), chunk.size(), 0};
    left = ZSTD_decompressStream(context.get(), &out, &in);
    if (ZSTD_isError(left)) {
      return Damaged(name, "zstd", ZSTD_getErrorName(left));
    }
    text.append(chunk, 0, out.pos);
    full = out.pos == out.size;
  }
  if (left == 0) return text;
  return Damaged(name, "zstd", "the file ends too early");
}

// Files of other programs, which a reader of text would only misread.
absl::Status RejectOtherKinds(const std::string& name, std::string_view bytes) {
  const auto reject = [&](std::string_view kind, std::string_view remedy) {
    return absl::InvalidArgumentError(fmt::format(
        "{}: this is {}, which is not read; {}", name, kind, remedy));
  };
  if (StartsWith(bytes, "PAR1")) {
    return reject("a Parquet file",
                  "write it as csv: pandas.read_parquet(...).to_csv(..., "
                  "index=False)");
  }
  if (StartsWith(bytes, "ARROW1") || StartsWith(bytes, "FEA1")) {
    return reject("an Arrow or Feather file",
                  "write it as csv: pandas.read_feather(...).to_csv(..., "
                  "index=False)");
  }
  if (StartsWith(bytes, "PK\x03\x04")) {
    return reject("a zip file or an Excel workbook",
                  "unpack it, or save the sheet as csv");
  }
  if (StartsWith(bytes, "\x89HDF\r\n")) {
    return reject("an HDF5 file", "write its tables as csv");
  }
  if (StartsWith(bytes, "BZh") || StartsWith(bytes,
                                             "\xFD"
                                             "7zXZ")) {
    return reject("compressed by bzip2 or xz",
                  "unpack it, or compress it by gzip or zstd");
  }
  if (StartsWith(bytes, "\x93NUMPY")) {
    return reject("a NumPy array where a table of text is expected",
                  "see docs/your_data.md for where arrays go");
  }
  return absl::OkStatus();
}

// Whether text without a byte order mark is UTF-16: text has no NUL bytes, and
// UTF-16 has one in nearly every other place. Sets *order to its iconv name.
bool LooksLikeUtf16(std::string_view bytes, const char** order) {
  const std::string_view probe = bytes.substr(0, kProbedBytes);
  size_t zeros[2] = {};
  for (size_t i = 0; i < probe.size(); ++i) {
    if (probe[i] == '\0') ++zeros[i % 2];
  }
  *order = zeros[1] >= zeros[0] ? "UTF-16LE" : "UTF-16BE";
  const size_t most = std::max(zeros[0], zeros[1]);
  return probe.size() >= 4 && most * 5 >= probe.size() * 2 &&
         std::min(zeros[0], zeros[1]) * 10 <= most;
}

// Whether what is not ASCII in `text` is mostly valid UTF-8.
bool LooksLikeUtf8(std::string_view text) {
  uint64_t valid = 0;
  uint64_t invalid = 0;
  for (size_t i = 0; i < text.size();) {
    if (static_cast<uint8_t>(text[i]) < 0x80) {
      ++i;
      continue;
    }
    const size_t length = Utf8SequenceAt(text, i);
    ++(length > 0 ? valid : invalid);
    i += std::max<size_t>(length, 1);
  }
  return valid >= invalid;
}

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<uint8_t>(c) < 0x80; });
}

// Converts by iconv(3). Bytes without a meaning in Windows-1252 are those of
// latin-1, as browsers read them.
absl::StatusOr<std::string> Convert(const std::string& name,
                                    std::string_view bytes,
                                    const char* encoding, bool windows) {
  const iconv_t converter = iconv_open("UTF-8", encoding);
  if (converter == reinterpret_cast<iconv_t>(-1)) {
    return absl::UnimplementedError(
        fmt::format("{}: this system's iconv does not know {}; convert the "
                    "file to UTF-8: iconv -f {} -t UTF-8 FILE",
                    name, encoding, encoding));
  }
  std::string text;
  std::string chunk(kChunkBytes, '\0');
  char* in = const_cast<char*>(bytes.data());
  size_t in_left = bytes.size();
  absl::Status status;
  while (in_left > 0 && status.ok()) {
    char* out = chunk.data();
    size_t out_left = chunk.size();
    const size_t result = iconv(converter, &in, &in_left, &out, &out_left);
    text.append(chunk, 0, chunk.size() - out_left);
    if (result != static_cast<size_t>(-1) || errno == E2BIG) continue;
    if (windows) {
      const auto byte = static_cast<uint8_t>(*in++);
      --in_left;
      text.push_back(static_cast<char>(0xC0 | (byte >> 6)));
      text.push_back(static_cast<char>(0x80 | (byte & 0x3F)));
      continue;
    }
    status = absl::InvalidArgumentError(
        fmt::format("{}: the file is not {}: byte {} begins no character", name,
                    encoding, bytes.size() - in_left));
  }
  iconv_close(converter);
  RETURN_IF_ERROR(status);
  return text;
}

}  // namespace

absl::StatusOr<InputText> InputText::Open(const std::filesystem::path& path,
                                          std::string_view encoding) {
  InputText input;
  const std::string name = path.string();
  ASSIGN_OR_RETURN(input.file_, MappedFile::Open(path));
  input.text_ = {reinterpret_cast<const char*>(input.file_.bytes().data()),
                 input.file_.bytes().size()};
  if (StartsWith(input.text_, "\x1F\x8B")) {
    ASSIGN_OR_RETURN(std::string text, Gunzip(name, input.text_));
    input.converted_ = std::make_unique<std::string>(std::move(text));
    input.compression_ = "gzip";
  } else if (StartsWith(input.text_, "\x28\xB5\x2F\xFD")) {
    ASSIGN_OR_RETURN(std::string text, Unzstd(name, input.text_));
    input.converted_ = std::make_unique<std::string>(std::move(text));
    input.compression_ = "zstd";
  }
  if (input.converted_ != nullptr) input.text_ = *input.converted_;
  RETURN_IF_ERROR(RejectOtherKinds(name, input.text_));
  RETURN_IF_ERROR(input.Decode(name, encoding));
  return input;
}

absl::Status InputText::Decode(const std::string& name,
                               std::string_view encoding) {
  const bool any = encoding.empty() || encoding == "auto";
  const auto convert = [&](const char* from, std::string called,
                           bool windows = false) -> absl::Status {
    ASSIGN_OR_RETURN(std::string text, Convert(name, text_, from, windows));
    converted_ = std::make_unique<std::string>(std::move(text));
    text_ = *converted_;
    encoding_ = std::move(called);
    return absl::OkStatus();
  };
  const char* order = "UTF-16LE";
  if (any || encoding == "utf-16") {
    const bool little = StartsWith(text_, "\xFF\xFE");
    if (little || StartsWith(text_, "\xFE\xFF")) {
      text_.remove_prefix(2);
      return convert(little ? "UTF-16LE" : "UTF-16BE", "UTF-16");
    }
    if (LooksLikeUtf16(text_, &order) || !any) return convert(order, "UTF-16");
  }
  if (encoding == "windows-1252") {
    return convert("WINDOWS-1252", "Windows-1252", true);
  }
  if (StartsWith(text_, kByteOrderMark)) {
    text_.remove_prefix(kByteOrderMark.size());
    encoding_ = "UTF-8 with a byte order mark";
    return absl::OkStatus();
  }
  if (IsAscii(text_)) {
    encoding_ = "ASCII";
    return absl::OkStatus();
  }
  if (any && !LooksLikeUtf8(text_)) {
    return convert("WINDOWS-1252", "Windows-1252", true);
  }
  encoding_ = "UTF-8";
  return absl::OkStatus();
}

}  // namespace tributary
