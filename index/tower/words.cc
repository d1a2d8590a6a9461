#include "index/tower/words.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "text/utf8.h"

namespace tributary {
namespace {

constexpr auto kNormalForm = static_cast<utf8proc_option_t>(
    UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD |
    UTF8PROC_IGNORE);

// A range of code points, with both ends.
struct CodeRange {
  int32_t first;
  int32_t last;
};

// The blocks of scripts that are written without blanks between words, in
// order. Signs of punctuation in them are told by their category.
constexpr CodeRange kWithoutBlanks[] = {
    {0x0E00, 0x0EFF},    // Thai, Lao
    {0x1000, 0x109F},    // Myanmar
    {0x1780, 0x17FF},    // Khmer
    {0x1950, 0x19DF},    // Tai Le, New Tai Lue
    {0x1A20, 0x1AAF},    // Tai Tham
    {0x2E80, 0x2FDF},    // Han: radicals
    {0x3005, 0x3007},    // Han: iteration mark, closing mark, zero
    {0x3021, 0x3029},    // Han: Hangzhou numerals
    {0x3038, 0x303B},    // the same, and vertical iteration mark
    {0x3040, 0x30FF},    // Hiragana, Katakana
    {0x31F0, 0x31FF},    // Katakana: phonetic extensions
    {0x3400, 0x4DBF},    // Han
    {0x4E00, 0x9FFF},    // Han
    {0xA9E0, 0xA9FF},    // Myanmar
    {0xAA60, 0xAADF},    // Myanmar, Tai Viet
    {0xF900, 0xFAFF},    // Han: compatibility
    {0x1AFF0, 0x1B16F},  // Kana: supplements
    {0x20000, 0x3FFFF},  // Han: supplementary planes
};

bool IsWithoutBlanks(int32_t code) {
  const auto* const range =
      std::ranges::lower_bound(kWithoutBlanks, code, {}, &CodeRange::last);
  return range != std::end(kWithoutBlanks) && range->first <= code;
}

// Letters, marks and numbers.
bool IsWordCode(int32_t code) {
  const utf8proc_category_t category = utf8proc_category(code);
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NO;
}

bool IsMark(int32_t code) {
  const utf8proc_category_t category = utf8proc_category(code);
  return category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME;
}

// The normalised code points of `text`; false if it is not UTF-8.
bool Normalise(std::string_view text, std::vector<int32_t>* codes) {
  const auto* const bytes = reinterpret_cast<const uint8_t*>(text.data());
  const auto size = static_cast<utf8proc_ssize_t>(text.size());
  // One byte may become many code points, but hardly ever does.
  codes->resize(text.size() + 16);
  for (;;) {
    const auto room = static_cast<utf8proc_ssize_t>(codes->size());
    const utf8proc_ssize_t needed =
        utf8proc_decompose(bytes, size, codes->data(), room, kNormalForm);
    if (needed < 0) return false;
    if (needed <= room) {
      const utf8proc_ssize_t composed =
          utf8proc_normalize_utf32(codes->data(), needed, kNormalForm);
      codes->resize(
          static_cast<size_t>(std::max<utf8proc_ssize_t>(0, composed)));
      return composed >= 0;
    }
    codes->resize(static_cast<size_t>(needed));
  }
}

void AppendCode(int32_t code, std::string* text) {
  std::array<uint8_t, 4> bytes;
  const utf8proc_ssize_t size = utf8proc_encode_char(code, bytes.data());
  text->append(reinterpret_cast<const char*>(bytes.data()),
               static_cast<size_t>(size));
}

// Puts together words from code points, one by one.
class WordMaker {
 public:
  explicit WordMaker(const WordVisitor& visit) : visit_(visit) {}

  void Add(int32_t code) {
    if (!IsWordCode(code)) {
      End();
    } else if (IsMark(code) && (!word_.empty() || !character_.empty())) {
      AppendCode(code, word_.empty() ? &character_ : &word_);
    } else if (IsWithoutBlanks(code)) {
      EndWord();
      EndCharacter();
      AppendCode(code, &character_);
    } else {
      EndRun();
      AppendCode(code, &word_);
    }
  }

  void End() {
    EndWord();
    EndRun();
  }

 private:
  void EndWord() {
    if (!word_.empty()) visit_(word_);
    word_.clear();
  }

  // Ends a character of a script without blanks, and its pair with the one
  // before.
  void EndCharacter() {
    if (character_.empty()) return;
    visit_(character_);
    if (!before_.empty()) {
      before_ += character_;
      visit_(before_);
    }
    before_.swap(character_);
    character_.clear();
  }

  void EndRun() {
    EndCharacter();
    before_.clear();
  }

  const WordVisitor& visit_;
  std::string word_;
  // The character that is being read in a script without blanks, with its
  // marks, and the one before it in its run.
  std::string character_;
  std::string before_;
};

bool IsAscii(std::string_view text) {
  return std::ranges::none_of(
      text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

bool IsWordByte(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80;
}

}  // namespace

void VisitByteWords(std::string_view text, const WordVisitor& visit) {
  std::string word;
  for (const char c : text) {
    const auto lower =
        static_cast<unsigned char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    if (IsWordByte(lower)) {
      word.push_back(static_cast<char>(lower));
    } else if (!word.empty()) {
      visit(word);
      word.clear();
    }
  }
  if (!word.empty()) visit(word);
}

void VisitWords(std::string_view text, const WordVisitor& visit) {
  if (IsAscii(text)) {
    VisitByteWords(text, visit);
    return;
  }
  std::vector<int32_t> codes;
  if (!Normalise(text, &codes) && !Normalise(ToUtf8(text), &codes)) return;
  WordMaker words(visit);
  for (const int32_t code : codes) words.Add(code);
  words.End();
}

bool IsUnicodeWord(std::string_view word) {
  bool found = false;
  VisitWords(word, [&](std::string_view visited) {
    found = found || visited == word;
  });
  return found;
}

}  // namespace tributary
