// Rows of the opcode table: loads, stores, atomics, fences, hints.
#include "ptx/opcodes.h"

namespace intarsia::ptx {
namespace {

using enum Family;

constexpr Row kRows[] = {
    {"ld", "?weak ?@from ?@cop ?@level1 ?L2::cache_hint ?@level2 ?@vec @mem", "v m ?U", kMemory},
    {"ld", "?weak global ?ca|cg|cs ?nc ?@level1 ?@evict2 ?L2::cache_hint ?@level2 ?@vec @mem", "v m ?U",
     kMemory},
    {"ld", "volatile ?@shared ?@level2 ?@vec @mem", "v m", kMemory},
    {"ld", "relaxed|acquire @scope ?@shared ?@level1 ?L2::cache_hint ?@level2 ?@vec @mem", "v m ?U", kMemory},
    {"ldu", "?global ?v2|v4 @mem", "v m", kMemory},
    {"st", "?weak ?@to ?wb|cg|cs|wt ?@level1 ?@evict2 ?L2::cache_hint ?@vec @mem", "m w ?U", kMemory},
    {"st", "volatile ?@shared ?@vec @mem", "m w", kMemory},
    {"st", "relaxed|release @scope ?@shared ?@level1 ?L2::cache_hint ?@vec @mem", "m w ?U", kMemory},

    {"atom", "?@order ?@scope ?@shared exch ?L2::cache_hint b32|b64|b128", "z m s ?U", kAtomic},
    {"atom", "?@order ?@scope ?@shared cas ?L2::cache_hint b16|b32|b64|b128", "z m s s ?U", kAtomic},
    {"atom", "?@order ?@scope ?@shared and|or|xor ?L2::cache_hint b32|b64", "z m s ?U", kAtomic},
    {"atom", "?@order ?@scope ?@shared add ?L2::cache_hint u32|s32|u64|f32|f64", "z m s ?U", kAtomic},
    {"atom", "?@order ?@scope ?@shared inc|dec ?L2::cache_hint u32", "z m s ?U", kAtomic},
    {"atom", "?@order ?@scope ?@shared min|max ?L2::cache_hint u32|s32|u64|s64", "z m s ?U", kAtomic},
    {"atom", "?@order ?@scope ?@shared add noftz ?L2::cache_hint f16|f16x2|bf16|bf16x2", "z m s ?U", kAtomic},
    {"red", "?relaxed|release ?@scope ?@shared and|or|xor ?L2::cache_hint b32|b64", "m s ?U", kAtomic},
    {"red", "?relaxed|release ?@scope ?@shared add ?L2::cache_hint u32|s32|u64|f32|f64", "m s ?U", kAtomic},
    {"red", "?relaxed|release ?@scope ?@shared inc|dec ?L2::cache_hint u32", "m s ?U", kAtomic},
    {"red", "?relaxed|release ?@scope ?@shared min|max ?L2::cache_hint u32|s32|u64|s64", "m s ?U", kAtomic},
    {"red", "?relaxed|release ?@scope ?@shared add noftz ?L2::cache_hint f16|f16x2|bf16|bf16x2", "m s ?U",
     kAtomic},

    {"atom", "?@order ?@scope ?global add ?L2::cache_hint v2|v4 f32", "v m w ?U", kAtomic},
    {"atom", "?@order ?@scope ?global add|min|max noftz ?L2::cache_hint v2|v4|v8 f16|bf16", "v m w ?U",
     kAtomic},
    {"atom", "?@order ?@scope ?global add|min|max noftz ?L2::cache_hint v2|v4 f16x2|bf16x2", "v m w ?U",
     kAtomic},
    {"red", "?relaxed|release ?@scope ?global add ?L2::cache_hint v2|v4 f32", "m w ?U", kAtomic},
    {"red", "?relaxed|release ?@scope ?global add|min|max noftz ?L2::cache_hint v2|v4|v8 f16|bf16", "m w ?U",
     kAtomic},
    {"red", "?relaxed|release ?@scope ?global add|min|max noftz ?L2::cache_hint v2|v4 f16x2|bf16x2", "m w ?U",
     kAtomic},

    {"membar", "cta|gl|sys", "", kHint},
    {"membar", "proxy alias", "", kHint},
    {"fence", "?sc|acq_rel|acquire|release @scope", "", kHint},
    {"fence", "proxy alias|async", "", kHint},
    {"fence", "proxy async global|shared::cta|shared::cluster", "", kHint},
    {"fence", "proxy tensormap::generic release @scope", "", kHint},
    {"fence", "proxy tensormap::generic acquire @scope", "m i", kHint},
    {"fence", "mbarrier_init release cluster", "", kHint},
    {"fence", "acquire sync_restrict::shared::cluster cluster", "", kHint},
    {"fence", "release sync_restrict::shared::cta cluster", "", kHint},
    {"fence", "proxy async::generic acquire sync_restrict::shared::cluster cluster", "", kHint},
    {"fence", "proxy async::generic release sync_restrict::shared::cta cluster", "", kHint},
    {"prefetch", "?global|local L1|L2|L2::evict_last|L2::evict_normal", "m", kHint},
    {"prefetchu", "L1", "m", kHint},
    {"applypriority", "?global L2::evict_normal", "m i", kHint},
    {"discard", "?global L2", "m i", kHint},
    {"createpolicy", "range ?global @policy ?L2::evict_unchanged|L2::evict_first b64", "E m u u", kHint},
    {"createpolicy", "cvt L2 b64", "E U", kHint},
    {"createpolicy", "fractional @policy ?L2::evict_unchanged|L2::evict_first b64", "E ?u", kHint},
    {"nanosleep", "u32", "u", kHint},
    {"pmevent", "?mask", "i", kHint},
    {"griddepcontrol", "launch_dependents|wait", "", kHint},
    {"setmaxnreg", "inc|dec sync aligned u32", "i", kHint},
};

}  // namespace

std::span<const Row> memory_rows() { return kRows; }

}  // namespace intarsia::ptx
