#include "kernel/memory.h"

#include <fmt/format.h>

#include "base/convert.h"

namespace intarsia::kernel {

Memory::Memory(const HostTensor& tensor, std::string name, bool races)
    : tensor_(tensor),
      name_(std::move(name)),
      races_(races),
      elements_(static_cast<std::size_t>(tensor.count)) {
  const bool blank = tensor.role == Role::kOutput || tensor.role == Role::kWorkspace;
  if (!blank || tensor.initialised)
    for (Element& e : elements_) e.written = true;
}

Memory::Element& Memory::element(std::int64_t at, const char* what) {
  if (at < 0 || at >= tensor_.count)
    throw Trap{fmt::format("{} {}[{}], outside its {} elements", what, name_, at, tensor_.count)};
  return elements_[static_cast<std::size_t>(at)];
}

std::uint64_t Memory::read(std::int64_t at, std::int64_t program) {
  Element& e = element(at, "reads");
  if (!e.written) throw Trap{fmt::format("reads {}[{}], which nothing wrote", name_, at)};
  if (checks(program) && e.writer >= 0 && e.writer != program)
    throw Trap{fmt::format("reads {}[{}], which program {} writes, without an order", name_, at, e.writer)};
  if (program != kOrdered) e.reader = e.reader == kNobody || e.reader == program ? program : kSeveral;
  return load_bits(tensor_.dtype, tensor_.data, at);
}

void Memory::write(std::int64_t at, std::uint64_t bits, std::uint64_t access, std::int64_t program) {
  Element& e = element(at, "writes");
  if (checks(program) && e.access == access) throw Trap{fmt::format("writes {}[{}] in two lanes", name_, at)};
  if (checks(program) && e.writer >= 0 && e.writer != program)
    throw Trap{fmt::format("writes {}[{}], which program {} writes, without an order", name_, at, e.writer)};
  if (checks(program) && e.reader != kNobody && e.reader != program)
    throw Trap{fmt::format("writes {}[{}], which another program reads, without an order", name_, at)};
  e.access = access, e.writer = program == kOrdered ? kAtomic : program, e.written = true;
  store_bits(tensor_.dtype, tensor_.data, at, bits);
}

std::uint64_t Memory::peek(std::int64_t at) {
  if (!element(at, "updates").written)
    throw Trap{fmt::format("updates {}[{}], which nothing wrote", name_, at)};
  return load_bits(tensor_.dtype, tensor_.data, at);
}

std::uint64_t Memory::exchange(std::int64_t at, std::uint64_t bits, std::int64_t program) {
  const std::uint64_t old = peek(at);
  Element& e = elements_[static_cast<std::size_t>(at)];
  if (checks(program) && e.writer >= 0 && e.writer != program)
    throw Trap{fmt::format("updates {}[{}], which program {} writes, without an order", name_, at, e.writer)};
  e.writer = kAtomic;
  store_bits(tensor_.dtype, tensor_.data, at, bits);
  return old;
}

void Memory::check_written() const {
  for (std::size_t at = 0; at < elements_.size(); ++at)
    if (!elements_[at].written) throw Trap{fmt::format("{}[{}] was not written by any program", name_, at)};
}

}  // namespace intarsia::kernel
