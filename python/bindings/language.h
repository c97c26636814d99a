// A kernel under construction, as the syntax-tree front end of Python builds it: the vocabulary of the tile
// language, regions that are entered and left, and what Triton forbids where its rules are asked for.
#pragma once
#include <nanobind/nanobind.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernel/kernel.h"
#include "kernel/vocabulary.h"

namespace intarsia::python {

using kernel::Fn;
using kernel::Operand;
using kernel::RegionId;
using kernel::Type;
using kernel::ValueId;

class Tracer;

// A value of the kernel under construction.
struct Value {
  std::shared_ptr<Tracer> tracer;
  ValueId id{};
  const Type& type() const;
};

class Tracer : public std::enable_shared_from_this<Tracer> {
 public:
  Tracer(std::string name, bool compat);

  ValueId pointer(const std::string& name, DType pointee);
  ValueId scalar(const std::string& name, DType dtype);
  ValueId program_id(std::int64_t axis);
  ValueId num_programs(std::int64_t axis);
  ValueId arange(std::int64_t start, std::int64_t end);
  ValueId full(std::span<const std::int64_t> shape, const Operand& value, DType dtype);
  ValueId index(ValueId a, const std::vector<bool>& is_new_axis);  // x[:, None]
  ValueId logical(bool is_and, const Operand& a, const Operand& b);

  // Regions. `enter` makes a new one current until `leave`.
  RegionId enter(std::span<const Type> params);
  void leave();
  struct Loop {
    ValueId lo{}, hi{}, step{};
    std::optional<ValueId> from = {}, by = {};  // downwards: counts 0, 1, ...; the variable is from + i * by
  };
  Loop loop(const Operand& lo, const Operand& hi, const Operand& step);
  ValueId loop_variable(const Loop& loop, ValueId counter);

  // Each ends the regions given to it. `names` are those of the variables that pass through, for messages.
  std::vector<ValueId> for_(const Loop& loop, std::span<const ValueId> carried, RegionId body,
                            std::span<const Operand> yields, std::span<const std::string> names,
                            std::int64_t stages);
  std::vector<ValueId> while_(std::span<const ValueId> carried, RegionId test, ValueId condition,
                              RegionId body, std::span<const Operand> yields,
                              std::span<const std::string> names);
  std::vector<ValueId> if_(ValueId condition, RegionId then, std::span<const Operand> a, RegionId otherwise,
                           std::span<const Operand> b, std::span<const std::string> names);
  void assert_(const Operand& condition);

  kernel::Kernel finish();  // parameters get their roles from what the body does; verified

  const Type& type(ValueId v) const { return kernel_.type(v); }
  std::string describe(const Operand& operand) const;

 private:
  enum class Join { kLoop, kThen, kElse };
  void yield(RegionId region, std::span<const Operand> values, std::span<const Type> types,
             std::span<const std::string> names, Join join);
  void check_extent(std::int64_t extent, std::string_view what) const;

  kernel::Kernel kernel_;
  std::vector<RegionId> outer_;
  bool compat_;

 public:
  kernel::Builder builder;
  kernel::Vocabulary words;
};

inline const Type& Value::type() const { return tracer->type(id); }

}  // namespace intarsia::python
