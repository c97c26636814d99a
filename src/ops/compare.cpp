// Comparisons and logic: results are bool.
#include "ops/elementwise.h"
#include "ops/ops.h"
#include "ops/rules.h"

namespace intarsia::ops {
namespace {

constexpr Input kBoolPair[] = {
    {.name = "lhs", .dtypes = kBoolOnly, .doc = "any shape"},
    {.name = "rhs", .dtypes = kBoolOnly, .doc = "a shape that broadcasts with `lhs`"},
};
constexpr Input kOneBool[] = {{.name = "input", .dtypes = kBoolOnly, .doc = "any shape"}};
constexpr Output kBool[] = {{.name = "output", .dtypes = kBoolOnly, .doc = "the broadcast shape"}};

struct Equal {
  template <class T>
  bool operator()(T a, T b) const {
    return a == b;
  }
};
struct NotEqual {
  template <class T>
  bool operator()(T a, T b) const {
    return a != b;
  }
};
struct Less {
  template <class T>
  bool operator()(T a, T b) const {
    return a < b;
  }
};
struct LessEqual {
  template <class T>
  bool operator()(T a, T b) const {
    return a <= b;
  }
};
struct Greater {
  template <class T>
  bool operator()(T a, T b) const {
    return a > b;
  }
};
struct GreaterEqual {
  template <class T>
  bool operator()(T a, T b) const {
    return a >= b;
  }
};
struct And {
  bool operator()(std::int64_t a, std::int64_t b) const { return a != 0 && b != 0; }
};
struct Or {
  bool operator()(std::int64_t a, std::int64_t b) const { return a != 0 || b != 0; }
};
struct Xor {
  bool operator()(std::int64_t a, std::int64_t b) const { return (a != 0) != (b != 0); }
};
struct Not {
  std::int64_t operator()(std::int64_t a) const { return a == 0; }
};

template <class Rule>
constexpr OpDef to_bool(std::string_view id, std::string_view summary, std::span<const Input> inputs,
                        std::string_view doc, std::string_view example) {
  return pairwise<Rule>(id, summary, inputs, kBool, doc, example);
}

constexpr std::string_view kOrdered = "False where either is NaN; -0.0 equals 0.0.";

}  // namespace

constexpr OpDef kEqual =
    to_bool<Equal>("equal", "Whether two elements are equal.", kComparablePair, kOrdered,
                   "assert ia.equal(ia.Tensor([1, 2]), ia.Tensor([2])).tolist() == [False, True]");
constexpr OpDef kNotEqual =
    to_bool<NotEqual>("not_equal", "Whether two elements differ.", kComparablePair,
                      "True where either is NaN; -0.0 equals 0.0.",
                      "assert ia.not_equal(ia.Tensor([1, 2]), ia.Tensor([2])).tolist() == [True, False]");
constexpr OpDef kLess =
    to_bool<Less>("less", "Whether the first element is less than the second.", kComparablePair, kOrdered,
                  "assert ia.less(ia.Tensor([1, 2]), ia.Tensor([2])).tolist() == [True, False]");
constexpr OpDef kLessEqual = to_bool<LessEqual>(
    "less_equal", "Whether the first element is less than the second or equal to it.", kComparablePair,
    kOrdered, "assert ia.less_equal(ia.Tensor([2, 3]), ia.Tensor([2])).tolist() == [True, False]");
constexpr OpDef kGreater = to_bool<Greater>(
    "greater", "Whether the first element is greater than the second.", kComparablePair, kOrdered,
    "assert ia.greater(ia.Tensor([2, 3]), ia.Tensor([2])).tolist() == [False, True]");
constexpr OpDef kGreaterEqual = to_bool<GreaterEqual>(
    "greater_equal", "Whether the first element is greater than the second or equal to it.", kComparablePair,
    kOrdered, "assert ia.greater_equal(ia.Tensor([1, 2]), ia.Tensor([2])).tolist() == [False, True]");
constexpr OpDef kLogicalAnd = to_bool<And>(
    "logical_and", "Whether both elements are true.", kBoolPair, "",
    "assert ia.logical_and(ia.Tensor([True, False]), ia.Tensor([True])).tolist() == [True, False]");
constexpr OpDef kLogicalOr = to_bool<Or>(
    "logical_or", "Whether at least one of two elements is true.", kBoolPair, "",
    "assert ia.logical_or(ia.Tensor([True, False]), ia.Tensor([False])).tolist() == [True, False]");
constexpr OpDef kLogicalXor = to_bool<Xor>(
    "logical_xor", "Whether exactly one of two elements is true.", kBoolPair, "",
    "assert ia.logical_xor(ia.Tensor([True, False]), ia.Tensor([True])).tolist() == [False, True]");
constexpr OpDef kLogicalNot = {
    .id = "logical_not",
    .summary = "Whether an element is false.",
    .inputs = kOneBool,
    .outputs = kBool,
    .infer = infer_same,
    .reference = reference_unary<Not>,
    .example = "assert ia.logical_not(ia.Tensor([True, False])).tolist() == [False, True]"};

}  // namespace intarsia::ops
