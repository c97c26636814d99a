#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <string>

#include "base/error.h"
#include "ptx/syntax.h"

namespace intarsia::ptx {
namespace {

bool is_word_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || c == '%';
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return is_word_start(c) || is_digit(c); }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'; }

class Lexer {
 public:
  explicit Lexer(const Module& module) : module_(module), text_(module.text) {}

  std::vector<Token> run() {
    std::vector<Token> out;
    for (;;) {
      out.push_back(next());
      if (out.back().kind == Token::Kind::kEnd) return out;
    }
  }

 private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  void skip_blanks() {
    for (; at_ < text_.size(); ++at_) {
      if (peek() == '\n') {
        ++line_;
      } else if (peek() == '/' && peek(1) == '/') {
        while (at_ + 1 < text_.size() && peek(1) != '\n') ++at_;
      } else if (peek() == '/' && peek(1) == '*') {
        skip_block_comment();
      } else if (!is_blank(peek())) {
        return;
      }
    }
  }

  void skip_block_comment() {
    const std::int32_t start = line_;
    for (at_ += 2; peek() != '*' || peek(1) != '/'; ++at_) {
      if (at_ >= text_.size()) fail(module_, start, "this comment does not end");
      if (peek() == '\n') ++line_;
    }
    ++at_;
  }

  Token next() {
    const std::size_t before = at_;
    skip_blanks();
    Token token;
    token.after_blank = at_ != before || at_ == 0;
    token.line = line_;
    if (at_ >= text_.size()) return token;
    const char c = peek();
    if (is_digit(c)) {
      number(token);
    } else if (is_word_start(c)) {
      token.kind = Token::Kind::kWord;
      token.text = take_word();
    } else if (c == '.' && is_word(peek(1))) {
      ++at_;
      token.kind = Token::Kind::kDotted;
      token.text = take_word(true);
    } else if (c == '"') {
      string(token);
    } else {
      token.kind = Token::Kind::kMark;
      token.text = text_.substr(at_++, 1);
    }
    return token;
  }

  // `colons`: with the `::` of `.shared::cta`.
  std::string_view take_word(bool colons = false) {
    const std::size_t start = at_;
    for (;;) {
      if (is_word(peek()) && at_ < text_.size()) {
        ++at_;
      } else if (colons && peek() == ':' && peek(1) == ':' && is_word(peek(2))) {
        at_ += 2;
      } else {
        return text_.substr(start, at_ - start);
      }
    }
  }

  void string(Token& token) {
    const std::size_t start = ++at_;
    while (peek() != '"') {
      if (at_ >= text_.size() || peek() == '\n') fail(module_, line_, "this string does not end");
      at_ += peek() == '\\' && peek(1) != '\n' ? 2 : 1;
    }
    token.kind = Token::Kind::kString;
    token.text = text_.substr(start, at_++ - start);
  }

  void number(Token& token) {
    const std::size_t start = at_;
    const char kind = static_cast<char>(peek() == '0' ? peek(1) | 0x20 : ' ');
    if (kind == 'f' || kind == 'd') return float_bits(token, kind == 'f' ? 32 : 64);
    token.kind = Token::Kind::kInteger;
    if (kind == 'x') {
      integer(token, start, 2, 16);
    } else if (kind == 'b') {
      integer(token, start, 2, 2);
    } else {
      decimal(token, start);
    }
  }

  void float_bits(Token& token, int width) {
    const std::size_t start = at_;
    at_ += 2;
    const std::string_view digits = take_word();
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (error != std::errc() || end != digits.data() + digits.size() ||
        static_cast<int>(digits.size()) != width / 4)
      fail(module_, line_,
           fmt::format("'{}' is no float: expected {} hexadecimal digits", text_.substr(start, at_ - start),
                       width / 4));
    token.kind = Token::Kind::kFloat;
    token.float_bits = static_cast<std::uint8_t>(width);
    token.text = text_.substr(start, at_ - start);
    token.integer = static_cast<std::int64_t>(value);
    token.real = width == 32 ? static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(value)))
                             : std::bit_cast<double>(value);
  }

  void integer(Token& token, std::size_t start, std::size_t skip, int base) {
    take_word();
    token.text = text_.substr(start, at_ - start);
    std::string_view digits = token.text.substr(skip);
    if (!digits.empty() && digits.back() == 'U') digits.remove_suffix(1);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (error != std::errc() || end != digits.data() + digits.size())
      fail(module_, line_, fmt::format("'{}' is no number of at most 64 bits", token.text));
    token.integer = static_cast<std::int64_t>(value);
  }

  void decimal(Token& token, std::size_t start) {
    while (is_digit(peek())) ++at_;
    const bool exponent = (peek() == 'e' || peek() == 'E') && (is_digit(peek(1)) || is_digit(peek(2)));
    const bool fraction = peek() == '.' && is_digit(peek(1));
    if (!exponent && !fraction) {
      at_ = start;
      return integer(token, start, peek() == '0' && is_digit(peek(1)) ? 1 : 0,
                     peek() == '0' && is_digit(peek(1)) ? 8 : 10);
    }
    if (fraction) ++at_;
    while (is_digit(peek())) ++at_;
    if (peek() == 'e' || peek() == 'E') {
      at_ += peek(1) == '-' || peek(1) == '+' ? 2 : 1;
      while (is_digit(peek())) ++at_;
    }
    token.kind = Token::Kind::kFloat;
    token.text = text_.substr(start, at_ - start);
    const auto result = std::from_chars(token.text.data(), token.text.data() + token.text.size(), token.real);
    if (result.ec != std::errc()) fail(module_, line_, fmt::format("'{}' is no number", token.text));
  }

  const Module& module_;
  std::string_view text_;
  std::size_t at_ = 0;
  std::int32_t line_ = 1;
};

}  // namespace

std::vector<Token> tokens(const Module& module) { return Lexer(module).run(); }

void fail(const Module& module, std::int32_t line, const std::string& what) {
  std::string text(module.line_text(line));
  if (text.size() > 160) text = text.substr(0, 157) + "...";
  throw UserError(fmt::format("{}:{}: {}\n  {}", module.source, line, what, text));
}

}  // namespace intarsia::ptx
