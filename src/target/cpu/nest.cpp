// Loops over the elements of a block: rows, and along a row an interior in vectors and edges with masks.
#include <llvm/IR/IntrinsicsX86.h>

#include <bit>
#include <set>

#include "base/convert.h"
#include "target/cpu/emitter.h"

namespace intarsia::target::cpu {
namespace {

bool is_number(const Value* v, std::int64_t n) {
  const auto* constant = llvm::dyn_cast<llvm::ConstantInt>(v);
  return constant != nullptr && constant->getSExtValue() == n;
}

constexpr std::int64_t kStreaming = 1;                // of Key::kHintCache
constexpr std::int64_t kLargerThanCaches = 32 << 20;  // bytes that a launch stores

int register_bytes(DType t) {
  if (t == DType::kBool) return 1;
  return is_float(t) && t != DType::kF64 ? 4 : std::max(1, bits(t) / 8);
}

}  // namespace

Value* Emitter::extent(const Type& type, int axis) {
  return merged_extent_ != nullptr ? merged_extent_ : number(type.extents[static_cast<std::size_t>(axis)]);
}

// The last axis, where neighbours in memory usually lie; an earlier one if the last is too short to fill a
// vector.
int Emitter::choose_lane_axis(const Type& space) const {
  int best = -1;
  for (int a = space.rank - 1; a >= 0; --a) {
    const auto extent = space.extents[static_cast<std::size_t>(a)];
    if (extent > 1 && (best < 0 || (space.extents[static_cast<std::size_t>(best)] < 8 && extent >= 8)))
      best = a;
  }
  return best;
}

// What the expressions below `roots` are made of.
Emitter::Work Emitter::measure(std::span<const ValueId> roots) const {
  Work out;
  std::set<ValueId> seen;
  std::vector<ValueId> stack(roots.begin(), roots.end());
  const auto touch = [&](int bytes_in_memory, DType t) {
    out.widest = std::max(out.widest, register_bytes(t));
    if (bytes_in_memory < 4) out.wide_memory = false;
  };
  for (const ValueId v : roots) {
    touch(bits(k_.type(v).dtype) / 8, k_.type(v).dtype);
    if (bits(k_.type(v).dtype) == 4) out.packed = true;
  }
  while (!stack.empty()) {
    const ValueId v = stack.back();
    stack.pop_back();
    if (!seen.insert(v).second || held_[index(v)].scalar != nullptr) continue;
    const Type& type = k_.type(v);
    const Inst* inst = defining(v);
    if (is_float(type.dtype)) out.widest = std::max(out.widest, register_bytes(type.dtype));
    if (held_[index(v)].buffer != nullptr) touch(register_bytes(type.dtype), type.dtype);
    if (inst == nullptr || held_[index(v)].buffer != nullptr) continue;
    const bool function = inst->opcode == Opcode::kUnary || inst->opcode == Opcode::kBinary;
    const bool shape = inst->opcode == Opcode::kBroadcast || inst->opcode == Opcode::kReshape;
    out.instructions += function && is_float_heavy(k_.fn(*inst)) ? 15 : shape ? 0 : 1;
    if (inst->opcode == Opcode::kLoad || inst->opcode == Opcode::kViewLoad) {
      touch(bits(type.dtype) / 8, type.dtype);
      if (bits(type.dtype) == 4) out.packed = true;
      continue;
    }
    for (const ValueId o : k_.operands_of(*inst)) stack.push_back(o);
  }
  return out;
}

// Their numbers decide how wide a vector is (positions and masks may take several registers) and how many are
// in flight.
Nest Emitter::nest(const Type& space, std::span<const ValueId> roots, int lane_axis) {
  Nest out{.space = space, .lane_axis = lane_axis >= 0 ? lane_axis : choose_lane_axis(space)};
  if (out.lane_axis < 0) return out;
  out.extent = extent(space, out.lane_axis);
  const Work work = measure(roots);
  const std::int64_t fixed =
      merged_extent_ != nullptr ? INT64_MAX : space.extents[static_cast<std::size_t>(out.lane_axis)];
  const auto limit =
      static_cast<int>(std::bit_floor(static_cast<std::uint64_t>(std::min<std::int64_t>(fixed, 64))));
  out.width = work.packed ? 1 : std::min(limit, std::max(1, lanes_.features.vector_bytes / work.widest));
  out.unroll = work.instructions <= 10 ? 4 : work.instructions <= 40 ? 2 : 1;
  while (out.unroll > 1 && out.width * out.unroll > fixed) out.unroll /= 2;
  out.masked_edge = out.width > 1 && (lanes_.features.avx512 || (lanes_.features.fma && work.wide_memory));
  return out;
}

void Emitter::rows(const Nest& nest, const std::function<void(Position)>& body, unsigned skipped_axes) {
  std::vector<int> axes;
  for (int a = 0; a < nest.space.rank; ++a)
    if (a != nest.lane_axis && (skipped_axes >> a & 1) == 0) axes.push_back(a);
  Position at;
  at.lane_axis = nest.lane_axis;
  for (std::size_t a = 0; a < nest.space.rank; ++a) at.at[a] = number(0);
  const std::function<void(std::size_t)> inner = [&](std::size_t n) {  // at most six deep
    if (n == axes.size()) return body(at);
    const auto a = static_cast<std::size_t>(axes[n]);
    if (nest.space.extents[a] == 1) return inner(n + 1);
    loop(number(0), number(nest.space.extents[a]), number(1), [&](Value* i) { at.at[a] = i, inner(n + 1); });
  };
  inner(0);
}

// The tiles of a row, each coordinate once: before the interior, the interior, after it.
void Emitter::lanes(const Nest& nest, Row& row, const Position& at, const Body& body) {
  if (nest.lane_axis < 0) return body(row.tile, at);
  const auto axis = static_cast<std::size_t>(nest.lane_axis);
  Value* low = row.low == nullptr ? number(0) : clamp(row.low, nest.extent);
  Value* high = row.high == nullptr ? nest.extent : clamp(row.high, nest.extent);
  if (nest.begin != 0) low = ir_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, low, number(nest.begin));
  if (!is_number(low, nest.begin)) edge(nest, row, at, number(nest.begin), low, body);
  const auto inside = [&](Value* begin, int count, bool streams) {
    return interior(nest, row, at, begin, high, count, streams, body);
  };
  Value* rest = nest.streams == nullptr ? inside(low, nest.unroll, false)
                                        : either(
                                              nest.streams, [&] { return inside(low, nest.unroll, true); },
                                              [&] { return inside(low, nest.unroll, false); });
  const bool whole = row.low == nullptr && row.high == nullptr && merged_extent_ == nullptr;
  const std::int64_t fixed = nest.space.extents[axis];
  if (nest.unroll > 1 && !(whole && fixed % (nest.width * nest.unroll) == 0)) rest = inside(rest, 1, false);
  if (!(whole && fixed % nest.width == 0)) edge(nest, row, at, rest, nest.extent, body);
}

