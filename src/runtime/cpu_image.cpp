#include "runtime/cpu_image.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace intarsia::runtime {
namespace {

constexpr std::string_view kMagic = "INTX86\1\n";

// Each step is a bijection of the state, so no damage to a single word goes unseen.
std::uint64_t hash_of(std::string_view bytes) {
  std::uint64_t state = 0x9e3779b97f4a7c15u ^ bytes.size();
  const auto mix = [&state](std::uint64_t word) {
    state = (state ^ word) * 0xff51afd7ed558ccdu;
    state ^= state >> 32;
  };
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, 8);
    mix(word);
  }
  std::uint64_t rest = 0;
  std::memcpy(&rest, bytes.data() + at, bytes.size() - at);
  mix(rest);
  return state;
}

void put(std::string& out, std::uint64_t value) {
  for (int i = 0; i < 8; ++i) out += static_cast<char>(value >> (8 * i));
}
void put(std::string& out, const CpuRange& range) { put(out, range.offset), put(out, range.size); }

[[noreturn]] void damaged(std::string_view what) {
  throw UserError(fmt::format("CPU image: {}; the bytes are damaged or not an image", what));
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  std::string_view take(std::uint64_t size) {
    if (size > rest_.size()) damaged("it ends too early");
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  std::uint64_t number() {
    std::uint64_t value = 0;
    const std::string_view bytes = take(8);
    for (std::size_t i = 8; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
  }
  std::uint64_t count(std::uint64_t bytes_each) {  // of things that follow, each at least so long
    const std::uint64_t value = number();
    if (value > rest_.size() / bytes_each) damaged("a list is longer than the file");
    return value;
  }
  CpuRange range() {
    const std::uint64_t offset = number();
    return {offset, number()};
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

bool inside(const CpuRange& inner, const CpuRange& outer) {
  return inner.offset >= outer.offset && inner.size <= outer.size &&
         inner.offset - outer.offset <= outer.size - inner.size;
}

void check_ranges(const CpuImageFile& file) {
  const auto end = [](const CpuRange& range) { return range.offset + range.size; };
  for (const CpuRange* range : {&file.text, &file.data, &file.imports})
    if (range->offset % kImagePage != 0 || range->offset > kImageLimit || range->size > kImageLimit)
      damaged("a section is misplaced");
  if (file.text.offset != 0 || file.data.offset < end(file.text) || file.imports.offset < end(file.data))
    damaged("sections overlap");
  if (file.imports.size != file.slots.size() * 8) damaged("the import table has another size");
  if (file.block.size() != end(file.data)) damaged("the code has another size");
  if (!inside(file.unwind, file.data)) damaged("unwind tables lie outside");
  for (const CpuEntry& entry : file.entries)
    if (!inside(entry.code, file.text) || entry.code.size == 0) damaged("an entry lies outside the code");
}

std::uint64_t import_address(CpuImport import) {
  switch (import) {
    case CpuImport::kMemcpy: return std::bit_cast<std::uint64_t>(&std::memcpy);
    case CpuImport::kMemset: return std::bit_cast<std::uint64_t>(&std::memset);
    case CpuImport::kMemmove: return std::bit_cast<std::uint64_t>(&std::memmove);
  }
  return 0;
}

std::uint64_t align_to_page(std::uint64_t size) { return (size + kImagePage - 1) / kImagePage * kImagePage; }

void protect(void* base, const CpuRange& range, int access) {
  if (range.size == 0) return;
  if (::mprotect(static_cast<char*>(base) + range.offset, align_to_page(range.size), access) != 0)
    throw UserError(
        fmt::format("CPU image: the system refuses executable memory ({})", std::strerror(errno)));
}

}  // namespace

CpuImport cpu_import_named(std::string_view symbol) {
  if (symbol == "memcpy") return CpuImport::kMemcpy;
  if (symbol == "memset") return CpuImport::kMemset;
  if (symbol == "memmove") return CpuImport::kMemmove;
  return CpuImport{0};
}

CpuLevel host_cpu_level() {
  if (__builtin_cpu_supports("x86-64-v4")) return CpuLevel::kV4;
  if (__builtin_cpu_supports("x86-64-v3")) return CpuLevel::kV3;
  if (__builtin_cpu_supports("x86-64-v2")) return CpuLevel::kV2;
  return CpuLevel{0};
}

std::string_view name(CpuLevel level) {
  switch (level) {
    case CpuLevel::kV2: return "x86-64-v2";
    case CpuLevel::kV3: return "x86-64-v3";
    case CpuLevel::kV4: return "x86-64-v4";
  }
  return "x86-64";
}

CpuLevel cpu_level_named(std::string_view text) {
  for (const CpuLevel level : {CpuLevel::kV2, CpuLevel::kV3, CpuLevel::kV4})
    if (name(level) == text) return level;
  return CpuLevel{0};
}

std::string write_cpu_image(const CpuImageFile& file) {
  std::string body;
  put(body, static_cast<std::uint64_t>(file.level));
  for (const CpuRange* range : {&file.text, &file.data, &file.imports, &file.unwind}) put(body, *range);
  put(body, file.slots.size());
  for (const CpuImport slot : file.slots) put(body, static_cast<std::uint64_t>(slot));
  put(body, file.entries.size());
  for (const CpuEntry& entry : file.entries) {
    put(body, entry.code);
    put(body, entry.name.size());
    body += entry.name;
  }
  put(body, file.block.size());
  body += file.block;
  std::string out(kMagic);
  put(out, hash_of(body));
  return out + body;
}

CpuImageFile read_cpu_image(std::string_view bytes) {
  Reader in(bytes);
  if (in.take(kMagic.size()) != kMagic) damaged("it does not begin like one");
  const std::uint64_t hash = in.number();
  if (hash != hash_of(in.rest())) damaged("its hash differs");
  CpuImageFile file;
  const std::uint64_t level = in.number();
  if (level < 2 || level > 4) damaged("its instruction set is unknown");
  file.level = static_cast<CpuLevel>(level);
  for (CpuRange* range : {&file.text, &file.data, &file.imports, &file.unwind}) *range = in.range();
  const std::uint64_t slots = in.count(8);
  for (std::uint64_t i = 0; i < slots; ++i) {
    const std::uint64_t id = in.number();
    if (id < 1 || id > 3) damaged("it wants a host function that there is not");
    file.slots.push_back(static_cast<CpuImport>(id));
  }
  const std::uint64_t entries = in.count(24);
  for (std::uint64_t i = 0; i < entries; ++i) {
    const CpuRange code = in.range();
    file.entries.push_back({std::string(in.take(in.number())), code});
  }
  file.block = in.take(in.number());
  if (!in.rest().empty()) damaged("something follows it");
  check_ranges(file);
  return file;
}

CpuImage CpuImage::load(std::string_view bytes) {
  const CpuImageFile file = read_cpu_image(bytes);  // holds a copy: what is checked is what runs
  if (file.level > host_cpu_level())
    throw UserError(fmt::format("CPU image: compiled for {}, this machine is {}", name(file.level),
                                name(host_cpu_level())));
  CpuImage image;
  image.size_ = file.imports.offset + align_to_page(file.imports.size);
  void* base = ::mmap(nullptr, image.size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) throw UserError(fmt::format("CPU image: no memory ({})", std::strerror(errno)));
  image.base_ = base;
  std::memcpy(base, file.block.data(), file.block.size());
  char* slot = static_cast<char*>(base) + file.imports.offset;
  for (const CpuImport import : file.slots) {
    const std::uint64_t address = import_address(import);
    std::memcpy(slot, &address, 8);
    slot += 8;
  }
  protect(base, file.text, PROT_READ | PROT_EXEC);
  protect(base, file.data, PROT_READ);
  protect(base, file.imports, PROT_READ);
  image.entries_ = file.entries;
  return image;
}

CpuImage::CpuImage(CpuImage&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)), size_(other.size_), entries_(std::move(other.entries_)) {}

CpuImage& CpuImage::operator=(CpuImage other) noexcept {
  std::swap(base_, other.base_);
  std::swap(size_, other.size_);
  std::swap(entries_, other.entries_);
  return *this;
}

CpuImage::~CpuImage() {
  if (base_ != nullptr) ::munmap(base_, size_);
}

CpuImage::Entry CpuImage::entry(std::string_view wanted) const {
  std::string names;
  for (const CpuEntry& entry : entries_) {
    if (entry.name == wanted) return std::bit_cast<Entry>(static_cast<char*>(base_) + entry.code.offset);
    names += (names.empty() ? "" : ", ") + entry.name;
  }
  throw UserError(fmt::format("CPU image: no entry '{}'; it has {}", wanted, names.empty() ? "none" : names));
}

}  // namespace intarsia::runtime
