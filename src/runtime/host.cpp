#include "runtime/host.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <exception>
#include <thread>
#include <vector>

#include "runtime/pool.h"
#ifdef INTARSIA_HAVE_TBB
#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>
#endif

namespace intarsia::runtime {
namespace {

std::size_t physical_memory() {
  const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGE_SIZE);
  return pages > 0 && size > 0 ? static_cast<std::size_t>(pages) * static_cast<std::size_t>(size)
                               : std::size_t{1} << 30;
}

// Never destroyed: tensors of other static objects may outlive every order of destruction.
Pool& pool() {
  static Pool* const pool = new Pool(physical_memory() / 4);
  return *pool;
}

void* allocate(void*, std::size_t bytes) { return pool().allocate(bytes); }
void release(void*, void* memory, std::size_t bytes) { pool().free(memory, bytes); }

void loop(void*, std::int64_t count, std::int64_t grain, intarsia_loop_body body, void* context) {
  if (count <= 0) return;
  grain = std::max<std::int64_t>(grain, 1);
  if (count <= grain) return body(context, 0, count);
#ifdef INTARSIA_HAVE_TBB
  tbb::parallel_for(tbb::blocked_range<std::int64_t>(0, count, static_cast<std::size_t>(grain)),
                    [&](const auto& range) { body(context, range.begin(), range.end()); });
#else
  const auto workers = std::max<std::int64_t>(2, std::thread::hardware_concurrency());
  std::atomic<std::int64_t> next{0};
  const auto work = [&] {
    for (std::int64_t first; (first = next.fetch_add(grain)) < count;)
      body(context, first, std::min(count, first + grain));
  };
  std::vector<std::jthread> threads;
  for (std::int64_t i = 1; i < std::min(workers, (count + grain - 1) / grain); ++i)
    threads.emplace_back(work);
  work();
#endif
}

void log(void*, intarsia_log_level level, const char* text) {
  constexpr const char* kNames[] = {"debug", "info", "warning", "error"};
  if (level >= INTARSIA_LOG_WARNING)
    std::fprintf(stderr, "intarsia: %s: %s\n", kNames[std::min<int>(level, 3)], text);
}

}  // namespace

const intarsia_host& default_host() {
  static constexpr intarsia_host kHost{sizeof(intarsia_host), nullptr, allocate, release, loop, log};
  return kHost;
}

intarsia_host complete(const intarsia_host& given) {
  intarsia_host host = default_host();
  const bool own_memory = given.alloc && given.free;  // a pair: one allocator never frees what another gave
  host.user = given.user;
  if (own_memory) host.alloc = given.alloc, host.free = given.free;
  if (given.parallel_for) host.parallel_for = given.parallel_for;
  if (given.log) host.log = given.log;
  return host;
}

}  // namespace intarsia::runtime
