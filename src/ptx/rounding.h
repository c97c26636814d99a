// A directed rounding mode while the object lives.
#pragma once
#include <cfenv>
#include <string_view>

#ifdef __SSE__
#include <xmmintrin.h>
#endif

#include "ptx/opcodes.h"

namespace intarsia::ptx {

class RoundingMode {
 public:
#ifdef __SSE__  // floats are computed by SSE alone, whose modes are the x87's three bits higher
  explicit RoundingMode(int mode) : before_(_mm_getcsr()) {
    _mm_setcsr((before_ & ~unsigned{_MM_ROUND_MASK}) | static_cast<unsigned>(mode) << 3);
  }
  ~RoundingMode() { _mm_setcsr(before_); }
#else
  explicit RoundingMode(int mode) : before_(static_cast<unsigned>(std::fegetround())) {
    std::fesetround(mode);
  }
  ~RoundingMode() { std::fesetround(static_cast<int>(before_)); }
#endif
  RoundingMode(const RoundingMode&) = delete;
  RoundingMode& operator=(const RoundingMode&) = delete;

 private:
  unsigned before_;
};

// Keeps an operation between the switches of the mode: the compiler must neither move nor fold it.
template <class T>
inline T opaque(T x) {
  volatile T v = x;
  return v;
}

inline int rounding_of(const Form& form) {
  if (form.has("rz") || form.has("rzi")) return FE_TOWARDZERO;
  if (form.has("rm") || form.has("rmi")) return FE_DOWNWARD;
  if (form.has("rp") || form.has("rpi")) return FE_UPWARD;
  return FE_TONEAREST;
}

}  // namespace intarsia::ptx
