#include <fmt/format.h>

#include "ptx/parser.h"

namespace intarsia::ptx {
namespace {

std::string shown(const Token& token) {
  switch (token.kind) {
    case Token::Kind::kEnd: return "the end of the text";
    case Token::Kind::kDotted: return fmt::format("'.{}'", token.text);
    case Token::Kind::kString: return fmt::format("\"{}\"", token.text);
    default: return fmt::format("'{}'", token.text);
  }
}

}  // namespace

const Token& Cursor::peek(std::size_t ahead) const {
  return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
}

Token Cursor::take() {
  Token token = peek();
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

bool Cursor::at_mark(char mark, std::size_t ahead) const {
  const Token& token = peek(ahead);
  return token.kind == Token::Kind::kMark && token.text.front() == mark;
}

bool Cursor::at_dotted(std::string_view text) const {
  return peek().kind == Token::Kind::kDotted && peek().text == text;
}

bool Cursor::accept_mark(char mark) {
  const bool found = at_mark(mark);
  if (found) take();
  return found;
}

bool Cursor::accept_dotted(std::string_view text) {
  const bool found = at_dotted(text);
  if (found) take();
  return found;
}

void Cursor::expect_mark(char mark) {
  if (!accept_mark(mark)) expected(fmt::format("'{}'", mark));
}

std::string Cursor::expect_word(const char* what) {
  if (peek().kind != Token::Kind::kWord) expected(what);
  return std::string(take().text);
}

std::int64_t Cursor::expect_integer(const char* what) {
  const bool minus = accept_mark('-');
  if (!minus) accept_mark('+');
  if (peek().kind != Token::Kind::kInteger) expected(what);
  const auto value = static_cast<std::uint64_t>(take().integer);
  return static_cast<std::int64_t>(minus ? 0 - value : value);
}

std::int64_t Cursor::expect_integer(const char* what, std::int64_t low, std::int64_t high) {
  const std::int32_t line = peek().line;
  const std::int64_t value = expect_integer(what);
  if (value < low || value > high)
    fail_at(line, fmt::format("{} is {}; expected {} to {}", what, value, low, high));
  return value;
}

void Cursor::expected(const std::string& what) const {
  fail_at(peek().line, fmt::format("expected {}, found {}", what, shown(peek())));
}

void Cursor::fail_at(std::int32_t line, const std::string& what) const { fail(module_, line, what); }

}  // namespace intarsia::ptx
