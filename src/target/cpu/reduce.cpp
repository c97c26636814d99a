// Reductions and scans. Along the lane axis: vectors of partial results, combined at the end. Along another
// axis: row by row into the result, which stays in the nearest cache.
#include <bit>
#include <cmath>

#include "base/convert.h"
#include "base/error.h"
#include "target/cpu/emitter.h"

namespace intarsia::target::cpu {

using Values = std::vector<Value*>;

// left and right as the function or the region of `inst` combines them.
Values Emitter::combine(const Inst& inst, const Values& left, const Values& right) {
  const auto in = k_.operands_of(inst);
  if (inst.regions.count == 0) return {lanes_.binary(k_.fn(inst), k_.type(in[0]).dtype, left[0], right[0])};
  const kernel::Region& body = k_.regions[index(k_.regions_of(inst)[0])];
  std::map<ValueId, Value*> known;
  for (std::size_t n = 0; n < left.size(); ++n)
    known[body.params[n]] = left[n], known[body.params[left.size() + n]] = right[n];
  const auto operands = [&](const Inst& i) {
    Values out;
    for (const ValueId v : k_.operands_of(i)) {
      const auto found = known.find(v);
      out.push_back(found == known.end() ? held_[index(v)].scalar : found->second);
      if (out.back() == nullptr) refuse(i, "a combining function reads a block from outside");
    }
    return out;
  };
  for (const InstId id : body.body) {
    const Inst& i = k_[id];
    if (i.opcode == Opcode::kYield) return operands(i);
    if (!is_lazy(i.opcode)) refuse(i, "a combining function may only compute");
    known[ValueId{i.results.begin}] = elementwise(i, operands(i));
  }
  throw InternalError(k_.name + ": a combining region without a yield");
}

// x where a lane takes part, the old value where not.
Values Emitter::combine_active(const Inst& inst, const Values& old, const Values& x, Value* active) {
  Values out = combine(inst, old, x);
  if (active == nullptr) return out;
  for (std::size_t n = 0; n < out.size(); ++n) {
    const int width = std::max({Lanes::width(active), Lanes::width(out[n]), Lanes::width(old[n])});
    out[n] = ir_.CreateSelect(active, lanes_.splat(out[n], width), lanes_.splat(old[n], width));
  }
  return out;
}

void Emitter::reduce(const Inst& inst) {
  const auto in = k_.operands_of(inst);
  const Type& from = k_.type(in[0]);
  const auto axis = static_cast<int>(k_.attr(inst, Key::kAxis));
  for (std::uint32_t n = 0; n < in.size(); ++n) {
    const Type& type = k_.type(k_.result(inst, n));
    if (elements(type) > 1) held_[index(k_.result(inst, n))].buffer = block_buffer(type);
  }
  if (choose_lane_axis(from) == axis || elements(from) == 1)
    reduce_lanes(inst, axis);
  else
    reduce_rows(inst, axis, false);
}

// Row by row: result = result combined with the row. The first row begins it. A scan keeps every step.
void Emitter::reduce_rows(const Inst& inst, int axis, bool scans) {
  const auto in = k_.operands_of(inst);
  const Type& from = k_.type(in[0]);
  const auto a = static_cast<std::size_t>(axis);
  const bool reverse = k_.attr(inst, Key::kReverse) != 0;
  const Nest n = nest(from, in);
  const auto place_of_result = [&](Position at, Value* step) {
    at.at[a] = scans ? step : number(0);
    return at;
  };
  const auto pass = [&](Position at, Value* step, bool first) {
    const auto row_of = [&](Value* i) { return reverse ? ir_.CreateSub(number(from.extents[a] - 1), i) : i; };
    at.at[a] = row_of(step);
    Row row;
    row.tile.row = &row;
    for (const ValueId v : in) prepare({v, at}, row);
    lanes(n, row, at, [&](Tile& tile, const Position& place) {
      Values x, old;
      for (const ValueId v : in) x.push_back(value({v, place}, tile));
      for (std::uint32_t r = 0; r < in.size() && !first; ++r) {
        const ValueId result = k_.result(inst, r);
        const Position before = place_of_result(place, row_of(ir_.CreateSub(step, number(1))));
        old.push_back(from_buffer(held_[index(result)].buffer, k_.type(result), before, tile));
      }
      if (!first) x = combine(inst, old, x);
      for (std::uint32_t r = 0; r < in.size(); ++r)
        to_buffer(k_.result(inst, r), place_of_result(place, at.at[a]), x[r], tile);
    });
  };
  rows(
      n,
      [&](const Position& at) {
        pass(at, number(0), true);
        loop(number(1), number(from.extents[a]), number(1), [&](Value* step) { pass(at, step, false); });
      },
      1u << axis);
}

void Emitter::reduce_lanes(const Inst& inst, int axis) {
  const auto in = k_.operands_of(inst);
  const Type& from = k_.type(in[0]);
  Nest n = nest(from, in, elements(from) == 1 ? -1 : axis);
  if (n.lane_axis < 0) {
    for (std::uint32_t r = 0; r < in.size(); ++r) held_[index(k_.result(inst, r))].scalar = scalar(in[r]);
    return;
  }
  n.unroll = std::max(n.unroll,
                      n.width * 4 <= from.extents[static_cast<std::size_t>(axis)] && in.size() == 1 ? 4 : 1);
  std::vector<Values> partial(static_cast<std::size_t>(n.unroll));  // cells, by slot and operand
  for (Values& cells : partial)
    for (const ValueId v : in)
      cells.push_back(
          local(Lanes::shaped(lanes_.register_type(k_.type(v).dtype), n.width == 1 ? 0 : n.width), 1, 64));
  rows(n, [&](const Position& at) {
    Row row;
    row.tile.row = &row;
    for (const ValueId v : in) prepare({v, at}, row);
    begin_partials(inst, n, row, at, partial);
    Nest rest = n;
    rest.begin = std::int64_t{n.width} * n.unroll;
    lanes(rest, row, at,
          [&](Tile& tile, const Position& place) { add_to_partial(inst, n, partial, tile, place); });
    const Values sum = combine_partials(inst, n, partial);
    for (std::uint32_t r = 0; r < in.size(); ++r) {
      const ValueId result = k_.result(inst, r);
      Position where = at;
      where.lane_axis = -1;
      if (held_[index(result)].buffer == nullptr)
        held_[index(result)].scalar = sum[r];
      else
        to_buffer(result, where, sum[r], row.tile);
    }
  });
}

// The first vectors begin the partial results, so that no identity is needed.
void Emitter::begin_partials(const Inst& inst, const Nest& n, Row& row, const Position& at,
                             const std::vector<Values>& partial) {
  const auto in = k_.operands_of(inst);
  for (int slot = 0; slot < n.unroll; ++slot) {
    Value* first = number(std::int64_t{slot} * n.width);
    Tile tile{.row = &row, .width = n.width, .coordinate = first};
    Position place = at;
    place.at[static_cast<std::size_t>(n.lane_axis)] = first;
    for (std::size_t o = 0; o < in.size(); ++o)
      ir_.CreateStore(lanes_.splat(value({in[o], place}, tile), n.width == 1 ? 0 : n.width),
                      partial[static_cast<std::size_t>(slot)][o]);
  }
}

void Emitter::add_to_partial(const Inst& inst, const Nest& n, const std::vector<Values>& partial, Tile& tile,
                             const Position& place) {
  const auto in = k_.operands_of(inst);
  const Values& cells = partial[static_cast<std::size_t>(tile.slot)];
  const bool one = tile.width == 1 && n.width > 1;  // an element of the edge joins the first lane
  Values x, old;
  for (std::size_t o = 0; o < in.size(); ++o) {
    x.push_back(value({in[o], place}, tile));
    llvm::Type* type = Lanes::shaped(lanes_.register_type(k_.type(in[o]).dtype), n.width == 1 ? 0 : n.width);
    old.push_back(ir_.CreateLoad(type, cells[o]));
  }
  Values left = old;
  if (one)
    for (Value*& v : left) v = ir_.CreateExtractElement(v, std::uint64_t{0});
  Values sum = combine_active(inst, left, x, tile.active);
  for (std::size_t o = 0; o < in.size(); ++o) {
    if (one) sum[o] = ir_.CreateInsertElement(old[o], sum[o], std::uint64_t{0});
    ir_.CreateStore(lanes_.splat(sum[o], Lanes::width(old[o])), cells[o]);
  }
}

Values Emitter::combine_partials(const Inst& inst, const Nest& n, const std::vector<Values>& partial) {
  const auto in = k_.operands_of(inst);
  std::vector<Values> sums;
  for (const Values& cells : partial) {
    Values& loaded = sums.emplace_back();
    for (std::size_t o = 0; o < in.size(); ++o)
      loaded.push_back(ir_.CreateLoad(
          Lanes::shaped(lanes_.register_type(k_.type(in[o]).dtype), n.width == 1 ? 0 : n.width), cells[o]));
  }
  for (; sums.size() > 1; sums.resize(sums.size() / 2))
    for (std::size_t i = 0; i < sums.size() / 2; ++i)
      sums[i] = combine(inst, sums[i], sums[sums.size() / 2 + i]);
  Values sum = sums[0];
  if (n.width == 1) return sum;
  for (int width = n.width; width > 1; width /= 2) {
    Values low, high;
    for (Value* v : sum) {
      std::vector<int> first, second;
      for (int i = 0; i < width / 2; ++i) first.push_back(i), second.push_back(width / 2 + i);
      low.push_back(ir_.CreateShuffleVector(v, first));
      high.push_back(ir_.CreateShuffleVector(v, second));
    }
    sum = combine(inst, low, high);
    for (Value*& v : sum) v = lanes_.splat(v, width / 2);
  }
  for (Value*& v : sum) v = ir_.CreateExtractElement(v, std::uint64_t{0});
  return sum;
}

void Emitter::scan(const Inst& inst) {
  const auto in = k_.operands_of(inst);
  const Type& from = k_.type(in[0]);
  const auto axis = static_cast<int>(k_.attr(inst, Key::kAxis));
  if (elements(from) == 1) {
    for (std::uint32_t r = 0; r < in.size(); ++r) held_[index(k_.result(inst, r))].scalar = scalar(in[r]);
    return;
  }
  for (std::uint32_t r = 0; r < in.size(); ++r) held_[index(k_.result(inst, r))].buffer = block_buffer(from);
  if (choose_lane_axis(from) != axis) return reduce_rows(inst, axis, true);
  const auto a = static_cast<std::size_t>(axis);
  Nest n = nest(from, in, axis);
  Values cells;
  for (const ValueId v : in) cells.push_back(local(lanes_.register_type(k_.type(v).dtype), 1, 8));
  rows(n, [&](const Position& at) {
    Row row;
    row.tile.row = &row;
    for (const ValueId v : in) prepare({v, at}, row);
    const auto pass = [&](Value* step, bool first) {
      Value* c = k_.attr(inst, Key::kReverse) != 0 ? ir_.CreateSub(number(from.extents[a] - 1), step) : step;
      Tile tile{.row = &row, .width = 1, .coordinate = c};
      Position place = at;
      place.at[a] = c;
      Values x, old;
      for (std::size_t o = 0; o < in.size(); ++o) {
        x.push_back(value({in[o], place}, tile));
        if (!first) old.push_back(ir_.CreateLoad(lanes_.register_type(k_.type(in[o]).dtype), cells[o]));
      }
      if (!first) x = combine(inst, old, x);
      for (std::uint32_t o = 0; o < in.size(); ++o) {
        ir_.CreateStore(x[o], cells[o]);
        to_buffer(k_.result(inst, o), place, x[o], tile);
      }
    };
    pass(number(0), true);
    loop(number(1), number(from.extents[a]), number(1), [&](Value* step) { pass(step, false); });
  });
}

}  // namespace intarsia::target::cpu
