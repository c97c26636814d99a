// Rows of the opcode table: tensor cores.
#include "ptx/opcodes.h"

namespace intarsia::ptx {
namespace {

using enum Family;

constexpr Row kRows[] = {
    {"mma", "sync aligned m16n8k8|m16n8k16 row col f32 f16 f16 f32", "n n n n", kMatrix},
    {"mma", "sync aligned m16n8k8|m16n8k16 row col f16 f16 f16 f16", "n n n n", kMatrix},
    {"mma", "sync aligned m16n8k8|m16n8k16 row col f32 bf16 bf16 f32", "n n n n", kMatrix},
    {"mma", "sync aligned m16n8k4|m16n8k8 row col f32 tf32 tf32 f32", "n n n n", kMatrix},
    {"mma", "sync aligned m16n8k16|m16n8k32 row col f32 e4m3|e5m2 e4m3|e5m2 f32", "n n n n", kMatrix},
    {"mma", "sync aligned m16n8k16|m16n8k32 row col f16 e4m3|e5m2 e4m3|e5m2 f16", "n n n n", kMatrix},
    {"mma", "sync aligned m8n8k16|m16n8k16|m16n8k32 row col ?satfinite s32 s8|u8 s8|u8 s32", "n n n n",
     kMatrix},
    {"mma", "sync aligned m8n8k32|m16n8k32|m16n8k64 row col ?satfinite s32 s4|u4 s4|u4 s32", "n n n n",
     kMatrix},
    {"mma", "sync aligned m8n8k128|m16n8k128|m16n8k256 row col s32 b1 b1 s32 xor|and popc", "n n n n",
     kMatrix},
    {"mma", "sync aligned m8n8k4|m16n8k4|m16n8k8|m16n8k16 row col ?rn f64 f64 f64 f64", "n n n n", kMatrix},

    {"ldmatrix", "sync aligned m8n8 x1|x2|x4 ?trans ?shared|shared::cta b16", "n m", kMatrix},
    {"stmatrix", "sync aligned m8n8 x1|x2|x4 ?trans ?shared|shared::cta b16", "m n", kMatrix},
    {"movmatrix", "sync aligned m8n8 trans b16", "D u", kMatrix},

    {"wgmma", "fence sync aligned", "", kHint},
    {"wgmma", "commit_group sync aligned", "", kHint},
    {"wgmma", "wait_group sync aligned", "i", kHint},
    {"wgmma", "mma_async sync aligned @group16 f32|f16 f16 f16", "n n U q i i i ?i", kMatrix},
    {"wgmma", "mma_async sync aligned @group16 f32 bf16 bf16", "n n U q i i i ?i", kMatrix},
    {"wgmma", "mma_async sync aligned @group8 f32 tf32 tf32", "n n U q i i", kMatrix},
    {"wgmma", "mma_async sync aligned @group32 f32|f16 e4m3|e5m2 e4m3|e5m2", "n n U q i i", kMatrix},
    {"wgmma", "mma_async sync aligned @group32 ?satfinite s32 s8|u8 s8|u8", "n n U q", kMatrix},

    {"wmma", "load a|b sync aligned row|col m16n16k16|m8n32k16|m32n8k16 ?global|@sharedcta f16|bf16|s8|u8",
     "n m ?u", kMatrix},
    {"wmma", "load a|b sync aligned row|col m16n16k8 ?global|@sharedcta tf32", "n m ?u", kMatrix},
    {"wmma", "load a|b|c sync aligned row|col m8n8k4 ?global|@sharedcta f64", "n m ?u", kMatrix},
    {"wmma", "load c sync aligned row|col m16n16k16|m8n32k16|m32n8k16 ?global|@sharedcta f16|f32|s32",
     "n m ?u", kMatrix},
    {"wmma", "load c sync aligned row|col m16n16k8 ?global|@sharedcta f32", "n m ?u", kMatrix},
    {"wmma", "store d sync aligned row|col m16n16k16|m8n32k16|m32n8k16 ?global|@sharedcta f16|f32|s32",
     "m n ?u", kMatrix},
    {"wmma", "store d sync aligned row|col m16n16k8 ?global|@sharedcta f32", "m n ?u", kMatrix},
    {"wmma", "store d sync aligned row|col m8n8k4 ?global|@sharedcta f64", "m n ?u", kMatrix},
    {"wmma", "mma sync aligned row|col row|col m16n16k16|m8n32k16|m32n8k16 f16|f32 f16|f32", "n n n n",
     kMatrix},
    {"wmma", "mma sync aligned row|col row|col m16n16k16|m8n32k16|m32n8k16 f32 bf16 bf16 f32", "n n n n",
     kMatrix},
    {"wmma", "mma sync aligned row|col row|col m16n16k16|m8n32k16|m32n8k16 s32 s8 s8 s32 ?satfinite",
     "n n n n", kMatrix},
    {"wmma", "mma sync aligned row|col row|col m16n16k16|m8n32k16|m32n8k16 s32 u8 u8 s32 ?satfinite",
     "n n n n", kMatrix},
    {"wmma", "mma sync aligned row|col row|col m16n16k8 f32 tf32 tf32 f32", "n n n n", kMatrix},
    {"wmma", "mma sync aligned row|col row|col m8n8k4 ?rn f64 f64 f64 f64", "n n n n", kMatrix},

    {"wmma", "load a sync aligned row m8n8k32 ?global|@sharedcta s4|u4", "n m ?u", kMatrix},
    {"wmma", "load b sync aligned col m8n8k32 ?global|@sharedcta s4|u4", "n m ?u", kMatrix},
    {"wmma", "load a sync aligned row m8n8k128 ?global|@sharedcta b1", "n m ?u", kMatrix},
    {"wmma", "load b sync aligned col m8n8k128 ?global|@sharedcta b1", "n m ?u", kMatrix},
    {"wmma", "load c sync aligned row|col m8n8k32|m8n8k128 ?global|@sharedcta s32", "n m ?u", kMatrix},
    {"wmma", "store d sync aligned row|col m8n8k32|m8n8k128 ?global|@sharedcta s32", "m n ?u", kMatrix},
    {"wmma", "mma sync aligned row col m8n8k32 s32 s4 s4 s32 ?satfinite", "n n n n", kMatrix},
    {"wmma", "mma sync aligned row col m8n8k32 s32 u4 u4 s32 ?satfinite", "n n n n", kMatrix},
    {"wmma", "mma xor|and popc sync aligned row col m8n8k128 s32 b1 b1 s32", "n n n n", kMatrix},
};

}  // namespace

std::span<const Row> matrix_rows() { return kRows; }

}  // namespace intarsia::ptx
