#include <array>

#include "ptx/ptx.h"

namespace intarsia::ptx {
namespace {

struct TypeRow {
  Type type;
  std::string_view text;
  int bits;
};
constexpr std::array kTypes = {TypeRow{Type::kNone, "", 0},          TypeRow{Type::kPred, "pred", 1},
                               TypeRow{Type::kB8, "b8", 8},          TypeRow{Type::kB16, "b16", 16},
                               TypeRow{Type::kB32, "b32", 32},       TypeRow{Type::kB64, "b64", 64},
                               TypeRow{Type::kB128, "b128", 128},    TypeRow{Type::kU8, "u8", 8},
                               TypeRow{Type::kU16, "u16", 16},       TypeRow{Type::kU32, "u32", 32},
                               TypeRow{Type::kU64, "u64", 64},       TypeRow{Type::kS8, "s8", 8},
                               TypeRow{Type::kS16, "s16", 16},       TypeRow{Type::kS32, "s32", 32},
                               TypeRow{Type::kS64, "s64", 64},       TypeRow{Type::kF16, "f16", 16},
                               TypeRow{Type::kF16x2, "f16x2", 32},   TypeRow{Type::kF32, "f32", 32},
                               TypeRow{Type::kF32x2, "f32x2", 64},   TypeRow{Type::kF64, "f64", 64},
                               TypeRow{Type::kBF16, "bf16", 16},     TypeRow{Type::kBF16x2, "bf16x2", 32},
                               TypeRow{Type::kTF32, "tf32", 32},     TypeRow{Type::kE4M3, "e4m3", 8},
                               TypeRow{Type::kE5M2, "e5m2", 8},      TypeRow{Type::kE4M3x2, "e4m3x2", 16},
                               TypeRow{Type::kE5M2x2, "e5m2x2", 16}, TypeRow{Type::kU16x2, "u16x2", 32},
                               TypeRow{Type::kS16x2, "s16x2", 32},   TypeRow{Type::kU8x4, "u8x4", 32},
                               TypeRow{Type::kS8x4, "s8x4", 32},     TypeRow{Type::kU4, "u4", 4},
                               TypeRow{Type::kS4, "s4", 4},          TypeRow{Type::kB1, "b1", 1}};
constexpr bool in_order() {
  for (std::size_t i = 0; i < kTypes.size(); ++i)
    if (static_cast<std::size_t>(kTypes[i].type) != i) return false;
  return true;
}
static_assert(in_order());

}  // namespace

std::string_view name(Type type) { return kTypes[static_cast<std::size_t>(type)].text; }
int bits(Type type) { return kTypes[static_cast<std::size_t>(type)].bits; }

Type type_named(std::string_view text) {
  for (const TypeRow& row : kTypes)
    if (row.text == text) return row.type;
  return Type::kNone;
}

std::string_view name(Space space) {
  constexpr std::array<std::string_view, 7> kNames = {"generic", "reg",   "param", "global",
                                                      "shared",  "const", "local"};
  return kNames[static_cast<std::size_t>(space)];
}

}  // namespace intarsia::ptx
