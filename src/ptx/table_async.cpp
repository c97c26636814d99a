// Rows of the opcode table: copies that run beside the threads, mbarriers, tensor maps, clusters.
#include "ptx/opcodes.h"

namespace intarsia::ptx {
namespace {

using enum Family;

constexpr Row kRows[] = {
    {"cp", "async ca|cg shared|shared::cta global ?L2::cache_hint ?@level2", "m g i ?r ?U", kAsync},
    {"cp", "async commit_group", "", kAsync},
    {"cp", "async wait_group", "i", kAsync},
    {"cp", "async wait_all", "", kAsync},
    {"cp", "async mbarrier arrive ?noinc ?@sharedcta b64", "k", kAsync},

    {"mbarrier", "init ?@sharedcta b64", "k u", kAsync},
    {"mbarrier", "inval ?@sharedcta b64", "k", kAsync},
    {"mbarrier", "arrive|arrive_drop ?@sharedany b64", "Z k ?u", kAsync},
    {"mbarrier", "arrive|arrive_drop release|relaxed cta|cluster ?@sharedany b64", "Z k ?u", kAsync},
    {"mbarrier", "arrive|arrive_drop expect_tx ?@sharedany b64", "Z k u", kAsync},
    {"mbarrier", "arrive|arrive_drop expect_tx release|relaxed cta|cluster ?@sharedany b64", "Z k u", kAsync},
    {"mbarrier", "arrive|arrive_drop noComplete ?@sharedcta b64", "Z k u", kAsync},
    {"mbarrier", "arrive|arrive_drop noComplete release cta ?@sharedcta b64", "Z k u", kAsync},
    {"mbarrier", "expect_tx|complete_tx ?@sharedany b64", "k u", kAsync},
    {"mbarrier", "expect_tx|complete_tx relaxed cta|cluster ?@sharedany b64", "k u", kAsync},
    {"mbarrier", "test_wait|try_wait ?@sharedcta b64", "p k U ?u", kAsync},
    {"mbarrier", "test_wait|try_wait acquire|relaxed cta|cluster ?@sharedcta b64", "p k U ?u", kAsync},
    {"mbarrier", "test_wait|try_wait parity ?@sharedcta b64", "p k u ?u", kAsync},
    {"mbarrier", "test_wait|try_wait parity acquire|relaxed cta|cluster ?@sharedcta b64", "p k u ?u", kAsync},
    {"mbarrier", "pending_count b64", "D U", kAsync},
    {"cp", "async bulk shared::cluster|shared::cta global mbarrier::complete_tx::bytes ?L2::cache_hint",
     "k g u k ?U", kAsync},
    {"cp",
     "async bulk shared::cluster global mbarrier::complete_tx::bytes multicast::cluster ?L2::cache_hint",
     "k g u k h ?U", kAsync},
    {"cp", "async bulk shared::cluster shared::cta mbarrier::complete_tx::bytes", "k k u k", kAsync},
    {"cp", "async bulk global shared::cta bulk_group ?L2::cache_hint", "g k u ?U", kAsync},
    {"cp", "reduce async bulk shared::cluster shared::cta mbarrier::complete_tx::bytes and|or|xor b32",
     "k k u k", kAsync},
    {"cp", "reduce async bulk shared::cluster shared::cta mbarrier::complete_tx::bytes add u32|s32|u64",
     "k k u k", kAsync},
    {"cp", "reduce async bulk shared::cluster shared::cta mbarrier::complete_tx::bytes inc|dec u32",
     "k k u k", kAsync},
    {"cp", "reduce async bulk shared::cluster shared::cta mbarrier::complete_tx::bytes min|max u32|s32",
     "k k u k", kAsync},
    {"cp", "reduce async bulk global shared::cta bulk_group ?L2::cache_hint and|or|xor b32|b64", "g k u ?U",
     kAsync},
    {"cp", "reduce async bulk global shared::cta bulk_group ?L2::cache_hint add u32|s32|u64|f32|f64",
     "g k u ?U", kAsync},
    {"cp", "reduce async bulk global shared::cta bulk_group ?L2::cache_hint add noftz f16|bf16", "g k u ?U",
     kAsync},
    {"cp", "reduce async bulk global shared::cta bulk_group ?L2::cache_hint inc|dec u32", "g k u ?U", kAsync},
    {"cp", "reduce async bulk global shared::cta bulk_group ?L2::cache_hint min|max u32|s32|u64|s64|f16|bf16",
     "g k u ?U", kAsync},
    {"cp",
     "async bulk tensor @dims shared::cluster|shared::cta global ?tile mbarrier::complete_tx::bytes "
     "?L2::cache_hint",
     "k T k ?U", kAsync},
    {"cp",
     "async bulk tensor @dims shared::cluster global ?tile mbarrier::complete_tx::bytes multicast::cluster "
     "?L2::cache_hint",
     "k T k h ?U", kAsync},
    {"cp", "async bulk tensor @dims global shared::cta ?tile bulk_group ?L2::cache_hint", "T k ?U", kAsync},
    {"cp",
     "reduce async bulk tensor @dims global shared::cta add|min|max|inc|dec|and|or|xor ?tile bulk_group "
     "?L2::cache_hint",
     "T k ?U", kAsync},
    {"cp", "async bulk prefetch L2 global ?L2::cache_hint", "g u ?U", kHint},
    {"cp", "async bulk prefetch tensor @dims L2 global ?tile ?L2::cache_hint", "T ?U", kHint},
    {"cp", "async bulk commit_group", "", kAsync},
    {"cp", "async bulk wait_group ?read", "i", kAsync},
    {"mapa", "?shared::cluster u32|u64", "d s u", kAsync},
    {"getctarank", "?shared::cluster u32|u64", "D s", kAsync},
    {"barrier", "cluster arrive ?release|relaxed ?aligned", "", kAsync},
    {"barrier", "cluster wait ?acquire ?aligned", "", kAsync},
    {"st", "async ?weak ?shared::cluster mbarrier::complete_tx::bytes ?v2|v4 b32|b64|u32|u64|s32|s64|f32|f64",
     "k w k", kAsync},
    {"red", "async relaxed cluster ?shared::cluster mbarrier::complete_tx::bytes inc|dec u32", "k s k",
     kAsync},
    {"red", "async relaxed cluster ?shared::cluster mbarrier::complete_tx::bytes min|max u32|s32", "k s k",
     kAsync},
    {"red", "async relaxed cluster ?shared::cluster mbarrier::complete_tx::bytes and|or|xor b32", "k s k",
     kAsync},
    {"red", "async relaxed cluster ?shared::cluster mbarrier::complete_tx::bytes add u32|s32|u64", "k s k",
     kAsync},

    {"prefetch", "?param|const tensormap", "m", kHint},
    {"tensormap", "replace tile global_address ?global|shared::cta b1024 b64", "m U", kAsync},
    {"tensormap", "replace tile rank ?global|shared::cta b1024 b32", "m u", kAsync},
    {"tensormap", "replace tile box_dim|global_dim|element_stride ?global|shared::cta b1024 b32", "m i u",
     kAsync},
    {"tensormap", "replace tile global_stride ?global|shared::cta b1024 b64", "m i U", kAsync},
    {"tensormap",
     "replace tile elemtype|interleave_layout|swizzle_mode|fill_mode ?global|shared::cta b1024 b32", "m i",
     kAsync},
    {"tensormap", "cp_fenceproxy global shared::cta tensormap::generic release @scope sync aligned", "g k i",
     kAsync},
};

}  // namespace

std::span<const Row> async_rows() { return kRows; }

}  // namespace intarsia::ptx
