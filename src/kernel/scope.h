// The kernel a thread is writing: what tl::program_id and its kin append to.
#pragma once
#include <source_location>

#include "kernel/vocabulary.h"

namespace intarsia::kernel {

// While it lives, the vocabulary is this thread's current one.
class Scope {
 public:
  explicit Scope(Vocabulary& vocabulary);
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  // UserError: no kernel is being written here. Instructions that follow carry the line.
  static Vocabulary& current(const std::source_location& at);

 private:
  Vocabulary* outer_;
};

// "file:line:column"; errors of `what` are thrown again with it in front, once.
std::string str(const std::source_location& at);
[[noreturn]] void rethrow_at(const std::source_location& at, const std::exception& error);

}  // namespace intarsia::kernel
