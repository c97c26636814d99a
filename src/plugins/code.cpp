#include "plugins/code.h"

#include <fmt/format.h>

#include "base/convert.h"
#include "base/error.h"

namespace intarsia::plugins {

CodeForm code_of_text(std::string text) {
  constexpr std::string_view kElf =
                                 "\x7f"
                                 "ELF",
                             kFatbin = "\x50\xed\x55\xba";
  if (text.starts_with(kElf) || text.starts_with(kFatbin)) return Binary{std::move(text)};
  // PTX begins with its version, after comments; anything else that is text is CUDA C++.
  std::size_t at = 0;
  while (at < text.size()) {
    if (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r')
      ++at;
    else if (text.compare(at, 2, "//") == 0)
      at = std::min(text.find('\n', at), text.size());
    else if (text.compare(at, 2, "/*") == 0)
      at = std::min(text.find("*/", at), text.size() - 2) + 2;
    else
      break;
  }
  while (!text.empty() && text.back() == '\0') text.pop_back();  // as compilers hand it over
  if (text.compare(at, 8, ".version") == 0) return PtxText{std::move(text), nullptr};
  return CudaSource{.text = std::move(text)};
}

Scalar scalar_of(DType dtype, double value) {
  return {dtype, is_float(dtype) ? bits_from_float(dtype, value)
                                 : cast_bits(DType::kF64, bits_from_float(DType::kF64, value), dtype)};
}

Scalar scalar_of(DType dtype, std::int64_t value) {
  if (is_float(dtype)) return scalar_of(dtype, static_cast<double>(value));
  const std::uint64_t bits = bits_from_int(dtype, value);
  if (dtype != DType::kU64 && int_from_bits(dtype, bits) != value)
    throw UserError(fmt::format("{} does not fit {}", value, name(dtype)));
  return {dtype, bits};
}

KernelArgument KernelArgument::bytes(std::string by_value) {
  if (by_value.size() > 4096)
    throw UserError(fmt::format("an argument of {} bytes; at most 4096 pass by value", by_value.size()));
  KernelArgument out;
  out.value = std::move(by_value);
  return out;
}

std::string KernelArgument::str() const {
  struct Visitor {
    std::string operator()(std::monostate) const { return "null"; }
    std::string operator()(const TensorDesc& t) const { return t.name() + ": " + t.str(); }
    std::string operator()(const Dim& d) const { return d.str(); }
    std::string operator()(const SymInt& s) const {
      return s.value.str() + ": " + std::string(intarsia::name(s.dtype));
    }
    std::string operator()(double d) const { return fmt::format("{}", d); }
    std::string operator()(const Scalar& s) const {
      if (is_float(s.dtype))
        return fmt::format("{}: {}", float_from_bits(s.dtype, s.bits), intarsia::name(s.dtype));
      return fmt::format("{}: {}", int_from_bits(s.dtype, s.bits), intarsia::name(s.dtype));
    }
    std::string operator()(const std::string& b) const { return fmt::format("{} bytes", b.size()); }
  };
  const std::string text = std::visit(Visitor{}, value);
  return name.empty() ? text : name + " = " + text;
}

TensorDesc Steps::temporary(std::string name, DType dtype, Shape shape) {
  const auto index = static_cast<std::uint32_t>(temporaries_.size());
  temporaries_.push_back(
      TensorDesc(dtype, std::move(shape)).bound({Port::Kind::kTemporary, index}, std::move(name)));
  return temporaries_.back();
}

Steps& Steps::add(PluginStep step) {
  steps_.push_back(std::move(step));
  return *this;
}

Steps aot_result(std::string name, CodeForm code, KernelLaunchParams params,
                 std::vector<KernelArgument> extra_args) {
  Steps out;
  out.add(
      LaunchStep{std::move(name), {std::move(code)}, std::move(params), true, std::move(extra_args), true});
  return out;
}

}  // namespace intarsia::plugins
