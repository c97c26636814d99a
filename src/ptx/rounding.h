// A directed rounding mode while the object lives.
#pragma once
#include <cfenv>
#include <string_view>

#include "ptx/opcodes.h"

namespace intarsia::ptx {

class RoundingMode {
 public:
  explicit RoundingMode(int mode) : before_(std::fegetround()) { std::fesetround(mode); }
  ~RoundingMode() { std::fesetround(before_); }
  RoundingMode(const RoundingMode&) = delete;
  RoundingMode& operator=(const RoundingMode&) = delete;

 private:
  int before_;
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
