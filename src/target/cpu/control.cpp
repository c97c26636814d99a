// for, while, if. Carried scalars live in cells that LLVM turns into registers, carried blocks in buffers.
#include "base/convert.h"
#include "base/error.h"
#include "target/cpu/emitter.h"

namespace intarsia::target::cpu {

using Cells = std::vector<Held>;

// Memory for values of the types of `like`; a cell of one element is `scalar`, an address.
Cells Emitter::make_cells(std::span<const ValueId> like) {
  Cells out;
  for (const ValueId v : like) {
    const Type& type = k_.type(v);
    Held& cell = out.emplace_back();
    if (elements(type) > 1)
      cell.buffer = block_buffer(type);
    else
      cell.scalar = local(register_type(type), 1, 8);
  }
  return out;
}

llvm::Type* Emitter::register_type(const Type& type) {
  if (type.kind != Type::Kind::kPointer) return lanes_.register_type(type.dtype);
  return type.rank == 0 ? static_cast<llvm::Type*>(ir_.getPtrTy()) : ir_.getInt64Ty();
}

void Emitter::read_cells(const Cells& cells, std::span<const ValueId> into) {
  for (std::size_t n = 0; n < cells.size(); ++n) {
    Held& held = held_[index(into[n])];
    held.buffer = cells[n].buffer;
    if (cells[n].scalar != nullptr)
      held.scalar = ir_.CreateLoad(register_type(k_.type(into[n])), cells[n].scalar);
  }
}

// Whether computing `v` reads the block `of`: at the same place only, or elsewhere too.
Emitter::Reach Emitter::reach(ValueId v, ValueId of) const {
  if (v == of) return Reach::kSamePlace;
  Reach found = Reach::kNone;
  std::map<ValueId, bool> seen;
  std::vector<std::pair<ValueId, bool>> stack = {{v, false}};
  while (!stack.empty()) {
    const auto [now, moved] = stack.back();
    stack.pop_back();
    if (now == of) {
      if (moved) return Reach::kMoved;
      found = Reach::kSamePlace;
      continue;
    }
    const auto [known, fresh] = seen.emplace(now, moved);
    if (!fresh && (known->second || !moved)) continue;
    known->second = moved;
    const Inst* inst = defining(now);
    if (inst == nullptr || held_[index(now)].buffer != nullptr || held_[index(now)].scalar != nullptr)
      continue;
    const bool moves = inst->opcode == Opcode::kBroadcast || inst->opcode == Opcode::kReshape ||
                       inst->opcode == Opcode::kTranspose || inst->opcode == Opcode::kGather;
    for (const ValueId o : k_.operands_of(*inst)) stack.emplace_back(o, moved || moves);
  }
  return found;
}

// `values` into the cells, as if all were read before any is written. `params` name what the cells hold now.
void Emitter::write_cells(const Cells& cells, std::span<const ValueId> values,
                          std::span<const ValueId> params) {
  std::vector<Value*> scalars(cells.size()), copies(cells.size());
  for (std::size_t n = 0; n < cells.size(); ++n)
    if (cells[n].scalar != nullptr) scalars[n] = scalar(values[n]);
  for (std::size_t n = 0; n < cells.size(); ++n) {
    if (cells[n].buffer == nullptr || held_[index(values[n])].buffer == cells[n].buffer) continue;
    bool direct = true;
    for (std::size_t m = 0; m < params.size(); ++m) {
      const bool later = m > n && cells[m].buffer != nullptr && reach(values[m], params[n]) != Reach::kNone;
      if (later || (m == n && reach(values[n], params[n]) == Reach::kMoved)) direct = false;
      if (m > n && cells[m].buffer != nullptr && held_[index(values[m])].buffer == cells[n].buffer)
        direct = false;
    }
    copies[n] = direct ? nullptr : block_buffer(k_.type(values[n]));
    fill_buffer(direct ? cells[n].buffer : copies[n], values[n]);
  }
  for (std::size_t n = 0; n < cells.size(); ++n) {
    if (scalars[n] != nullptr) ir_.CreateStore(scalars[n], cells[n].scalar);
    if (copies[n] == nullptr) continue;
    const Type& type = k_.type(values[n]);
    const std::int64_t bytes = elements(type) * element_bytes(kept_type(type));
    ir_.CreateMemCpy(cells[n].buffer, llvm::MaybeAlign(64), copies[n], llvm::MaybeAlign(64),
                     static_cast<std::uint64_t>(bytes));
  }
}

std::span<const ValueId> Emitter::yielded(RegionId id) const {
  const kernel::Region& body = k_.regions[index(id)];
  if (body.body.empty() || k_[body.body.back()].opcode != Opcode::kYield) return {};
  return k_.operands_of(k_[body.body.back()]);
}

// No lane of the block differs from another, and nothing of it is made by what is not emitted yet but pure
// arithmetic.
bool Emitter::same_in_every_lane(ValueId v) const {
  std::vector<ValueId> stack = {v};
  for (int seen = 0; !stack.empty(); ++seen) {
    const ValueId now = stack.back();
    stack.pop_back();
    const Held& held = held_[index(now)];
    if (held.scalar != nullptr) continue;
    const Inst* inst = defining(now);
    if (inst == nullptr || held.buffer != nullptr || held.moved != nullptr || seen > 64) return false;
    const bool load =
        inst->opcode == Opcode::kLoad || inst->opcode == Opcode::kViewLoad || inst->opcode == Opcode::kClip;
    if (!is_lazy(inst->opcode) || load || inst->opcode == Opcode::kArange || inst->opcode == Opcode::kGather)
      return false;
    for (const ValueId o : k_.operands_of(*inst)) stack.push_back(o);
  }
  return true;
}

bool Emitter::reads_memory(ValueId v) const {
  std::vector<ValueId> stack = {v};
  for (int seen = 0; !stack.empty(); ++seen) {
    const Inst* inst = defining(stack.back());
    const Held& held = held_[index(stack.back())];
    stack.pop_back();
    if (seen > 256) return true;
    if (held.scalar != nullptr || held.buffer != nullptr) continue;
    if (inst == nullptr) {
      if (held.moved == nullptr) return true;
      stack.push_back(held.base);
      continue;
    }
    if (!is_lazy(inst->opcode) || inst->opcode == Opcode::kLoad || inst->opcode == Opcode::kViewLoad)
      return true;
    for (const ValueId o : k_.operands_of(*inst)) stack.push_back(o);
  }
  return false;
}

// Carried blocks of addresses or positions that move by one amount each round (pointers += step) are no
// blocks in memory: where they stand follows from the round. By carried value: the step in elements, computed
// here, before the loop; null: another kind of value.
std::vector<Value*> Emitter::steady_steps(const Inst& loop) {
  const auto in = k_.operands_of(loop).subspan(3);
  const RegionId id = k_.regions_of(loop)[0];
  const auto params = std::span(k_.regions[index(id)].params).subspan(1);
  const auto values = yielded(id);
  std::vector<Value*> out(in.size());
  const auto step = [&](ValueId v) { return lanes_.cast(k_.type(v).dtype, scalar(v), DType::kI64); };
  for (std::size_t n = 0; n < in.size(); ++n) {
    const Type& type = k_.type(params[n]);
    const Inst* inst = defining(values[n]);
    if (elements(type) == 1 || inst == nullptr || reads_memory(in[n])) continue;
    const bool pointer = inst->opcode == Opcode::kPointerAdd;
    const bool sum = inst->opcode == Opcode::kBinary && k_.fn(*inst) == Fn::kAdd && is_int(type.dtype) &&
                     bits(type.dtype) >= 32;
    if (!pointer && !sum) continue;
    const auto operands = k_.operands_of(*inst);
    if (operands[0] == params[n] && same_in_every_lane(operands[1]))
      out[n] = step(operands[1]);
    else if (sum && operands[1] == params[n] && same_in_every_lane(operands[0]))
      out[n] = step(operands[0]);
  }
  return out;
}

void Emitter::bind_steady(const Inst& loop, std::span<Value* const> steps, std::span<const ValueId> values,
                          Value* rounds) {
  const auto in = k_.operands_of(loop).subspan(3);
  for (std::size_t n = 0; n < steps.size(); ++n) {
    if (steps[n] == nullptr) continue;
    held_[index(values[n])].base = in[n];
    held_[index(values[n])].moved = ir_.CreateMul(steps[n], rounds);
  }
}

void Emitter::for_loop(const Inst& inst) {
  const auto in = k_.operands_of(inst);
  const RegionId id = k_.regions_of(inst)[0];
  const kernel::Region& body = k_.regions[index(id)];
  const auto steps = steady_steps(inst);
  const auto moving = [&](std::span<const ValueId> all) {  // the carried values that are kept
    std::vector<ValueId> out;
    for (std::size_t n = 0; n < all.size(); ++n)
      if (steps[n] == nullptr) out.push_back(all[n]);
    return out;
  };
  std::vector<ValueId> all_results;
  for (std::uint32_t r = 0; r < inst.results.count; ++r) all_results.push_back(k_.result(inst, r));
  const auto all_params = std::span(body.params).subspan(1);
  const std::vector<ValueId> params = moving(all_params), results = moving(all_results);
  const Cells cells = make_cells(params);
  write_cells(cells, moving(in.subspan(3)), {});
  positive_[index(body.params[0])] = not_negative(in[0]) ? 1 : 0;
  Value *low = scalar(in[0]), *by = scalar(in[2]);
  const auto rounds_at = [&](Value* i) {
    return ir_.CreateSExt(ir_.CreateSDiv(ir_.CreateSub(i, low), by), ir_.getInt64Ty());
  };
  Value* end = loop(low, scalar(in[1]), by, [&](Value* i) {
    held_[index(body.params[0])].scalar =
        ir_.CreateSExtOrTrunc(i, lanes_.register_type(k_.type(body.params[0]).dtype));
    bind_steady(inst, steps, all_params, rounds_at(i));
    read_cells(cells, params);
    region(id);
    write_cells(cells, moving(yielded(id)), params);
  });
  bind_steady(inst, steps, all_results, rounds_at(end));
  read_cells(cells, results);
}

void Emitter::while_loop(const Inst& inst) {
  auto& context = module_.getContext();
  const auto regions = k_.regions_of(inst);
  const auto test_params = std::span<const ValueId>(k_.regions[index(regions[0])].params);
  const auto body_params = std::span<const ValueId>(k_.regions[index(regions[1])].params);
  const Cells cells = make_cells(body_params);
  write_cells(cells, k_.operands_of(inst), {});
  auto* test = llvm::BasicBlock::Create(context, "while", function_);
  auto* inside = llvm::BasicBlock::Create(context, "do", function_);
  auto* after = llvm::BasicBlock::Create(context, "done", function_);
  ir_.CreateBr(test);
  ir_.SetInsertPoint(test);
  read_cells(cells, test_params);
  region(regions[0]);
  ir_.CreateCondBr(scalar(yielded(regions[0])[0]), inside, after);
  ir_.SetInsertPoint(inside);
  read_cells(cells, body_params);
  region(regions[1]);
  write_cells(cells, yielded(regions[1]), body_params);
  ir_.CreateBr(test);
  ir_.SetInsertPoint(after);
  std::vector<ValueId> results;
  for (std::uint32_t r = 0; r < inst.results.count; ++r) results.push_back(k_.result(inst, r));
  read_cells(cells, results);
}

void Emitter::branch(const Inst& inst) {
  const auto regions = k_.regions_of(inst);
  std::vector<ValueId> results;
  for (std::uint32_t r = 0; r < inst.results.count; ++r) results.push_back(k_.result(inst, r));
  const Cells cells = make_cells(results);
  Value* condition = scalar(k_.operands_of(inst)[0]);
  for (std::size_t side = 0; side < 2; ++side)
    when(side == 0 ? condition : ir_.CreateNot(condition), [&] {
      region(regions[side]);
      write_cells(cells, yielded(regions[side]), {});
    });
  read_cells(cells, results);
}

}  // namespace intarsia::target::cpu
