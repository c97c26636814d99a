// Addresses of a warp's access: from the registers to checked host pointers.
#pragma once
#include <cstdint>

#include "ptx/lanes.h"

namespace intarsia::ptx {

// Decoded::small of an instruction with an address: how it is made. Its offset is Decoded::immediate.
enum AddressMode : std::uint8_t { kAbsolute, kRegister32, kRegister64, kLocalSymbol, kFrameParam };

struct Access {
  alignas(64) std::uint64_t address[kLanes];  // after `resolve`: host addresses
  std::uint32_t mask = 0;                     // lanes whose access may be done
  bool writes = false, reads = false, atomic = false;
  std::uint32_t bytes = 0;  // of one lane
};

// Fills `address` from in.r[at].
void make_addresses(const Warp& warp, const Decoded& in, int at, Access& access);

// Translates and checks `access.address` of `access.mask` in `space`; clears the lanes that may not go on.
void resolve(Warp& warp, const Decoded& in, Space space, Access& access);

// Shared memory's shadow: uninitialised reads and races.
void shadow(Warp& warp, const Decoded& in, Block& owner, const Access& access, const std::uint64_t* offsets);

}  // namespace intarsia::ptx
