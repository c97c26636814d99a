#include "target/nvptx/emitter.h"

#include <llvm/IR/IntrinsicsNVPTX.h>

#include "base/convert.h"
#include "base/error.h"

namespace intarsia::target::nvptx {

const Facts* find_facts(std::string_view name) {
  for (const Facts& f : kFacts)
    if (f.name == name) return &f;
  return nullptr;
}

Emitter::Emitter(llvm::Module& module, const Kernel& kernel, const Facts& facts)
    : k_(kernel),
      facts_(facts),
      plan_(make_plan(kernel)),
      module_(module),
      ir_(module.getContext()),
      lanes_(ir_, Features(runtime::CpuLevel::kV3)),
      threads_(32 * kernel.warps),
      scalars_(kernel.values.size()),
      registers_(kernel.values.size()),
      shared_(kernel.values.size()) {}

void Emitter::refuse(const Inst& inst, const std::string& why) const {
  const std::string& line = k_.lines.empty() ? std::string() : k_.lines[inst.line];
  throw Unsupported((line.empty() ? "" : line + ": ") + k_.name + ": " + std::string(info(inst.opcode).name) +
                    ": " + why);
}

void Emitter::emit() {
  declare_entry();
  bind_arguments();
  region(RegionId{0});
  ir_.CreateRetVoid();
}

// ---- entry and arguments
// -------------------------------------------------------------------------------------------

void Emitter::declare_entry() {
  std::vector<llvm::Type*> types;
  for (const kernel::Slot& s : parameter_list(k_)) {
    if (s.kind == kernel::Slot::Kind::kAddress)
      types.push_back(ir_.getPtrTy(1));
    else
      types.push_back(s.kind == kernel::Slot::Kind::kScalar || s.kind == kernel::Slot::Kind::kDim
                          ? lanes_.memory_type(s.dtype)
                          : ir_.getInt64Ty());
  }
  function_ = llvm::Function::Create(llvm::FunctionType::get(ir_.getVoidTy(), types, false),
                                     llvm::GlobalValue::ExternalLinkage, k_.name, module_);
  function_->setCallingConv(llvm::CallingConv::PTX_Kernel);
  function_->addFnAttr("nvvm.reqntid", std::to_string(threads_));
  auto* entry = block("entry");
  auto* body = block("body");
  ir_.SetInsertPoint(entry);
  entry_end_ = ir_.CreateBr(body);
  ir_.SetInsertPoint(body);
  thread_ = at_entry(
      [&] { return ir_.CreateIntrinsic(ir_.getInt32Ty(), llvm::Intrinsic::nvvm_read_ptx_sreg_tid_x, {}); });
  lane_ = at_entry([&] { return ir_.CreateAnd(thread_, i32(31)); });
}

void Emitter::bind_arguments() {
  const auto slots = parameter_list(k_);
  for (std::size_t n = 0; n < slots.size(); ++n) {
    llvm::Argument* argument = function_->getArg(static_cast<unsigned>(n));
    const kernel::Slot& s = slots[n];
    argument->setName(s.param == UINT32_MAX ? "dim" : k_.params[s.param].name);
    switch (s.kind) {
      case kernel::Slot::Kind::kAddress: {
        const kernel::Param& p = k_.params[s.param];
        if (p.align > 1 && (p.align & (p.align - 1)) == 0)
          argument->addAttr(llvm::Attribute::getWithAlignment(
              module_.getContext(), llvm::Align(static_cast<std::uint64_t>(p.align))));
        scalars_[index(p.value)] = argument;
        break;
      }
      case kernel::Slot::Kind::kScalar:
      case kernel::Slot::Kind::kDim:
        if (s.param != UINT32_MAX)
          scalars_[index(k_.params[s.param].value)] =
              at_entry([&] { return lanes_.from_memory(s.dtype, argument); });
        if (s.kind == kernel::Slot::Kind::kDim && s.dtype == DType::kI64)
          dims_.emplace_back(s.value, argument);
        break;
      default: dims_.emplace_back(s.value, argument);
    }
  }
  bind_views();
}

void Emitter::bind_views() {
  for (const kernel::Param& p : k_.params) {
    if (k_.type(p.value).kind != Type::Kind::kView) continue;
    View view{scalars_[index(p.value)], {}, {}};
    for (const Dim& d : p.extents) view.extents.push_back(dim(d));
    if (!p.strides.empty())
      for (const Dim& d : p.strides) view.strides.push_back(dim(d));
    else
      at_entry([&] {
        view.strides.assign(p.extents.size(), i64(1));
        for (std::size_t a = p.extents.size(); a-- > 1;)
          view.strides[a - 1] = ir_.CreateMul(view.strides[a], view.extents[a]);
      });
    views_[index(p.value)] = std::move(view);
  }
}

Value* Emitter::dim(const Dim& d) {
  if (d.is_constant()) return i64(d.constant());
  for (const auto& [known, value] : dims_)
    if (identical(known, d)) return value;
  throw InternalError(k_.name + ": no argument holds " + d.str());
}

// ---- regions and control
// -------------------------------------------------------------------------------------------

void Emitter::region(RegionId id) {
  for (const InstId i : k_.regions[index(id)].body) step(k_[i]);
}

void Emitter::step(const Inst& inst) {
  switch (inst.opcode) {
    case Opcode::kStore:
    case Opcode::kViewStore: return store(inst);
    case Opcode::kAtomic:
    case Opcode::kViewAtomic: return atomic(inst);
    case Opcode::kReduce: return reduce(inst);
    case Opcode::kScan: return scan(inst);
    case Opcode::kDot: return dot(inst);
    case Opcode::kFor: return for_loop(inst);
    case Opcode::kWhile: return while_loop(inst);
    case Opcode::kIf: return branch(inst);
    case Opcode::kBarrier: return barrier();
    case Opcode::kMakeView: return make_view(inst);
    case Opcode::kAssert: {
      const ValueId condition = k_.operands_of(inst)[0];
      if (k_.type(condition).rank != 0) refuse(inst, "asserts a block; the CUDA target checks scalars");
      return trap_unless(scalar(condition));
    }
    case Opcode::kAssume:
    case Opcode::kPrint: return;
    case Opcode::kYield:
      region_results_.clear();
      for (const ValueId v : k_.operands_of(inst))
        for (Value* r : held(v)) region_results_.push_back(r);
      return;
    case Opcode::kDotStart:
    case Opcode::kDotWait:
    case Opcode::kRing:
    case Opcode::kRingFill:
    case Opcode::kRingWait:
    case Opcode::kRingRelease:
    case Opcode::kSlotStore:
    case Opcode::kRoles:
    case Opcode::kRandom: refuse(inst, "the CUDA target does not do this yet");
    default:
      for (std::uint32_t n = 0; n < inst.results.count; ++n)
        materialise(static_cast<ValueId>(inst.results.begin + n));
  }
}

void Emitter::materialise(ValueId v) {
  const Type& type = k_.type(v);
  if (type.rank == 0) {
    if (type.kind != Type::Kind::kView && scalars_[index(v)] == nullptr) scalars_[index(v)] = value(v, {});
    return;
  }
  switch (plan_.home[index(v)]) {
    case Home::kLazy: {
      const Inst* inst = defining(v);  // its loads belong here, before any loop that uses them
      if (inst->opcode == Opcode::kLoad || inst->opcode == Opcode::kViewLoad)
        for (int r = 0; r < spread(type).slots; ++r) value(v, own(type, r));
      return;
    }
    case Home::kShared: return publish(v);
    case Home::kRegisters:
    case Home::kBoth: {
      const auto registers = held(v);
      return hold(v, registers);
    }
  }
}

std::vector<Value*> Emitter::held(ValueId v) {
  const Type& type = k_.type(v);
  if (type.rank == 0) return {scalar(v)};
  if (!registers_[index(v)].empty()) return registers_[index(v)];
  std::vector<Value*> out;
  for (int r = 0; r < spread(type).slots; ++r) out.push_back(value(v, own(type, r)));
  return out;
}

void Emitter::hold(ValueId v, std::span<Value* const> registers) {
  if (k_.type(v).rank == 0) {
    scalars_[index(v)] = registers[0];
    return;
  }
  registers_[index(v)].assign(registers.begin(), registers.end());
  if (plan_.home[index(v)] == Home::kBoth) publish(v);
}

std::vector<llvm::PHINode*> Emitter::phis(ValueId v, std::size_t incoming) {
  const Type& type = k_.type(v);
  const int slots = type.rank == 0 ? 1 : spread(type).slots;
  llvm::Type* element = type.kind == Type::Kind::kPointer ? static_cast<llvm::Type*>(ir_.getPtrTy(1))
                                                          : lanes_.register_type(type.dtype);
  std::vector<llvm::PHINode*> out;
  for (int r = 0; r < slots; ++r) out.push_back(ir_.CreatePHI(element, static_cast<unsigned>(incoming)));
  return out;
}

void Emitter::for_loop(const Inst& inst) {
  const auto in = k_.operands_of(inst);
  const RegionId body_region = k_.regions_of(inst)[0];
  const auto& params = k_.regions[index(body_region)].params;
  Value *low = scalar(in[0]), *high = scalar(in[1]), *step = scalar(in[2]);
  std::vector<Value*> initial;
  for (const ValueId v : in.subspan(3))
    for (Value* r : held(v)) initial.push_back(r);
  auto *before = ir_.GetInsertBlock(), *head = block("loop"), *body = block("loop_body"),
       *after = block("loop_end");
  ir_.CreateBr(head);
  ir_.SetInsertPoint(head);
  auto* i = ir_.CreatePHI(low->getType(), 2);
  i->addIncoming(low, before);
  std::vector<llvm::PHINode*> carried;
  for (const ValueId v : in.subspan(3))
    for (auto* phi : phis(v, 2)) carried.push_back(phi);
  for (std::size_t n = 0; n < carried.size(); ++n) carried[n]->addIncoming(initial[n], before);
  ir_.CreateCondBr(ir_.CreateICmpSLT(i, high), body, after);
  ir_.SetInsertPoint(body);
  const auto outside = known_;
  hold(params[0], std::vector<Value*>{i});
  std::size_t at = 0;
  for (std::size_t p = 1; p < params.size(); ++p) {
    const std::size_t n =
        k_.type(params[p]).rank == 0 ? 1 : static_cast<std::size_t>(spread(k_.type(params[p])).slots);
    hold(params[p], std::vector<Value*>(carried.begin() + static_cast<std::ptrdiff_t>(at),
                                        carried.begin() + static_cast<std::ptrdiff_t>(at + n)));
    at += n;
  }
  region_results_.clear();
  region(body_region);
  Value* next = ir_.CreateAdd(i, step);
  i->addIncoming(next, ir_.GetInsertBlock());
  for (std::size_t n = 0; n < carried.size(); ++n)
    carried[n]->addIncoming(region_results_[n], ir_.GetInsertBlock());
  ir_.CreateBr(head);
  known_ = outside;
  ir_.SetInsertPoint(after);
  at = 0;
  for (std::uint32_t n = 0; n < inst.results.count; ++n) {
    const auto v = static_cast<ValueId>(inst.results.begin + n);
    const std::size_t slots = k_.type(v).rank == 0 ? 1 : static_cast<std::size_t>(spread(k_.type(v)).slots);
    hold(v, std::vector<Value*>(carried.begin() + static_cast<std::ptrdiff_t>(at),
                                carried.begin() + static_cast<std::ptrdiff_t>(at + slots)));
    at += slots;
  }
}

void Emitter::while_loop(const Inst& inst) {
  const auto in = k_.operands_of(inst);
  const auto regions = k_.regions_of(inst);
  std::vector<Value*> initial;
  for (const ValueId v : in)
    for (Value* r : held(v)) initial.push_back(r);
  auto *before = ir_.GetInsertBlock(), *head = block("while"), *body = block("while_body"),
       *after = block("while_end");
  ir_.CreateBr(head);
  ir_.SetInsertPoint(head);
  std::vector<std::vector<llvm::PHINode*>> carried;
  for (const ValueId v : in) carried.push_back(phis(v, 2));
  std::size_t at = 0;
  for (const auto& list : carried)
    for (auto* phi : list) phi->addIncoming(initial[at++], before);
  const auto outside = known_;
  const auto bind = [&](RegionId r) {
    for (std::size_t n = 0; n < carried.size(); ++n)
      hold(k_.regions[index(r)].params[n], std::vector<Value*>(carried[n].begin(), carried[n].end()));
    region_results_.clear();
    region(r);
  };
  bind(regions[0]);
  ir_.CreateCondBr(region_results_[0], body, after);
  ir_.SetInsertPoint(body);
  known_ = outside;
  bind(regions[1]);
  at = 0;
  for (const auto& list : carried)
    for (auto* phi : list) phi->addIncoming(region_results_[at++], ir_.GetInsertBlock());
  ir_.CreateBr(head);
  known_ = outside;
  ir_.SetInsertPoint(after);
  for (std::uint32_t n = 0; n < inst.results.count; ++n)
    hold(static_cast<ValueId>(inst.results.begin + n),
         std::vector<Value*>(carried[n].begin(), carried[n].end()));
}

void Emitter::branch(const Inst& inst) {
  const auto regions = k_.regions_of(inst);
  llvm::BasicBlock* sides[] = {block("then"), block("else")};
  auto* after = block("end_if");
  ir_.CreateCondBr(scalar(k_.operands_of(inst)[0]), sides[0], sides[1]);
  const auto outside = known_;
  std::vector<Value*> results[2];
  llvm::BasicBlock* ends[2];
  for (std::size_t s = 0; s < 2; ++s) {
    ir_.SetInsertPoint(sides[s]);
    region_results_.clear();
    region(regions[s]);
    results[s] = region_results_;
    ends[s] = ir_.GetInsertBlock();
    ir_.CreateBr(after);
    known_ = outside;
  }
  ir_.SetInsertPoint(after);
  std::vector<std::vector<llvm::PHINode*>> joined;
  for (std::uint32_t n = 0; n < inst.results.count; ++n)
    joined.push_back(phis(static_cast<ValueId>(inst.results.begin + n), 2));
  std::size_t at = 0;
  for (const auto& list : joined)
    for (auto* phi : list) {
      for (std::size_t s = 0; s < 2; ++s) phi->addIncoming(results[s][at], ends[s]);
      ++at;
    }
  for (std::uint32_t n = 0; n < inst.results.count; ++n)
    hold(static_cast<ValueId>(inst.results.begin + n),
         std::vector<Value*>(joined[n].begin(), joined[n].end()));
}

void Emitter::trap_unless(Value* condition) {
  when(ir_.CreateNot(condition), [&] { ir_.CreateIntrinsic(ir_.getVoidTy(), llvm::Intrinsic::trap, {}); });
}

void Emitter::make_view(const Inst& inst) {
  const auto in = k_.operands_of(inst);
  const auto v = static_cast<ValueId>(inst.results.begin);
  const std::size_t rank = k_.type(v).rank;
  View view{scalar(in[0]), {}, {}};
  for (std::size_t a = 0; a < rank; ++a)
    view.extents.push_back(ir_.CreateSExt(scalar(in[1 + a]), ir_.getInt64Ty()));
  for (std::size_t a = 0; a < rank; ++a)
    view.strides.push_back(ir_.CreateSExt(scalar(in[1 + rank + a]), ir_.getInt64Ty()));
  views_[index(v)] = std::move(view);
}

// ---- helpers
// -------------------------------------------------------------------------------------------------------

void Emitter::when(Value* condition, const std::function<void()>& body) {
  if (const auto* constant = llvm::dyn_cast<llvm::ConstantInt>(condition)) {
    if (constant->isOne()) body();
    return;
  }
  auto *then = block("when"), *after = block("then_on");
  ir_.CreateCondBr(condition, then, after);
  ir_.SetInsertPoint(then);
  const auto outside = known_;
  body();
  known_ = outside;
  ir_.CreateBr(after);
  ir_.SetInsertPoint(after);
}

// Counts in i32; `carried` holds the first values and then the last ones.
void Emitter::count_loop(Value* begin, Value* end, Value* step, std::span<Value*> carried,
                         const std::function<void(Value*, std::span<Value*>)>& body) {
  auto *before = ir_.GetInsertBlock(), *head = block("count"), *inner = block("count_body"),
       *after = block("count_end");
  ir_.CreateBr(head);
  ir_.SetInsertPoint(head);
  auto* i = ir_.CreatePHI(ir_.getInt32Ty(), 2);
  i->addIncoming(begin, before);
  std::vector<llvm::PHINode*> phis;
  for (Value* v : carried) {
    phis.push_back(ir_.CreatePHI(v->getType(), 2));
    phis.back()->addIncoming(v, before);
  }
  ir_.CreateCondBr(ir_.CreateICmpSLT(i, end), inner, after);
  ir_.SetInsertPoint(inner);
  const auto outside = known_;
  std::vector<Value*> now(phis.begin(), phis.end());
  body(i, now);
  known_ = outside;
  i->addIncoming(ir_.CreateAdd(i, step), ir_.GetInsertBlock());
  for (std::size_t n = 0; n < phis.size(); ++n) phis[n]->addIncoming(now[n], ir_.GetInsertBlock());
  ir_.CreateBr(head);
  ir_.SetInsertPoint(after);
  for (std::size_t n = 0; n < phis.size(); ++n) carried[n] = phis[n];
}

}  // namespace intarsia::target::nvptx