// Whole vectors from `begin` on, `count` in flight, below `high`. Gives where it stopped.
Value* Emitter::interior(const Nest& nest, Row& row, const Position& at, Value* begin, Value* high, int count,
                         bool streams, const Body& body) {
  const int step = nest.width * count;
  Value* stopped = loop(begin, ir_.CreateSub(high, number(step - 1)), number(step), [&](Value* c) {
    for (int slot = 0; slot < count; ++slot) {
      Value* first = ir_.CreateAdd(c, number(slot * nest.width));
      Tile tile{.row = &row,
                .width = nest.width,
                .inside = true,
                .streams = streams,
                .slot = slot,
                .coordinate = first};
      Position place = at;
      place.at[static_cast<std::size_t>(nest.lane_axis)] = first;
      body(tile, place);
    }
  });
  if (streams)
    ir_.CreateIntrinsic(llvm::Intrinsic::x86_sse_sfence, llvm::ArrayRef<llvm::Type*>(),
                        llvm::ArrayRef<Value*>());  // they are not ordered otherwise
  return stopped;
}

void Emitter::edge(const Nest& nest, Row& row, const Position& at, Value* begin, Value* end,
                   const Body& body) {
  const auto axis = static_cast<std::size_t>(nest.lane_axis);
  const int width = nest.masked_edge ? nest.width : 1;
  loop(begin, end, number(width), [&](Value* c) {
    Tile tile{.row = &row, .width = width, .coordinate = c};
    if (width > 1) {
      Value* left = ir_.CreateTrunc(clamp(ir_.CreateSub(end, c), number(width)), ir_.getInt32Ty());
      tile.active = ir_.CreateICmpULT(lanes_.iota(width, ir_.getInt32Ty()), lanes_.splat(left, width));
    }
    Position place = at;
    place.at[axis] = c;
    body(tile, place);
  });
}

