// A kernel written in the tile language, before its dtypes are known: name, parameters, and the function that
// writes it.
#pragma once
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/vocabulary.h"

namespace intarsia::kernel {

struct Parameter {
  enum class Kind : std::uint8_t { kPointer, kScalar, kView } kind = Kind::kPointer;
  DType dtype{};  // 0: given by build
  int rank = 0;   // of a view
  std::string name = {};
};

struct Head {
  std::string name;
  std::vector<Parameter> parameters;  // in order of declaration
  std::string line;                   // where it stands
};
// From "name" or "name(x, n, y)". UserError: not as many names as parameters, or a name that is none.
Head declare(std::string_view declaration, std::vector<Parameter> parameters, std::string line);

class Definition {
 public:
  using Body = std::function<void(Vocabulary&, std::span<const ValueId> parameters)>;
  Definition(Head head, Body body) : head_(std::move(head)), body_(std::move(body)) {}

  const std::string& name() const { return head_.name; }
  std::span<const Parameter> parameters() const { return head_.parameters; }

  // Writes the kernel. `dtypes`: none, or one per parameter in order; where the parameter declares one they
  // must agree. The grid is 1 program, scalars are kScalar, roles come from use (infer_roles), extents of
  // views are symbols
  // "<name>.e0" ...: whoever launches it binds them. UserError: a dtype that is missing or differs, or what
  // the body does wrong.
  Kernel build(std::span<const DType> dtypes = {}) const;
  operator Kernel() const { return build(); }  // NOLINT: a definition without open dtypes is a kernel

 private:
  Head head_;
  Body body_;
};

}  // namespace intarsia::kernel
