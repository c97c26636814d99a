// PTX out of fatbins. The layout is what nvcc 11 to 13 write; NVIDIA does not document it.
#include <dlfcn.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "ptx/lz4.h"
#include "ptx/ptx.h"

namespace intarsia::ptx {
namespace {

constexpr std::uint32_t kMagic = 0xBA55ED50;
constexpr std::size_t kHeaderBytes = 16, kEntryBytes = 64;
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 30;  // of one text
enum : std::uint64_t { kLz4 = 0x2000, kZstd = 0x8000 };
constexpr std::uint16_t kPtxEntry = 1;

template <class T>
T read(std::string_view bytes, std::size_t at) {
  T value{};
  if (at + sizeof value <= bytes.size()) std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

struct Packed {
  int architecture = 0;
  std::uint64_t flags = 0, unpacked_bytes = 0;
  std::string_view bytes;
};

// One fatbin: its PTX entries; `bytes` begins at its magic. How long it is.
std::size_t walk(std::string_view bytes, std::vector<Packed>& out, int& others) {
  const std::size_t header = read<std::uint16_t>(bytes, 6);
  const std::uint64_t all = read<std::uint64_t>(bytes, 8);
  const std::size_t end =
      std::min<std::uint64_t>(bytes.size(), header + std::min<std::uint64_t>(all, bytes.size()));
  for (std::size_t at = std::max(header, kHeaderBytes); at + kEntryBytes <= end;) {
    const auto entry_header = read<std::uint32_t>(bytes, at + 4);
    const auto payload = read<std::uint64_t>(bytes, at + 8);
    const auto compressed = read<std::uint32_t>(bytes, at + 16);
    if (entry_header < kEntryBytes || payload > end - at || entry_header > end - at - payload) break;
    Packed p;
    p.architecture = static_cast<int>(read<std::uint32_t>(bytes, at + 28));
    p.flags = read<std::uint64_t>(bytes, at + 40);
    p.unpacked_bytes = read<std::uint64_t>(bytes, at + 56);
    const std::uint64_t length =
        (p.flags & (kLz4 | kZstd)) != 0 && compressed <= payload ? compressed : payload;
    p.bytes = bytes.substr(at + entry_header, length);
    if (read<std::uint16_t>(bytes, at) == kPtxEntry)
      out.push_back(p);
    else
      ++others;
    at += entry_header + payload;
  }
  return std::max(end, kHeaderBytes);
}

std::string unpack_zstd(std::string_view bytes, std::uint64_t unpacked, std::string_view source) {
  using Decompress = std::size_t (*)(void*, std::size_t, const void*, std::size_t);
  void* library = dlopen("libzstd.so.1", RTLD_NOW | RTLD_LOCAL);
  void* found = library == nullptr ? nullptr : dlsym(library, "ZSTD_decompress");
  if (found == nullptr)
    throw UserError(fmt::format(
        "{}: its PTX is compressed with zstd, and this machine has no libzstd.so.1. Install it, or make the "
        "fatbin with nvcc --compress-mode=none",
        source));
  std::string out(unpacked, '\0');
  const std::size_t got =
      reinterpret_cast<Decompress>(found)(out.data(), out.size(), bytes.data(), bytes.size());
  dlclose(library);
  if (got != out.size()) throw UserError(fmt::format("{}: its compressed PTX (zstd) is damaged", source));
  return out;
}

std::string unpacked(const Packed& p, std::string_view source) {
  std::string out;
  if ((p.flags & (kLz4 | kZstd)) == 0) {
    out = std::string(p.bytes);
  } else if (p.unpacked_bytes > kMostBytes) {
    throw UserError(
        fmt::format("{}: a text of {} bytes; at most {} are read", source, p.unpacked_bytes, kMostBytes));
  } else if ((p.flags & kZstd) != 0) {
    out = unpack_zstd(p.bytes, p.unpacked_bytes, source);
  } else if (!unpack_lz4(p.bytes, p.unpacked_bytes, out)) {
    throw UserError(fmt::format("{}: its compressed PTX (lz4) is damaged", source));
  }
  return out.substr(0, out.find('\0'));
}

// "sm_90a" of ".target sm_90a, debug".
std::string_view target_of(std::string_view text) {
  const std::size_t at = text.find(".target");
  if (at == std::string_view::npos) return {};
  text.remove_prefix(std::min(text.size(), text.find_first_not_of(" \t", at + 7)));
  return text.substr(0, text.find_first_of(" \t\r\n,;"));
}

std::vector<std::string> chosen(const std::vector<Packed>& all, int others, int architecture,
                                std::string_view source) {
  std::vector<std::string> out, targets;
  int newest = -1;
  for (const Packed& p : all) {
    std::string text = unpacked(p, source);
    targets.emplace_back(target_of(text));
    if (p.architecture < newest || !runs_on(targets.back(), architecture)) continue;
    if (p.architecture > newest) out.clear();
    newest = p.architecture;
    out.push_back(std::move(text));
  }
  if (out.empty())
    throw UserError(
        fmt::format("{} holds no PTX for sm_{}; it has {}{}", source, architecture,
                    targets.empty() ? "no PTX" : fmt::format("PTX for {}", fmt::join(targets, ", ")),
                    others == 0 ? ""
                                : fmt::format(" and {} binaries for GPUs (nvcc keeps PTX with "
                                              "-gencode arch=compute_N,code=compute_N)",
                                              others)));
  return out;
}

}  // namespace

std::vector<std::string> ptx_texts(std::string_view bytes, int architecture, std::string_view source) {
  const bool linkable = bytes.starts_with("\177ELF");
  if (!linkable && read<std::uint32_t>(bytes, 0) != kMagic) return {std::string(bytes)};
  std::vector<Packed> all;
  int others = 0;
  const std::string magic("\x50\xED\x55\xBA\x01\x00", 6);
  for (std::size_t at = bytes.find(magic); at != std::string_view::npos; at = bytes.find(magic, at))
    at += walk(bytes.substr(at), all, others);
  if (linkable && all.empty() && others == 0)
    throw UserError(fmt::format("{} is an ELF file without fatbins: a cubin holds no PTX", source));
  return chosen(all, others, architecture, source);
}

}  // namespace intarsia::ptx
