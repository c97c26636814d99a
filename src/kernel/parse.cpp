// Reads the text print.cpp writes. Any text is either a kernel that verifies or a UserError with its line.
#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <unordered_map>

#include "base/convert.h"
#include "base/error.h"
#include "kernel/kernel.h"
#include "kernel/text.h"

namespace intarsia::kernel {
namespace {

bool word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
         c == '-' || c == '+';
}

struct Parser {
  std::string_view text;
  std::size_t at = 0;
  Kernel k = {};
  std::vector<Symbol> symbols = {};
  std::unordered_map<std::uint64_t, ValueId> names = {};
  std::unordered_map<std::string, std::uint32_t> line_ids = {};

  [[noreturn]] void fail(const std::string& what) const {
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    throw UserError(fmt::format("kernel text, line {}: {}", line, what));
  }
  void space() {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\n' || text[at] == '\t' || text[at] == '\r'))
      ++at;
  }
  char peek() {
    space();
    return at < text.size() ? text[at] : '\0';
  }
  bool on_this_line(char c) {
    while (at < text.size() && text[at] == ' ') ++at;
    return at < text.size() && text[at] == c;
  }
  bool take(char c) {
    if (peek() != c) return false;
    ++at;
    return true;
  }
  void want(char c) {
    if (!take(c)) fail(fmt::format("'{}' is wanted", c));
  }
  std::string_view word() {
    space();
    const std::size_t begin = at;
    while (at < text.size() && word_char(text[at])) ++at;
    return text.substr(begin, at - begin);
  }
  bool take(std::string_view w) {
    const std::size_t before = at;
    if (word() == w) return true;
    at = before;
    return false;
  }
  void want(std::string_view w) {
    if (!take(w)) fail(fmt::format("'{}' is wanted", w));
  }
  template <class T>
  T integer(T low, T high) {
    const std::string_view w = word();
    T value{};
    const auto [end, error] = std::from_chars(w.data(), w.data() + w.size(), value);
    if (error != std::errc{} || end != w.data() + w.size() || value < low || value > high)
      fail(fmt::format("'{}' is no integer between {} and {}", w, low, high));
    return value;
  }
  std::int64_t integer() { return integer<std::int64_t>(INT64_MIN, INT64_MAX); }
  std::string quotation() {
    want('"');
    std::string out;
    while (at < text.size() && text[at] != '"') {
      if (text[at] != '\\') {
        out += text[at++];
        continue;
      }
      if (++at >= text.size()) break;
      if (text[at] != 'x') {
        out += text[at++];
        continue;
      }
      unsigned value = 0;
      const char* begin = text.data() + at + 1;
      if (at + 2 >= text.size() || std::from_chars(begin, begin + 2, value, 16).ptr != begin + 2)
        fail("a bad escape");
      out += static_cast<char>(value);
      at += 3;
    }
    want('"');
    return out;
  }
  Dim dim() {
    want('{');
    const std::size_t end = text.find('}', at);
    if (end == std::string_view::npos) fail("'}' is wanted");
    const std::string_view inside = text.substr(at, end - at);
    at = end + 1;
    try {
      return Dim::parse_postfix(inside, symbols);
    } catch (const UserError& e) { fail(e.what()); }
  }
  Shape dims() {
    Shape all;
    while (on_this_line('{')) all.push_back(dim());  // the body's brace opens a line
    return all;
  }
  std::uint32_t line() {
    if (!take('@')) return 0;
    const std::string where = quotation();
    const auto [found, fresh] = line_ids.try_emplace(where, static_cast<std::uint32_t>(k.lines.size()));
    if (fresh) k.lines.push_back(where);
    return found->second;
  }

  DType dtype() {
    const std::string_view w = word();
    const DType t = dtype_named(w);
    if (t == DType{0}) fail(fmt::format("'{}' is no dtype", w));
    return t;
  }
  Type type() {
    Type t;
    if (take("token")) return {.kind = Type::Kind::kToken};
    if (take("view")) {
      t = {.kind = Type::Kind::kView, .dtype = dtype()};
      const std::string_view rank = word();
      if (rank.size() != 2 || rank[0] != 'x' || rank[1] < '0' || rank[1] > '6')
        fail("a view has a rank from x0 to x6");
      t.rank = static_cast<std::uint8_t>(rank[1] - '0');
      return t;
    }
    if (take("ptr"))
      t.kind = Type::Kind::kPointer;
    else if (take("slot"))
      t.kind = Type::Kind::kSlot;
    else if (take("ring")) {
      t.kind = Type::Kind::kRing, t.stages = static_cast<std::uint8_t>(integer<int>(1, 255));
      want("x");
    }
    t.dtype = dtype();
    if (peek() == '[') {
      ++at;
      std::vector<std::int64_t> extents;
      do extents.push_back(integer<std::int64_t>(1, Type::kMaxElements));
      while (extents.size() < Type::kMaxRank && take(','));
      want(']');
      try {
        const Type shaped = block(t.dtype, extents);
        t.rank = shaped.rank, t.extents = shaped.extents;
      } catch (const UserError& e) { fail(e.what()); }
    }
    if (take("layout")) t.layout = static_cast<std::int16_t>(integer<int>(0, INT16_MAX));
    return t;
  }

