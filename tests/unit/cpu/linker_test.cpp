// The relocator on objects written byte by byte: what it accepts, and that it refuses the rest by name.
#include <elf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/error.h"
#include "target/cpu/linker.h"

namespace intarsia::test {
namespace {

// An object with one function of 16 bytes, and whatever a test adds.
class Object {
 public:
  explicit Object(const std::string& function = "f") {
    section("", SHT_NULL, 0, "");
    text_ = section(".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, std::string(16, '\xc3'));
    symbol("", 0, 0, STB_LOCAL, STT_NOTYPE, 0);
    symbol(function, text_, 0, STB_GLOBAL, STT_FUNC, 16);
  }
  std::uint16_t section(const std::string& name, std::uint32_t type, std::uint64_t flags,
                        const std::string& content, std::uint64_t align = 16) {
    Elf64_Shdr head{};
    head.sh_name = static_cast<std::uint32_t>(names_.size());
    head.sh_type = type, head.sh_flags = flags, head.sh_addralign = align;
    names_ += name + '\0';
    heads_.push_back(head), contents_.push_back(content);
    return static_cast<std::uint16_t>(heads_.size() - 1);
  }
  std::uint32_t symbol(const std::string& name, std::uint16_t section, std::uint64_t value, int bind,
                       int type, std::uint64_t size) {
    Elf64_Sym s{};
    s.st_name = static_cast<std::uint32_t>(strings_.size());
    s.st_info = static_cast<unsigned char>(ELF64_ST_INFO(bind, type));
    s.st_shndx = section, s.st_value = value, s.st_size = size;
    strings_ += name + '\0';
    symbols_.append(reinterpret_cast<const char*>(&s), sizeof(s));
    return static_cast<std::uint32_t>(symbols_.size() / sizeof(s) - 1);
  }
  void relocate(std::uint32_t type, std::uint32_t symbol, std::uint64_t offset = 2,
                std::int64_t addend = -4) {
    const Elf64_Rela r{offset, ELF64_R_INFO(static_cast<std::uint64_t>(symbol), type), addend};
    relocations_.append(reinterpret_cast<const char*>(&r), sizeof(r));
  }
  std::string bytes() {
    const std::uint16_t strings = section(".strtab", SHT_STRTAB, 0, strings_, 1);
    const std::uint16_t symbols = section(".symtab", SHT_SYMTAB, 0, symbols_, 8);
    heads_[symbols].sh_link = strings;
    const std::uint16_t relocations = section(".rela.text", SHT_RELA, 0, relocations_, 8);
    heads_[relocations].sh_link = symbols, heads_[relocations].sh_info = text_;
    const std::uint16_t names = section(".shstrtab", SHT_STRTAB, 0, "", 1);
    contents_[names] = names_;
    std::string out(sizeof(Elf64_Ehdr), '\0');
    for (std::size_t i = 0; i < heads_.size(); ++i) {
      heads_[i].sh_offset = out.size(), heads_[i].sh_size = contents_[i].size();
      out += contents_[i];
    }
    Elf64_Ehdr head{};
    std::memcpy(head.e_ident, ELFMAG, SELFMAG);
    head.e_type = ET_REL, head.e_machine = EM_X86_64;
    head.e_shoff = out.size(), head.e_shnum = static_cast<std::uint16_t>(heads_.size()),
    head.e_shstrndx = names;
    std::memcpy(out.data(), &head, sizeof(head));
    for (const Elf64_Shdr& s : heads_) out.append(reinterpret_cast<const char*>(&s), sizeof(s));
    return out;
  }

 private:
  std::uint16_t text_ = 0;
  std::vector<Elf64_Shdr> heads_;
  std::vector<std::string> contents_;
  std::string names_, strings_, symbols_, relocations_;
};

runtime::CpuImageFile link(std::vector<std::string> objects) {
  return target::link_image(objects, runtime::CpuLevel::kV2);
}

std::string refusal(Object object) {
  try {
    link({object.bytes()});
  } catch (const InternalError& error) {
    const std::string text = error.what();
    return text.substr(0, text.find(" ["));
  }
  return "accepted";
}

std::int32_t word_at(const runtime::CpuImageFile& file, std::uint64_t at) {
  std::int32_t word = 0;
  std::memcpy(&word, file.block.data() + at, 4);
  return word;
}

TEST(CpuLinker, ImportsGoThroughTheTable) {
  Object object;
  object.relocate(R_X86_64_GOTPCRELX, object.symbol("memcpy", 0, 0, STB_GLOBAL, STT_NOTYPE, 0));
  object.relocate(R_X86_64_REX_GOTPCRELX, object.symbol("memset", 0, 0, STB_GLOBAL, STT_NOTYPE, 0), 8);
  const runtime::CpuImageFile file = link({object.bytes()});
  ASSERT_EQ(file.entries.size(), 1u);
  const std::uint64_t f = file.entries[0].code.offset;
  EXPECT_EQ(file.slots,
            (std::vector<runtime::CpuImport>{runtime::CpuImport::kMemcpy, runtime::CpuImport::kMemset}));
  EXPECT_EQ(word_at(file, f + 2), static_cast<std::int64_t>(file.imports.offset - (f + 2)) - 4);
  EXPECT_EQ(word_at(file, f + 8), static_cast<std::int64_t>(file.imports.offset + 8 - (f + 8)) - 4);
}

TEST(CpuLinker, ConstantsAreReachedRelativeToTheCode) {
  Object object;
  const std::uint16_t constants = object.section(".rodata", SHT_PROGBITS, SHF_ALLOC, "0123456789abcdef", 64);
  object.relocate(R_X86_64_PC32, object.symbol("", constants, 0, STB_LOCAL, STT_SECTION, 0), 2, 4 - 4);
  const runtime::CpuImageFile file = link({object.bytes()});
  const std::uint64_t at = file.entries[0].code.offset + 2;
  EXPECT_EQ(file.block.substr(at + static_cast<std::uint64_t>(word_at(file, at)) + 4, 4), "4567");
  EXPECT_EQ(file.data.offset % runtime::kImagePage, 0u);
}

TEST(CpuLinker, SeveralObjectsBecomeOneImage) {
  const std::string f = Object("f").bytes(), g = Object("g").bytes();
  const runtime::CpuImageFile file = link({g, f});
  ASSERT_EQ(file.entries.size(), 2u);
  EXPECT_EQ(file.entries[0].name, "f");
  EXPECT_LT(file.entries[1].code.offset, file.entries[0].code.offset);
  EXPECT_THROW(link({f, f}), InternalError);
}

TEST(CpuLinker, RefusesWhatIsOutsideTheContract) {
  const auto with = [](const auto& change) {
    Object object;
    change(object);
    return refusal(std::move(object));
  };
  const auto unknown = [](Object& o) { return o.symbol("sinf", 0, 0, STB_GLOBAL, STT_NOTYPE, 0); };
  EXPECT_EQ(with([](Object&) {}), "accepted");
  EXPECT_EQ(with([&](Object& o) { o.relocate(R_X86_64_GOTPCRELX, unknown(o)); }),
            "linker: code wants the function 'sinf', which images may not import");
  EXPECT_EQ(with([&](Object& o) { o.relocate(R_X86_64_PLT32, unknown(o)); }),
            "linker: 'sinf' is reached directly but is not part of the image");
  EXPECT_EQ(with([&](Object& o) { o.relocate(R_X86_64_64, unknown(o)); }),
            "linker: relocation 1 to 'sinf' is not allowed");
  EXPECT_EQ(with([&](Object& o) { o.relocate(R_X86_64_TLSGD, unknown(o)); }),
            "linker: relocation 19 to 'sinf' is not allowed");
  EXPECT_EQ(with([&](Object& o) { o.relocate(R_X86_64_PC32, 1, 13); }),
            "linker: a relocation outside its section");
  EXPECT_EQ(with([&](Object& o) { o.relocate(R_X86_64_PC32, 99); }), "linker: no such symbol");
  EXPECT_EQ(with([](Object& o) { o.section(".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, "x"); }),
            "linker: writable section .data: an image has no state");
  EXPECT_EQ(with([](Object& o) { o.section(".tdata", SHT_PROGBITS, SHF_ALLOC | SHF_TLS, "x"); }),
            "linker: writable section .tdata: an image has no state");
  EXPECT_EQ(with([](Object& o) { o.section(".bss2", SHT_NOBITS, SHF_ALLOC, ""); }),
            "linker: section .bss2 of an unknown type");
  EXPECT_EQ(with([](Object& o) { o.section(".rodata", SHT_PROGBITS, SHF_ALLOC, "x", 8192); }),
            "linker: section .rodata is aligned beyond a page");
}

// Cut anywhere, an object is refused, never read past its end.
TEST(CpuLinker, CutObjectsAreRefused) {
  Object object;
  object.relocate(R_X86_64_GOTPCRELX, object.symbol("memcpy", 0, 0, STB_GLOBAL, STT_NOTYPE, 0));
  const std::string bytes = object.bytes();
  for (std::size_t size = 0; size < bytes.size(); ++size)
    ASSERT_THROW(link({bytes.substr(0, size)}), InternalError) << size;
}

}  // namespace
}  // namespace intarsia::test
