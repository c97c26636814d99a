#include "support/op_cases.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <random>

#include "base/error.h"
#include "ops/attribute_text.h"
#include "ops/rules.h"

namespace intarsia::testing {
namespace {

using Extents = std::vector<std::int64_t>;
using Ints = std::vector<std::int64_t>;

// Shapes of the inputs, by number of inputs. Operators of every family find theirs here; infer refuses the
// others.
const std::vector<std::vector<Extents>>& shape_pool(std::size_t inputs) {
  static const std::vector<std::vector<Extents>> kNone = {{}};
  static const std::vector<std::vector<Extents>> kOne = {{{}},     {{0}},    {{1}},     {{7}},      {{257}},
                                                         {{3, 0}}, {{1, 5}}, {{4, 33}}, {{2, 3, 5}}};
  static const std::vector<std::vector<Extents>> kTwo = {
      {{}, {}},
      {{7}, {7}},
      {{7}, {}},
      {{0}, {1}},
      {{3, 1}, {1, 5}},
      {{33}, {4, 33}},
      {{257}, {257}},
      {{2, 3, 5}, {3, 1}},
      {{2, 3}, {3, 4}},
      {{0, 3}, {3, 4}},
      {{2, 0}, {0, 4}},
      {{17, 33}, {33, 9}},
      {{5, 2, 3}, {3, 4}},
      {{5, 1, 2, 3}, {4, 3, 2}},
      {{3}, {5, 3, 2}},
      {{5, 2, 3}, {3}},
      {{5, 3}, {2, 2}},
      {{4}, {0}},
      {{1, 1}, {1, 1}},
  };
  static const std::vector<std::vector<Extents>> kThree = {
      {{}, {}, {}},       {{7}, {7}, {7}},          {{}, {4, 3}, {1}},           {{4, 1}, {3}, {4, 3}},
      {{0}, {1}, {0}},    {{4, 33}, {33}, {33}},    {{2, 3, 5}, {3, 5}, {3, 5}}, {{0, 8}, {8}, {8}},
      {{3, 1}, {1}, {1}}, {{2, 257}, {257}, {257}},
  };
  static const std::map<std::size_t, const std::vector<std::vector<Extents>>*> kPools = {
      {0, &kNone}, {1, &kOne}, {2, &kTwo}, {3, &kThree}};
  const auto pool = kPools.find(inputs);
  return pool == kPools.end() ? kNone : *pool->second;
}
const std::vector<std::vector<Extents>> kVariadic = {
    {{3}}, {{2, 3}, {2, 3}}, {{2, 0}, {2, 3}, {2, 1}}, {{1, 7}, {4, 7}, {2, 7}}};

constexpr std::int64_t kFirst = std::numeric_limits<std::int64_t>::min(),
                       kLast = std::numeric_limits<std::int64_t>::max();

std::vector<AttributeValue> shapes_by_name(std::string_view name) {
  if (name == "begin") return {Shape{}, Shape{0}, Shape{-4}, Shape{kLast}, Shape{1, -2}, Shape{0, 1, 1}};
  if (name == "end")
    return {Shape{}, Shape{kLast}, Shape{-1}, Shape{kFirst}, Shape{3, 5}, Shape{2, kLast, -1}};
  if (name == "sizes")
    return {Shape{}, Shape{-1}, Shape{4, 1}, Shape{3, -1}, Shape{4, 5}, Shape{2, -1, -1, 5}, Shape{2, 1, 7}};
  return {Shape{},      Shape{0},       Shape{1},     Shape{3},    Shape{-1},
          Shape{3, -1}, Shape{5, 2, 3}, Shape{33, 4}, Shape{0, 3}, Shape{1, 7, 1}};
}
std::vector<AttributeValue> ints_by_name(std::string_view name) {
  if (name == "perm") return {Ints{}, Ints{0}, Ints{1, 0}, Ints{2, 0, 1}, Ints{-1, 1, 0}};
  if (name == "step") return {Ints{1}, Ints{-1}, Ints{3}, Ints{2, 1}, Ints{1, -2, 2}};
  return {Ints{}, Ints{0}, Ints{-1}, Ints{0, 1}, Ints{-1, 0}};
}
std::vector<AttributeValue> arrays() {
  std::vector<AttributeValue> all;
  for (int t = 1; is_known(static_cast<DType>(t)); ++t) {
    const auto dtype = static_cast<DType>(t);
    ops::OwnedTensor data = ops::make_tensor(dtype, {3});
    fill(data, 11, true);
    all.push_back(
        Array{dtype, 3, std::string(reinterpret_cast<const char*>(data.bytes.data()), data.bytes.size())});
  }
  return all;
}

std::vector<AttributeValue> attribute_pool(const ops::AttributeDef& def) {
  std::vector<AttributeValue> all;
  if (!def.required) all.push_back(std::monostate{});
  const auto append = [&](const std::vector<AttributeValue>& more) {
    all.insert(all.end(), more.begin(), more.end());
  };
  switch (def.kind) {
    case ops::AttributeKind::kBool: append({true, false}); break;
    case ops::AttributeKind::kInt: append({std::int64_t{0}, std::int64_t{1}, std::int64_t{-1}}); break;
    case ops::AttributeKind::kFloat: append({0.5}); break;
    case ops::AttributeKind::kNumber: append({true, std::int64_t{-3}, 2.5}); break;
    case ops::AttributeKind::kShape: append(shapes_by_name(def.name)); break;
    case ops::AttributeKind::kInts: append(ints_by_name(def.name)); break;
    case ops::AttributeKind::kArray: append(arrays()); break;
    case ops::AttributeKind::kString:
      for (const std::string_view choice : def.choices) all.emplace_back(std::string(choice));
      break;
    case ops::AttributeKind::kDType:
      for (int t = 1; is_known(static_cast<DType>(t)); ++t) all.emplace_back(static_cast<DType>(t));
      break;
    default: break;
  }
  return all;
}

std::vector<Attributes> attribute_grid(const ops::OpDef& op) {
  std::vector<Attributes> grid = {{}};
  for (const ops::AttributeDef& def : op.attributes) {
    std::vector<Attributes> wider;
    for (const Attributes& base : grid)
      for (const AttributeValue& value : attribute_pool(def)) {
        Attributes with = base;
        if (!std::holds_alternative<std::monostate>(value)) with.set(std::string(def.name), value);
        wider.push_back(std::move(with));
      }
    grid = std::move(wider);
  }
  return grid;
}

const ops::Input& port(const ops::OpDef& op, std::size_t i) {
  return op.inputs[std::min(i, op.inputs.size() - 1)];
}

// One dtype per input; inputs of one type variable agree.
std::vector<std::vector<DType>> dtype_grid(const ops::OpDef& op, std::size_t inputs) {
  std::vector<std::vector<DType>> grid = {{}};
  for (std::size_t i = 0; i < inputs; ++i) {
    std::vector<std::vector<DType>> wider;
    for (const auto& base : grid)
      for (int t = 1; is_known(static_cast<DType>(t)); ++t) {
        const auto dtype = static_cast<DType>(t);
        bool fits = (port(op, i).dtypes & only(dtype)) != 0;
        for (std::size_t k = 0; k < i; ++k)
          if (port(op, k).type_variable >= 0 && port(op, k).type_variable == port(op, i).type_variable)
            fits &= base[k] == dtype;
        if (!fits) continue;
        wider.push_back(base);
        wider.back().push_back(dtype);
      }
    grid = std::move(wider);
  }
  return grid;
}

std::string case_name(const ops::OpDef& op, const OpCase& c) {
  std::string s(op.id);
  for (const ops::OwnedTensor& t : c.inputs)
    s += fmt::format(" {}{}", name(t.dtype), Shape(t.extents.begin(), t.extents.end()).str());
  for (const auto& [attribute, value] : c.attributes) s += fmt::format(" {}={}", attribute, ops::text(value));
  return s + (c.wild ? " wild" : "");
}

struct Combination {
  const std::vector<Extents>& shapes;
  const std::vector<DType>& dtypes;
  const Attributes& attributes;
};

// The case, or nothing where infer refuses it.
void add_cases(const ops::OpDef& op, const Combination& combination, std::vector<OpCase>& cases) {
  std::vector<ops::TensorType> types;
  for (std::size_t i = 0; i < combination.shapes.size(); ++i)
    types.push_back(
        {combination.dtypes[i], Shape(combination.shapes[i].begin(), combination.shapes[i].end())});
  OpCase c;
  try {
    c.attributes = ops::bind(op, combination.attributes);
    c.outputs = ops::infer_bound(op, types, c.attributes).outputs;
  } catch (const UserError&) { return; }
  for (const bool wild : {false, true}) {
    c.wild = wild;
    c.inputs.clear();
    for (std::size_t i = 0; i < types.size(); ++i) {
      c.inputs.push_back(ops::make_tensor(types[i].dtype, combination.shapes[i]));
      fill(c.inputs.back(), cases.size() * 8 + i, wild);
    }
    c.name = case_name(op, c);
    cases.push_back(c);
    if (types.empty()) break;
  }
}

double special(std::uint64_t which, DType t) {
  switch (which % 7) {
    case 0: return std::numeric_limits<double>::quiet_NaN();
    case 1: return std::numeric_limits<double>::infinity();
    case 2: return -std::numeric_limits<double>::infinity();
    case 3: return -0.0;
    case 4: return 0.0;
    case 5: return float_from_bits(t, 1);  // the smallest denormal
    default: return -float_from_bits(t, 3);
  }
}

}  // namespace

void fill(ops::OwnedTensor& tensor, std::uint64_t seed, bool wild) {
  std::mt19937_64 random(seed * 2 + wild);
  const ops::HostTensor t = tensor.view();
  const std::uint64_t mask = ~std::uint64_t{0} >> (64 - bits(t.dtype));
  for (std::int64_t i = 0; i < ops::numel(t); ++i) {
    const std::uint64_t r = random(), choice = r >> 60;
    if (t.dtype == DType::kBool)
      store_bits(t.dtype, t.data, i, r & 1);
    else if (!is_float(t.dtype))
      store_bits(t.dtype, t.data, i,
                 wild && choice < 4 ? (choice == 0   ? mask >> 1
                                       : choice == 1 ? (mask >> 1) + 1
                                                     : r & mask)
                                    : bits_from_int(t.dtype, static_cast<std::int64_t>(r % 9) - 4));
    else
      ops::write(t, i, wild && choice < 4 ? special(r, t.dtype) : static_cast<double>(r % 8001) / 1000 - 4);
  }
}

void poison(ops::OwnedTensor& tensor) {
  std::fill(tensor.bytes.begin(), tensor.bytes.end(), std::byte{0xAB});
}

std::vector<ops::TensorType> OpCase::input_types() const {
  std::vector<ops::TensorType> types;
  for (const ops::OwnedTensor& t : inputs)
    types.push_back({t.dtype, Shape(t.extents.begin(), t.extents.end())});
  return types;
}
std::vector<ops::HostTensor> OpCase::input_views() {
  std::vector<ops::HostTensor> views;
  for (ops::OwnedTensor& t : inputs) views.push_back(t.view());
  return views;
}

std::vector<OpCase> cases_for(const ops::OpDef& op) {
  std::vector<OpCase> cases;
  const bool variadic = !op.inputs.empty() && op.inputs.back().variadic;
  const std::vector<Attributes> attributes = attribute_grid(op);
  for (const std::vector<Extents>& shapes : variadic ? kVariadic : shape_pool(op.inputs.size()))
    for (const std::vector<DType>& dtypes : dtype_grid(op, shapes.size()))
      for (const Attributes& a : attributes) add_cases(op, {shapes, dtypes, a}, cases);
  return cases;
}

std::vector<ops::OwnedTensor> reference(const ops::OpDef& op, OpCase& op_case) {
  std::vector<ops::OwnedTensor> outputs;
  std::vector<ops::HostTensor> views;
  for (const ops::TensorType& type : op_case.outputs) {
    Extents extents;
    for (const Dim& d : type.shape) extents.push_back(d.constant());
    outputs.push_back(ops::make_tensor(type.dtype, std::move(extents)));
    poison(outputs.back());
  }
  for (ops::OwnedTensor& t : outputs) views.push_back(t.view());
  const std::vector<ops::HostTensor> inputs = op_case.input_views();
  ops::ReferenceContext context{op, op_case.attributes, inputs, views};
  op.reference(context);
  return outputs;
}

}  // namespace intarsia::testing
