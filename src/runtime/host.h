// The host: memory, parallel loops and the log, as the application gave them or by default.
#pragma once
#include <atomic>
#include <exception>
#include <memory>
#include <string>

#include "intarsia/runtime.h"

namespace intarsia::runtime {

// Pooled memory aligned to 64 bytes, oneTBB (or plain threads), warnings and errors on stderr. Lives as long
// as the process.
const intarsia_host& default_host();

// `given` with the default in place of every function that is missing.
intarsia_host complete(const intarsia_host& given);

// Runs `body(first, last)` over 0 <= i < count through the host; the first exception of a body is thrown
// again here.
template <class Body>
void parallel_for(const intarsia_host& host, std::int64_t count, std::int64_t grain, Body&& body) {
  struct Loop {
    Body& body;
    std::atomic<bool> failed{false};
    std::exception_ptr error = nullptr;
  } loop{body};
  const auto part = [](void* context, std::int64_t first, std::int64_t last) noexcept {
    Loop& l = *static_cast<Loop*>(context);
    if (l.failed.load(std::memory_order_relaxed)) return;
    try {
      l.body(first, last);
    } catch (...) {
      if (!l.failed.exchange(true)) l.error = std::current_exception();
    }
  };
  host.parallel_for(host.user, count, grain, part, &loop);
  if (loop.error) std::rethrow_exception(loop.error);
}

}  // namespace intarsia::runtime
