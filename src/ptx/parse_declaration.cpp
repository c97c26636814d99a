// Variables, parameters and .loc.
#include <fmt/format.h>

#include <bit>

#include "ptx/parser.h"

namespace intarsia::ptx {
namespace {

constexpr std::int64_t kMaxBytes = std::int64_t{1} << 31;

int vector_width(std::string_view text) { return text == "v2" ? 2 : text == "v4" ? 4 : text == "v8" ? 8 : 0; }

std::int64_t alignment(Cursor& cursor) {
  const std::int32_t line = cursor.peek().line;
  const std::int64_t value = cursor.expect_integer("an alignment");
  if (value < 1 || value > 4096 || !std::has_single_bit(static_cast<std::uint64_t>(value)))
    cursor.fail_at(line, fmt::format("the alignment is {}; expected a power of two up to 4096", value));
  return value;
}

// .ptr [.space] [.align N]
void pointer(Cursor& cursor, Variable& variable) {
  variable.pointer = true;
  while (cursor.peek().kind == Token::Kind::kDotted) {
    if (cursor.accept_dotted("align")) {
      variable.pointee_align = alignment(cursor);
    } else if (const Space space = variable_space(cursor.peek().text); space != Space::kGeneric) {
      variable.pointee = space;
      cursor.take();
    } else {
      cursor.expected("a space or .align after .ptr");
    }
  }
}

void put(Variable& variable, std::uint64_t value, std::int64_t width) {
  for (std::int64_t i = 0; i < width; ++i)
    variable.data.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

std::uint64_t float_value(const Token& token, Type type, bool minus) {
  const double value = minus ? -token.real : token.real;
  if (type == Type::kF32) return std::bit_cast<std::uint32_t>(static_cast<float>(value));
  if (type == Type::kF64) return std::bit_cast<std::uint64_t>(value);
  return static_cast<std::uint64_t>(token.integer);
}

// name, name+4, generic(name), and 0xFF(name): one byte of an address is not supported.
void symbol(Cursor& cursor, Variable& variable, std::int64_t width) {
  std::string word = cursor.expect_word("a value or a symbol");
  if (word == "generic" && cursor.accept_mark('(')) {
    word = cursor.expect_word("a symbol");
    cursor.expect_mark(')');
  }
  std::int64_t addend = 0;
  if (cursor.at_mark('+') || cursor.at_mark('-')) addend = cursor.expect_integer("an offset");
  variable.relocations.push_back({static_cast<std::int64_t>(variable.data.size()),
                                  static_cast<std::int32_t>(width), std::move(word), addend});
  put(variable, 0, width);
}

void value(Cursor& cursor, Variable& variable) {
  const std::int64_t width = bits(variable.type) / 8;
  if (cursor.peek().kind == Token::Kind::kWord) return symbol(cursor, variable, width);
  const bool minus = cursor.at_mark('-');
  if (cursor.peek(minus ? 1 : 0).kind == Token::Kind::kFloat) {
    if (minus) cursor.take();
    return put(variable, float_value(cursor.take(), variable.type, minus), width);
  }
  const std::int64_t integer = cursor.expect_integer("a value");
  if (variable.type == Type::kF32)
    return put(variable, std::bit_cast<std::uint32_t>(static_cast<float>(integer)), 4);
  if (variable.type == Type::kF64)
    return put(variable, std::bit_cast<std::uint64_t>(static_cast<double>(integer)), 8);
  put(variable, static_cast<std::uint64_t>(integer), width);
}

void initialiser(Cursor& cursor, Variable& variable) {
  const std::int32_t line = cursor.peek().line;
  int open = 0;
  do {
    while (cursor.accept_mark('{')) ++open;
    if (!cursor.at_mark('}')) value(cursor, variable);
    while (open > 0 && cursor.accept_mark('}')) --open;
  } while (open > 0 && cursor.accept_mark(','));
  if (open > 0) cursor.expected("'}' at the initialiser's end");
  const auto given = static_cast<std::int64_t>(variable.data.size());
  if (variable.bytes == 0) variable.bytes = given;
  if (given > variable.bytes)
    cursor.fail_at(line,
                   fmt::format("'{}' has {} bytes but {} are given", variable.name, variable.bytes, given));
}

std::int64_t extents(Cursor& cursor, std::int64_t element) {
  std::int64_t bytes = element;
  while (cursor.accept_mark('[')) {
    if (cursor.accept_mark(']')) {
      bytes = 0;
      continue;
    }
    const std::int32_t line = cursor.peek().line;
    const std::int64_t extent = cursor.expect_integer("an extent");
    if (extent < 0 || (extent > 0 && bytes > kMaxBytes / extent))
      cursor.fail_at(line, "this array is over 2 GiB");
    bytes *= extent;
    cursor.expect_mark(']');
  }
  return bytes;
}

}  // namespace

Space variable_space(std::string_view directive) {
  if (directive == "global") return Space::kGlobal;
  if (directive == "shared") return Space::kShared;
  if (directive == "const") return Space::kConst;
  if (directive == "local") return Space::kLocal;
  if (directive == "param") return Space::kParam;
  return Space::kGeneric;
}

Variable parse_variable(Cursor& cursor, Space space) {
  Variable variable;
  variable.space = space;
  bool aligned = false;
  int width = 1;
  while (cursor.peek().kind == Token::Kind::kDotted) {
    const Token token = cursor.peek();
    if (cursor.accept_dotted("align")) {
      variable.align = alignment(cursor);
      aligned = true;
    } else if (cursor.accept_dotted("ptr")) {
      pointer(cursor, variable);
    } else if (vector_width(token.text) != 0) {
      width = vector_width(token.text);
      cursor.take();
    } else if (type_named(token.text) != Type::kNone && bits(type_named(token.text)) >= 8) {
      variable.type = type_named(token.text);
      cursor.take();
    } else {
      cursor.expected("a type, as .b32, or .align");
    }
  }
  if (variable.type == Type::kNone) cursor.expected("a type, as .b32");
  const std::int64_t element = width * bits(variable.type) / 8;
  if (!aligned) variable.align = element;
  variable.line = cursor.peek().line;
  variable.name = cursor.expect_word("the variable's name");
  variable.bytes = extents(cursor, element);
  if (cursor.accept_mark('=')) initialiser(cursor, variable);
  return variable;
}

std::vector<Variable> parse_params(Cursor& cursor) {
  std::vector<Variable> out;
  cursor.expect_mark('(');
  if (cursor.accept_mark(')')) return out;
  do {
    if (!cursor.accept_dotted("param")) cursor.expected("'.param'");
    out.push_back(parse_variable(cursor, Space::kParam));
    if (out.back().bytes > 32764)
      cursor.fail_at(out.back().line, fmt::format("parameter '{}' has {} bytes; at most 32764 can be passed",
                                                  out.back().name, out.back().bytes));
  } while (cursor.accept_mark(','));
  cursor.expect_mark(')');
  return out;
}

namespace {

Location file_line_column(Cursor& cursor) {
  Location out;
  out.file = static_cast<std::int32_t>(cursor.expect_integer("a file number", 0, INT32_MAX));
  out.line = static_cast<std::int32_t>(cursor.expect_integer("a line number", 0, INT32_MAX));
  out.column = static_cast<std::int32_t>(cursor.expect_integer("a column", 0, INT32_MAX));
  return out;
}

}  // namespace

void parse_loc(Cursor& cursor) {
  Location location = file_line_column(cursor);
  while (cursor.accept_mark(',')) {
    const std::string word = cursor.expect_word("function_name or inlined_at");
    if (word == "inlined_at") {
      const Location outer = file_line_column(cursor);
      location.inlined_at = static_cast<std::int32_t>(cursor.module().locations.size());
      cursor.module().locations.push_back(outer);
    } else if (word == "function_name") {
      cursor.expect_word("a label");
      if (cursor.accept_mark('+')) cursor.expect_integer("an offset");
    } else {
      cursor.fail_at(cursor.peek().line,
                     fmt::format("expected function_name or inlined_at, found '{}'", word));
    }
  }
  cursor.module().locations.push_back(location);
}

}  // namespace intarsia::ptx
