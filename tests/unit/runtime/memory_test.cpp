// Pools, memory plans, storages and the host's loop.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <numeric>
#include <random>
#include <thread>

#include "runtime/cpu_device.h"
#include "runtime/host.h"
#include "runtime/memory_plan.h"
#include "runtime/pool.h"

namespace intarsia::runtime {
namespace {

TEST(SizeClass, HoldsEverySizeWithLittleWaste) {
  for (std::size_t bytes :
       {std::size_t{1}, std::size_t{64}, std::size_t{65}, std::size_t{80}, std::size_t{81}, std::size_t{4096},
        std::size_t{4097}, std::size_t{1} << 30, (std::size_t{1} << 30) + 1}) {
    const std::size_t at = SizeClass::index(bytes);
    EXPECT_GE(SizeClass::bytes(at), bytes);
    if (at) EXPECT_LT(SizeClass::bytes(at - 1), bytes);
    if (bytes > 64) EXPECT_LE(SizeClass::bytes(at), bytes + bytes / 4 + 1);
  }
}

TEST(Pool, GivesAFreedBlockAgain) {
  Pool pool(std::size_t{1} << 30);
  void* a = pool.allocate(10 << 20);
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a) % 64, 0u);
  pool.free(a, 10 << 20);
  EXPECT_GE(pool.kept_bytes(), std::size_t{10} << 20);
  EXPECT_EQ(pool.allocate((10 << 20) - 100), a);
  EXPECT_EQ(pool.kept_bytes(), 0u);
  pool.free(a, (10 << 20) - 100);
  pool.trim();
  EXPECT_EQ(pool.kept_bytes(), 0u);
}

TEST(Pool, KeepsNoMoreThanItsLimit) {
  Pool pool(1 << 20);
  std::vector<void*> blocks;
  for (int i = 0; i < 8; ++i) blocks.push_back(pool.allocate(512 << 10));
  for (void* b : blocks) pool.free(b, 512 << 10);
  EXPECT_LE(pool.kept_bytes(), std::size_t{1} << 20);
}

TEST(Pool, IsSafeFromManyThreads) {
  Pool pool(std::size_t{1} << 28);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&pool, t] {
      std::mt19937 random(static_cast<unsigned>(t));
      for (int i = 0; i < 2000; ++i) {
        const std::size_t bytes = 1 + random() % 5000;
        void* a = pool.allocate(bytes);
        std::memset(a, t, bytes);
        std::this_thread::yield();
        EXPECT_EQ(static_cast<unsigned char*>(a)[bytes - 1], t);
        pool.free(a, bytes);
      }
    });
  for (auto& t : threads) t.join();
}

TEST(MemoryPlan, LivesThatMeetNeverOverlap) {
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    std::vector<Lifetime> lives(random() % 40);
    for (Lifetime& l : lives) {
      l.bytes = static_cast<std::int64_t>(random() % 4 ? random() % 5000 : 0);
      l.align = std::int64_t{64} << random() % 3;
      l.first = random() % 30, l.last = l.first + random() % 8;
    }
    const MemoryPlan plan = pack(lives);
    for (std::size_t i = 0; i < lives.size(); ++i) {
      EXPECT_EQ(plan.offsets[i] % lives[i].align, 0);
      EXPECT_LE(plan.offsets[i] + lives[i].bytes, plan.bytes);
      for (std::size_t j = 0; j < i; ++j) {
        if (lives[i].last < lives[j].first || lives[j].last < lives[i].first) continue;
        EXPECT_TRUE(plan.offsets[i] + lives[i].bytes <= plan.offsets[j] ||
                    plan.offsets[j] + lives[j].bytes <= plan.offsets[i]);
      }
    }
  }
}

TEST(MemoryPlan, ReusesWhatIsDead) {
  const Lifetime chain[] = {{1024, 64, 0, 1}, {1024, 64, 1, 2}, {1024, 64, 2, 3}, {1024, 64, 3, 4}};
  EXPECT_EQ(pack(chain).bytes, 2048);
}

