#include "target/cpu/linker.h"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace intarsia::target {
namespace {

using runtime::CpuImageFile;
using runtime::CpuImport;
using runtime::kImagePage;

constexpr std::uint64_t kNowhere = std::numeric_limits<std::uint64_t>::max();

// Sanitizers of the host look for a mark in front of a function that is called through a pointer: let there
// be memory.
constexpr std::size_t kBeforeText = 64;

enum class Place { kSkipped, kText, kData, kUnwind };

// A view of one object; every access is checked, so a malformed object is an error.
struct Object {
  std::string_view bytes;
  std::vector<Elf64_Shdr> sections;
  std::vector<std::uint64_t> address;  // of each section in the block; kNowhere: not loaded

  explicit Object(std::string_view object) : bytes(object) {
    const auto head = read<Elf64_Ehdr>(0);
    check(std::memcmp(head.e_ident, ELFMAG, SELFMAG) == 0 && head.e_type == ET_REL &&
              head.e_machine == EM_X86_64,
          "linker: not an x86-64 ELF object");
    for (std::uint64_t i = 0; i < head.e_shnum; ++i)
      sections.push_back(read<Elf64_Shdr>(head.e_shoff + i * sizeof(Elf64_Shdr)));
    address.assign(sections.size(), kNowhere);
    names_ = head.e_shstrndx;
  }
  template <class T>
  T read(std::uint64_t at) const {
    check(at <= bytes.size() && sizeof(T) <= bytes.size() - at, "linker: object ends too early");
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof(T));
    return value;
  }
  const Elf64_Shdr& section(std::uint64_t i) const {
    check(i < sections.size(), "linker: no such section");
    return sections[i];
  }
  std::string_view content(const Elf64_Shdr& s) const {
    check(s.sh_offset <= bytes.size() && s.sh_size <= bytes.size() - s.sh_offset,
          "linker: section outside the object");
    return bytes.substr(s.sh_offset, s.sh_size);
  }
  std::string text(std::uint64_t table, std::uint64_t at) const {
    const std::string_view all = content(section(table));
    check(at < all.size(), "linker: name outside its table");
    return std::string(all.substr(at, all.find('\0', at) - at));
  }
  std::string name(const Elf64_Shdr& s) const { return text(names_, s.sh_name); }
  Elf64_Sym symbol(const Elf64_Shdr& table, std::uint64_t i) const {
    check(i < table.sh_size / sizeof(Elf64_Sym), "linker: no such symbol");
    return read<Elf64_Sym>(table.sh_offset + i * sizeof(Elf64_Sym));
  }

 private:
  std::uint64_t names_ = 0;
};

Place place_of(const Object& object, const Elf64_Shdr& s) {
  if ((s.sh_flags & SHF_ALLOC) == 0) return Place::kSkipped;
  const std::string name = object.name(s);
  check((s.sh_flags & (SHF_WRITE | SHF_TLS)) == 0,
        "linker: writable section " + name + ": an image has no state");
  check(s.sh_addralign <= kImagePage, "linker: section " + name + " is aligned beyond a page");
  if (name == ".eh_frame") return Place::kUnwind;
  check(s.sh_type == SHT_PROGBITS, "linker: section " + name + " of an unknown type");
  return (s.sh_flags & SHF_EXECINSTR) != 0 ? Place::kText : Place::kData;
}

struct Definition {
  std::uint64_t address = 0, size = 0;
  bool entry = false;
};

class Linker {
 public:
  Linker(std::span<const std::string> objects, runtime::CpuLevel level) {
    file_.level = level;
    for (const std::string& object : objects) objects_.emplace_back(object);
  }

  CpuImageFile link() {
    file_.block.assign(kBeforeText, '\x90');
    place(Place::kText, 0x90);
    file_.text = {0, file_.block.size()};
    pad_to(kImagePage, '\0');
    const std::uint64_t data = file_.block.size();
    place(Place::kData, '\0');
    pad_to(8, '\0');
    const std::uint64_t unwind = file_.block.size();
    place(Place::kUnwind, '\0');
    file_.block.append(4, '\0');  // the terminator of eh_frame
    file_.unwind = {unwind, file_.block.size() - unwind};
    file_.data = {data, file_.block.size() - data};
    file_.imports.offset = (file_.block.size() + kImagePage - 1) / kImagePage * kImagePage;
    for (const Object& object : objects_) define(object);
    for (const Object& object : objects_) relocate(object);
    file_.imports.size = file_.slots.size() * 8;
    check(file_.imports.offset < runtime::kImageLimit, "linker: the image is too large");
    for (const auto& [name, definition] : globals_)
      if (definition.entry) file_.entries.push_back({name, {definition.address, definition.size}});
    return std::move(file_);
  }

 private:
  void pad_to(std::uint64_t align, char with) {
    const std::uint64_t size = file_.block.size();
    file_.block.append((align - size % align) % align, with);
  }

