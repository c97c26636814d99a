// Rows of the opcode table: tensor cores and copies that run beside the threads.
#include "ptx/opcodes.h"

namespace intarsia::ptx {
namespace {

using enum Family;

constexpr Row kRows[] = {
    {"mma", "sync aligned m16n8k8|m16n8k16 row col f32|f16 f16 f16 f32|f16", "n n n n", kMatrix},
    {"mma", "sync aligned m16n8k8|m16n8k16 row col f32 bf16 bf16 f32", "n n n n", kMatrix},
    {"mma", "sync aligned m16n8k4|m16n8k8 row col f32 tf32 tf32 f32", "n n n n", kMatrix},
    {"mma", "sync aligned m16n8k32 row col f32 e4m3|e5m2 e4m3|e5m2 f32", "n n n n", kMatrix},
    {"mma", "sync aligned m8n8k16|m16n8k16|m16n8k32 row col ?satfinite s32 s8|u8 s8|u8 s32", "n n n n",
     kMatrix},
    {"mma", "sync aligned m8n8k32|m16n8k32|m16n8k64 row col ?satfinite s32 s4|u4 s4|u4 s32", "n n n n",
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

    {"cp", "async ca|cg shared|shared::cta global ?L2::cache_hint ?@level2", "m g i ?r ?U", kAsync},
    {"cp", "async commit_group", "", kAsync},
    {"cp", "async wait_group", "i", kAsync},
    {"cp", "async wait_all", "", kAsync},
};

}  // namespace

std::span<const Row> matrix_rows() { return kRows; }

}  // namespace intarsia::ptx