TEST(Host, LoopCoversEveryIndexOnce) {
  for (std::int64_t count : {0, 1, 7, 1000, 100000}) {
    std::vector<std::atomic<int>> hits(static_cast<std::size_t>(count));
    parallel_for(default_host(), count, 64, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t i = first; i < last; ++i) ++hits[static_cast<std::size_t>(i)];
    });
    for (const auto& h : hits) EXPECT_EQ(h, 1);
  }
}

TEST(Host, LoopThrowsWhatABodyThrew) {
  const auto body = [](std::int64_t first, std::int64_t) {
    if (first >= 0) throw UserError("in the body");
  };
  EXPECT_THROW(parallel_for(default_host(), 1000, 1, body), UserError);
}

TEST(Host, MissingFunctionsAreTheDefaults) {
  intarsia_host mine{};
  mine.size = sizeof mine;
  mine.alloc = [](void*, std::size_t) -> void* { return nullptr; };  // without a free: not taken
  const intarsia_host host = complete(mine);
  EXPECT_EQ(host.alloc, default_host().alloc);
  EXPECT_EQ(host.parallel_for, default_host().parallel_for);
}

TEST(Host, AnApplicationBringsItsOwnMemory) {
  struct Counter {
    int live = 0;
  } counter;
  intarsia_host mine{};
  mine.size = sizeof mine, mine.user = &counter;
  mine.alloc = [](void* user, std::size_t bytes) {
    ++static_cast<Counter*>(user)->live;
    return std::aligned_alloc(64, (bytes + 63) / 64 * 64);
  };
  mine.free = [](void* user, void* memory, std::size_t) {
    --static_cast<Counter*>(user)->live;
    std::free(memory);
  };
  CpuDevice device(mine);
  {
    const DeviceTensor a = DeviceTensor::make(device, DType::kF32, {3, 5});
    const DeviceTensor b = a;
    EXPECT_EQ(a.bytes(), 60);
    EXPECT_TRUE(a.storage->is_shared());
    EXPECT_EQ(counter.live, 1);
  }
  EXPECT_EQ(counter.live, 0);
}

TEST(Host, IsGivenBeforeTheCpuIsUsedOrNotAtAll) {
  (void)cpu_device();
  EXPECT_EQ(intarsia_set_host(nullptr), 1);
}

TEST(Storage, GivesWrappedMemoryBack) {
  int data[4] = {}, released = 0;
  {
    const StorageRef s = Storage::wrap(
        cpu_device(), data, sizeof data, [](void* context) noexcept { ++*static_cast<int*>(context); },
        &released);
    EXPECT_EQ(s->data(), data);
    EXPECT_EQ(released, 0);
  }
  EXPECT_EQ(released, 1);
}

TEST(Storage, SizesDoNotOverflow) {
  EXPECT_THROW(Extents({INT64_MAX, 3}).numel(), UserError);
  EXPECT_THROW(DeviceTensor::make(cpu_device(), DType::kF32, {INT64_MAX / 2}), UserError);
  EXPECT_EQ(checked_bytes(DType::kI4, 3), 2);
}

TEST(CpuDevice, FillsAndCopiesRows) {
  CpuDevice& cpu = cpu_device();
  std::vector<std::uint16_t> data(5);
  cpu.memset(data.data(), 0xABCD, 2, 10, nullptr);
  EXPECT_EQ(data, std::vector<std::uint16_t>(5, 0xABCD));
  const char from[] = "abcdef";
  char to[10] = {};
  cpu.copy_rows(to, 4, from, 3, 2, 2, nullptr);
  EXPECT_EQ(std::string(to, 2), "ab");
  EXPECT_EQ(std::string(to + 4, 2), "de");
}

}  // namespace
}  // namespace intarsia::runtime
