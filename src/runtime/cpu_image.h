// A linked, position-independent block of x86-64 code, its format and its loader. No LLVM here.
//
// An image is a head, then the block. All numbers are little-endian; offsets count from the base of the
// block:
//   text (R-X) | page boundary | rodata, eh_frame (R--) | page boundary | import table (8 bytes a slot, fresh
//   memory)
// Code reaches data only relative to itself, and the host only through the import table, which the loader
// fills.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace intarsia::runtime {

constexpr std::uint64_t kImagePage = 4096;
constexpr std::uint64_t kImageLimit = std::uint64_t{1}
                                      << 30;  // of a block, so that 32-bit distances always reach

// What an image may call. Numbers are part of the format: never reuse one.
enum class CpuImport : std::uint32_t { kMemcpy = 1, kMemset = 2, kMemmove = 3 };
CpuImport cpu_import_named(std::string_view symbol);  // 0: not in the list

// Instruction sets an image may need, as the psABI names them.
enum class CpuLevel : std::uint32_t { kV2 = 2, kV3 = 3, kV4 = 4 };
CpuLevel host_cpu_level();                        // 0: below x86-64-v2
std::string_view name(CpuLevel level);            // "x86-64-v3"
CpuLevel cpu_level_named(std::string_view text);  // 0: none of them

struct CpuRange {
  std::uint64_t offset = 0, size = 0;
};
struct CpuEntry {
  std::string name;
  CpuRange code;
};

// The head, and the bytes of text and read-only data that follow it.
struct CpuImageFile {
  CpuLevel level = CpuLevel::kV3;
  CpuRange text, data, imports;   // page-aligned, in this order
  CpuRange unwind;                // eh_frame inside data
  std::vector<CpuImport> slots;   // slot i of the import table
  std::vector<CpuEntry> entries;  // sorted by name
  std::string block;              // text and data; the import table is not stored
};
std::string write_cpu_image(const CpuImageFile& file);
CpuImageFile read_cpu_image(std::string_view bytes);  // UserError, whatever the bytes are

// A loaded image; unmapped with it.
class CpuImage {
 public:
  // Entry point: arguments as docs/kernel-ir.md says, then programs first <= p < last.
  using Entry = void (*)(const std::uint64_t*, std::int64_t, std::int64_t);

  // UserError: damaged bytes, or code for a machine that this one is not.
  static CpuImage load(std::string_view bytes);
  CpuImage(CpuImage&& other) noexcept;
  CpuImage& operator=(CpuImage other) noexcept;
  ~CpuImage();

  Entry entry(std::string_view name) const;  // UserError: no such entry, with the names there are
  std::span<const CpuEntry> entries() const { return entries_; }
  const void* base() const { return base_; }

 private:
  CpuImage() = default;
  void* base_ = nullptr;
  std::uint64_t size_ = 0;
  std::vector<CpuEntry> entries_;
};

}  // namespace intarsia::runtime
