// Where lanes stand and what they access, as Dims over lanes and program ids.
#pragma once
#include <string>
#include <vector>

#include "kernel/kernel.h"

namespace intarsia::kernel {

Dim lane(int axis,
         std::int64_t extent);  // of the value's own block, 0 .. extent - 1; axes of extent 1 have none

// What the integers, masks and pointers of a kernel's top region are, lane by lane. One pass, in order;
// nothing is guessed.
class Positions {
 public:
  explicit Positions(const Kernel& kernel);

  // An integer as a Dim. Known only where it cannot leave its dtype's range; otherwise `why` says what
  // decides it.
  struct Integer {
    bool known = false;
    Dim value = {};
    Interval bounds = {INT64_MIN,
                       INT64_MAX};  // what the Dim says, and more: a quotient by what may be 0 has none there
    std::string why = {};
  };
  const Integer& integer(ValueId v) const { return integers_[index(v)]; }

  // A pointer block: the parameter and the element of its tensor.
  struct Pointer {
    const Param* param = nullptr;
    Dim offset = {};
    std::string why = {};
  };
  const Pointer& pointer(ValueId v) const { return pointers_[index(v)]; }

  // A mask as conditions that all hold. Not known: `why`.
  struct Mask {
    bool known = false;
    std::vector<Condition> conditions = {};  // kLess only
    std::string why = {};
  };
  const Mask& mask(ValueId v) const { return masks_[index(v)]; }

  const Param* param(ValueId v) const { return params_[index(v)]; }
  const Inst* definition(ValueId v) const { return definitions_[index(v)]; }
  const Dim& program(std::size_t axis) const { return programs_[axis]; }  // of the grid

 private:
  void visit(const Inst& i);
  void integer(const Inst& i);
  void mask(const Inst& i);
  void pointer(const Inst& i);
  Integer binary(const Inst& i) const;
  bool never_divides_by_zero(const Integer& divisor) const;  // while there is an element to compute
  Dim moved(const Inst& i, const Dim& d) const;              // of the operand's lanes, as of the result's

  const Kernel& k_;
  std::vector<Integer> integers_;
  std::vector<Pointer> pointers_;
  std::vector<Mask> masks_;
  std::vector<const Param*> params_;
  std::vector<const Inst*> definitions_;
  std::vector<Dim> programs_;
};

// d with some symbols replaced.
class Substitution {
 public:
  void set(const Dim& symbol, Dim value);
  void prefer(const Dim& symbol, Dim value);  // in place of what was set for it
  Dim operator()(const Dim& d) const;

 private:
  std::vector<Symbol> from_;
  std::vector<Dim> to_;
};

// For a reshape that only adds or drops axes of extent 1: the result's axis of each axis of the operand (-1:
// extent 1). False: it moves elements.
bool unit_reshape(const Type& from, const Type& to, std::vector<int>& axis);

}  // namespace intarsia::kernel
