#include "ptx/select.h"

namespace intarsia::ptx {

bool sums_in_tensor_cores(std::string_view form) {
  return form.starts_with("mma.") || form.starts_with("wmma.mma.") || form.starts_with("wgmma.");
}

bool is_inexact(const Form& form) {
  if (form.row->family == Family::kApprox) return true;
  if (sums_in_tensor_cores(form.text())) return form.type() == Type::kF32 || form.type() == Type::kF16;
  const bool adds_floats =
      form.has("add") && (bits(form.type()) != 0) &&
      (form.type() == Type::kF32 || form.type() == Type::kF64 || form.type() == Type::kF16 ||
       form.type() == Type::kF16x2 || form.type() == Type::kBF16 || form.type() == Type::kBF16x2);
  return form.row->family == Family::kAtomic && adds_floats;  // the order of the sum
}

}  // namespace intarsia::ptx
