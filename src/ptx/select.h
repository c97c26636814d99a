// Picking the handler of a form: one function per family. Null: the table lists a form nobody executes (a
// test walks the table so that this cannot happen).
#pragma once
#include <array>

#include "ptx/machine.h"

namespace intarsia::ptx {

// What a family must know of the operands: widths of the registers in Decoded::r (0 where there is none).
struct Shape {
  std::array<int, 6> width{};
};

Handler select_integer(const Form& form);
Handler select_bits(const Form& form);
Handler select_float(const Form& form);
Handler select_rounded(const Form& form);  // of kFloat, with .rz .rm .rp
Handler select_half(const Form& form);
Handler select_approx(const Form& form);
Handler select_compare(const Form& form);
std::int64_t set_value(const Form& form);  // what `set` writes where the comparison holds
Handler select_move(const Form& form);
Handler select_convert(const Form& form, const Shape& shape);
Handler select_convert_packed(const Form& form);
void configure_convert(const Form& form, const Shape& shape, Decoded& in);
Handler select_memory(const Form& form, int register_width, bool frame_param, bool by_register);
Handler select_atomic(const Form& form);
Handler select_control(const Form& form);
Handler select_warp(const Form& form);
Handler select_indirect_call();
Handler select_barrier(const Form& form);
void configure_barrier(const Form& form, bool counted, Decoded& in);
Handler select_hint(const Form& form);
Handler select_video(const Form& form);
Handler select_stack(const Form& form);
// The width of a special register and its number for `select_special`'s handlers; 0: there is no such
// register.
int special_width(const std::string& name, std::int64_t& which);
Handler select_special(int width);
Handler select_address(int width, bool frame_local);  // mov of a variable's address: in.immediate
std::int64_t window_of(Space space);                  // base of its generic addresses
Handler select_pack(int pieces, int width);           // mov.b32 d, {a, b}
Handler select_unpack(int pieces, int width);         // mov.b32 {a, b}, d

// Whether a form's result may differ from a GPU's in the last places.
bool is_inexact(const Form& form);
bool sums_in_tensor_cores(std::string_view form);  // inexact only where LaunchConfig asks for fast sums

}  // namespace intarsia::ptx
