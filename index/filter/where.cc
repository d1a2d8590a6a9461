#include "index/filter/where.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "fmt/core.h"
#include "status/status_macros.h"
#include "text/quoted.h"

namespace tributary {
namespace {

// Three levels of a predicate each: NOT, AND, OR.
constexpr int kMaxParentheses = kMaxPredicateDepth / 3;

struct Token {
  enum class Kind { kEnd, kWord, kText, kSymbol };
  Kind kind = Kind::kEnd;
  // As written; of a text, what it stands for.
  std::string text;
  size_t offset = 0;

  bool Is(std::string_view symbol) const {
    return kind == Kind::kSymbol && text == symbol;
  }
  bool IsWord(std::string_view word) const {
    return kind == Kind::kWord && text == word;
  }
};

bool IsKeyword(const Token& token) {
  return token.IsWord("AND") || token.IsWord("OR") || token.IsWord("NOT");
}

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// What ends a word.
bool IsSpecial(char c) {
  return IsBlank(c) ||
         std::string_view("()<>=!:\"'*,").find(c) != std::string_view::npos;
}

absl::Status Wrong(size_t offset, std::string_view what) {
  return absl::InvalidArgumentError(
      fmt::format("at byte {}: {}", offset, what));
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  absl::StatusOr<Token> Next() {
    while (at_ < text_.size() && IsBlank(text_[at_])) ++at_;
    Token token;
    token.offset = at_;
    if (at_ == text_.size()) return token;
    const char c = text_[at_];
    if (c == '"' || c == '\'') return Quotation();
    for (const std::string_view symbol :
         {"<=", ">=", "!=", "<", ">", "=", ":", "(", ")", "*"}) {
      if (!text_.substr(at_).starts_with(symbol)) continue;
      at_ += symbol.size();
      token.kind = Token::Kind::kSymbol;
      token.text = symbol;
      return token;
    }
    // A minus before a word negates it; before a digit it is the number's.
    const bool digit_follows =
        at_ + 1 < text_.size() &&
        ((text_[at_ + 1] >= '0' && text_[at_ + 1] <= '9') ||
         text_[at_ + 1] == '.');
    if (c == '-' && !digit_follows) {
      ++at_;
      token.kind = Token::Kind::kSymbol;
      token.text = "-";
      return token;
    }
    if (IsSpecial(c)) {
      return Wrong(at_, fmt::format("{} has no meaning here",
                                    Quoted(text_.substr(at_, 1))));
    }
    return Word();
  }

 private:
  // A word may hold colons, as times do: 2026-11-30T12:00:00Z.
  absl::StatusOr<Token> Word() {
    Token token;
    token.offset = at_;
    token.kind = Token::Kind::kWord;
    const bool number = (text_[at_] >= '0' && text_[at_] <= '9') ||
                        text_[at_] == '-' || text_[at_] == '.';
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (IsSpecial(c) && !(number && c == ':')) break;
      ++at_;
    }
    token.text = text_.substr(token.offset, at_ - token.offset);
    return token;
  }

  absl::StatusOr<Token> Quotation() {
    Token token;
    token.offset = at_;
    token.kind = Token::Kind::kText;
    const char quote = text_[at_++];
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      token.text += text_[at_++];
    }
    if (at_ == text_.size()) {
      return Wrong(token.offset, "this quotation has no end");
    }
    ++at_;
    return token;
  }

  const std::string_view text_;
  size_t at_ = 0;
};

