#include "kernel/ir.h"

#include <algorithm>

namespace intarsia::kernel {

bool Kernel::has(const Inst& i, Key key) const {
  return std::ranges::any_of(attrs_of(i), [&](const Attr& a) { return a.key == key; });
}

std::int64_t Kernel::attr(const Inst& i, Key key, std::int64_t otherwise) const {
  for (const Attr& a : attrs_of(i))
    if (a.key == key) return a.value;
  return otherwise;
}

std::vector<Dim> all_dims(const Kernel& kernel) {
  std::vector<Dim> all(kernel.grid.begin(), kernel.grid.end());
  for (const Param& p : kernel.params) {
    all.insert(all.end(), p.extents.begin(), p.extents.end());
    all.insert(all.end(), p.strides.begin(), p.strides.end());
    all.push_back(p.dim);
  }
  all.insert(all.end(), kernel.dims.begin(), kernel.dims.end());
  return all;
}

std::vector<Symbol> symbols_of(const Kernel& kernel) {
  std::vector<Symbol> symbols;
  for (const Dim& d : all_dims(kernel)) collect_symbols(d, symbols);
  return symbols;
}

std::vector<Slot> parameter_list(const Kernel& kernel) {
  std::vector<Slot> list;
  for (std::uint32_t i = 0; i < kernel.params.size(); ++i) {
    const Param& p = kernel.params[i];
    const DType dtype = kernel.type(p.value).dtype;
    const auto kind = p.role == Role::kDim      ? Slot::Kind::kDim
                      : p.role == Role::kScalar ? Slot::Kind::kScalar
                                                : Slot::Kind::kAddress;
    list.push_back({kind, i, dtype, p.role == Role::kDim ? p.dim : Dim{}});
  }
  std::vector<Dim> seen;
  const auto need = [&](Slot::Kind kind, std::uint32_t param, const Dim& d) {
    if (d.is_constant() || std::ranges::any_of(seen, [&](const Dim& s) { return identical(s, d); })) return;
    seen.push_back(d);
    list.push_back({kind, param, DType::kI64, d});
  };
  for (std::uint32_t i = 0; i < kernel.params.size(); ++i) {
    const Param& p = kernel.params[i];
    if (kernel.type(p.value).kind != Type::Kind::kView) continue;
    for (const Dim& d : p.extents) need(Slot::Kind::kExtent, i, d);
    for (const Dim& d : p.strides) need(Slot::Kind::kStride, i, d);
  }
  for (const Dim& d : kernel.dims) need(Slot::Kind::kDim, UINT32_MAX, d);
  return list;
}

}  // namespace intarsia::kernel
