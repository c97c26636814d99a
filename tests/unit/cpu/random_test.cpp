// Random kernels: what the machine computes is what the interpreter computes, bit for bit.
//
// Numbers stay small integers, whatever the dtype, so that no sum depends on its order.
#include "against_interpreter.h"
#include "kernel/kernel.h"

namespace intarsia::test {
namespace {

using Values = std::vector<ValueId>;
using Extents = std::vector<std::int64_t>;

class Generator {
 public:
  Generator(unsigned seed, Kit& kit) : random_(seed), b_(kit.b) {
    constexpr std::int64_t kExtents[] = {1, 2, 3, 5, 8, 16, 19, 33};
    rows_ = kExtents[random_() % 8], columns_ = kExtents[random_() % 8];
    all_rows_ = 2 * rows_ - (random_() % 2 == 0 ? 0 : 1),
    all_columns_ = columns_ - (columns_ > 1 && random_() % 2 == 0 ? 1 : 0);
    constexpr DType kTypes[] = {DType::kF32, DType::kI32, DType::kI8, DType::kF16, DType::kI64, DType::kBF16};
    dtype_ = kTypes[random_() % 6];
    for (std::uint32_t n = 0; n < 2; ++n)
      memory_.push_back(
          b_.view("in" + std::to_string(n), Role::kInput, n, dtype_, {all_rows_, all_columns_}));
    for (std::uint32_t n = 0; n < 3; ++n)
      memory_.push_back(b_.view("out" + std::to_string(n), n == 0 ? Role::kInOut : Role::kOutput, n, dtype_,
                                {all_rows_, all_columns_}));
    pointer_ = kit.pointer("p", Role::kInput, dtype_, 7);
    row_ = b_.binary(Fn::kMul, b_.program_id(0), constant_index(rows_));
    pool_ = {load(0), load(1)};
    kit.k.grid = {2, 1, 1};
  }

  void build(int steps) {
    for (int i = 0; i < steps; ++i) pool_.push_back(small(step()));
    for (std::uint32_t n = 3; n < 5; ++n) store(n, any());
  }

  std::vector<Tensor> tensors() {
    std::vector<Tensor> out;
    for (int n = 0; n < 6; ++n)
      out.push_back(filled(dtype_, all_rows_ * all_columns_, random_, tame_integer));
    return out;
  }

 private:
  static double tame_integer(DType, std::mt19937& random) {
    return static_cast<double>(static_cast<int>(random() % 9) - 4);
  }

  std::size_t below(std::size_t n) { return random_() % n; }
  ValueId any() { return pool_[pool_.size() - 1 - below(std::min<std::size_t>(pool_.size(), 5))]; }
  ValueId constant_index(std::int64_t v) { return b_.constant(v, kernel::scalar(DType::kI64)); }
  ValueId number(std::int64_t v, ValueId like) {
    const kernel::Type& t = b_.type(like);
    return is_float(t.dtype) ? b_.constant(static_cast<double>(v), t) : b_.constant(v, t);
  }
  ValueId small(ValueId v) {
    return b_.binary(Fn::kMax, number(-4, v), b_.binary(Fn::kMin, v, number(4, v)));
  }
  Extents shape() const { return {rows_, columns_}; }
  Extents shape_of(ValueId v) const {
    const kernel::Type& t = b_.type(v);
    return {t.extents.begin(), t.extents.begin() + t.rank};
  }

  ValueId load(std::size_t n) {
    const std::int64_t shift = static_cast<std::int64_t>(below(4)) - 1;
    const Values at = {row_, constant_index(below(2) == 0 ? 0 : shift)};
    return b_.load(memory_[n], at, shape(), static_cast<double>(below(3)));
  }
  void store(std::size_t n, ValueId v) {
    const Values at = {row_, constant_index(0)};
    b_.store(memory_[n], v, at);
  }
  ValueId place_of_rows() {
    return b_.broadcast(b_.reshape(b_.arange(0, rows_), Extents{rows_, 1}), shape());
  }
  ValueId place_of_columns() {
    return b_.broadcast(b_.reshape(b_.arange(0, columns_), Extents{1, columns_}), shape());
  }

  ValueId pointer_load() {
    const ValueId r = b_.binary(Fn::kAdd, place_of_rows(), b_.broadcast(row_, shape())),
                  c = place_of_columns();
    const ValueId at = b_.binary(Fn::kAdd, b_.binary(Fn::kMul, r, number(all_columns_, r)), c);
    const ValueId inside = b_.binary(Fn::kAnd, b_.compare(Fn::kLt, r, number(all_rows_, r)),
                                     b_.compare(Fn::kGt, number(all_columns_, c), c));
    const ValueId part = b_.binary(
        Fn::kAnd, inside,
        b_.compare(below(2) == 0 ? Fn::kGe : Fn::kNe, c, number(static_cast<std::int64_t>(below(4)), c)));
    const ValueId mask =
        below(3) == 0 ? b_.binary(Fn::kAnd, part, b_.compare(Fn::kGt, any(), number(0, pool_[0]))) : part;
    const ValueId p = b_.pointer_add(pointer_, at);
    return below(2) == 0 ? b_.load_at(p, mask) : b_.load_at(p, mask, any());
  }

