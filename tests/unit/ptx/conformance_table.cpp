#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "conformance.h"
#include "support.h"

namespace intarsia::ptx::test {
namespace {

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

bool is_argument(char role) { return role != 'o'; }
bool is_result(char role) { return role != 'i'; }

int width_of(const std::string& type) {
  const Type t = type_named(type);
  return t == Type::kPred ? 1 : bits(t);
}

std::string register_type(const std::string& type, Dialect dialect) {
  const int width = width_of(type);
  if (width == 1) return "pred";
  const bool typed = dialect == Dialect::kTyped && width >= 32 && type.find('x') == std::string::npos;
  return typed && (type[0] == 'f' || type[0] == 'u' || type[0] == 's') ? type : fmt::format("b{}", width);
}

std::string operand(const TableCase& c, std::size_t hole) {
  switch (c.holes[hole].role) {
    case 'm': return "[%mem]";
    case 's': return "[%cell]";
    default: return fmt::format("%v{}", hole);
  }
}

std::string filled(const TableCase& c) {
  std::string out;
  std::size_t hole = 0, at = 0;
  for (std::size_t open = c.form.find('<'); open != std::string::npos; open = c.form.find('<', at)) {
    out += c.form.substr(at, open - at) + operand(c, hole++);
    at = c.form.find('>', open) + 1;
  }
  return out + c.form.substr(at);
}

std::string load(const TableCase& c, std::size_t hole, int slot) {
  const int width = width_of(c.holes[hole].type);
  const std::string from = fmt::format("[%in+{}]", slot * 256);
  if (c.holes[hole].role == 'm')
    return fmt::format("ld.global.b64 %wide, {}; st.global.b{} [%mem], %wide;", from, width);
  if (c.holes[hole].role == 's')
    return fmt::format("ld.global.b64 %wide, {}; st.shared.b{} [%cell], %wide;", from, width);
  if (width == 1) return fmt::format("ld.global.u32 %word, {}; setp.ne.u32 %v{}, %word, 0;", from, hole);
  return fmt::format("ld.global.b{} %v{}, {};", width, hole, from);
}

std::string store(const TableCase& c, std::size_t hole, int slot) {
  const int width = width_of(c.holes[hole].type);
  const std::string to = fmt::format("[%out+{}]", slot * 256);
  if (c.holes[hole].role == 'm' || c.holes[hole].role == 's')
    return fmt::format("ld.{}.b{} %wide, {}; st.global.b64 {}, %wide;",
                       c.holes[hole].role == 'm' ? "global" : "shared", width, operand(c, hole), to);
  if (width == 1) return fmt::format("selp.u32 %word, 1, 0, %v{}; st.global.u32 {}, %word;", hole, to);
  return fmt::format("st.global.b{} {}, %v{};", width, to, hole);
}

Expected expected(const std::string& word) {
  if (word == "nan") return {Expected::Kind::kNan, 0};
  if (word == "*") return {Expected::Kind::kAny, 0};
  return {Expected::Kind::kBits, std::stoull(word, nullptr, 16)};
}

TableCase::Set read_set(const TableCase& c, const std::string& text, const std::string& where) {
  const std::size_t arrow = text.find('>');
  TableCase::Set set;
  for (const std::string& word : words(text.substr(0, arrow)))
    set.arguments.push_back(std::stoull(word, nullptr, 16));
  for (const std::string& word : words(text.substr(arrow + 1))) set.results.push_back(expected(word));
  std::size_t arguments = 0, results = 0;
  for (const TableCase::Hole& hole : c.holes) {
    arguments += is_argument(hole.role);
    results += is_result(hole.role);
  }
  if (set.arguments.size() != arguments || set.results.size() != results)
    throw UserError(fmt::format("{}: '{}' does not fit its form", where, text));
  return set;
}

bool is_nan(std::uint64_t value, int width, const std::string& type) {
  const int mantissa = width == 64 ? 52 : width == 32 ? 23 : type == "bf16" ? 7 : 10;
  const std::uint64_t size = value & ~(std::uint64_t{1} << (width - 1));
  return size > ((std::uint64_t{1} << (width - 1)) - (std::uint64_t{1} << mantissa));
}

}  // namespace

std::vector<TableCase> read_table(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::vector<TableCase> out;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.empty() || line[0] == '#') continue;
    TableCase c;
    c.line = number;
    const std::string where = fmt::format("{}:{}", path.filename().string(), number);
    std::size_t bar = line.find(" | ");
    c.form = line.substr(0, bar);
    for (std::size_t at = c.form.find('<'); at != std::string::npos; at = c.form.find('<', at + 1))
      c.holes.push_back({c.form[at + 1], c.form.substr(at + 3, c.form.find('>', at) - at - 3)});
    while (bar != std::string::npos) {
      const std::size_t next = line.find(" | ", bar + 3);
      c.sets.push_back(read_set(c, line.substr(bar + 3, next - bar - 3), where));
      bar = next;
    }
    out.push_back(std::move(c));
  }
  return out;
}

