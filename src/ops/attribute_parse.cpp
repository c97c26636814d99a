#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <system_error>

#include "base/convert.h"
#include "base/error.h"
#include "ops/attribute_text.h"

namespace intarsia::ops {
namespace {

class Reader {
 public:
  Reader(std::string_view text, std::span<const Symbol> symbols) : rest_(text), symbols_(symbols) {}
  std::string_view rest() const { return rest_; }
  void skip() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\n"), rest_.size())); }

  AttributeValue value() {
    skip();
    if (rest_.empty()) fail("an attribute value is missing");
    if (rest_[0] == '"') return string();
    if (rest_[0] == '[') return shape();
    const std::string_view word = rest_.substr(0, rest_.find_first_of(" \t\n,()[]{}\""));
    rest_.remove_prefix(word.size());
    if (word == "none") return std::monostate{};
    if (word == "true" || word == "false") return word == "true";
    const char next = rest_.empty() ? ' ' : rest_[0];
    if (next == '[') return list(word);
    if (const DType t = dtype_named(word); t != DType{0})
      return next == '{' ? AttributeValue(array(t)) : AttributeValue(t);
    return number(word);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw UserError(what); }

  template <class Item>
  void items(char open, char close, const Item& item) {
    if (rest_.empty() || rest_[0] != open) fail(fmt::format("a list must start with '{}'", open));
    rest_.remove_prefix(1);
    for (bool first = true;; first = false) {
      skip();
      if (!rest_.empty() && rest_[0] == close) break;
      if (!first && (rest_.empty() || rest_[0] != ',')) fail(fmt::format("a list needs ',' or '{}'", close));
      if (!first) rest_.remove_prefix(1);
      skip();
      if (rest_.empty()) fail(fmt::format("a list must end with '{}'", close));
      item();
    }
    rest_.remove_prefix(1);
  }
  std::string_view item_word() {
    std::string_view word = rest_.substr(0, rest_.find_first_of(",]}"));
    rest_.remove_prefix(word.size());
    while (!word.empty() && (word.back() == ' ' || word.back() == '\n' || word.back() == '\t'))
      word.remove_suffix(1);
    return word;
  }
  Shape shape() {
    Shape s;
    items('[', ']', [&] { s.push_back(Dim::parse_postfix(item_word(), symbols_)); });
    return s;
  }
  AttributeValue list(std::string_view kind) {
    std::vector<std::int64_t> ints;
    std::vector<double> floats;
    std::vector<std::string> strings;
    if (kind == "ints") return items('[', ']', [&] { ints.push_back(integer(item_word())); }), ints;
    if (kind == "floats") return items('[', ']', [&] { floats.push_back(real(item_word())); }), floats;
    if (kind != "strings" && kind != "bytes") fail(fmt::format("'{}[' starts no attribute value", kind));
    items('[', ']', [&] { strings.push_back(string()); });
    if (kind == "strings") return strings;
    if (strings.size() != 1) fail("bytes are one string of hexadecimal digits");
    return Bytes{unhex(strings[0])};
  }
  Array array(DType t) {
    std::vector<std::uint64_t> all;
    items('{', '}', [&] { all.push_back(element(t, item_word())); });
    Array a{t, static_cast<std::int64_t>(all.size()), {}};
    a.data.resize(static_cast<std::size_t>(bytes_of(t, a.count)));
    for (std::size_t i = 0; i < all.size(); ++i)
      store_bits(t, a.data.data(), static_cast<std::int64_t>(i), all[i]);
    return a;
  }
  std::uint64_t element(DType t, std::string_view word) {
    std::uint64_t bits = 0;
    if (is_float(t) && word.starts_with("0x")) {
      parse(word.substr(2), bits, 16);
      if (bits_from_int(DType::kU64, static_cast<std::int64_t>(bits)) >> (::intarsia::bits(t) - 1) > 1)
        fail("too many bits");
      return bits;
    }
    if (t == DType::kF32) {  // not by way of double, which would round twice
      float value = 0;
      parse(word, value);
      return bits_from_float(t, value);
    }
    if (is_float(t)) return bits_from_float(t, real(word));
    if (t == DType::kU64) return parse(word, bits, 10), bits;
    const std::int64_t value = integer(word);
    if (int_from_bits(t, bits_from_int(t, value)) != value)
      fail(fmt::format("{} does not fit {}", value, name(t)));
    return bits_from_int(t, value);
  }
  AttributeValue number(std::string_view word) {
    if (word.find_first_of(".einf") == std::string_view::npos) return integer(word);
    return real(word);
  }
  std::int64_t integer(std::string_view word) {
    std::int64_t value = 0;
    parse(word, value, 10);
    return value;
  }
  double real(std::string_view word) {
    double value = 0;
    parse(word, value);
    return value;
  }
  template <class T, class... Base>
  void parse(std::string_view word, T& value, Base... base) {
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, base...);
    if (error != std::errc() || end != word.data() + word.size())
      fail(fmt::format("'{}' is no attribute value", word));
  }
  std::string string() {
    std::string s;
    if (rest_.empty() || rest_[0] != '"') fail("a string must start with '\"'");
    for (rest_.remove_prefix(1); !rest_.empty() && rest_[0] != '"'; rest_.remove_prefix(1)) {
      if (rest_[0] != '\\') {
        s += rest_[0];
        continue;
      }
      rest_.remove_prefix(1);
      if (rest_.starts_with('x') && rest_.size() > 2) {
        s += unhex(rest_.substr(1, 2));
        rest_.remove_prefix(2);
      } else if (!rest_.empty()) {
        s += rest_[0] == 'n' ? '\n' : rest_[0];
      } else {
        break;
      }
    }
    if (rest_.empty()) fail("a string must end with '\"'");
    rest_.remove_prefix(1);
    return s;
  }
  std::string unhex(std::string_view digits) {
    std::string s;
    if (digits.size() % 2 != 0) fail("hexadecimal digits come in pairs");
    for (std::size_t i = 0; i < digits.size(); i += 2) {
      std::uint64_t byte = 0;
      parse(digits.substr(i, 2), byte, 16);
      s += static_cast<char>(byte);
    }
    return s;
  }

  std::string_view rest_;
  std::span<const Symbol> symbols_;
};

}  // namespace

AttributeValue parse_attribute_prefix(std::string_view& rest, std::span<const Symbol> symbols) {
  Reader reader(rest, symbols);
  AttributeValue value = reader.value();
  rest = reader.rest();
  return value;
}

AttributeValue parse_attribute(std::string_view text, std::span<const Symbol> symbols) {
  Reader reader(text, symbols);
  AttributeValue value = reader.value();
  reader.skip();
  if (!reader.rest().empty()) throw UserError(fmt::format("'{}' follows an attribute value", reader.rest()));
  return value;
}

}  // namespace intarsia::ops