// What a word stands for: a number if it is written as JSON would write one.
v1::AttributeValue ValueOf(const Token& token) {
  v1::AttributeValue value;
  const std::string& text = token.text;
  if (token.kind == Token::Kind::kWord) {
    if (text == "true" || text == "false") {
      value.set_flag(text == "true");
      return value;
    }
    const char* const end = text.data() + text.size();
    int64_t integer = 0;
    const auto [whole_end, whole_error] =
        std::from_chars(text.data(), end, integer);
    const bool canonical = fmt::format("{}", integer) == text;
    if (whole_error == std::errc() && whole_end == end && canonical) {
      value.set_integer(integer);
      return value;
    }
    double number = 0;
    const auto [end_of_number, error] =
        std::from_chars(text.data(), end, number);
    const bool looks_so = text.find_first_of(".eE") != std::string::npos;
    if (error == std::errc() && end_of_number == end && looks_so &&
        std::isfinite(number)) {
      value.set_number(number);
      return value;
    }
  }
  value.set_text(text);
  return value;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}

  absl::StatusOr<ParsedWhere> Parse() {
    RETURN_IF_ERROR(Advance());
    RETURN_IF_ERROR(Expression(1, &parsed_.predicate));
    if (token_.kind != Token::Kind::kEnd) {
      return Wrong(token_.offset, fmt::format("{}, expected AND, OR or the end",
                                              Quoted(token_.text)));
    }
    return std::move(parsed_);
  }

 private:
  using List = google::protobuf::RepeatedPtrField<v1::Predicate>;

  absl::Status Advance() {
    ASSIGN_OR_RETURN(token_, lexer_.Next());
    return absl::OkStatus();
  }

  absl::Status Expression(int depth, v1::Predicate* out) {
    if (depth > kMaxParentheses) {
      return Wrong(token_.offset, fmt::format("more than {} parentheses deep",
                                              kMaxParentheses));
    }
    RETURN_IF_ERROR(Factor(depth, out));
    bool first = true;
    while (token_.IsWord("AND")) {
      RETURN_IF_ERROR(Advance());
      if (first) Join(true, out);
      first = false;
      RETURN_IF_ERROR(Factor(depth, out->mutable_all()->add_predicates()));
    }
    return absl::OkStatus();
  }

  absl::Status Factor(int depth, v1::Predicate* out) {
    RETURN_IF_ERROR(Term(depth, out));
    bool first = true;
    while (token_.IsWord("OR")) {
      RETURN_IF_ERROR(Advance());
      if (first) Join(false, out);
      first = false;
      RETURN_IF_ERROR(Term(depth, out->mutable_any()->add_predicates()));
    }
    return absl::OkStatus();
  }

  // Makes *out a list with what it was as its first element.
  static void Join(bool all, v1::Predicate* out) {
    v1::Predicate first;
    first.Swap(out);
    List* list = all ? out->mutable_all()->mutable_predicates()
                     : out->mutable_any()->mutable_predicates();
    list->Add()->Swap(&first);
  }

  absl::Status Term(int depth, v1::Predicate* out) {
    if (token_.IsWord("NOT") || token_.Is("-")) {
      RETURN_IF_ERROR(Advance());
      return Simple(depth + 1, out->mutable_negated());
    }
    return Simple(depth, out);
  }

  absl::Status Simple(int depth, v1::Predicate* out) {
    if (!token_.Is("(")) return Restriction(out);
    const size_t offset = token_.offset;
    RETURN_IF_ERROR(Advance());
    RETURN_IF_ERROR(Expression(depth + 1, out));
    if (!token_.Is(")")) {
      return Wrong(offset, "this parenthesis is not closed");
    }
    return Advance();
  }

  absl::Status Restriction(v1::Predicate* out) {
    if (token_.kind != Token::Kind::kWord || IsKeyword(token_)) {
      return Wrong(token_.offset,
                   token_.kind == Token::Kind::kEnd
                       ? "the filter ends here, expected an attribute"
                       : fmt::format("{}, expected the name of an attribute",
                                     Quoted(token_.text)));
    }
    const Token attribute = token_;
    RETURN_IF_ERROR(Advance());
    const std::string comparator =
        token_.kind == Token::Kind::kSymbol ? token_.text : std::string();
    if (comparator.empty() || comparator == ")" || comparator == "(" ||
        comparator == "-") {
      NewTerm(attribute, out)->mutable_equals()->set_flag(true);
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(Advance());
    if (comparator == "!=") {
      // Has a value, and not that one.
      NewTerm(attribute, out->mutable_all()->add_predicates())
          ->set_exists(true);
      return Argument("=", attribute,
                      out->mutable_all()->add_predicates()->mutable_negated());
    }
    return Argument(comparator, attribute, out);
  }

  v1::Term* NewTerm(const Token& attribute, v1::Predicate* out) {
    parsed_.offsets.push_back(attribute.offset);
    v1::Term* term = out->mutable_term();
    term->set_attribute(attribute.text);
    return term;
  }

  absl::Status Argument(const std::string& comparator, const Token& attribute,
                        v1::Predicate* out) {
    v1::Term* term = NewTerm(attribute, out);
    const bool equality = comparator == "=" || comparator == ":";
    if (token_.Is("*")) {
      if (!equality) {
        return Wrong(token_.offset,
                     fmt::format("* follows = or :, not {}", comparator));
      }
      term->set_exists(true);
      return Advance();
    }
    if (token_.Is("(")) {
      if (!equality) {
        return Wrong(token_.offset,
                     fmt::format("a list follows = or :, not {}", comparator));
      }
      return Values(term);
    }
    v1::AttributeValue value;
    RETURN_IF_ERROR(Value(&value));
    if (equality) {
      *term->mutable_equals() = std::move(value);
    } else if (comparator == "<") {
      *term->mutable_range()->mutable_below() = std::move(value);
    } else if (comparator == "<=") {
      *term->mutable_range()->mutable_at_most() = std::move(value);
    } else if (comparator == ">") {
      *term->mutable_range()->mutable_above() = std::move(value);
    } else {
      *term->mutable_range()->mutable_at_least() = std::move(value);
    }
    return absl::OkStatus();
  }

  absl::Status Values(v1::Term* term) {
    const size_t offset = token_.offset;
    RETURN_IF_ERROR(Advance());
    v1::AttributeValues values;
    RETURN_IF_ERROR(Value(values.add_values()));
    const std::string join = token_.IsWord("AND") ? "AND" : "OR";
    while (token_.IsWord(join)) {
      RETURN_IF_ERROR(Advance());
      RETURN_IF_ERROR(Value(values.add_values()));
    }
    if (!token_.Is(")")) {
      return Wrong(offset, fmt::format("this list of values joined by {} is "
                                       "not closed",
                                       join));
    }
    *(join == "AND" ? term->mutable_all_of() : term->mutable_any_of()) =
        std::move(values);
    return Advance();
  }

  absl::Status Value(v1::AttributeValue* value) {
    const bool is_value =
        token_.kind == Token::Kind::kText ||
        (token_.kind == Token::Kind::kWord && !IsKeyword(token_));
    if (!is_value) {
      return Wrong(token_.offset, token_.kind == Token::Kind::kEnd
                                      ? "the filter ends here, expected a value"
                                      : fmt::format("{}, expected a value",
                                                    Quoted(token_.text)));
    }
    *value = ValueOf(token_);
    return Advance();
  }

  Lexer lexer_;
  Token token_;
  ParsedWhere parsed_;
};

}  // namespace

absl::StatusOr<ParsedWhere> ParseWhere(std::string_view text) {
  return Parser(text).Parse();
}

}  // namespace tributary
