// Addresses of a warp's access: from the registers to checked host pointers.
#pragma once
#include <cstdint>

#include "ptx/lanes.h"

namespace intarsia::ptx {

// Decoded::small of an instruction with an address: how it is made. Its offset is Decoded::immediate.
enum AddressMode : std::uint8_t { kAbsolute, kRegister32, kRegister64, kLocalSymbol, kFrameParam };
// Above the mode, of loads, stores, atomics and fences.
enum : std::uint8_t { kStrong = 32, kReleases = 64 };

struct Access {
  alignas(64) std::uint64_t address[kLanes];  // after `resolve`: host addresses
  std::uint32_t mask = 0;                     // lanes whose access may be done
  bool writes = false, reads = false;
  bool atomic = false;  // strong: it does not race with others that are
  bool update = false;  // atomic, and what it reads matters
  bool lands = false;   // the end of an asynchronous copy: what its beginning touched was checked then
  bool begins = false;  // an asynchronous copy that writes here was begun
  bool async = false;   // by the async proxy: no fence.proxy.async is needed before it reads this again
  std::uint8_t element = 0,
               elements = 0;        // of a store: bytes of an element, how many; 0: values are not known
  std::uint32_t bytes = 0;          // of one lane
  const Ref* values = nullptr;      // of a store
  const std::byte* rows = nullptr;  // of stmatrix: what each lane's address gets, `bytes` after `bytes`
};

// The lanes' bytes follow each other and may all be touched: where they begin. Null: `resolve` must tell.
std::byte* resolve_run(Warp& warp, const Decoded& in, Space space, Access& access);

// The same eight lanes at a time, of global memory that has no shadow: where each eight's bytes begin.
// False: `resolve` must tell.
bool resolve_eights(Warp& warp, const Decoded& in, Space space, std::uint32_t bytes,
                    const std::byte* (&begin)[kLanes / 8]);

// Fills `address` from in.r[at].
void make_addresses(const Warp& warp, const Decoded& in, int at, Access& access);

// Translates and checks `access.address` of `access.mask` in `space`; clears the lanes that may not go on.
void resolve(Warp& warp, const Decoded& in, Space space, Access& access);

// The host address of `bytes` (a power of two) at `address`, for one lane of the warp; null where that may
// not be.
// The last three are an asynchronous copy's: it begins, reads its source, writes where it began to.
enum class Use : std::uint8_t { kRead, kWrite, kAtomic, kBegin, kTake, kLand };
std::byte* resolve_one(Warp& warp, const Decoded& in, Space space, int lane, std::uint64_t address,
                       std::uint32_t bytes, Use use);
// Whether all of a run of global memory may be accessed; `resolve` says why not.
bool is_inside(const Launch& launch, std::uint64_t address, std::uint64_t bytes, bool writes);

}  // namespace intarsia::ptx