  std::uint64_t value_name() {
    want('%');
    return integer<std::uint64_t>(0, UINT64_MAX);
  }
  void define(std::uint64_t name, ValueId v) {
    if (!names.emplace(name, v).second) fail(fmt::format("%{} is defined twice", name));
  }
  ValueId value() {
    const std::uint64_t name = value_name();
    const auto found = names.find(name);
    if (found == names.end()) fail(fmt::format("%{} is not defined", name));
    return found->second;
  }
  ValueId fresh(const Type& t) {
    k.values.push_back(t);
    return static_cast<ValueId>(k.values.size() - 1);
  }

  void header() {
    want("kernel");
    if (const auto version = integer(); version != 1)
      fail(fmt::format("version {} of kernel text is not known; 1 is", version));
    k.name = quotation();
    want("warps"), k.warps = integer<std::int32_t>(1, 1024);
    want("cluster"), k.cluster = integer<std::int32_t>(1, 1024);
    while (take("symbol")) symbol();
    want("grid");
    for (Dim& g : k.grid) g = dim();
    if (take("dims")) k.dims = dims();
    while (take("layout")) layout();
    while (take("param")) param();
  }
  void symbol() {
    Symbol s{std::string(word()), {}};
    s.range.min = integer(), s.range.max = integer(), s.range.multiple = integer();
    for (const Symbol& other : symbols)
      if (other.name == s.name) fail(fmt::format("symbol {} is declared twice", s.name));
    try {
      (void)Dim::symbol(s.name, s.range);
    } catch (const UserError& e) { fail(e.what()); }
    symbols.push_back(std::move(s));
  }
  void layout() {
    Layout l{quotation(), {}};
    while (take('[')) {
      auto& basis = l.bases.emplace_back();
      for (std::size_t a = 0; a < basis.size(); ++a) {
        if (a > 0) want(',');
        basis[a] = integer<std::int32_t>(INT32_MIN, INT32_MAX);
      }
      want(']');
    }
    k.layouts.push_back(std::move(l));
  }
  void param() {
    const std::uint64_t name = value_name();
    Param p{.name = quotation(), .role = Role::kInput};
    const std::string_view role = word();
    const auto known = role_named(role);
    if (!known) fail(fmt::format("'{}' is no role", role));
    p.role = *known;
    p.port = integer<std::uint32_t>(0, UINT32_MAX);
    want(':');
    p.value = fresh(type());
    define(name, p.value);
    p.extents = dims();
    if (take("strides")) p.strides = dims();
    if (take('=')) p.dim = dim();
    if (take("align")) p.align = integer<std::int64_t>(1, 1 << 30);
    p.line = line();
    k.params.push_back(std::move(p));
  }

  struct Pending {  // a constant's or fill's number, read when the dtype is known
    Key key;
    std::string_view text;
  };
  std::int64_t bits_of(DType dtype, std::string_view w) {
    std::int64_t whole = 0;
    double real = 0;
    const char *begin = w.data(), *end = begin + w.size();
    if (!is_float(dtype)) {
      if (std::from_chars(begin, end, whole).ptr != end || w.empty())
        fail(fmt::format("'{}' is no integer", w));
      return whole;
    }
    if (w.starts_with("nan.")) {
      std::uint64_t pattern = 0;
      if (w.size() != 20 || std::from_chars(begin + 4, end, pattern, 16).ptr != end)
        fail(fmt::format("'{}' is no number", w));
      return std::bit_cast<std::int64_t>(pattern);
    }
    if (std::from_chars(begin, end, real).ptr != end || w.empty()) fail(fmt::format("'{}' is no number", w));
    return std::bit_cast<std::int64_t>(real);
  }
  void attribute(std::vector<Attr>& attrs, std::vector<Pending>& pending) {
    const bool hint = take('?');
    const std::string_view w = word();
    if (w.empty() || !take('=')) fail(fmt::format("a fact NAME=VALUE is wanted; got '{}'", w));
    const auto key = key_named(w, hint);
    if (!key || *key == Key::kFn) fail(fmt::format("'{}' is no fact", w));
    for (const Attr& a : attrs)
      if (a.key == *key) fail(fmt::format("'{}' is given twice", w));
    attrs.push_back({*key, 0});
    if (*key == Key::kBits || *key == Key::kFill)
      pending.push_back({*key, word()});
    else
      attrs.back().value = integer();
  }

  struct Frame {
    RegionId region;
    InstId owner;
    int missing;  // regions of the owner still to come after this one
  };
  std::vector<Frame> stack = {};

