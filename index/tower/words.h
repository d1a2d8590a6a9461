#ifndef TRIBUTARY_INDEX_TOWER_WORDS_H_
#define TRIBUTARY_INDEX_TOWER_WORDS_H_

#include <functional>
#include <string_view>

namespace tributary {

using WordVisitor = std::function<void(std::string_view)>;

// How text becomes words.
enum class WordRules {
  // VisitWords.
  kUnicode,
  // VisitByteWords, by which bundles of programs before 0.2.0 were made.
  kBytes,
};

// Calls visit() with each occurrence of a word of `text`, normalised by
// NFKC_Casefold (Unicode Standard Annex #15 and section 3.13), so that
// "ＣＡＦÉ" and "cafe" with a combining accent are both "café". A word is a
// longest run of letters, marks and digits. Scripts that are written without
// blanks (Han, Hiragana, Katakana, Thai, Lao, Khmer, Myanmar and others of that
// area) have no words that could be seen: of their runs, each character and
// each pair of neighbours is visited. Marks belong to the character that they
// follow. A view lives for its call. Text that is not UTF-8 is read as latin-1.
void VisitWords(std::string_view text, const WordVisitor& visit);

// The same by older rules: words are runs of ASCII letters, which become
// lower-case, of ASCII digits and of all bytes beyond ASCII. Equal to
// VisitWords where the text is ASCII.
void VisitByteWords(std::string_view text, const WordVisitor& visit);

// Whether VisitWords visits `word` itself when it is given as text. So it does
// with every word that it visits, but hardly with one of another rule that has
// capitals, signs or a run of a script without blanks in it.
bool IsUnicodeWord(std::string_view word);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TOWER_WORDS_H_
