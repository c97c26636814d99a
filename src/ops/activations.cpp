// Activation functions that are made of simpler operators: gelu, relu, silu.
#include <cmath>
#include <numbers>

#include "ops/elementwise.h"
#include "ops/expansion.h"
#include "ops/ops.h"
#include "ops/rules.h"

namespace intarsia::ops {
namespace {

using Value = GraphBuilder::Value;

constexpr Input kFloat[] = {{.name = "input", .dtypes = kFloats, .type_variable = 0, .doc = "any shape"}};
constexpr Input kNumber[] = {{.name = "input", .dtypes = kNumbers, .type_variable = 0, .doc = "any shape"}};
constexpr Output kSame[] = {{.name = "output", .type_variable = 0, .doc = "the shape of `input`"}};

// ---- gelu
// ----------------------------------------------------------------------------------------------------------------

constexpr std::string_view kForms[] = {"none", "tanh"};
constexpr AttributeDef kGeluAttributes[] = {
    {.name = "approximate",
     .kind = AttributeKind::kString,
     .required = false,
     .fallback = "\"none\"",
     .choices = kForms,
     .doc = "\"none\": by the error function; \"tanh\": the approximation"}};
constexpr double kTanhScale = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;  // sqrt(2 / pi)
constexpr double kTanhCubic = 0.044715;

void reference_gelu(ReferenceContext& c) {
  const bool exact = c.attributes.get<std::string>("approximate") == "none";
  for (std::int64_t i = 0; i < numel(c.outputs[0]); ++i) {
    const auto x = read<double>(c.inputs[0], i);
    const double bent = exact ? std::erf(x * (1 / std::numbers::sqrt2))
                              : std::tanh(kTanhScale * (x + kTanhCubic * x * x * x));
    write(c.outputs[0], i, 0.5 * x * (1 + bent));
  }
}

std::vector<Value> decompose_gelu(const OpDef&, GraphBuilder& graph, std::span<const Value> inputs,
                                  const Attributes& attributes) {
  Expansion e(graph, graph.type(inputs[0]).dtype);
  const Value x = e.widen(inputs[0]);
  Value bent{};
  if (attributes.get<std::string>("approximate") == "none") {
    bent = e.add(kErf, {e.add(kMul, {x, e.number(1 / std::numbers::sqrt2)})});
  } else {
    const Value cube = e.add(kMul, {e.add(kMul, {x, x}), x});
    const Value sum = e.add(kAdd, {x, e.add(kMul, {cube, e.number(kTanhCubic)})});
    bent = e.add(kTanh, {e.add(kMul, {sum, e.number(kTanhScale)})});
  }
  const Value half = e.add(kMul, {x, e.number(0.5)});
  return {e.narrow(e.add(kMul, {half, e.add(kAdd, {bent, e.number(1)})}))};
}

// ---- relu, silu
// ----------------------------------------------------------------------------------------------------------

struct Relu {
  template <class T>
  T operator()(T x) const {
    return x < T{0} || x == T{0} ? T{0} : x;
  }
};
struct Silu {
  double operator()(double x) const { return x / (1 + std::exp(-x)); }
};

std::vector<Value> decompose_relu(const OpDef&, GraphBuilder& graph, std::span<const Value> inputs,
                                  const Attributes&) {
  const TensorType type = graph.type(inputs[0]);
  Expansion e(graph, type.dtype);
  const Value zero =
      e.add(kFull, {}, {{"shape", Shape{}}, {"value", std::int64_t{0}}, {"dtype", type.dtype}});
  return {e.add(kMaximum, {inputs[0], zero})};
}

std::vector<Value> decompose_silu(const OpDef&, GraphBuilder& graph, std::span<const Value> inputs,
                                  const Attributes&) {
  Expansion e(graph, graph.type(inputs[0]).dtype);
  const Value x = e.widen(inputs[0]);
  const Value below = e.add(kAdd, {e.add(kExp, {e.add(kNeg, {x})}), e.number(1)});
  return {e.narrow(e.add(kDiv, {x, below}))};
}

}  // namespace

constexpr OpDef kGelu = {.id = "gelu",
                         .summary = "The Gaussian error linear unit of each element.",
                         .inputs = kFloat,
                         .attributes = kGeluAttributes,
                         .outputs = kSame,
                         .infer = infer_same,
                         .reference = reference_gelu,
                         .decompose = decompose_gelu,
                         .doc =
                             "\"none\": `0.5 * x * (1 + erf(x / sqrt(2)))`; \"tanh\": `0.5 * x * (1 + "
                             "tanh(sqrt(2 / pi) * (x + 0.044715 * x ** 3)))` (Hendrycks and "
                             "Gimpel, arXiv:1606.08415); in at least f32, rounded once. gelu(-inf) is NaN, "
                             "as the formula says. UserError: another `approximate`.",
                         .example = "assert ia.gelu(ia.Tensor([0.0])).tolist() == [0.0]"};
constexpr OpDef kRelu = {.id = "relu",
                         .summary = "The element where it is positive, 0 where not.",
                         .inputs = kNumber,
                         .outputs = kSame,
                         .infer = infer_same,
                         .reference = reference_unary<Relu>,
                         .decompose = decompose_relu,
                         .doc = "`maximum(input, 0)`: NaN stays NaN, -0.0 becomes 0.0.",
                         .example = "assert ia.relu(ia.Tensor([-1.0, 2.0])).tolist() == [0.0, 2.0]"};
constexpr OpDef kSilu = {.id = "silu",
                         .summary = "The element times its logistic function.",
                         .inputs = kFloat,
                         .outputs = kSame,
                         .infer = infer_same,
                         .reference = reference_unary<Silu>,
                         .decompose = decompose_silu,
                         .doc =
                             "`x / (1 + exp(-x))` (\"swish\"), in at least f32, rounded once. silu(-inf) is "
                             "NaN, as the formula says.",
                         .example = "assert ia.silu(ia.Tensor([0.0])).tolist() == [0.0]"};

}  // namespace intarsia::ops
