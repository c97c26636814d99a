// Builds kernels by hand, runs them through an image, and holds the results.
#pragma once
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/convert.h"
#include "kernel/kernel.h"
#include "runtime/cpu_image.h"
#include "target/cpu/compile.h"

namespace intarsia::test {

using kernel::Builder;
using kernel::Fn;
using kernel::Kernel;
using kernel::Key;
using kernel::Opcode;
using kernel::Role;
using kernel::Type;
using kernel::ValueId;

// A tensor in host memory, with room before and behind that must stay as it was.
struct Tensor {
  static constexpr std::size_t kGuard = 256;
  static constexpr unsigned char kPattern = 0xa5;
  DType dtype;
  std::int64_t count;
  std::vector<unsigned char> memory;

  Tensor(DType t, std::int64_t n)
      : dtype(t), count(n), memory(static_cast<std::size_t>(bytes_of(t, n)) + 2 * kGuard, kPattern) {}
  unsigned char* data() { return memory.data() + kGuard; }
  const unsigned char* data() const { return memory.data() + kGuard; }
  std::uint64_t bits(std::int64_t i) const { return load_bits(dtype, data(), i); }
  void set_bits(std::int64_t i, std::uint64_t bits) { store_bits(dtype, data(), i, bits); }
  double at(std::int64_t i) const {
    return is_float(dtype) ? float_from_bits(dtype, bits(i))
                           : static_cast<double>(int_from_bits(dtype, bits(i)));
  }
  void set(std::int64_t i, double v) {
    set_bits(
        i, is_float(dtype) ? bits_from_float(dtype, v) : bits_from_int(dtype, static_cast<std::int64_t>(v)));
  }
  bool guards_hold() const {
    const auto is_pattern = [](unsigned char c) { return c == kPattern; };
    const auto size = static_cast<std::ptrdiff_t>(bytes_of(dtype, count));
    return std::all_of(memory.begin(), memory.begin() + kGuard, is_pattern) &&
           std::all_of(memory.begin() + kGuard + size, memory.end(), is_pattern);
  }
};

using Symbols = std::map<std::string, std::int64_t>;

inline runtime::CpuImage load(std::span<const Kernel> kernels, const std::string& level) {
  return runtime::CpuImage::load(target::compile_cpu(kernels, {.level = level}));
}

// Arguments by parameter; grid; one call for each of `pieces` ranges of programs.
inline void run(const runtime::CpuImage& image, const Kernel& k, std::span<Tensor* const> tensors,
                const Symbols& values, std::span<const std::uint64_t> scalars = {}, std::int64_t pieces = 1) {
  std::vector<Symbol> symbols;
  std::vector<Dim> dims(k.grid.begin(), k.grid.end());
  const auto slots = kernel::parameter_list(k);
  for (const kernel::Slot& slot : slots) dims.push_back(slot.value);
  for (const Dim& d : dims) collect_symbols(d, symbols);
  const DimProgram program(dims, symbols);
  auto memory = program.make_slots();
  for (std::size_t s = 0; s < symbols.size(); ++s) memory[s] = values.at(symbols[s].name);
  program.evaluate(memory);
  std::vector<std::uint64_t> arguments;
  std::size_t tensor = 0, scalar = 0;
  for (std::size_t n = 0; n < slots.size(); ++n) {
    if (slots[n].kind == kernel::Slot::Kind::kAddress)
      arguments.push_back(reinterpret_cast<std::uint64_t>(tensors[tensor++]->data()));
    else if (slots[n].kind == kernel::Slot::Kind::kScalar)
      arguments.push_back(scalars[scalar++]);
    else
      arguments.push_back(static_cast<std::uint64_t>(program.value(n + 3, memory)));
  }
  std::int64_t programs = 1;
  for (std::size_t a = 0; a < 3; ++a) {
    arguments.push_back(static_cast<std::uint64_t>(program.value(a, memory)));
    programs *= program.value(a, memory);
  }
  for (std::int64_t piece = 0; piece < pieces; ++piece)
    image.entry(k.name)(arguments.data(), programs * piece / pieces, programs * (piece + 1) / pieces);
}

inline void run(const Kernel& k, std::span<Tensor* const> tensors, const Symbols& values,
                const std::string& level, std::span<const std::uint64_t> scalars = {},
                std::int64_t pieces = 1) {
  run(load(std::span(&k, 1), level), k, tensors, values, scalars, pieces);
}

// Shorter spellings for kernels built by hand.
struct Kit {
  Kernel k;
  Builder b{k};
  explicit Kit(std::string name) { k.name = std::move(name); }

  Type like(ValueId v, DType t) const {
    Type type = k.type(v);
    type.dtype = t;
    return type;
  }
  ValueId constant(double v, Type type) { return b.constant(v, type); }
  ValueId pointer(std::string name, Role role, DType t, std::uint32_t port = 0) {
    return b.param(std::move(name), role, port, {.kind = Type::Kind::kPointer, .dtype = t}).value;
  }
  ValueId size(const Dim& d, DType t = DType::kI32) {
    kernel::Param& p = b.param("n", Role::kDim, 0, kernel::scalar(t));
    p.dim = d;
    return p.value;
  }
  ValueId cast(ValueId v, DType t) { return b.emit(Opcode::kCast, std::span(&v, 1), like(v, t)); }
  ValueId spread(ValueId v, std::vector<std::int64_t> extents) {
    Type type = kernel::block(k.type(v).dtype, extents);
    type.kind = k.type(v).kind;
    return b.emit(Opcode::kBroadcast, std::span(&v, 1), type);
  }
  ValueId reshape(ValueId v, std::vector<std::int64_t> extents) {
    return b.emit(Opcode::kReshape, std::span(&v, 1), kernel::block(k.type(v).dtype, extents));
  }
  ValueId arange(std::int64_t n, DType t = DType::kI64) {
    const std::int64_t e[] = {n};
    return b.emit(Opcode::kArange, {}, kernel::block(t, e), {{Key::kStart, 0}});
  }
  ValueId compare(Fn fn, ValueId x, ValueId y) {
    const ValueId in[] = {x, y};
    return b.emit(Opcode::kCompare, in, like(x, DType::kBool), {{Key::kFn, static_cast<int>(fn)}});
  }
  ValueId select(ValueId c, ValueId x, ValueId y) {
    const ValueId in[] = {c, x, y};
    return b.emit(Opcode::kSelect, in, k.type(x));
  }
  ValueId add_pointer(ValueId p, ValueId i) {
    Type type = k.type(i);
    type.kind = Type::Kind::kPointer, type.dtype = k.type(p).dtype;
    const ValueId in[] = {p, i};
    return b.emit(Opcode::kPointerAdd, in, type);
  }
  ValueId load(std::vector<ValueId> operands) {
    Type type = k.type(operands[0]);
    type.kind = Type::Kind::kBlock;
    return b.emit(Opcode::kLoad, operands, type);
  }
  void store(std::vector<ValueId> operands) { b.add(Opcode::kStore, operands, {}); }
};

inline std::vector<std::string> levels() {
  std::vector<std::string> out = {"x86-64-v2"};
  if (target::host_level() != "x86-64-v2") out.push_back("x86-64-v3");
  if (target::host_level() == "x86-64-v4") out.push_back("x86-64-v4");
  return out;
}

}  // namespace intarsia::test
