#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <set>

#include "base/convert.h"
#include "kernel/roles.h"
#include "plugins/bind.h"
#include "plugins/bind_table.h"

namespace intarsia::plugins {
namespace {

using kernel::Param;
using kernel::Role;
using kernel::Type;

Role role_of(Port port) {
  switch (port.kind) {
    case Port::Kind::kInput: return Role::kInput;
    case Port::Kind::kOutput: return Role::kOutput;
    default: return Role::kWorkspace;
  }
}

// The whole range of an integer dtype, in 64 bits.
Interval range_of(DType t) {
  if (t == DType::kI64)
    return {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()};
  if (t == DType::kU64) return {0, std::numeric_limits<std::int64_t>::max()};
  const int width = t == DType::kBool ? 1 : bits(t);
  if (is_signed_int(t)) return {-(std::int64_t{1} << (width - 1)), (std::int64_t{1} << (width - 1)) - 1};
  return {0, (std::int64_t{1} << width) - 1};
}

// A new symbol for every placeholder the kernel's author used for an extent or a scalar.
struct Renaming {
  std::vector<Symbol> from;
  std::vector<Dim> to;
  void add(const Dim& placeholder, const Dim& value) {
    std::vector<Symbol> symbols;
    collect_symbols(placeholder, symbols);
    if (symbols.size() != 1 || !identical(placeholder, Dim::symbol(symbols[0].name, symbols[0].range)))
      return;
    for (const Symbol& s : from)
      if (s.name == symbols[0].name) return;
    from.push_back(symbols[0]), to.push_back(value);
  }
};

class KernelBinder {
 public:
  KernelBinder(std::string_view who, const kernel::Kernel& kernel, const LaunchStep& launch)
      : who_(who), k_(kernel), launch_(launch) {}

  kernel::Kernel run(std::span<const KernelArgument> arguments) {
    for (Param& p : k_.params)
      if (is_memory(p)) p.role = Role::kInput;
    kernel::infer_roles(k_);  // by what the body does, whatever its author said
    const std::size_t count = std::max(k_.params.size(), arguments.size());
    for (std::size_t i = 0; i < count; ++i) {
      BindRow row;
      if (i < k_.params.size()) row.parameter = k_.params[i].name + ": " + str(k_.type(k_.params[i].value));
      if (i < arguments.size()) row.argument = arguments[i].str();
      if (i < k_.params.size() && i < arguments.size()) row.problem = bind(k_.params[i], arguments[i]);
      rows_.push_back(std::move(row));
    }
    if (any_problem(rows_)) throw_mismatch(who_, headline(arguments.size()), rows_);
    std::erase_if(k_.params, [&](const Param& p) { return constants_.count(index(p.value)) != 0; });
    rename();
    set_grid();
    return std::move(k_);
  }

 private:
  bool is_memory(const Param& p) const {
    return k_.type(p.value).kind == Type::Kind::kPointer || k_.type(p.value).kind == Type::Kind::kView;
  }

  std::string headline(std::size_t arguments) const {
    if (arguments == k_.params.size())
      return "the arguments do not match the parameters of '" + k_.name + "'";
    return fmt::format("'{}' has {} parameters, but {} arguments are bound to them", k_.name,
                       k_.params.size(), arguments);
  }

  std::string bind(Param& p, const KernelArgument& a) {
    const Type& type = k_.type(p.value);
    const bool memory = is_memory(p);
    if (const auto* tensor = std::get_if<TensorDesc>(&a.value))
      return memory ? bind_tensor(p, type, *tensor) : "a tensor, where a scalar is wanted";
    if (memory) return "a scalar, where a tensor is wanted";
    if (const auto* d = std::get_if<Dim>(&a.value)) return bind_dim(p, type.dtype, *d);
    if (const auto* s = std::get_if<SymInt>(&a.value)) {
      if (s->dtype != type.dtype && bits(s->dtype) != bits(type.dtype)) return width(type.dtype, s->dtype);
      return is_float(type.dtype) ? "an integer, where a float is wanted" : bind_dim(p, type.dtype, s->value);
    }
    if (const auto* number = std::get_if<double>(&a.value)) {
      if (!is_float(type.dtype)) return "a float, where an integer is wanted";
      return make_constant(p, std::bit_cast<std::int64_t>(round_to(type.dtype, *number)));
    }
    if (const auto* s = std::get_if<Scalar>(&a.value)) {
      if (s->dtype != type.dtype) return width(type.dtype, s->dtype);
      return make_constant(p, is_float(s->dtype)
                                  ? std::bit_cast<std::int64_t>(float_from_bits(s->dtype, s->bits))
                                  : int_from_bits(s->dtype, s->bits));
    }
    return "no scalar";
  }