void Emitter::store_group(std::uint32_t first) {
  std::vector<std::uint32_t> stores;
  std::vector<ValueId> roots;
  for (std::uint32_t id = 0; id < k_.insts.size(); ++id)
    if (plan_.group[id] == first) stores.push_back(id), roots.push_back(k_.operands_of(k_.insts[id])[1]);
  const Type& space = k_.type(roots[0]);
  const Nest n = nest(space, roots);
  rows(n, [&](const Position& at) {
    Row row;
    row.tile.row = &row;
    for (const std::uint32_t id : stores) {
      const auto in = k_.operands_of(k_.insts[id]);
      const Access& a = access(id, at, row);
      for (const Request& condition : std::vector<Request>(a.conditions)) prepare(condition, row);
      if (a.base == nullptr) prepare({in[0], at}, row);
      prepare({in[1], space.rank == 0 ? Position{} : at}, row);
    }
    Nest stored = n;
    stored.streams = streams(n, row, at, stores);
    if (Value* end = end_of_stores(row, at, stores); end != nullptr && n.lane_axis >= 0)
      stored.extent = clamp(end, n.extent);
    lanes(stored, row, at, [&](Tile& tile, const Position& place) {
      for (const std::uint32_t id : stores) store(id, place, tile);
    });
  });
}

// Beyond the bounds of all stores nothing is written, so nothing need be computed; null: one of them has no
// bound.
Value* Emitter::end_of_stores(Row& row, const Position& at, std::span<const std::uint32_t> stores) {
  Value* end = nullptr;
  for (const std::uint32_t id : stores) {
    Value* high = access(id, at, row).high;
    if (high == nullptr) return nullptr;
    end = end == nullptr ? high : ir_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, end, high);
  }
  return end;
}

// Past the caches pay stores that fill more than a cache, of light expressions; the instruction wants whole,
// aligned vectors.
Value* Emitter::streams(const Nest& nest, Row& row, const Position& at,
                        std::span<const std::uint32_t> stores) {
  if (nest.lane_axis < 0 || nest.width == 1) return nullptr;
  Value* low = row.low == nullptr ? number(0) : clamp(row.low, nest.extent);
  Value* addresses = number(0);
  std::int64_t bytes = 0;
  bool asked = true;
  for (const std::uint32_t id : stores) {
    const Access& a = access(id, at, row);
    const DType t = k_.type(k_.operands_of(k_.insts[id])[1]).dtype;
    const std::int64_t vector = nest.width * element_bytes(t);
    if (a.base == nullptr || !is_number(a.stride, 1) || !a.conditions.empty() || a.packed || vector < 16)
      return nullptr;
    Value* first = ir_.CreatePtrToInt(address(t, a, low), ir_.getInt64Ty());
    addresses = ir_.CreateOr(addresses, ir_.CreateAnd(first, number(vector - 1)));
    bytes += element_bytes(t);
    asked = asked && k_.attr(k_.insts[id], Key::kHintCache) == kStreaming;
  }
  if (!asked && (merged_extent_ == nullptr || nest.unroll < 4)) return nullptr;
  Value* aligned = ir_.CreateICmpEQ(addresses, number(0));
  if (asked) return aligned;
  Value* all = ir_.CreateMul(grid_[0], number(plan_.merged_block * bytes));
  return ir_.CreateAnd(aligned, ir_.CreateICmpSGE(all, number(kLargerThanCaches)));
}

Value* Emitter::either(Value* condition, const std::function<Value*()>& yes,
                       const std::function<Value*()>& no) {
  auto& context = module_.getContext();
  llvm::BasicBlock* sides[] = {llvm::BasicBlock::Create(context, "yes", function_),
                               llvm::BasicBlock::Create(context, "no", function_)};
  auto* after = llvm::BasicBlock::Create(context, "next", function_);
  ir_.CreateCondBr(condition, sides[0], sides[1]);
  std::vector<std::pair<Value*, llvm::BasicBlock*>> results;
  for (int side = 0; side < 2; ++side) {
    ir_.SetInsertPoint(sides[side]);
    Value* v = side == 0 ? yes() : no();
    results.emplace_back(v, ir_.GetInsertBlock());
    ir_.CreateBr(after);
  }
  ir_.SetInsertPoint(after);
  auto* phi = ir_.CreatePHI(results[0].first->getType(), 2);
  for (const auto& [v, block] : results) phi->addIncoming(v, block);
  return phi;
}

}  // namespace intarsia::target::cpu