  ValueId reduced() {
    const int axis = static_cast<int>(below(2));
    constexpr Fn kFns[] = {Fn::kAdd, Fn::kMin, Fn::kMax};
    return b_.broadcast(b_.reduce(kFns[below(3)], any(), axis), shape());
  }
  ValueId turned() {
    const int order[] = {1, 0};
    const ValueId t = b_.transpose(any(), order);
    return b_.transpose(b_.binary(Fn::kAdd, t, b_.unary(Fn::kNeg, t)), order);
  }
  ValueId flattened() {
    const ValueId flat = b_.reshape(any(), Extents{rows_ * columns_});
    return b_.reshape(b_.scan(below(2) == 0 ? Fn::kMax : Fn::kMin, flat, 0, below(2) == 0), shape());
  }
  ValueId gathered() {
    const int axis = static_cast<int>(below(2));
    const ValueId at =
        b_.binary(Fn::kFloorMod, b_.cast(any(), DType::kI32),
                  b_.constant(axis == 0 ? rows_ : columns_, kernel::block(DType::kI32, shape())));
    return b_.gather(any(), at, axis);
  }
  ValueId looped() {
    const Values start = {any(), any()};
    const ValueId rounds = constant_index(static_cast<std::int64_t>(below(4)));
    const bool crossed = below(2) == 0;
    const Values out = b_.for_(constant_index(0), rounds, constant_index(1), start,
                               [&](ValueId i, std::span<const ValueId> v) {
                                 const ValueId step = b_.broadcast(b_.cast(i, dtype_), shape());
                                 const ValueId a = small(b_.binary(Fn::kAdd, v[0], step)),
                                               c = small(b_.binary(Fn::kSub, v[1], v[0]));
                                 return crossed ? Values{c, a} : Values{a, c};
                               });
    return b_.binary(Fn::kAdd, out[0], out[1]);
  }
  ValueId chosen() {
    const ValueId one = b_.reshape(b_.reduce(Fn::kMax, b_.reduce(Fn::kMax, any(), 0), 1), Extents{});
    const ValueId x = any(), y = any();
    return b_.if_(
        b_.compare(Fn::kGt, one, number(2, one)), [&] { return Values{b_.binary(Fn::kAdd, x, y)}; },
        [&] { return Values{b_.binary(Fn::kMin, x, y)}; })[0];
  }
  ValueId product() {
    if (dtype_ != DType::kF32 && dtype_ != DType::kI32) return any();
    const int order[] = {1, 0};
    const ValueId x = any(), y = any();
    const ValueId square =
        b_.dot(x, b_.transpose(y, order), b_.constant(0, kernel::block(DType::kI32, Extents{rows_, rows_})));
    return b_.broadcast(b_.cast(b_.reduce(Fn::kMax, square, 1), dtype_), shape());
  }
  ValueId stored_and_read_again() {
    store(2, any());
    return load(2);
  }

  ValueId step() {
    switch (below(14)) {
      case 0: return load(below(3));
      case 1: return pointer_load();
      case 2: return reduced();
      case 3: return turned();
      case 4: return flattened();
      case 5: return gathered();
      case 6: return looped();
      case 7: return chosen();
      case 8: return stored_and_read_again();
      case 9: return b_.select(b_.compare(Fn::kLt, any(), any()), any(), any());
      case 10: return b_.cast(b_.cast(any(), below(2) == 0 ? DType::kF64 : DType::kI16), dtype_);
      case 11: return dtype_ == DType::kI32 ? product() : b_.unary(Fn::kAbs, any());
      default: {
        constexpr Fn kFns[] = {Fn::kAdd, Fn::kSub, Fn::kMul, Fn::kMin, Fn::kMax};
        return b_.binary(kFns[below(5)], any(), any());
      }
    }
  }

  std::mt19937 random_;
  Builder& b_;
  std::int64_t rows_ = 1, columns_ = 1, all_rows_ = 1, all_columns_ = 1;
  DType dtype_ = DType::kF32;
  Values memory_, pool_;
  ValueId pointer_{}, row_{};
};

TEST(CpuRandom, KernelsAgreeWithTheInterpreter) {
  for (unsigned seed = 0; seed < 150; ++seed) {
    Kit kit("random");
    Generator generator(seed, kit);
    generator.build(3 + static_cast<int>(seed % 12));
    const std::vector<std::string> all = levels();
    SCOPED_TRACE("seed " + std::to_string(seed) + "\n" + kernel::print(kit.k));
    expect_equal_runs(kit.k, generator.tensors(), {}, all[seed % all.size()]);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace intarsia::test
