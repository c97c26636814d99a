// Images: equal bytes for equal kernels, refusal of everything outside the contract, damage found before
// anything runs.
#include <gtest/gtest.h>

#include <random>

#include "base/error.h"
#include "harness.h"
#include "target/cpu/linker.h"

namespace intarsia::test {
namespace {

Kernel twice(const std::string& name) {
  Kit kit(name);
  Builder& b = kit.b;
  const std::int64_t extents[] = {64};
  const ValueId x = b.view("x", Role::kInput, 0, DType::kF32, {100}),
                y = b.view("y", Role::kOutput, 0, DType::kF32, {100});
  const ValueId at[] = {b.binary(Fn::kMul, b.program_id(0), b.constant(64, kernel::scalar(DType::kI64)))};
  const ValueId v = b.load(x, at, extents);
  b.store(y, b.unary(Fn::kExp, b.binary(Fn::kAdd, v, v)), at);
  kit.k.grid = {2, 1, 1};
  return kit.k;
}

template <class Error, class Body>
std::string message_of(const Body& body) {
  try {
    body();
  } catch (const Error& error) { return error.what(); }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

TEST(CpuImage, EqualKernelsGiveEqualBytes) {
  const Kernel kernels[] = {twice("a"), twice("b")};
  EXPECT_EQ(target::compile_cpu(kernels), target::compile_cpu(kernels));
  const runtime::CpuImageFile file = runtime::read_cpu_image(target::compile_cpu(kernels));
  ASSERT_EQ(file.entries.size(), 2u);
  EXPECT_EQ(file.entries[0].name, "a");
  EXPECT_EQ(file.entries[1].name, "b");
  EXPECT_EQ(runtime::write_cpu_image(file), target::compile_cpu(kernels));
}

TEST(CpuImage, LoadsAnywhereAndKeepsItsEntries) {
  const Kernel k = twice("twice");
  const std::string bytes = target::compile_cpu(std::span(&k, 1), {.level = "x86-64-v2"});
  std::vector<runtime::CpuImage> images;
  for (int i = 0; i < 3; ++i) images.push_back(runtime::CpuImage::load(bytes));
  for (const runtime::CpuImage& image : images) {
    Tensor x(DType::kF32, 100), y(DType::kF32, 100);
    for (int i = 0; i < 100; ++i) x.set(i, 0);
    Tensor* const tensors[] = {&x, &y};
    run(image, k, tensors, {});
    for (int i = 0; i < 100; ++i) ASSERT_EQ(y.at(i), 1);
  }
  EXPECT_EQ(message_of<UserError>([&] { images[0].entry("thrice"); }),
            "CPU image: no entry 'thrice'; it has twice");
}

TEST(CpuImage, NamesAndLevelsAreChecked) {
  const Kernel same[] = {twice("a"), twice("a")};
  EXPECT_EQ(message_of<UserError>([&] { target::compile_cpu(same); }), "two kernels are named 'a'");
  EXPECT_EQ(message_of<UserError>([&] { target::compile_cpu({}, {.level = "avx2"}); }),
            "CPU level 'avx2' is unknown; levels are x86-64-v2, x86-64-v3 and x86-64-v4");
  const runtime::CpuImage empty = runtime::CpuImage::load(target::compile_cpu({}, {.level = "x86-64-v2"}));
  EXPECT_TRUE(empty.entries().empty());
}

// One changed, removed or added byte, anywhere, is found when the image is loaded.
TEST(CpuImage, DamageIsFound) {
  const Kernel k = twice("twice");
  const std::string bytes = target::compile_cpu(std::span(&k, 1), {.level = "x86-64-v2"});
  std::mt19937 random(1);
  for (int round = 0; round < 3000; ++round) {
    std::string damaged = bytes;
    const std::size_t at =
        round < 512 ? static_cast<std::size_t>(round) % damaged.size() : random() % damaged.size();
    switch (random() % 4) {
      case 0: damaged.resize(at); break;
      case 1: damaged.insert(at, 1, static_cast<char>(random())); break;
      case 2: damaged.erase(at, 1 + random() % 9); break;
      default: damaged[at] = static_cast<char>(damaged[at] ^ (1 << random() % 8));
    }
    if (damaged == bytes) continue;
    ASSERT_THROW(runtime::CpuImage::load(damaged), UserError) << "byte " << at;
  }
  EXPECT_THROW(runtime::CpuImage::load(""), UserError);
}

// Heads that lie, with a hash that agrees: the loader still refuses.
TEST(CpuImage, HeadsThatLieAreRefused) {
  const Kernel k = twice("twice");
  const runtime::CpuImageFile good =
      runtime::read_cpu_image(target::compile_cpu(std::span(&k, 1), {.level = "x86-64-v2"}));
  const auto refused = [&](const auto& change) {
    runtime::CpuImageFile bad = good;
    change(bad);
    EXPECT_THROW(runtime::CpuImage::load(runtime::write_cpu_image(bad)), UserError);
  };
  refused([](auto& f) { f.entries[0].code.offset = f.text.size; });
  refused([](auto& f) { f.entries[0].code.size = ~std::uint64_t{0}; });
  refused([](auto& f) { f.entries[0].code.size = 0; });
  refused([](auto& f) { f.data.offset = 0; });
  refused([](auto& f) { f.data.offset += 1; });
  refused([](auto& f) { f.text.size = std::uint64_t{1} << 40; });
  refused([](auto& f) { f.imports.offset = ~std::uint64_t{0} - 4095; });
  refused([](auto& f) { f.slots.push_back(runtime::CpuImport::kMemcpy); });
  refused([](auto& f) { f.slots.push_back(static_cast<runtime::CpuImport>(9)), f.imports.size += 8; });
  refused([](auto& f) { f.level = static_cast<runtime::CpuLevel>(7); });
  refused([](auto& f) { f.unwind.offset = f.imports.offset; });
  refused([](auto& f) { f.block += "x"; });
}

TEST(CpuImage, LinkerRefusesWhatIsNotAnObject) {
  for (const std::string& object : {std::string("not ELF"), std::string("\177ELF"), std::string(64, '\0')})
    EXPECT_THROW(target::link_image(std::span(&object, 1), runtime::CpuLevel::kV2), InternalError);
}

TEST(CpuCompile, TextForPeopleNamesTheEntry) {
  const Kernel k = twice("twice");
  EXPECT_NE(target::cpu_llvm_ir(k).find("define hidden void @twice(ptr"), std::string::npos);
  EXPECT_NE(target::cpu_assembly(k).find("twice:"), std::string::npos);
  EXPECT_NE(target::cpu_assembly(k, {.level = "x86-64-v4"}).find("%zmm"), std::string::npos);
}

TEST(CpuCompile, TooMuchStackIsRefusedByName) {
  Kit kit("wide");
  Builder& b = kit.b;
  const std::int64_t extents[] = {1 << 20};
  const ValueId x = b.view("x", Role::kInput, 0, DType::kF32, {1 << 20}),
                y = b.view("y", Role::kOutput, 0, DType::kF32, {1 << 20});
  const ValueId at[] = {b.constant(0, kernel::scalar(DType::kI64))};
  b.store(y, b.scan(Fn::kAdd, b.load(x, at, extents), 0), at);
  EXPECT_EQ(message_of<Unsupported>([&] { target::compile_cpu(std::span(&kit.k, 1)); }),
            "wide: one program needs more than 2048 KiB of intermediate blocks; use smaller blocks");
}

}  // namespace
}  // namespace intarsia::test
