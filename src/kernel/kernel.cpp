#include "kernel/kernel.h"

#include <algorithm>
#include <bit>

#include "base/error.h"

// verify checks: 1 operand and result counts of the opcode table; 2 each value is defined once, before use, in its region or one around
// it; 3 region bodies list each instruction once, no region is used twice; 4 elementwise operands have one block shape
// and dtype (broadcast is explicit); 5 view accesses have one index offset per axis and a block of the view's rank and dtype; 6 a view
// param's extents match its rank, strides too; 7 `dim` indexes the table; 8 for: carried values, region params, yield and results have equal types; if: both
// sides yield the results' types; 9 ring operands are rings, a filled block has the ring's type; 10 outputs are stored by
// some instruction; inputs are never stored.
namespace intarsia::kernel {

Type block(DType dtype, std::span<const std::int64_t> extents) {
  check(extents.size() <= Type::kMaxRank, "a block has at most 6 axes");
  Type t{.dtype = dtype, .rank = static_cast<std::uint8_t>(extents.size())};
  for (std::size_t i = 0; i < extents.size(); ++i) t.extents[i] = static_cast<std::int32_t>(extents[i]);
  return t;
}
std::string str(const Type& t) {
  if (t.kind == Type::Kind::kToken) return "token";
  std::string s = std::string(name(t.dtype));
  if (t.kind == Type::Kind::kView) return "view " + s + " x" + std::to_string(t.rank);
  if (t.kind == Type::Kind::kPointer) s = "ptr " + s;
  if (t.kind == Type::Kind::kRing) s = "ring " + std::to_string(t.stages) + " x " + s;
  if (t.kind == Type::Kind::kSlot) s = "slot " + s;
  if (t.rank == 0) return s;
  s += "[";
  for (int i = 0; i < t.rank; ++i) s += (i ? ", " : "") + std::to_string(t.extents[static_cast<std::size_t>(i)]);
  return s + "]" + (t.layout >= 0 ? " layout " + std::to_string(t.layout) : "");
}
const OpcodeInfo& info(Opcode opcode) {
  static constexpr OpcodeInfo kInfo[] = {
#define INTARSIA_INFO(name, text, operands, results, regions, effect) {#text, operands, results, regions, effect != 0},
      INTARSIA_OPCODES(INTARSIA_INFO)
#undef INTARSIA_INFO
  };
  return kInfo[static_cast<std::size_t>(opcode)];
}
std::int64_t Kernel::attr(const Inst& i, Key key, std::int64_t otherwise) const {
  for (std::uint32_t k = 0; k < i.attrs.count; ++k)
    if (attrs[i.attrs.begin + k].key == key) return attrs[i.attrs.begin + k].value;
  return otherwise;
}

namespace {
constexpr const char* kFnText[] = {"neg", "abs", "exp", "exp2", "log", "log2", "sqrt", "rsqrt", "sin", "cos", "tanh", "erf", "floor",
                                   "ceil", "not", "add", "sub", "mul", "div", "rem", "min", "max", "minnum", "maxnum", "and", "or", "xor",
                                   "shl", "shr", "pow", "eq", "ne", "lt", "le", "gt", "ge", "exchange", "compare_exchange"};
constexpr const char* kKeyText[] = {"bits", "dim", "axis", "start", "fn", "order", "fill", "precision", "in_flight", "semantics", "scope",
                                    "barrier", "count", "multicast", "transposed", "warps", "registers"};
constexpr const char* kHintText[] = {"stages", "unroll", "cache", "eviction", "warp_specialize", "divisible"};
constexpr const char* kRoleText[] = {"input", "output", "inout", "workspace", "state", "dim", "scalar"};
std::string v(ValueId id) { return "%" + std::to_string(index(id)); }
}  // namespace

std::string print(const Kernel& k) {
  std::string out = "kernel 1 " + k.name + "(";
  for (std::size_t i = 0; i < k.params.size(); ++i) {
    const Param& p = k.params[i];
    out += (i ? ",\n    " : "") + v(p.value) + " " + p.name + ": " + str(k.type(p.value)) + " " + kRoleText[static_cast<int>(p.role)] + std::to_string(p.port);
    for (const Dim& d : p.extents) out += " {" + d.postfix() + "}";
    if (!p.strides.empty()) out += " strides";
    for (const Dim& d : p.strides) out += " {" + d.postfix() + "}";
    if (p.role == Role::kDim) out += " = {" + p.dim.postfix() + "}";
  }
  out += ") grid {" + k.grid[0].postfix() + "} {" + k.grid[1].postfix() + "} {" + k.grid[2].postfix() + "} warps " + std::to_string(k.warps) + " {\n";
  struct Frame { RegionId region; std::size_t next; };
  std::vector<Frame> stack = {{RegionId{0}, 0}};
  while (!stack.empty()) {  // no recursion: text of any nesting
    Frame& f = stack.back();
    const Region& r = k.regions[index(f.region)];
    const std::string indent(stack.size() * 2, ' ');
    if (f.next == r.body.size()) {
      stack.pop_back();
      out += std::string(stack.size() * 2, ' ') + "}\n";
      continue;
    }
    const Inst& i = k[r.body[f.next++]];
    out += indent;
    for (std::uint32_t n = 0; n < i.results.count; ++n) out += (n ? ", " : "") + v(static_cast<ValueId>(i.results.begin + n)) + (n + 1 == i.results.count ? " = " : "");
    out += info(i.opcode).name;
    for (std::uint32_t a = 0; a < i.attrs.count; ++a) {
      const Attr& x = k.attrs[i.attrs.begin + a];
      const int key = static_cast<int>(x.key);
      if (x.key == Key::kFn) out += std::string(".") + kFnText[x.value];
      else if (x.key == Key::kDim) out += " {" + k.dims[static_cast<std::size_t>(x.value)].postfix() + "}";
      else out += std::string(" ") + (key >= 64 ? "?" : "") + (key >= 64 ? kHintText[key - 64] : kKeyText[key]) + "=" + std::to_string(x.value);
    }
    for (ValueId o : k.operands_of(i)) out += " " + v(o);
    for (std::uint32_t n = 0; n < i.results.count; ++n) out += (n ? ", " : " : ") + str(k.values[i.results.begin + n]);
    if (i.line) out += "  # " + k.lines[i.line];
    out += i.regions.count ? " {\n" : "\n";
    const auto regions = k.regions_of(i);
    for (std::size_t n = regions.size(); n-- > 0;) {
      stack.push_back({regions[n], 0});
    }
    if (!regions.empty()) {
      const Region& inner = k.regions[index(regions[0])];
      for (ValueId p : inner.params) out += indent + "  ^" + v(p) + ": " + str(k.type(p)) + "\n";
    }
  }
  return out;
}
std::uint64_t digest(const Kernel& kernel) {
  std::uint64_t h = 0xcbf29ce484222325ull;
  for (unsigned char c : print(kernel)) h = (h ^ c) * 0x100000001b3ull;
  return h;
}

namespace {
bool is_elementwise(Opcode o) {
  return o == Opcode::kUnary || o == Opcode::kBinary || o == Opcode::kCompare || o == Opcode::kSelect || o == Opcode::kFma;
}
}  // namespace

void verify(const Kernel& k) {
  const auto fail = [&](bool ok, const Inst& i, const char* what) { if (!ok) throw InternalError(k.name + ": " + std::string(info(i.opcode).name) + ": " + what); };
  std::vector<char> defined(k.values.size(), 0), inst_seen(k.insts.size(), 0), region_seen(k.regions.size(), 0), stored(k.values.size(), 0);
  check(!k.regions.empty(), "a kernel has a body");
  for (const Param& p : k.params) {
    check(index(p.value) < k.values.size(), "a parameter is a value");
    defined[index(p.value)] = 1;
    const Type& t = k.type(p.value);
    if (t.kind == Type::Kind::kView) check(p.extents.size() == t.rank && (p.strides.empty() || p.strides.size() == t.rank), k.name + ": view " + p.name + " needs an extent per axis");
  }
  struct Frame { RegionId region; std::size_t next; std::vector<ValueId> made; };
  std::vector<Frame> stack;
  stack.push_back({RegionId{0}, 0, {}});
  region_seen[0] = 1;
  while (!stack.empty()) {
    Frame& f = stack.back();
    const Region& r = k.regions[index(f.region)];
    if (f.next == 0) for (ValueId p : r.params) { check(!defined[index(p)], "a region parameter is defined once"); defined[index(p)] = 1; f.made.push_back(p); }
    if (f.next == r.body.size()) {
      for (ValueId m : f.made) defined[index(m)] = 2;  // out of sight from here on
      stack.pop_back();
      continue;
    }
    const InstId id = r.body[f.next++];
    check(index(id) < k.insts.size() && !inst_seen[index(id)], "an instruction stands in one place");
    inst_seen[index(id)] = 1;
    const Inst& i = k[id];
    const OpcodeInfo& o = info(i.opcode);
    fail(o.operands < 0 || static_cast<std::uint32_t>(o.operands) == i.operands.count, i, "number of operands");
    fail(o.results < 0 || static_cast<std::uint32_t>(o.results) == i.results.count, i, "number of results");
    fail(o.regions < 0 || static_cast<std::uint32_t>(o.regions) == i.regions.count, i, "number of regions");
    fail(i.operands.begin + i.operands.count <= k.operands.size() && i.results.begin + i.results.count <= k.values.size(), i, "an index is outside its table");
    const auto in = k.operands_of(i);
    for (ValueId x : in) fail(index(x) < k.values.size() && defined[index(x)] == 1, i, "an operand is not defined here");
    if (is_elementwise(i.opcode))
      for (std::size_t n = 0; n < in.size(); ++n) fail(k.type(in[n]).extents == k.values[i.results.begin].extents, i, "operands have one shape");
    if (i.opcode == Opcode::kDimValue) fail(static_cast<std::size_t>(k.attr(i, Key::kDim, -1)) < k.dims.size(), i, "no such dim");
    const bool load = i.opcode == Opcode::kViewLoad, store = i.opcode == Opcode::kViewStore;
    if (load || store) {
      const Type& view = k.type(in[0]);
      const Type& blk = load ? k.values[i.results.begin] : k.type(in[1]);
      fail(view.kind == Type::Kind::kView && blk.rank == view.rank && blk.dtype == view.dtype, i, "block and view agree in rank and dtype");
      fail(in.size() == view.rank + (load ? 1u : 2u), i, "one offset per axis");
      if (store) stored[index(in[0])] = 1;
    }
    if (i.opcode == Opcode::kStore) stored[index(in[0])] = 1;
    if (i.opcode == Opcode::kFor) {
      const Region& body = k.regions[index(k.regions_of(i)[0])];
      fail(in.size() == i.results.count + 3 && body.params.size() == i.results.count + 1, i, "carried values");
      for (std::uint32_t n = 0; n < i.results.count; ++n)
        fail(k.type(in[n + 3]) == k.values[i.results.begin + n] && k.type(body.params[n + 1]) == k.type(in[n + 3]), i, "carried values keep their type");
    }
    for (std::uint32_t n = 0; n < i.results.count; ++n) {
      fail(!defined[i.results.begin + n], i, "a value is defined once");
      defined[i.results.begin + n] = 1;
      f.made.push_back(static_cast<ValueId>(i.results.begin + n));
    }
    const auto regions = k.regions_of(i);
    for (std::size_t n = regions.size(); n-- > 0;) {
      fail(!region_seen[index(regions[n])], i, "a region has one owner");
      region_seen[index(regions[n])] = 1;
      stack.push_back({regions[n], 0, {}});  // f is dangling from here on
    }
  }
  for (const Param& p : k.params)
    if (k.type(p.value).kind == Type::Kind::kView) check((p.role != Role::kInput) || !stored[index(p.value)], k.name + ": input " + p.name + " is stored to");
}

std::vector<Slot> parameter_list(const Kernel& k) {
  std::vector<Slot> out;
  for (std::uint32_t i = 0; i < k.params.size(); ++i) {
    const Param& p = k.params[i];
    const Type& t = k.type(p.value);
    if (p.role == Role::kDim) { out.push_back({Slot::Kind::kDim, i, t.dtype, p.dim}); continue; }
    if (p.role == Role::kScalar) { out.push_back({Slot::Kind::kScalar, i, t.dtype, {}}); continue; }
    out.push_back({Slot::Kind::kAddress, i, t.dtype, {}});
  }
  std::vector<Dim> seen;  // each unknown extent once, whatever needs it
  const auto need = [&](Slot::Kind kind, std::uint32_t param, const Dim& d) {
    if (d.is_constant() || std::any_of(seen.begin(), seen.end(), [&](const Dim& s) { return identical(s, d); })) return;
    seen.push_back(d);
    out.push_back({kind, param, DType::kI64, d});
  };
  for (std::uint32_t i = 0; i < k.params.size(); ++i) {
    for (const Dim& d : k.params[i].extents) need(Slot::Kind::kExtent, i, d);
    for (const Dim& d : k.params[i].strides) need(Slot::Kind::kStride, i, d);
  }
  for (const Dim& d : k.dims) need(Slot::Kind::kDim, UINT32_MAX, d);
  return out;
}

Builder::Builder(Kernel& k, RegionId region) : kernel(k), current(region) {
  if (k.regions.empty()) k.regions.emplace_back();
  if (k.lines.empty()) k.lines.emplace_back();
}
Param& Builder::param(std::string name, Role role, std::uint32_t port, Type type) {
  kernel.values.push_back(type);
  kernel.params.push_back({.name = std::move(name), .role = role, .port = port, .value = static_cast<ValueId>(kernel.values.size() - 1), .line = line_});
  return kernel.params.back();
}
ValueId Builder::view(std::string name, Role role, std::uint32_t port, DType dtype, Shape extents) {
  Param& p = param(std::move(name), role, port, {.kind = Type::Kind::kView, .dtype = dtype, .rank = static_cast<std::uint8_t>(extents.size())});
  p.extents = std::move(extents);
  return p.value;
}
InstId Builder::add(Opcode opcode, std::span<const ValueId> operands, std::span<const Type> results, std::span<const RegionId> regions, std::initializer_list<Attr> attrs) {
  const auto place = [](auto& table, const auto& items) {
    const Range r{static_cast<std::uint32_t>(table.size()), static_cast<std::uint32_t>(items.size())};
    table.insert(table.end(), items.begin(), items.end());
    return r;
  };
  const Inst inst{opcode, place(kernel.operands, operands), place(kernel.values, results), place(kernel.region_lists, regions), place(kernel.attrs, attrs), line_};
  kernel.insts.push_back(inst);
  const auto id = static_cast<InstId>(kernel.insts.size() - 1);
  kernel.regions[index(current)].body.push_back(id);
  return id;
}
ValueId Builder::emit(Opcode opcode, std::span<const ValueId> operands, Type type, std::initializer_list<Attr> attrs) {
  return result(add(opcode, operands, std::span(&type, 1), {}, attrs));
}
ValueId Builder::dim(const Dim& d) {
  std::size_t at = 0;
  while (at < kernel.dims.size() && !identical(kernel.dims[at], d)) ++at;
  if (at == kernel.dims.size()) kernel.dims.push_back(d);
  return emit(Opcode::kDimValue, {}, scalar(DType::kI64), {{Key::kDim, static_cast<std::int64_t>(at)}});
}
ValueId Builder::constant(double value, Type type) {
  const bool real = (only(type.dtype) & kFloats) != 0;
  return emit(Opcode::kConstant, {}, type, {{Key::kBits, real ? std::bit_cast<std::int64_t>(value) : static_cast<std::int64_t>(value)}});
}
ValueId Builder::binary(Fn fn, ValueId a, ValueId b) { const ValueId in[] = {a, b}; return emit(Opcode::kBinary, in, kernel.type(a), {{Key::kFn, static_cast<int>(fn)}}); }
ValueId Builder::unary(Fn fn, ValueId a) { return emit(Opcode::kUnary, std::span(&a, 1), kernel.type(a), {{Key::kFn, static_cast<int>(fn)}}); }
ValueId Builder::program_id(int axis) { return emit(Opcode::kProgramId, {}, scalar(DType::kI64), {{Key::kAxis, axis}}); }
ValueId Builder::load(ValueId view, std::span<const ValueId> offsets, std::span<const std::int64_t> extents) {
  std::vector<ValueId> in = {view};
  in.insert(in.end(), offsets.begin(), offsets.end());
  return emit(Opcode::kViewLoad, in, block(kernel.type(view).dtype, extents));
}
void Builder::store(ValueId view, ValueId value, std::span<const ValueId> offsets) {
  std::vector<ValueId> in = {view, value};
  in.insert(in.end(), offsets.begin(), offsets.end());
  add(Opcode::kViewStore, in, {});
}
ValueId Builder::reduce(Fn fn, ValueId a, int axis) {
  Type t = kernel.type(a);
  const Type element = scalar(t.dtype);
  const Type pair[] = {element, element};
  const RegionId body = region(pair), outside = at(body);
  const ValueId combined = binary(fn, kernel.regions[index(body)].params[0], kernel.regions[index(body)].params[1]);
  add(Opcode::kYield, std::span(&combined, 1), {});
  at(outside);
  t.extents[static_cast<std::size_t>(axis)] = 1;  // the axis stays, with extent 1
  return result(add(Opcode::kReduce, std::span(&a, 1), std::span(&t, 1), std::span(&body, 1), {{Key::kAxis, axis}}));
}
RegionId Builder::region(std::span<const Type> params) {
  Region r;
  for (const Type& t : params) kernel.values.push_back(t), r.params.push_back(static_cast<ValueId>(kernel.values.size() - 1));
  kernel.regions.push_back(std::move(r));
  return static_cast<RegionId>(kernel.regions.size() - 1);
}
void Builder::line(std::string text) {
  if (kernel.lines.back() != text) kernel.lines.push_back(std::move(text));
  line_ = static_cast<std::uint32_t>(kernel.lines.size() - 1);
}

}  // namespace intarsia::kernel
