// Writing down what a warp does, instruction by instruction.
#pragma once
#include "ptx/machine.h"

namespace intarsia::ptx {

// Sees every step of a warp. An instruction may be several steps: the first says what is read, the last what
// was written and by which lanes.
class Tracer {
 public:
  static constexpr bool kEvery = true;
  explicit Tracer(Warp& warp) : warp_(warp) {}
  void before(const Decoded& in, std::uint32_t mask);
  void after(const Decoded& in);

 private:
  void begin(const Instruction& instruction);
  void add(const Operand& operand, Type type, bool written);
  void add_register(std::int32_t index, Type type, bool written);
  void fill(TraceValue& value, std::int32_t index) const;

  Warp& warp_;
  const Frame* frame_ = nullptr;
  const Code* code_ = nullptr;
  TraceStep step_;
  std::vector<std::int32_t> registers_;  // of step_.values
};

}  // namespace intarsia::ptx