  static std::string width(DType wanted, DType given) {
    return fmt::format("{} ({} bytes), where {} ({} bytes) is wanted", name(given), (bits(given) + 7) / 8,
                       name(wanted), (bits(wanted) + 7) / 8);
  }

  std::string bind_tensor(Param& p, const Type& type, const TensorDesc& t) {
    if (t.port().kind == Port::Kind::kNone)
      return "a descriptor that is no input, output or temporary of this plugin";
    if (t.dtype() != type.dtype)
      return fmt::format("the kernel takes {}, the tensor is {}", name(type.dtype), name(t.dtype()));
    if (type.kind == Type::Kind::kView && type.rank != t.rank())
      return fmt::format("a view of rank {}, the tensor has rank {}", type.rank, t.rank());
    const bool writes = p.role == Role::kOutput || p.role == Role::kInOut;
    if (writes && t.port().kind == Port::Kind::kInput) return "the kernel writes it, but it is an input";
    // An output that is read holds what an earlier step left there.
    const bool both = p.role != Role::kOutput && t.port().kind == Port::Kind::kOutput;
    p.role = both ? Role::kInOut : role_of(t.port()), p.port = t.port().index;
    if (type.kind == Type::Kind::kView)
      for (std::size_t i = 0; i < p.extents.size() && i < t.rank(); ++i)
        renaming_.add(p.extents[i], t.shape()[i]);
    p.extents = t.shape(), p.strides.clear();
    return {};
  }

  std::string bind_dim(Param& p, DType dtype, const Dim& value) {
    if (is_float(dtype)) {
      if (!value.is_constant()) return "an integer of the launch, where a float is wanted";
      return make_constant(
          p, std::bit_cast<std::int64_t>(round_to(dtype, static_cast<double>(value.constant()))));
    }
    const Interval range = range_of(dtype), at = value.bounds();
    if (at.min > range.max || at.max < range.min)
      throw UserError(fmt::format(
          "{}: argument '{}' of '{}' is {}{}, which does not fit {}", who_, p.name, k_.name, value.str(),
          value.is_constant() ? "" : fmt::format(" (at least {})", at.min), name(dtype)));
    renaming_.add(p.dim, value);
    p.role = Role::kDim, p.port = 0, p.dim = value;
    return {};
  }

  // The parameter becomes a constant instruction with the same value id, so that no use changes.
  std::string make_constant(const Param& p, std::int64_t bits) {
    kernel::Inst inst{};
    inst.opcode = kernel::Opcode::kConstant;
    inst.results = {index(p.value), 1};
    inst.attrs = {static_cast<std::uint32_t>(k_.attrs.size()), 1};
    k_.attrs.push_back({kernel::Key::kBits, bits});
    k_.insts.push_back(inst);
    auto& body = k_.regions.at(0).body;
    body.insert(body.begin(), static_cast<kernel::InstId>(k_.insts.size() - 1));
    constants_.insert(index(p.value));
    return {};
  }

  void rename() {
    if (renaming_.from.empty()) return;
    for (Dim& d : k_.dims) d = substitute(d, renaming_.from, renaming_.to);
  }

  void set_grid() {
    const KernelLaunchParams& l = launch_.params;
    k_.grid = {l.grid_x, l.grid_y, l.grid_z};
    if (!launch_.block_given) return;
    const Dim threads = l.block_x * l.block_y * l.block_z;
    if (known_equal(threads, k_.warps * 32) == Known::kYes) return;
    throw UserError(fmt::format("{}: the block of '{}' has {} threads, but it is compiled for {} ({} warps)",
                                who_, k_.name, threads.str(), k_.warps * 32, k_.warps));
  }

  std::string who_;
  kernel::Kernel k_;
  const LaunchStep& launch_;
  std::vector<BindRow> rows_;
  std::set<std::uint32_t> constants_;
  Renaming renaming_;
};

}  // namespace

kernel::Kernel bind_kernel(std::string_view who, const kernel::Kernel& kernel,
                           std::span<const KernelArgument> arguments, const LaunchStep& launch) {
  return KernelBinder(who, kernel, launch).run(arguments);
}

}  // namespace intarsia::plugins
