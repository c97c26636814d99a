/* What an application may replace under Intarsia: memory, parallel loops and the log. C11 and C++. */
#ifndef INTARSIA_RUNTIME_H
#define INTARSIA_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum intarsia_log_level {
  INTARSIA_LOG_DEBUG = 0,
  INTARSIA_LOG_INFO = 1,
  INTARSIA_LOG_WARNING = 2,
  INTARSIA_LOG_ERROR = 3
} intarsia_log_level;

/* Runs a part of a loop: the indices first <= i < last. It never throws and never unwinds. */
typedef void (*intarsia_loop_body)(void* context, int64_t first, int64_t last);

/* Every function may be called from several threads at once. `size` is sizeof(intarsia_host): later versions
   add functions at the end, and a null function means the default. */
typedef struct intarsia_host {
  size_t size;
  void* user;
  /* At least `bytes` bytes aligned to 64, contents undefined; null where there is no memory. */
  void* (*alloc)(void* user, size_t bytes);
  /* `bytes` is what alloc was given. */
  void (*free)(void* user, void* memory, size_t bytes);
  /* Calls body over 0 <= i < count in parts of about `grain` indices, on any threads, and returns when all
   * are done. */
  void (*parallel_for)(void* user, int64_t count, int64_t grain, intarsia_loop_body body, void* context);
  /* `text` is UTF-8, ends in 0 and lives for the call. */
  void (*log)(void* user, intarsia_log_level level, const char* text);
} intarsia_host;

/* Gives the process its host. 0, or 1 once the CPU was used: call it before anything else. The functions must
   outlive the process's tensors; the structure is copied. */
int intarsia_set_host(const intarsia_host* host);

#ifdef __cplusplus
}
#endif
#endif /* INTARSIA_RUNTIME_H */
