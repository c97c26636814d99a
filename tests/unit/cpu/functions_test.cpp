// Every scalar function and cast on every dtype, against the interpreter.
#include "against_interpreter.h"
#include "kernel/rules.h"

namespace intarsia::test {
namespace {

constexpr std::int64_t kCount = 617;  // not a multiple of any vector

std::vector<DType> all_dtypes() {
  std::vector<DType> out;
  for (int i = 1; i < 18; ++i) out.push_back(static_cast<DType>(i));
  return out;
}
std::vector<Fn> all_functions() {
  std::vector<Fn> out;
  for (int i = 0; i < 64 && kernel::is_known(static_cast<Fn>(i)); ++i) out.push_back(static_cast<Fn>(i));
  return out;
}

// How far a function may be from the correctly rounded result, as docs/accuracy.md promises.
double allowed(Fn fn, DType t) {
  const bool small = t != DType::kF32 && t != DType::kF64;
  switch (fn) {
    case Fn::kExp:
    case Fn::kExp2:
    case Fn::kLog:
    case Fn::kLog2:
    case Fn::kSin:
    case Fn::kCos:
    case Fn::kPow:
    case Fn::kRsqrt: return small ? 1 : 2;
    case Fn::kTanh:
    case Fn::kErf: return small ? 1 : 4;
    default: return 0;
  }
}

// out = fn(a, b) over one long row.
template <class Body>
Kernel pointwise(const std::string& name, DType in, DType out, const Body& body) {
  Kit kit(name);
  Builder& b = kit.b;
  const std::int64_t extents[] = {128};
  const ValueId x = b.view("a", Role::kInput, 0, in, {kCount}),
                w = b.view("b", Role::kInput, 1, in, {kCount}),
                y = b.view("y", Role::kOutput, 0, out, {kCount});
  const ValueId at[] = {b.binary(Fn::kMul, b.program_id(0), b.constant(128, kernel::scalar(DType::kI64)))};
  b.store(y, body(b, b.load(x, at, extents), b.load(w, at, extents)), at);
  kit.k.grid = {cdiv(kCount, 128), 1, 1};
  return kit.k;
}

struct Case {
  Kernel kernel;
  DType out;
  double ulps;
};

void run_cases(std::span<const Case> cases, DType in, const std::string& level) {
  std::mt19937 random(static_cast<unsigned>(in));
  std::vector<Kernel> kernels;
  for (const Case& c : cases) kernels.push_back(c.kernel);
  const runtime::CpuImage image = load(kernels, level);
  for (const Case& c : cases) {
    SCOPED_TRACE(std::string(name(in)));
    std::vector<Tensor> tensors = {filled(in, kCount, random, interesting),
                                   filled(in, kCount, random, interesting), Tensor(c.out, kCount)};
    expect_equal_runs(image, c.kernel, tensors, {}, level, {.ulps = c.ulps * (level == "x86-64-v2" ? 2 : 1)});
  }
}

TEST(CpuFunctions, EveryFunctionOnEveryDtype) {
  for (const std::string& level : levels())
    for (const DType t : all_dtypes()) {
      std::vector<Case> cases;
      for (const Fn fn : all_functions()) {
        const std::string text(kernel::text_of(fn));
        if ((kernel::unary_dtypes(fn) & only(t)) != 0)
          cases.push_back({pointwise("unary_" + text, t, t,
                                     [&](Builder& b, ValueId x, ValueId) { return b.unary(fn, x); }),
                           t, allowed(fn, t)});
        if ((kernel::binary_dtypes(fn) & only(t)) != 0)
          cases.push_back({pointwise("binary_" + text, t, t,
                                     [&](Builder& b, ValueId x, ValueId y) { return b.binary(fn, x, y); }),
                           t, allowed(fn, t)});
        if ((kernel::compare_dtypes(fn) & only(t)) != 0)
          cases.push_back({pointwise("compare_" + text, t, DType::kBool,
                                     [&](Builder& b, ValueId x, ValueId y) { return b.compare(fn, x, y); }),
                           DType::kBool, 0});
      }
      run_cases(cases, t, level);
    }
}

TEST(CpuFunctions, EveryCast) {
  for (const std::string& level : levels())
    for (const DType from : all_dtypes()) {
      std::vector<Case> cases;
      for (const DType to : all_dtypes()) {
        if (to == from) continue;
        cases.push_back({pointwise("cast_" + std::string(name(to)), from, to,
                                   [&](Builder& b, ValueId x, ValueId) { return b.cast(x, to); }),
                         to, 0});
        if (bits(from) == bits(to) && from != DType::kBool && to != DType::kBool && bits(from) != 8 &&
            bits(from) != 16)
          cases.push_back({pointwise("bits_" + std::string(name(to)), from, to,
                                     [&](Builder& b, ValueId x, ValueId) { return b.bitcast(x, to); }),
                           to, 0});
      }
      run_cases(cases, from, level);
    }
}

TEST(CpuFunctions, FusedMultiplyAddAndSelect) {
  for (const std::string& level : levels())
    for (const DType t : {DType::kF32, DType::kF16, DType::kBF16, DType::kI32}) {
      std::vector<Case> cases;
      if (is_float(t))
        cases.push_back({pointwise("fma", t, t,
                                   [&](Builder& b, ValueId x, ValueId y) {
                                     return b.fma(x, y, b.binary(Fn::kSub, y, x));
                                   }),
                         t, 0});
      cases.push_back({pointwise("select", t, t,
                                 [&](Builder& b, ValueId x, ValueId y) {
                                   return b.select(b.compare(Fn::kLt, x, y), x, y);
                                 }),
                       t, 0});
      run_cases(cases, t, level);
    }
}

}  // namespace
}  // namespace intarsia::test
