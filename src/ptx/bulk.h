// Copies that run beside the threads: begun by one thread, landed when their mbarrier or group is waited for.
#pragma once
#include <utility>
#include <vector>

#include "ptx/lanes.h"

namespace intarsia::ptx {

// Decoded::count of a bulk copy.
enum BulkFlag : std::uint8_t { kToGlobal = 1, kFromShared = 2, kMulticast = 4, kHasBarrier = 8 };
// Decoded::immediate of one: what it does with what is there, and of how many values (or coordinates) it is.
struct BulkDetail {
  Reduction op = Reduction::kNone;
  Type type = Type::kNone;
  U8 count = 0, bytes = 0;  // bytes: of one value
  std::int64_t word() const {
    return static_cast<std::int64_t>(op) | static_cast<std::int64_t>(type) << 8 | std::int64_t{count} << 16 |
           std::int64_t{bytes} << 24;
  }
  static BulkDetail of(std::int64_t word) {
    return {static_cast<Reduction>(word & 0xFF), static_cast<Type>(word >> 8 & 0xFF),
            static_cast<U8>(word >> 16), static_cast<U8>(word >> 24)};
  }
};

// Operand k of a copy, an address: Decoded::small bit k says that it has 64 bits.
U64 bulk_address(const Warp& warp, const Decoded& in, int k, int lane);
// A copy of this step and lane, without its places.
BulkCopy begin_copy(const Warp& warp, const Decoded& in, int lane);
// Signals `barrier` (a shared address) when the copy lands; with kMulticast once in every block of r[4]'s
// mask.
void queue_copy(Warp& warp, const Decoded& in, BulkCopy copy, U64 barrier);

// Moves what the copy moves, with the rights of the thread that asked for it.
void land_copy(Warp& owner, const BulkCopy& copy);
// Reads the source of a copy out of shared memory, which threads may write then.
void take_source(Warp& owner, BulkCopy& copy);
// 16 bytes of what a copy reads in shared memory; null where that may not be.
const std::byte* source_of(Warp& owner, const BulkCopy& copy, U64 address);
// Sources of copies that have not read them: once more, after another copy of the same place has.
void keep_sources(Block& block);
// The copies that nobody waited for when the last thread of the block ended.
void finish_copies(Block& block);
// Global memory that a stored box will write is pending from here on.
void begin_box(Warp& owner, const BulkCopy& copy);
// The pieces of shared memory that a tensor's box fills: address and bytes.
std::vector<std::pair<U64, U32>> box_pieces(const BulkCopy& copy);
void land_tensor(Warp& owner, const BulkCopy& copy);
// The cp.async copies of a thread with numbers below `before`.
void land_copies(Warp& warp, int lane, U64 before);
// One value of `type` at `from` into the one at `to`, as one step for all threads of the host.
void reduce(Reduction op, Type type, std::byte* to, const std::byte* from);

U8 tensor_map_field(const Form& form);  // Decoded::count of tensormap.replace
Handler select_bulk(const Form& form);
Handler select_tensor(const Form& form);

}  // namespace intarsia::ptx
