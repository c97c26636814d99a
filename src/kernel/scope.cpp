#include "kernel/scope.h"

#include <fmt/format.h>

#include "base/error.h"

namespace intarsia::kernel {
namespace {

Vocabulary*& slot() {
  thread_local Vocabulary* current = nullptr;
  return current;
}

// A UserError that already says where.
struct LocatedError : UserError {
  using UserError::UserError;
};

}  // namespace

Scope::Scope(Vocabulary& vocabulary) : outer_(slot()) { slot() = &vocabulary; }
Scope::~Scope() { slot() = outer_; }

Vocabulary& Scope::current(const std::source_location& at) {
  if (!slot())
    throw LocatedError(
        fmt::format("{}: no kernel is being written here: tl:: functions work inside tl::kernel", str(at)));
  slot()->b.line(str(at));
  return *slot();
}

std::string str(const std::source_location& at) {
  return fmt::format("{}:{}:{}", at.file_name(), at.line(), at.column());
}

void rethrow_at(const std::source_location& at, const std::exception& error) {
  if (dynamic_cast<const LocatedError*>(&error) || !dynamic_cast<const UserError*>(&error)) throw;
  throw LocatedError(fmt::format("{}: {}", str(at), error.what()));
}

}  // namespace intarsia::kernel
