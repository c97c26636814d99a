// Schemas, attributes, dtype rules and the texts of their errors.
#include <gtest/gtest.h>

#include "base/error.h"
#include "ops/attribute_text.h"
#include "ops/ops.h"
#include "ops/suggest.h"

namespace intarsia::ops {
namespace {

template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const UserError& e) { return e.what(); }
  return "(no error)";
}
std::string infer_error(const OpDef& op, std::vector<TensorType> inputs, const Attributes& attributes = {}) {
  return error_of([&] { (void)infer(op, inputs, attributes); });
}
const Dim kN = Dim::symbol("n", {.min = 0, .max = 1024}), kM = Dim::symbol("m", {.min = 0, .max = 1024});

TEST(Table, IsSortedAndEveryDefinitionIsComplete) {
  for (std::size_t i = 1; i < all().size(); ++i) EXPECT_LT(all()[i - 1]->id, all()[i]->id);
  for (const OpDef* op : all()) {
    EXPECT_NO_THROW(check_schema(*op));
    EXPECT_EQ(find(op->id), op);
    EXPECT_TRUE(op->reference) << op->id;
    EXPECT_FALSE(op->summary.empty() || op->example.empty()) << op->id;
    for (const Input& i : op->inputs) EXPECT_FALSE(i.doc.empty()) << op->id << " " << i.name;
    for (const AttributeDef& a : op->attributes) EXPECT_FALSE(a.doc.empty()) << op->id << " " << a.name;
  }
}

TEST(Table, UnknownOperatorsSuggestNearOnes) {
  EXPECT_EQ(error_of([] { (void)get("sofmax"); }), "there is no operator 'sofmax'; did you mean 'softmax'?");
  EXPECT_EQ(error_of([] { (void)get("quaternion"); }), "there is no operator 'quaternion'");
}

TEST(Suggest, CountsEditsAndSwaps) {
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("axis", "aixs"), 1u);
}

TEST(Bind, FillsDefaultsAndWidens) {
  EXPECT_EQ(text(*bind(kLayerNorm, {}).find("eps")), "1e-05");
  EXPECT_EQ(text(*bind(kLayerNorm, {{"eps", std::int64_t{1}}}).find("eps")), "1.0");
  EXPECT_EQ(text(*bind(kSum, {{"dim", std::int64_t{-1}}}).find("dim")), "ints[-1]");
  EXPECT_EQ(bind(kSum, {}).find("dim"), nullptr);
  EXPECT_EQ(text(*bind(kReshape, {{"shape", std::vector<std::int64_t>{2, -1}}}).find("shape")), "[2, -1]");
  EXPECT_EQ(text(*bind(kGelu, {}).find("approximate")), "\"none\"");
}

TEST(Bind, SaysWhatWasGivenAndWhatIsWanted) {
  EXPECT_EQ(error_of([] { (void)bind(kSoftmax, {{"dim", std::string("x")}}); }),
            "softmax: attribute 'dim' must be an int, was given a string (\"x\")");
  EXPECT_EQ(error_of([] { (void)bind(kSoftmax, {{"dmi", std::int64_t{1}}}); }),
            "softmax: there is no attribute 'dmi'; did you mean 'dim'? (it has 'dim')");
  EXPECT_EQ(error_of([] { (void)bind(kAdd, {{"alpha", 1.0}}); }),
            "add: there is no attribute 'alpha' (it has none)");
  EXPECT_EQ(error_of([] { (void)bind(kCast, {}); }),
            "cast: attribute 'dtype' is missing; it must be a dtype");
  EXPECT_EQ(error_of([] { (void)bind(kGelu, {{"approximate", std::string("tan")}}); }),
            "gelu: attribute 'approximate' must be one of \"none\", \"tanh\", was given \"tan\"; did you "
            "mean 'tanh'?");
}

