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

    {"mbarrier", "init ?@sharedcta b64", "k u", kAsync},
    {"mbarrier", "inval ?@sharedcta b64", "k", kAsync},
    {"mbarrier", "arrive|arrive_drop ?release|relaxed ?cta|cluster ?@sharedany b64", "Z k ?u", kAsync},
    {"mbarrier", "arrive|arrive_drop expect_tx ?release|relaxed ?cta|cluster ?@sharedany b64", "Z k u",
     kAsync},
    {"mbarrier", "arrive|arrive_drop noComplete ?release ?cta ?@sharedcta b64", "Z k u", kAsync},
    {"mbarrier", "expect_tx|complete_tx ?relaxed ?cta|cluster ?@sharedany b64", "k u", kAsync},
    {"mbarrier", "test_wait|try_wait ?acquire|relaxed ?cta|cluster ?@sharedcta b64", "p k U ?u", kAsync},
    {"mbarrier", "test_wait|try_wait parity ?acquire|relaxed ?cta|cluster ?@sharedcta b64", "p k u ?u",
     kAsync},
    {"mbarrier", "pending_count b64", "D U", kAsync},
    {"cp", "async bulk shared::cluster|shared::cta global mbarrier::complete_tx::bytes ?L2::cache_hint",
     "k g u k ?U", kAsync},
    {"cp", "async bulk shared::cluster shared::cta mbarrier::complete_tx::bytes", "k k u k", kAsync},
    {"cp", "async bulk global shared::cta bulk_group ?L2::cache_hint", "g k u ?U", kAsync},
    {"cp", "async bulk commit_group", "", kAsync},
    {"cp", "async bulk wait_group ?read", "i", kAsync},
    {"mapa", "?shared::cluster u32|u64", "d s u", kAsync},
    {"getctarank", "?shared::cluster u32|u64", "D s", kAsync},
    {"barrier", "cluster arrive ?release|relaxed ?aligned", "", kAsync},
    {"barrier", "cluster wait ?acquire ?aligned", "", kAsync},

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
    {"wmma", "mma sync aligned row|col row|col m16n16k16|m8n32k16|m32n8k16 s32 s8|u8 s8|u8 s32 ?satfinite",
     "n n n n", kMatrix},
    {"wmma", "mma sync aligned row|col row|col m16n16k8 f32 tf32 tf32 f32", "n n n n", kMatrix},
    {"wmma", "mma sync aligned row|col row|col m8n8k4 ?rn f64 f64 f64 f64", "n n n n", kMatrix},
};

}  // namespace

std::span<const Row> matrix_rows() { return kRows; }

}  // namespace intarsia::ptx
