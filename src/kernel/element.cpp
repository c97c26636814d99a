#include "kernel/element.h"

#include <fmt/format.h>

#include "base/convert.h"
#include "base/error.h"
#include "kernel/rules.h"

namespace intarsia::kernel {
namespace {

bool is_scalar_work(Opcode o) {
  switch (o) {
    case Opcode::kConstant:
    case Opcode::kCast:
    case Opcode::kBitcast:
    case Opcode::kUnary:
    case Opcode::kBinary:
    case Opcode::kCompare:
    case Opcode::kSelect:
    case Opcode::kFma: return true;
    default: return false;
  }
}

}  // namespace

void verify(const Element& e) {
  const Kernel& k = e.body;
  const auto want = [&](bool holds, const std::string& what) {
    if (!holds) throw InternalError(fmt::format("element function {}: {}", k.name, what));
  };
  want(k.params.size() == e.inputs.size(), "a parameter per operand");
  std::vector<char> defined(k.values.size(), 0);
  for (std::size_t n = 0; n < e.inputs.size(); ++n) {
    const Element::Operand& o = e.inputs[n];
    want(k.type(k.params[n].value) == scalar(o.dtype), fmt::format("operand {} and its parameter differ", n));
    want(o.param.role == Role::kInput || o.param.role == Role::kScalar || o.param.role == Role::kDim,
         fmt::format("operand {} is an input, a scalar or a position", n));
    want(o.param.role != Role::kDim || is_int(o.dtype), fmt::format("position {} is an integer", n));
    defined[index(k.params[n].value)] = 1;
  }
  want(!k.regions.empty() && !k.regions[0].body.empty(), "the body yields the results");
  for (InstId id : k.regions[0].body) {
    const Inst& i = k[id];
    for (ValueId v : k.operands_of(i))
      want(defined[index(v)] != 0, "an operand is not defined before its use");
    if (id == k.regions[0].body.back()) break;
    want(is_scalar_work(i.opcode), fmt::format("{} is no scalar work", info(i.opcode).name));
    const std::string problem = problem_of(k, i);
    want(problem.empty(), problem);
    want(k.type(k.result(i)).rank == 0, "values are scalars");
    defined[i.results.begin] = 1;
  }
  const Inst& last = k[k.regions[0].body.back()];
  want(last.opcode == Opcode::kYield && last.operands.count == e.outputs.size(),
       "the body yields the results");
  for (std::size_t n = 0; n < e.outputs.size(); ++n) {
    want(k.operands_of(last)[n] == e.outputs[n].value, fmt::format("result {} is what is yielded", n));
    want(k.type(e.outputs[n].value) == scalar(e.outputs[n].dtype),
         fmt::format("result {} has another dtype", n));
  }
}

}  // namespace intarsia::kernel
