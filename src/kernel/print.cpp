// Text of kernels. Grammar (parse.cpp reads exactly this):
//
//   kernel 1 "name" warps 4 cluster 1
//   symbol n 0 1048576 1                                  name, min, max, multiple
//   grid {n 255 + 256 //} {1} {1}                         dims in postfix
//   dims {n}
//   layout "register" [1, 0, 0, 0, 0, 0]
//   param %0 "x" input 0 : view f32 x1 {n} strides {1} align 16
//   param %1 "n" dim 0 : i32 = {n} @"k.py:3:1"
//   {
//     %2 = program_id axis=0 : i64 @"k.py:4:3"
//     %3 = binary.add %2 %2 : i64
//     %4 = reduce axis=0 %3 : f32[1] { (%5: f32, %6: f32) ... yield %7 }
//   }
#include <fmt/format.h>

#include <bit>

#include "base/convert.h"
#include "kernel/kernel.h"
#include "kernel/text.h"

namespace intarsia::kernel {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      out += '\\', out += c;
    else if (static_cast<unsigned char>(c) < 0x20)
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    else
      out += c;
  }
  return out + '"';
}

std::string number(DType dtype, std::int64_t bits) {
  if (!is_float(dtype)) return std::to_string(bits);
  const double value = std::bit_cast<double>(bits);
  if (value != value) return fmt::format("nan.{:016x}", static_cast<std::uint64_t>(bits));
  return fmt::format("{}", value);
}

namespace {

struct Printer {
  const Kernel& k;
  bool lines;
  std::string out = {};
  std::vector<std::uint32_t> names = std::vector<std::uint32_t>(k.values.size(), UINT32_MAX);
  std::uint32_t next = 0;

  std::string name(ValueId v) {
    auto& n = names[index(v)];
    if (n == UINT32_MAX) n = next++;
    return "%" + std::to_string(n);
  }
  void dims(std::span<const Dim> all) {
    for (const Dim& d : all) out += fmt::format(" {{{}}}", d.postfix());
  }
  void line(std::uint32_t at) {
    if (lines && at != 0 && at < k.lines.size()) out += " @" + quoted(k.lines[at]);
  }
  void header() {
    out += fmt::format("kernel 1 {} warps {} cluster {}\n", quoted(k.name), k.warps, k.cluster);
    for (const Symbol& s : symbols_of(k))
      out += fmt::format("symbol {} {} {} {}\n", s.name, s.range.min, s.range.max, s.range.multiple);
    out += "grid", dims(k.grid), out += '\n';
    if (!k.dims.empty()) out += "dims", dims(k.dims), out += '\n';
    for (const Layout& l : k.layouts) {
      out += "layout " + quoted(l.space);
      for (const auto& basis : l.bases)
        for (std::size_t a = 0; a < basis.size(); ++a)
          out += fmt::format("{}{}{}", a == 0 ? " [" : "", basis[a], a + 1 == basis.size() ? "]" : ", ");
      out += '\n';
    }
    for (const Param& p : k.params) param(p);
  }
  void param(const Param& p) {
    out += fmt::format("param {} {} {} {} : {}", name(p.value), quoted(p.name), text_of(p.role), p.port,
                       str(k.type(p.value)));
    dims(p.extents);
    if (!p.strides.empty()) out += " strides", dims(p.strides);
    if (p.role == Role::kDim)
      out += fmt::format(" = {{{}}}", p.dim.postfix());
    else if (p.align != 16)
      out += fmt::format(" align {}", p.align);
    line(p.line);
    out += '\n';
  }
  void attribute(const Inst& i, const Attr& a) {
    if (a.key == Key::kFn) return;
    const bool value = a.key == Key::kBits || a.key == Key::kFill;
    const DType dtype = value && i.results.count > 0 ? k.type(k.result(i)).dtype : DType::kI64;
    out += fmt::format(" {}{}={}", is_hint(a.key) ? "?" : "", text_of(a.key), number(dtype, a.value));
  }
  void instruction(const Inst& i) {
    for (std::uint32_t n = 0; n < i.results.count; ++n) out += (n ? ", " : "") + name(k.result(i, n));
    if (i.results.count > 0) out += " = ";
    out += info(i.opcode).name;
    if (k.has(i, Key::kFn)) out += fmt::format(".{}", text_of(k.fn(i)));
    for (const Attr& a : k.attrs_of(i)) attribute(i, a);
    for (ValueId v : k.operands_of(i)) out += " " + name(v);
    for (std::uint32_t n = 0; n < i.results.count; ++n)
      out += (n ? ", " : " : ") + str(k.type(k.result(i, n)));
    line(i.line);
  }
  void open(RegionId r) {
    out += " {";
    const auto& params = k.regions[index(r)].params;
    for (std::size_t n = 0; n < params.size(); ++n) {
      const std::string p = fmt::format("{}: {}", name(params[n]), str(k.type(params[n])));
      out += (n == 0 ? " (" : ", ") + p;
    }
    out += params.empty() ? "\n" : ")\n";
  }
  void body() {  // a stack, not recursion: regions nest as deep as users write them
    struct Frame {
      RegionId region;
      std::size_t at;     // next instruction
      std::size_t inner;  // next region of the instruction before it
    };
    std::vector<Frame> stack = {{RegionId{0}, 0, 0}};
    out += "{\n";
    while (!stack.empty()) {
      Frame& f = stack.back();
      const Region& r = k.regions[index(f.region)];
      const std::string indent(stack.size() * 2, ' ');
      if (f.at > 0) {
        const auto inner = k.regions_of(k[r.body[f.at - 1]]);
        if (f.inner < inner.size()) {
          if (f.inner > 0) out.pop_back();  // "} {" on one line
          const RegionId next_region = inner[f.inner++];
          open(next_region);
          stack.push_back({next_region, 0, 0});
          continue;
        }
        if (inner.empty()) out += '\n';
      }
      if (f.at == r.body.size()) {
        stack.pop_back();
        out += std::string(stack.size() * 2, ' ') + "}\n";
        continue;
      }
      out += indent;
      instruction(k[r.body[f.at]]);
      ++f.at, f.inner = 0;
    }
  }
};

constexpr std::string_view kRoles[] = {"input", "output", "inout", "workspace", "state", "dim", "scalar"};

}  // namespace

std::string_view text_of(Role role) { return kRoles[static_cast<std::size_t>(role)]; }

std::optional<Role> role_named(std::string_view text) {
  for (std::size_t i = 0; i < std::size(kRoles); ++i)
    if (kRoles[i] == text) return static_cast<Role>(i);
  return std::nullopt;
}

std::string print(const Kernel& kernel, bool lines) {
  Printer p{kernel, lines};
  p.header();
  p.body();
  return std::move(p.out);
}

std::uint64_t digest(const Kernel& kernel) {
  std::uint64_t h = 0xcbf29ce484222325ull;
  for (unsigned char c : print(kernel, false)) h = (h ^ c) * 0x100000001b3ull;
  return h;
}

}  // namespace intarsia::kernel