TEST(Infer, CountsAndDtypes) {
  const TensorType f{DType::kF32, {2, 3}}, i{DType::kI32, {2, 3}}, b{DType::kBool, {2, 3}};
  EXPECT_EQ(infer_error(kAdd, {f}), "add: takes 2 inputs (lhs, rhs), was given 1");
  EXPECT_EQ(infer_error(kExp, {f, f}), "exp: takes 1 input (input), was given 2");
  EXPECT_EQ(infer_error(kAdd, {f, i}),
            "add: input 'rhs' is i32 but input 'lhs' is f32: they must have one dtype; cast one of them");
  EXPECT_EQ(infer_error(kExp, {i}), "exp: input 'input' may not be i32; it takes f16, bf16, f32, f64");
  EXPECT_EQ(infer_error(kSum, {b}),
            "sum: input 'input' may not be bool; it takes i8, i16, i32, i64, u8, u16, u32, u64, f16, bf16, "
            "f32, f64");
  EXPECT_EQ(infer(kDiv, std::vector{i, i}, {}).outputs[0].dtype, DType::kF64);
}

TEST(Infer, ShapesThatDoNotGoTogether) {
  const auto f = [](Shape s) { return TensorType{DType::kF32, std::move(s)}; };
  EXPECT_EQ(infer_error(kAdd, {f({2, 3}), f({4, 3})}),
            "add: shapes [2, 3] and [4, 3] do not broadcast: extents 2 and 4 of axis -2 must be equal, or "
            "one of them 1");
  EXPECT_EQ(infer_error(kMatmul, {f({2, 3}), f({4, 5})}),
            "matmul: columns of lhs (3) must equal rows of rhs (4)");
  EXPECT_EQ(infer_error(kMatmul, {f({}), f({4, 5})}),
            "matmul: shapes [] and [4, 5]: both sides need at least one axis; use mul for scalars");
  EXPECT_EQ(infer_error(kReshape, {f({2, 3})}, {{"shape", Shape{4, -1}}}),
            "reshape: the number of elements of shape [4, 1] (4) must equal that of the input's [2, 3] (6)");
  EXPECT_EQ(infer_error(kSoftmax, {f({2, 3})}, {{"dim", std::int64_t{2}}}),
            "softmax: attribute 'dim' is 2, but must be in [-2, 1] for a tensor of rank 2");
  EXPECT_EQ(infer_error(kSum, {f({2, 3})}, {{"dim", std::vector<std::int64_t>{1, -1}}}),
            "sum: attribute 'dim' names axis 1 twice");
  EXPECT_EQ(infer_error(kArgmax, {f({0, 3})}, {{"dim", std::int64_t{0}}}),
            "argmax: there is no element to find along an empty axis of shape [0, 3]");
  EXPECT_EQ(infer_error(kFull, {}, {{"shape", Shape{-3}}, {"value", 1.0}}),
            "full: attribute 'shape' is [-3]: an extent cannot be negative");
  EXPECT_EQ(
      infer_error(kFull, {}, {{"shape", Shape{3}}, {"value", std::int64_t{300}}, {"dtype", DType::kI8}}),
      "full: attribute 'value' cannot be i8: it does not fit");
}

TEST(Infer, LeavesWhatItCannotDecideAsRequirements) {
  const std::vector<TensorType> in = {{DType::kF32, {kN, 3}}, {DType::kF32, {kM, 1}}};
  const auto result = infer(kAdd, in, {});
  ASSERT_EQ(result.requirements.size(), 1u);
  EXPECT_EQ(result.requirements[0].holds.str(), "n == m");
  EXPECT_EQ(result.requirements[0].text,
            "add: shapes [n, 3] and [m, 1] do not broadcast: extents n and m of axis -2 must be equal, or "
            "one of them 1");
  const std::vector<TensorType> fixed = {{DType::kF32, {kN}}, {DType::kF32, {8}}};
  EXPECT_EQ(infer(kAdd, fixed, {}).outputs[0].shape.str(), "[8]");
  EXPECT_EQ(infer(kAdd, fixed, {}).requirements[0].holds.str(), "n == 8");
}

