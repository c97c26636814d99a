// Scalar functions of the kernel IR on registers, for CPUs and for PTX: one value, or a vector of them.
//
// In a register bool is i1, integers are themselves, f16, bf16 and both f8 are f32 values that their dtype
// holds exactly, f32 and f64 are themselves. In memory bool is one byte and small floats are their bits.
#pragma once
#include <llvm/IR/IRBuilder.h>

#include <initializer_list>
#include <span>

#include "base/dtype.h"
#include "kernel/kernel.h"
#include "runtime/cpu_image.h"

namespace intarsia::target {

using kernel::Fn;

struct Features {
  explicit Features(runtime::CpuLevel level)
      : vector_bytes(level == runtime::CpuLevel::kV4   ? 64
                     : level == runtime::CpuLevel::kV3 ? 32
                                                       : 16),
        fma(level >= runtime::CpuLevel::kV3),
        avx512(level == runtime::CpuLevel::kV4) {}
  int vector_bytes;
  bool fma;     // and f16 conversions
  bool avx512;  // masks for every element width, scalef
};

class Lanes {
 public:
  Lanes(llvm::IRBuilder<>& builder, const Features& machine) : ir(builder), features(machine) {}

  llvm::IRBuilder<>& ir;
  const Features features;

  // ---- types ----
  llvm::Type* register_type(DType t) const;
  llvm::Type* memory_type(DType t) const;                     // of i4 and u4: i8, one element to a byte
  static int width(const llvm::Value* v);                     // lanes; 0: a scalar
  static llvm::Type* shaped(llvm::Type* element, int width);  // width 0: itself
  llvm::Type* like(llvm::Type* element, const llvm::Value* v) const { return shaped(element, width(v)); }
  llvm::Value* splat(llvm::Value* v, int width);  // a vector stays as it is
  void align(llvm::Value*& a, llvm::Value*& b);   // if one is a vector, both are
  llvm::Value* iota(int width, llvm::Type* element) const;

  // ---- meaning ----
  llvm::Value* constant(DType t, std::int64_t bits) const;  // bits as in Key::kBits
  llvm::Value* unary(Fn fn, DType t, llvm::Value* a);
  llvm::Value* binary(Fn fn, DType t, llvm::Value* a, llvm::Value* b);
  llvm::Value* compare(Fn fn, DType t, llvm::Value* a, llvm::Value* b);
  llvm::Value* fused_multiply_add(DType t, llvm::Value* a, llvm::Value* b, llvm::Value* c);
  llvm::Value* cast(DType from, llvm::Value* v, DType to);
  llvm::Value* bitcast(DType from, llvm::Value* v, DType to);
  llvm::Value* from_memory(DType t, llvm::Value* v);
  llvm::Value* to_memory(DType t, llvm::Value* v);

  // ---- shared by the files that implement the above ----
  llvm::Value* real(const llvm::Value* shape, double v) const;  // a constant of shape's own type
  llvm::Value* integer(const llvm::Value* shape, std::int64_t v) const;
  llvm::Value* bits_of(llvm::Value* v);  // f32 -> i32, f64 -> i64
  llvm::Value* real_of(llvm::Value* v);  // back
  llvm::Value* multiply_add(llvm::Value* a, llvm::Value* b,
                            llvm::Value* c);  // fused where that is one instruction
  llvm::Value* polynomial(llvm::Value* x, std::initializer_list<double> coefficients);  // highest power first
  llvm::Value* is_nan(llvm::Value* v) { return ir.CreateFCmpUNO(v, v); }
  llvm::Value* call(llvm::Intrinsic::ID id, std::initializer_list<llvm::Value*> arguments);
  llvm::Value* round_small(DType t, llvm::Value* f32);  // to a value that t holds
  llvm::Value* narrow_to_odd(llvm::Value* f64);         // f32, so that a second rounding is right
  llvm::Value* scale_by_power_of_two(llvm::Value* x,
                                     llvm::Value* n);  // x * 2^n, n a whole float, through denormals

  // ---- parts of the transcendental functions ----
  struct Split {
    llvm::Value *exponent, *fraction;
  };
  Split split(llvm::Value* x);
  llvm::Value* exp_minus_one_near_zero(llvm::Value* r);
  llvm::Value* log_one_plus_minus(llvm::Value* f);
  llvm::Value* log_special(llvm::Value* x, llvm::Value* result);
  llvm::Value* clamp_size(llvm::Value* x, double limit);
  llvm::Value* erf_f64(llvm::Value* x);
  struct Angle {
    llvm::Value *quarters, *rest;
  };  // x = quarters * pi/2 + rest; quarters modulo 4, both f64
  Angle reduce_angle(llvm::Value* f64, double limit);
  Angle reduce_large_angle(llvm::Value* f64, llvm::Value* large, Angle small);
  llvm::Value* product_error(llvm::Value* a, llvm::Value* b,
                             llvm::Value* product);                       // a * b - product, exactly
  llvm::Value* pow_size(llvm::Value* f64, llvm::Value* y, bool precise);  // |x|^y
  llvm::Value* remainder_f64(llvm::Value* x, llvm::Value* y, int bits);
  llvm::Value* binary_exponent(llvm::Value* f64);
  llvm::Value* narrow(llvm::Value* f64);
  llvm::Value* any(llvm::Value* mask) { return width(mask) == 0 ? mask : ir.CreateOrReduce(mask); }

  // ---- transcendental functions, of f32 and f64 ----
  llvm::Value* exp(llvm::Value* x);
  llvm::Value* exp2(llvm::Value* x);
  llvm::Value* log(llvm::Value* x);
  llvm::Value* log2(llvm::Value* x);
  llvm::Value* tanh(llvm::Value* x);
  llvm::Value* erf(llvm::Value* x);
  llvm::Value* sin_or_cos(llvm::Value* x, bool cosine);
  llvm::Value* pow(llvm::Value* x, llvm::Value* y);
  llvm::Value* remainder(llvm::Value* x, llvm::Value* y);  // C's fmod

 private:
  llvm::Value* unary_real(Fn fn, llvm::Value* a);
  llvm::Value* binary_real(Fn fn, llvm::Value* a, llvm::Value* b);
  llvm::Value* unary_integer(Fn fn, DType t, llvm::Value* a);
  llvm::Value* binary_integer(Fn fn, DType t, llvm::Value* a, llvm::Value* b);
  llvm::Value* divide(Fn fn, bool is_signed, llvm::Value* a, llvm::Value* b);
  llvm::Value* floor_divide(Fn fn, bool is_signed, llvm::Value* a, llvm::Value* b);
  llvm::Value* floor_remainder(llvm::Value* a, llvm::Value* b);
  llvm::Value* shift(Fn fn, bool is_signed, llvm::Value* a, llvm::Value* b);
  llvm::Value* integer_to_real(DType from, llvm::Value* v, DType to);
  llvm::Value* real_to_integer(DType from, llvm::Value* v, DType to);
  llvm::Value* real_to_real(DType from, llvm::Value* v, DType to);
};

}  // namespace intarsia::target