  void place(Place where, int filler) {
    for (Object& object : objects_)
      for (std::size_t i = 0; i < object.sections.size(); ++i) {
        const Elf64_Shdr& s = object.sections[i];
        if (place_of(object, s) != where) continue;
        pad_to(std::max<std::uint64_t>(s.sh_addralign, 1), static_cast<char>(filler));
        object.address[i] = file_.block.size();
        file_.block += object.content(s);
      }
  }

  void define(const Object& object) {
    for (const Elf64_Shdr& s : object.sections) {
      if (s.sh_type != SHT_SYMTAB) continue;
      for (std::uint64_t i = 0; i < s.sh_size / sizeof(Elf64_Sym); ++i) {
        const Elf64_Sym symbol = object.symbol(s, i);
        if (ELF64_ST_BIND(symbol.st_info) == STB_LOCAL || symbol.st_shndx == SHN_UNDEF) continue;
        const std::string name = object.text(s.sh_link, symbol.st_name);
        const Definition made{address_of(object, symbol), symbol.st_size,
                              ELF64_ST_TYPE(symbol.st_info) == STT_FUNC};
        check(globals_.emplace(name, made).second, "linker: two definitions of " + name);
      }
    }
  }

  static std::uint64_t address_of(const Object& object, const Elf64_Sym& symbol) {
    check(symbol.st_shndx < object.sections.size(), "linker: a symbol without a section");
    const std::uint64_t base = object.address[symbol.st_shndx];
    check(base != kNowhere, "linker: a symbol in a section that is not loaded");
    return base + symbol.st_value;
  }

  std::uint64_t slot(const std::string& name) {
    const CpuImport import = runtime::cpu_import_named(name);
    check(import != CpuImport{0},
          "linker: code wants the function '" + name + "', which images may not import");
    const auto found = std::find(file_.slots.begin(), file_.slots.end(), import);
    const auto at = static_cast<std::uint64_t>(found - file_.slots.begin());
    if (found == file_.slots.end()) file_.slots.push_back(import);
    return file_.imports.offset + at * 8;
  }

  void relocate(const Object& object) {
    for (const Elf64_Shdr& s : object.sections) {
      if (s.sh_type != SHT_RELA && s.sh_type != SHT_REL) continue;
      object.section(s.sh_info);
      if (object.address[s.sh_info] == kNowhere) continue;
      check(s.sh_type == SHT_RELA, "linker: relocations without addends");
      for (std::uint64_t i = 0; i < s.sh_size / sizeof(Elf64_Rela); ++i)
        apply(object, s, object.read<Elf64_Rela>(s.sh_offset + i * sizeof(Elf64_Rela)));
    }
  }

  void apply(const Object& object, const Elf64_Shdr& s, const Elf64_Rela& r) {
    const Elf64_Shdr& symbols = object.section(s.sh_link);
    const Elf64_Sym symbol = object.symbol(symbols, ELF64_R_SYM(r.r_info));
    const std::string name = object.text(symbols.sh_link, symbol.st_name);
    const std::uint64_t size = object.sections[s.sh_info].sh_size;
    check(size >= 4 && r.r_offset <= size - 4, "linker: a relocation outside its section");
    const std::uint64_t at = object.address[s.sh_info] + r.r_offset;
    const auto defined =
        symbol.st_shndx != SHN_UNDEF ? std::optional(address_of(object, symbol)) : global(name);
    switch (ELF64_R_TYPE(r.r_info)) {
      case R_X86_64_PLT32:
      case R_X86_64_PC32:
        check(defined.has_value(), "linker: '" + name + "' is reached directly but is not part of the image");
        return write(at, *defined + static_cast<std::uint64_t>(r.r_addend) - at);
      case R_X86_64_GOTPCREL:
      case R_X86_64_GOTPCRELX:
      case R_X86_64_REX_GOTPCRELX:
        check(!defined, "linker: '" + name + "' of the image is reached through the import table");
        return write(at, slot(name) + static_cast<std::uint64_t>(r.r_addend) - at);
      default:
        check(false,
              fmt::format("linker: relocation {} to '{}' is not allowed", ELF64_R_TYPE(r.r_info), name));
    }
  }

  std::optional<std::uint64_t> global(const std::string& name) const {
    const auto found = globals_.find(name);
    return found == globals_.end() ? std::nullopt : std::optional(found->second.address);
  }

  void write(std::uint64_t at, std::uint64_t distance) {
    const auto value = static_cast<std::int64_t>(distance);
    check(value >= INT32_MIN && value <= INT32_MAX, "linker: a distance beyond 2 GiB");
    const auto narrow = static_cast<std::int32_t>(value);
    std::memcpy(file_.block.data() + at, &narrow, 4);
  }

  std::vector<Object> objects_;
  CpuImageFile file_;
  std::map<std::string, Definition> globals_;  // sorted: the order of entries does not depend on objects
};

}  // namespace

CpuImageFile link_image(std::span<const std::string> objects, runtime::CpuLevel level) {
  return Linker(objects, level).link();
}

}  // namespace intarsia::target
