#include <cxxabi.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "base/convert.h"
#include "plugins/bind.h"
#include "plugins/bind_table.h"

namespace intarsia::plugins {
namespace {

using Pointer = ptx::Parameter::Pointer;

DType dtype_of_cpp(std::string_view type) {
  constexpr std::pair<std::string_view, DType> kNames[] = {
      {"bool", DType::kBool},
      {"char", DType::kI8},
      {"signed char", DType::kI8},
      {"unsigned char", DType::kU8},
      {"short", DType::kI16},
      {"unsigned short", DType::kU16},
      {"int", DType::kI32},
      {"unsigned int", DType::kU32},
      {"long", DType::kI64},
      {"unsigned long", DType::kU64},
      {"long long", DType::kI64},
      {"unsigned long long", DType::kU64},
      {"float", DType::kF32},
      {"double", DType::kF64},
      {"__half", DType::kF16},
      {"__nv_bfloat16", DType::kBF16},
      {"__nv_fp8_e4m3", DType::kF8E4M3},
      {"__nv_fp8_e5m2", DType::kF8E5M2},
  };
  for (const auto& [name, dtype] : kNames)
    if (name == type) return dtype;
  return DType{0};
}

std::string text_of(const ForeignParameter& p) {
  if (p.cpp.pointer || p.declared.pointer == Pointer::kDeclared)
    return p.declared.name + (p.cpp.dtype != DType{0} ? ": ptr " + std::string(name(p.cpp.dtype)) : ": ptr");
  if (p.declared.type == ptx::Type::kNone)
    return fmt::format("{}: struct of {} bytes", p.declared.name, p.declared.bytes);
  return fmt::format("{}: .{}", p.declared.name, ptx::name(p.declared.type));
}

bool is_float_type(ptx::Type t) {
  return t == ptx::Type::kF16 || t == ptx::Type::kBF16 || t == ptx::Type::kF32 || t == ptx::Type::kF64;
}

// The float dtype a plain number takes, where the parameter says which.
DType float_dtype(const ForeignParameter& p) {
  if (is_float(p.cpp.dtype)) return p.cpp.dtype;
  switch (p.declared.type) {
    case ptx::Type::kF16: return DType::kF16;
    case ptx::Type::kBF16: return DType::kBF16;
    case ptx::Type::kF32: return DType::kF32;
    case ptx::Type::kF64: return DType::kF64;
    default: return DType{0};
  }
}

// The integer dtype a plain Dim takes: signed, as wide as the parameter.
DType int_dtype(const ForeignParameter& p) {
  if (is_int(p.cpp.dtype)) return p.cpp.dtype;
  switch (p.declared.bytes) {
    case 1: return DType::kI8;
    case 2: return DType::kI16;
    case 4: return DType::kI32;
    case 8: return DType::kI64;
    default: return DType{0};
  }
}

std::string sizes(std::int64_t given, std::int64_t wanted) {
  return fmt::format("{} bytes, where {} are wanted", given, wanted);
}

// C++ code uses integers of either sign, and unsigned char for bool.
bool same_memory(DType a, DType b) { return a == b || (!is_float(a) && !is_float(b) && bits(a) == bits(b)); }

std::string bind_tensor(const ForeignParameter& p, const TensorDesc& t) {
  if (t.port().kind == Port::Kind::kNone)
    return "a descriptor that is no input, output or temporary of this plugin";
  if (p.declared.bytes != 8)
    return "an address (8 bytes), " + fmt::format("where {} are wanted", p.declared.bytes);
  if (is_float_type(p.declared.type)) return "an address, where a float is wanted";
  if (p.cpp.dtype != DType{0} && !same_memory(p.cpp.dtype, t.dtype()))
    return fmt::format("the kernel takes {}, the tensor is {}", name(p.cpp.dtype), name(t.dtype()));
  if (p.declared.written && t.port().kind == Port::Kind::kInput)
    return "the kernel writes it, but it is an input";
  return {};
}

std::string bind_int(const ForeignParameter& p, KernelArgument& a, const Dim& value, DType dtype) {
  if (p.declared.pointer == Pointer::kDeclared) return "an integer, where an address is wanted";
  if (is_float_type(p.declared.type) || is_float(p.cpp.dtype)) return "an integer, where a float is wanted";
  if (dtype == DType{0}) return "an integer, where a struct is wanted";
  if (bits(dtype) / 8 != p.declared.bytes)
    return fmt::format("{} ({} bytes), where {} are wanted", name(dtype), bits(dtype) / 8, p.declared.bytes);
  a.value = SymInt{value, dtype};
  return {};
}

std::string bind_scalar(const ForeignParameter& p, const Scalar& s) {
  if (std::max(bits(s.dtype) / 8, 1) != p.declared.bytes)
    return sizes(std::max(bits(s.dtype) / 8, 1), p.declared.bytes);
  if (is_float_type(p.declared.type) && !is_float(s.dtype)) return "an integer, where a float is wanted";
  if (p.declared.pointer == Pointer::kDeclared) return "a scalar, where an address is wanted";
  return {};
}

std::string bind_one(const ForeignParameter& p, KernelArgument& a) {
  if (const auto* tensor = std::get_if<TensorDesc>(&a.value)) return bind_tensor(p, *tensor);
  if (const auto* d = std::get_if<Dim>(&a.value)) return bind_int(p, a, Dim(*d), int_dtype(p));
  if (const auto* s = std::get_if<SymInt>(&a.value)) return bind_int(p, a, Dim(s->value), s->dtype);
  if (const auto* s = std::get_if<Scalar>(&a.value)) return bind_scalar(p, *s);
  if (const auto* number = std::get_if<double>(&a.value)) {
    const DType dtype = float_dtype(p);
    if (dtype == DType{0}) return "a number without a type: the parameter does not say which float it is";
    a.value = scalar_of(dtype, *number);
    return {};
  }
  if (const auto* bytes = std::get_if<std::string>(&a.value))
    return static_cast<std::int64_t>(bytes->size()) == p.declared.bytes
               ? ""
               : sizes(static_cast<std::int64_t>(bytes->size()), p.declared.bytes);
  return p.declared.bytes == 8
             ? ""
             : "a null address (8 bytes), where " + std::to_string(p.declared.bytes) + " are wanted";
}

void check_fits(std::string_view who, const ptx::Entry& entry, const ForeignArgument& f) {
  const auto* s = std::get_if<SymInt>(&f.argument.value);
  if (!s || bits(s->dtype) >= 64) return;
  const int width = bits(s->dtype) - (is_unsigned_int(s->dtype) ? 0 : 1);
  const std::int64_t max = (std::int64_t{1} << width) - 1, min = is_unsigned_int(s->dtype) ? 0 : -max - 1;
  const Interval at = s->value.bounds();
  if (at.min <= max && at.max >= min) return;
  throw UserError(fmt::format(
      "{}: argument '{}' of '{}' is {}{}, which does not fit {}", who, f.parameter.declared.name, entry.name,
      s->value.str(), s->value.is_constant() ? "" : fmt::format(" (at least {})", at.min), name(s->dtype)));
}

}  // namespace

std::vector<CppParameter> parameters_of_mangled(const std::string& entry) {
  if (!entry.starts_with("_Z")) return {};
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(
      abi::__cxa_demangle(entry.c_str(), nullptr, nullptr, &status), std::free);
  if (!text) return {};
  std::string_view all = text.get();
  const std::size_t open = all.rfind('(');
  if (open == std::string_view::npos || all.back() != ')' ||
      all.substr(open).find('<') != std::string_view::npos)
    return {};
  all = all.substr(open + 1, all.size() - open - 2);
  std::vector<CppParameter> out;
  while (!all.empty()) {
    std::string_view one = all.substr(0, all.find(','));
    all.remove_prefix(std::min(all.size(), one.size() + 1));
    while (!one.empty() && one.front() == ' ') one.remove_prefix(1);
    const bool pointer = one.ends_with('*');
    if (pointer) one.remove_suffix(1);
    for (std::string_view word : {" const", " volatile"})
      if (one.ends_with(word)) one.remove_suffix(word.size());
    out.push_back({dtype_of_cpp(one), pointer});
  }
  return out;
}

std::vector<ForeignArgument> bind_foreign(std::string_view who, const ptx::Entry& entry,
                                          std::span<const KernelArgument> arguments) {
  const std::vector<ptx::Parameter> declared = ptx::parameter_list(entry);
  std::vector<CppParameter> cpp = parameters_of_mangled(entry.name);
  if (cpp.size() != declared.size()) cpp.assign(declared.size(), {});
  std::vector<ForeignArgument> out;
  std::vector<BindRow> rows;
  bool wrong = false;
  for (std::size_t i = 0; i < std::max(declared.size(), arguments.size()); ++i) {
    BindRow row;
    ForeignArgument f;
    if (i < declared.size()) f.parameter = {declared[i], cpp[i]}, row.parameter = text_of(f.parameter);
    if (i < arguments.size()) f.argument = arguments[i], row.argument = arguments[i].str();
    const bool scratch = i >= arguments.size() && declared[i].bytes == 8 &&
                         !is_float_type(declared[i].type) && !declared[i].read;
    if (scratch) row.argument = "null (it is never read)";
    if (i < declared.size() && i < arguments.size()) row.problem = bind_one(f.parameter, f.argument);
    wrong |= !row.problem.empty() || row.parameter.empty() || row.argument.empty();
    rows.push_back(std::move(row)), out.push_back(std::move(f));
  }
  if (wrong)
    throw_mismatch(who,
                   declared.size() == arguments.size()
                       ? "the arguments do not match the parameters of '" + entry.name + "'"
                       : fmt::format("'{}' has {} parameters, but {} arguments are bound to them", entry.name,
                                     declared.size(), arguments.size()),
                   std::move(rows));
  for (const ForeignArgument& f : out) check_fits(who, entry, f);
  return out;
}

void check_block(std::string_view who, const ptx::Entry& entry, const KernelLaunchParams& p) {
  const Dim block[] = {p.block_x, p.block_y, p.block_z};
  const auto text = [](const auto& b) { return fmt::format("({}, {}, {})", b[0], b[1], b[2]); };
  const std::array<std::string, 3> given = {block[0].str(), block[1].str(), block[2].str()};
  for (int i = 0; i < 3; ++i)
    if (block[i].bounds().max < 1)
      throw UserError(fmt::format("{}: block_{} of '{}' is {}; a block has at least one thread", who,
                                  "xyz"[i], entry.name, block[i].str()));
  if (entry.reqntid)
    for (std::size_t i = 0; i < 3; ++i)
      if (known_equal(block[i], (*entry.reqntid)[i]) == Known::kNo)
        throw UserError(fmt::format("{}: the block of '{}' is {}, but its PTX requires {} (.reqntid)", who,
                                    entry.name, text(given), text(*entry.reqntid)));
  const Dim threads = block[0] * block[1] * block[2];
  if (entry.maxntid) {
    const std::int64_t most = std::int64_t{(*entry.maxntid)[0]} * (*entry.maxntid)[1] * (*entry.maxntid)[2];
    if (threads.bounds().min > most)
      throw UserError(fmt::format("{}: the block of '{}' has {} threads, but its PTX allows {} (.maxntid)",
                                  who, entry.name, threads.str(), most));
  }
  if (threads.bounds().min > 1024)
    throw UserError(fmt::format("{}: the block of '{}' has {} threads; a block has at most 1024", who,
                                entry.name, threads.str()));
}

}  // namespace intarsia::plugins