std::string kernel_of(const TableCase& c, Dialect dialect, bool broken) {
  std::string registers, before, after;
  int arguments = 0, results = 0;
  bool spoilt = !broken;
  for (std::size_t i = 0; i < c.holes.size(); ++i) {
    const TableCase::Hole& hole = c.holes[i];
    std::string type = register_type(hole.type, dialect);
    const bool in_register = hole.role == 'i' || hole.role == 'o';
    const bool spoil = !spoilt && in_register;
    if (spoil) type = type == "pred" ? "b32" : "pred";
    if (in_register) registers += fmt::format(".reg .{} %v{}; ", type, i);
    if (is_argument(hole.role)) before += spoil ? "" : load(c, i, arguments++) + " ";
    if (is_result(hole.role)) after += spoil ? "" : store(c, i, results++) + " ";
    spoilt = spoilt || spoil;
  }
  const char* word = dialect == Dialect::kTyped ? "u64" : "b64";
  return fmt::format(
      ".version 8.8\n.target sm_90a\n.address_size 64\n.shared .align 16 .b8 cells[512]; .visible .entry k("
      ".param .{0} in, .param .{0} out, .param .{0} mem) {{ .reg .b64 %in, %out, %mem, %wide, %off; .reg "
      ".b32 "
      "%lane, %cell, %word; {1}\nld.param.{0} %in, [in]; ld.param.{0} %out, [out]; ld.param.{0} %mem, [mem]; "
      "mov.u32 %lane, %tid.x; mul.wide.u32 %off, %lane, 8; add.s64 %in, %in, %off; add.s64 %out, %out, %off; "
      "add.s64 %off, %off, %off; add.s64 %mem, %mem, %off; mov.u32 %cell, cells; mad.lo.u32 %cell, %lane, "
      "16, "
      "%cell; {2}\n{3}\n{4}ret; }}\n",
      word, registers, before, filled(c), after);
}

namespace {
std::string failure_of(const TableCase& c, const std::string& text, bool chains) {
  const std::size_t n = c.sets.size();
  std::vector<std::uint64_t> in(32 * 64), out(32 * 64), mem(64);
  for (std::size_t lane = 0; lane < 32; ++lane)
    for (std::size_t k = 0; k < c.sets[lane % n].arguments.size(); ++k)
      in[k * 32 + lane] = c.sets[lane % n].arguments[k];
  const std::uint64_t places[] = {reinterpret_cast<std::uint64_t>(in.data()),
                                  reinterpret_cast<std::uint64_t>(out.data()),
                                  reinterpret_cast<std::uint64_t>(mem.data())};
  const std::vector<ArgumentValue> arguments{{&places[0], 8}, {&places[1], 8}, {&places[2], 8}};
  const std::vector<Buffer> buffers{{in.data(), 32 * 64 * 8, false, "in"},
                                    {out.data(), 32 * 64 * 8, true, "out"},
                                    {mem.data(), 64 * 8, true, "mem"}};
  LaunchConfig config;
  config.block = {32, 1, 1};
  config.buffers = buffers;
  config.chains = chains;
  const LaunchResult result = run(Program(parse(text, "case"), "k"), config, arguments);
  for (const Report& r : result.reports) return r.text();
  std::size_t k = 0;
  for (const TableCase::Hole& hole : c.holes) {
    if (!is_result(hole.role)) continue;
    const int width = width_of(hole.type);
    const std::uint64_t mask = width >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
    for (std::size_t lane = 0; lane < n; ++lane) {
      const Expected& want = c.sets[lane].results[k];
      const std::uint64_t got = out[k * 32 + lane] & mask;
      if (want.kind == Expected::Kind::kAny || (want.kind == Expected::Kind::kBits && got == want.bits) ||
          (want.kind == Expected::Kind::kNan && is_nan(got, width, hole.type)))
        continue;
      return fmt::format("set {}, result {}: {:x}, expected {}", lane, k, got,
                         want.kind == Expected::Kind::kNan ? "a NaN" : fmt::format("{:x}", want.bits));
    }
    ++k;
  }
  return "";
}

}  // namespace

std::string failure_of(const TableCase& c, Dialect dialect) {
  if (c.sets.empty() || c.sets.size() > 32) return fmt::format("{} sets; 1 to 32 fit a warp", c.sets.size());
  const std::string text = kernel_of(c, dialect), wrong = failure_of(c, text, true);
  return wrong.empty() ? failure_of(c, text, false) : wrong;
}

}  // namespace intarsia::ptx::test
