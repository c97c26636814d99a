// Tensors as the interpreter sees them: every element knows whether it was written, and by which program.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "kernel/interpret.h"

namespace intarsia::kernel {

// What an access does wrong; the interpreter adds where.
struct Trap {
  std::string what;
};

class Memory {
 public:
  static constexpr std::int64_t kOrdered = -4;  // a program that acquired: what others wrote has an order

  Memory(const HostTensor& tensor, std::string name, bool races);

  std::uint64_t read(std::int64_t at, std::int64_t program);
  // `access` numbers the executed instruction: two writes of one place by one of them have no order.
  void write(std::int64_t at, std::uint64_t bits, std::uint64_t access, std::int64_t program);
  std::uint64_t exchange(std::int64_t at, std::uint64_t bits, std::int64_t program);  // atomically
  std::uint64_t peek(std::int64_t at);                                                // of an atomic: no race
  void check_written() const;
  DType dtype() const { return tensor_.dtype; }
  const std::string& name() const { return name_; }

 private:
  struct Element {
    std::uint64_t access = 0;  // last plain write
    std::int64_t writer = -1;  // its program, or kAtomic
    std::int64_t reader = -1;  // a program that read it, kSeveral if more than one did
    bool written = false;
  };
  static constexpr std::int64_t kNobody = -1, kSeveral = -2, kAtomic = -3;
  bool checks(std::int64_t program) const { return races_ && program != kOrdered; }
  Element& element(std::int64_t at, const char* what);

  HostTensor tensor_;
  std::string name_;
  bool races_;
  std::vector<Element> elements_;
};

}  // namespace intarsia::kernel
