// gather: each program reads one place and copies the elements behind it, or a part of them.
#include <algorithm>
#include <bit>

#include "ops/rules.h"
#include "schedule/builtins.h"
#include "schedule/rows.h"

namespace intarsia::schedule {
namespace {
using kernel::Builder;
using kernel::Fn;
using kernel::Kernel;
using kernel::Role;
using kernel::ValueId;

// The input as [before, extent, behind], the result as [before, places, behind].
struct Taking {
  Dim before = 1, extent, behind = 1, places;

  explicit Taking(const Query& q) : places(q.inputs[1].shape.numel()) {
    const Shape& in = q.inputs[0].shape;
    const std::size_t axis = ops::normal_axis(q.node().attributes->get<std::int64_t>("dim"), in.size());
    extent = in[axis];
    for (std::size_t i = 0; i < axis; ++i) before = before * in[i];
    for (std::size_t i = axis + 1; i < in.size(); ++i) behind = behind * in[i];
  }
};

std::int64_t width_of(const Dim& behind, const kernel::Capabilities& machine) {
  const std::int64_t most = machine.cpu ? 1024 : 256, longest = behind.bounds().max;
  return longest >= most ? most
                         : static_cast<std::int64_t>(
                               std::bit_ceil(static_cast<std::uint64_t>(std::max<std::int64_t>(longest, 1))));
}

// A place counted from the end if negative, then inside the axis.
ValueId inside(Builder& b, ValueId place, const Dim& extent) {
  const ValueId zero = b.dim(0), count = b.dim(extent);
  const ValueId from_front =
      b.select(b.compare(Fn::kLt, place, zero), b.binary(Fn::kAdd, place, count), place);
  return b.binary(Fn::kMax, zero, b.binary(Fn::kMin, from_front, b.dim(extent - 1)));
}

Answer applies(const Implementation&, const Query& q) {
  return bits(q.inputs[0].dtype) < 8 ? Answer::no("elements of half a byte have no address") : Answer::yes();
}

Built build(const Implementation&, const Query& q, const Tactic&) {
  const Taking t(q);
  Kernel k;
  k.name = "gather";
  Builder b(k);
  const DType dtype = q.inputs[0].dtype;
  const ValueId from = b.view("in0", Role::kInput, 0, dtype, {t.before, t.extent, t.behind});
  const ValueId places = b.view("in1", Role::kInput, 1, q.inputs[1].dtype, {t.places});
  const ValueId out = b.view("out0", Role::kOutput, 0, dtype, {t.before, t.places, t.behind});
  const Dim space[] = {t.before, t.places, t.behind};
  const std::int64_t block[] = {1, 1, width_of(t.behind, q.machine)}, one[] = {1};
  const std::vector<ValueId> at = walk_grid(b, space, block);
  const ValueId given = b.reshape(b.load(places, {&at[1], 1}, one), {});
  const ValueId offsets[] = {at[0], inside(b, b.cast(given, DType::kI64), t.extent), at[2]};
  b.store(out, b.load(from, offsets, block), at);
  Kernels kernels;
  kernels.variants.push_back({{}, std::move(k)});
  return kernels;
}

}  // namespace

void add_gather(ImplementationTable& table) { add_builtin(table, "gather", "places", applies, build); }

}  // namespace intarsia::schedule