TEST(Infer, SlicesFollowPythonOnSymbols) {
  const std::vector<TensorType> in = {{DType::kF32, {kN}}};
  const auto extent = [&](const Dim& begin, const Dim& end, std::int64_t step) {
    return infer(kSlice, in,
                 {{"begin", Shape{begin}}, {"end", Shape{end}}, {"step", std::vector<std::int64_t>{step}}})
        .outputs[0]
        .shape[0];
  };
  constexpr std::int64_t kLow = INT64_MIN, kHigh = INT64_MAX;
  EXPECT_EQ(extent(0, kHigh, 1).str(), "n");
  EXPECT_EQ(extent(kHigh, kLow, -1).str(), "n");
  EXPECT_EQ(extent(kN, kHigh, 1).str(), "0");
  const Symbol n{"n", {.min = 0, .max = 1024}};
  for (const std::int64_t value : {0, 1, 2, 7})
    for (std::int64_t begin = -4; begin <= 4; ++begin)
      for (std::int64_t end = -4; end <= 4; ++end)
        for (const std::int64_t step : {1, 2, 3, -1, -2, -3}) {
          const std::int64_t low = step > 0 ? 0 : -1, high = step > 0 ? value : value - 1;
          const std::int64_t b = std::clamp(begin < 0 ? begin + value : begin, low, high);
          const std::int64_t e = std::clamp(end < 0 ? end + value : end, low, high);
          std::int64_t count = 0;
          for (std::int64_t i = b; step > 0 ? i < e : i > e; i += step) ++count;
          const Dim to = value;
          EXPECT_EQ(substitute(extent(begin, end, step), {&n, 1}, {&to, 1}).constant(), count)
              << value << " " << begin << ":" << end << ":" << step;
        }
}

TEST(Schema, RefusesWhatCannotWork) {
  const auto infer_nothing = [](InferContext&) {};
  static constexpr Input kVariadicFirst[] = {{.name = "a", .variadic = true}, {.name = "b"}};
  static constexpr Output kOut[] = {{.name = "out", .dtypes = only(DType::kF32)}};
  static constexpr AttributeDef kBadDefault[] = {
      {.name = "k", .kind = AttributeKind::kInt, .required = false, .fallback = "0.5"}};
  OpDef op{.id = "x", .inputs = kVariadicFirst, .outputs = kOut, .infer = infer_nothing};
  EXPECT_EQ(error_of([&] { check_schema(op); }), "operator 'x': input 'a' is variadic but not the last");
  op = {.id = "x", .attributes = kBadDefault, .outputs = kOut, .infer = infer_nothing};
  EXPECT_EQ(error_of([&] { check_schema(op); }),
            "operator 'x': the default of attribute 'k' is wrong: x: attribute 'k' must be an int, was given "
            "a float (0.5)");
  static constexpr Input kTwice[] = {{.name = "k"}};
  static constexpr AttributeDef kSameName[] = {{.name = "k", .kind = AttributeKind::kInt}};
  static constexpr std::string_view kOrder[] = {"k", "j"};
  op = {.id = "x", .inputs = kTwice, .attributes = kSameName, .outputs = kOut, .infer = infer_nothing};
  EXPECT_EQ(error_of([&] { check_schema(op); }), "operator 'x': two inputs or attributes are called 'k'");
  op = {.id = "x", .inputs = kTwice, .outputs = kOut, .infer = infer_nothing, .parameters = kOrder};
  EXPECT_EQ(error_of([&] { check_schema(op); }),
            "operator 'x': its parameters are not its inputs and attributes, each once");
  op = {.id = "x", .outputs = kOut};
  EXPECT_EQ(error_of([&] { check_schema(op); }), "operator 'x': it has no shape rule");
}

TEST(Signature, IsWhatUsersCall) {
  EXPECT_EQ(signature(kSoftmax), "softmax(input, dim=None)");
  EXPECT_EQ(signature(kGelu), "gelu(input, approximate=\"none\")");
  EXPECT_EQ(signature(kFull), "full(shape, value, dtype=f32)");
  EXPECT_EQ(signature(kSum), "sum(input, dim=None, keepdim=False)");
  EXPECT_EQ(signature(kGather), "gather(input, dim, index)");  // in the order of `parameters`
  EXPECT_TRUE(parameters(kGather)[1].attribute && parameters(kGather)[2].input);
}

}  // namespace
}  // namespace intarsia::ops
