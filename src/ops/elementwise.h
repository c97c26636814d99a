// Operators that map element by element: references from a functor over number classes, and definitions.
#pragma once
#include "ops/host.h"
#include "ops/rules.h"

namespace intarsia::ops {

// out[i] = Rule()(in[i]); Rule takes and gives a double, an int64 or a uint64.
template <class Rule>
void reference_unary(ReferenceContext& c) {
  const HostTensor &in = c.inputs[0], &out = c.outputs[0];
  with_number_class(in.dtype, [&]<class T>(T) {
    if constexpr (requires { Rule()(T{}); })
      for (std::int64_t i = 0; i < numel(out); ++i) write(out, i, Rule()(read<T>(in, i)));
  });
}

// out[i] = Rule()(lhs[i], rhs[i]) with both stretched to the output; a bool result goes into a bool tensor.
template <class Rule>
void reference_binary(ReferenceContext& c) {
  const HostTensor &lhs = c.inputs[0], &rhs = c.inputs[1], &out = c.outputs[0];
  const auto left = stretched_strides(lhs, out.extents), right = stretched_strides(rhs, out.extents);
  with_number_class(lhs.dtype, [&]<class T>(T) {
    if constexpr (requires { Rule()(T{}, T{}); })
      for (std::int64_t i = 0; i < numel(out); ++i) {
        const auto at = position(i, out.extents);
        const auto value = Rule()(read<T>(lhs, offset(at, left)), read<T>(rhs, offset(at, right)));
        if constexpr (std::same_as<decltype(value), const bool>)
          write(out, i, std::int64_t{value});
        else
          write(out, i, value);
      }
  });
}

inline constexpr Input kComparablePair[] = {
    {.name = "lhs", .dtypes = kNumbers | kBoolOnly, .type_variable = 0, .doc = "any shape"},
    {.name = "rhs",
     .dtypes = kNumbers | kBoolOnly,
     .type_variable = 0,
     .doc = "a shape that broadcasts with `lhs`"},
};

// An operator of two tensors that are stretched to one shape.
template <class Rule>
constexpr OpDef pairwise(std::string_view id, std::string_view summary, std::span<const Input> inputs,
                         std::span<const Output> outputs, std::string_view doc, std::string_view example) {
  return {.id = id,
          .summary = summary,
          .inputs = inputs,
          .outputs = outputs,
          .infer = infer_broadcast,
          .reference = reference_binary<Rule>,
          .doc = doc,
          .example = example};
}

}  // namespace intarsia::ops