  void open(InstId owner, int missing) {
    if (stack.size() > 256) fail("regions are nested too deep");
    want('{');
    Region r;
    if (take('(')) {
      do {
        const std::uint64_t name = value_name();
        want(':');
        r.params.push_back(fresh(type()));
        define(name, r.params.back());
      } while (take(','));
      want(')');
    }
    k.regions.push_back(std::move(r));
    stack.push_back({static_cast<RegionId>(k.regions.size() - 1), owner, missing});
  }
  // The list of an instruction's regions was reserved when it was read; the next free place is `count -
  // missing - 1`.
  void note(const Frame& f) {
    if (f.owner == InstId{UINT32_MAX}) return;
    const Range& list = k[f.owner].regions;
    k.region_lists[list.begin + list.count - 1 - static_cast<std::uint32_t>(f.missing)] = f.region;
  }
  void instruction() {
    std::vector<std::uint64_t> results;
    if (peek() == '%') {
      do results.push_back(value_name());
      while (take(','));
      want('=');
    }
    const std::string_view w = word();
    const std::size_t dot = w.find('.');
    const auto opcode = opcode_named(w.substr(0, dot));
    if (!opcode) fail(fmt::format("'{}' is no instruction", w));
    std::vector<Attr> attrs;
    std::vector<Pending> pending;
    if (dot != std::string_view::npos) {
      const auto fn = function_named(w.substr(dot + 1));
      if (!fn) fail(fmt::format("'{}' is no function", w.substr(dot + 1)));
      attrs.push_back({Key::kFn, static_cast<int>(*fn)});
    }
    // A fact is a word and '='; the next instruction's word has no '=' and follows a line's end, so look
    // before taking.
    while (fact_follows()) attribute(attrs, pending);
    Inst inst{*opcode, {}, {}, {}, {}};
    inst.operands.begin = static_cast<std::uint32_t>(k.operands.size());
    while (operand_follows()) k.operands.push_back(value()), ++inst.operands.count;
    inst.results = {static_cast<std::uint32_t>(k.values.size()), static_cast<std::uint32_t>(results.size())};
    for (std::size_t n = 0; n < results.size(); ++n) {
      want(n == 0 ? ':' : ',');
      fresh(type());
    }
    for (const Pending& p : pending)
      for (Attr& a : attrs)
        if (a.key == p.key)
          a.value = bits_of(results.empty() ? DType::kI64 : k.values[inst.results.begin].dtype, p.text);
    inst.attrs = {static_cast<std::uint32_t>(k.attrs.size()), static_cast<std::uint32_t>(attrs.size())};
    k.attrs.insert(k.attrs.end(), attrs.begin(), attrs.end());
    inst.line = line();
    finish(inst, results);
  }
  void finish(Inst inst, std::span<const std::uint64_t> results) {
    const int wanted = info(inst.opcode).regions;
    inst.regions.begin = static_cast<std::uint32_t>(k.region_lists.size());
    inst.regions.count = static_cast<std::uint32_t>(wanted >= 0 ? wanted : count_of_regions(inst.opcode));
    k.region_lists.resize(k.region_lists.size() + inst.regions.count);
    k.insts.push_back(inst);
    const auto id = static_cast<InstId>(k.insts.size() - 1);
    k.regions[index(stack.back().region)].body.push_back(id);
    for (std::size_t n = 0; n < results.size(); ++n)
      define(results[n], k.result(inst, static_cast<std::uint32_t>(n)));
    if (inst.regions.count > 0) {
      open(id, static_cast<int>(inst.regions.count) - 1);
      note(stack.back());
    }
  }
  int count_of_regions(Opcode opcode) {  // where the table leaves it open: reduce and scan have one or none
    if (opcode == Opcode::kRoles) fail("roles are not read yet");
    return peek() == '{' ? 1 : 0;
  }
  bool fact_follows() {
    const std::size_t before = at;
    const bool hint = take('?');
    const bool follows = !word().empty() && at < text.size() && text[at] == '=';
    at = before;
    return follows || hint;
  }
  bool operand_follows() {  // operands stand on the line of their instruction
    const std::size_t before = at;
    if (peek() != '%') return false;
    ++at, (void)word();
    const std::size_t line_end = text.find('\n', before);
    const bool follows = line_end == std::string_view::npos || at <= line_end;
    at = before;
    return follows;
  }
  void body() {
    open(InstId{UINT32_MAX}, 0);
    while (!stack.empty()) {
      if (!take('}')) {
        if (peek() == '\0') fail("'}' is wanted");
        instruction();
        continue;
      }
      const Frame done = stack.back();
      stack.pop_back();
      if (done.missing > 0) {
        open(done.owner, done.missing - 1);
        note(stack.back());
      }
    }
    if (peek() != '\0') fail("nothing is expected after the body");
  }
};

}  // namespace

Kernel parse(std::string_view text) {
  Parser p{text};
  p.k.lines.emplace_back();
  p.header();
  p.body();
  if (const std::string problem = find_problem(p.k); !problem.empty())
    throw UserError("kernel text: " + problem);
  return std::move(p.k);
}

}  // namespace intarsia::kernel
