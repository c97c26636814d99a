#include "runtime/program.h"

namespace intarsia::runtime {

DimId Program::dim(const Dim& d) {
  if (dim_index.size() != dims.size()) {
    dim_index.clear();
    for (std::uint32_t i = 0; i < dims.size(); ++i) dim_index.emplace(dims[i].hash(), i);
  }
  const auto [first, last] = dim_index.equal_range(d.hash());
  for (auto at = first; at != last; ++at)
    if (identical(dims[at->second], d)) return {at->second};
  dim_index.emplace(d.hash(), static_cast<std::uint32_t>(dims.size()));
  dims.push_back(d);
  return {static_cast<std::uint32_t>(dims.size() - 1)};
}

std::vector<GuardTerm> Program::guard(const Guard& g) {
  std::vector<GuardTerm> out;
  for (const Condition& c : g) out.push_back({dim(c.left), c.relation, dim(c.right)});
  return out;
}

BufferId Program::add(Buffer buffer) {
  buffers.push_back(std::move(buffer));
  return {static_cast<std::uint32_t>(buffers.size() - 1)};
}

CodeId Program::add(Code code) {
  codes.push_back(std::move(code));
  return {static_cast<std::uint32_t>(codes.size() - 1)};
}

std::vector<Symbol> symbols_of(const Program& program) {
  std::vector<Symbol> symbols;
  symbols.reserve(program.symbols.size());
  for (const SymbolDef& def : program.symbols) symbols.push_back(def.symbol);
  return symbols;
}

}  // namespace intarsia::runtime
