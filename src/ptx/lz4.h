// Blocks of LZ4, as fatbins hold them.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace intarsia::ptx {

// False where `bytes` is no block of exactly `unpacked` bytes.
bool unpack_lz4(std::string_view bytes, std::uint64_t unpacked, std::string& out);

}  // namespace intarsia::ptx
