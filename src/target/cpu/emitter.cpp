#include "target/cpu/emitter.h"

#include <fmt/format.h>

#include "base/convert.h"
#include "base/error.h"
#include "target/cpu/emit.h"

namespace intarsia::target::cpu {
namespace {

constexpr std::int64_t kStackLimit = 2 << 20;  // of one program: threads have 8 MiB or less

llvm::Function* declare(llvm::Module& module, const std::string& name, runtime::CpuLevel level) {
  llvm::LLVMContext& context = module.getContext();
  llvm::Type* word = llvm::Type::getInt64Ty(context);
  auto* type = llvm::FunctionType::get(llvm::Type::getVoidTy(context),
                                       {llvm::PointerType::get(context, 0), word, word}, false);
  auto* function = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, name, module);
  function->setVisibility(llvm::GlobalValue::HiddenVisibility);
  function->setDSOLocal(true);
  function->addFnAttr(llvm::Attribute::NoUnwind);
  function->setUWTableKind(llvm::UWTableKind::Async);
  function->addFnAttr("frame-pointer", "all");
  function->addFnAttr("probe-stack", "inline-asm");
  function->addFnAttr("target-cpu", runtime::name(level));
  if (level == runtime::CpuLevel::kV4) function->addFnAttr("prefer-vector-width", "512");
  return function;
}

}  // namespace

void emit_kernel(llvm::Module& module, const Kernel& kernel, runtime::CpuLevel level) {
  module.setPICLevel(llvm::PICLevel::BigPIC);
  module.setRtLibUseGOT();
  Emitter(module, kernel, level).emit();
}

Emitter::Emitter(llvm::Module& module, const Kernel& kernel, runtime::CpuLevel level)
    : k_(kernel),
      plan_(make_plan(kernel)),
      module_(module),
      ir_(module.getContext()),
      lanes_(ir_, Features(level)),
      function_(declare(module, kernel.name, level)),
      held_(kernel.values.size()),
      positive_(kernel.values.size(), 0) {}

void Emitter::refuse(const Inst& inst, const std::string& why) const {
  const std::string at =
      inst.line < k_.lines.size() && !k_.lines[inst.line].empty() ? k_.lines[inst.line] + ": " : "";
  throw Unsupported(fmt::format("{}{}: {}: {}", at, k_.name, info(inst.opcode).name, why));
}

void Emitter::emit() {
  auto& context = module_.getContext();
  auto* entry = llvm::BasicBlock::Create(context, "entry", function_);
  auto* body = llvm::BasicBlock::Create(context, "body", function_);
  ir_.SetInsertPoint(entry);
  ir_.SetInsertPoint(ir_.CreateBr(body));  // stack memory goes before the branch
  ir_.SetInsertPoint(body);
  Value* arguments = function_->getArg(0);
  bind_arguments(arguments);
  const auto slots = static_cast<std::int64_t>(kernel::parameter_list(k_).size());
  program(function_->getArg(1), function_->getArg(2),
          ir_.CreateConstGEP1_64(ir_.getInt64Ty(), arguments, static_cast<std::uint64_t>(slots)));
  ir_.CreateRetVoid();
}

void Emitter::bind_arguments(Value* arguments) {
  const auto slots = kernel::parameter_list(k_);
  for (std::size_t n = 0; n < slots.size(); ++n) {
    const kernel::Slot& slot = slots[n];
    llvm::Type* type = slot.kind == kernel::Slot::Kind::kAddress ? static_cast<llvm::Type*>(ir_.getPtrTy())
                                                                 : ir_.getInt64Ty();
    Value* word = ir_.CreateLoad(type, ir_.CreateConstGEP1_64(ir_.getInt64Ty(), arguments, n));
    const bool of_param = slot.param < k_.params.size();
    if (slot.kind == kernel::Slot::Kind::kExtent || slot.kind == kernel::Slot::Kind::kStride || !of_param) {
      dims_.emplace_back(slot.value, word);
      continue;
    }
    const kernel::Param& param = k_.params[slot.param];
    Held& held = held_[index(param.value)];
    if (slot.kind == kernel::Slot::Kind::kAddress) {
      if (k_.type(param.value).kind == Type::Kind::kView)
        held.view = View{word, {}, {}};
      else
        held.scalar = word;
      continue;
    }
    const DType t = k_.type(param.value).dtype;
    if (slot.kind == kernel::Slot::Kind::kDim) dims_.emplace_back(slot.value, word);
    llvm::Type* memory = lanes_.memory_type(t);
    Value* bits =
        ir_.CreateTrunc(word, ir_.getIntNTy(static_cast<unsigned>(memory->getPrimitiveSizeInBits())));
    held.scalar = lanes_.from_memory(t, ir_.CreateBitCast(bits, memory));
  }
  for (const kernel::Param& param : k_.params) {
    if (param.role == kernel::Role::kDim && param.dim.bounds().min >= 0) positive_[index(param.value)] = 1;
    Held& held = held_[index(param.value)];
    if (!held.view) continue;
    for (const Dim& d : param.extents) held.view->extents.push_back(dim(d));
    for (const Dim& d : param.strides) held.view->strides.push_back(dim(d));
    if (!param.strides.empty()) continue;
    held.view->strides.assign(param.extents.size(), number(1));
    for (std::size_t a = param.extents.size(); a-- > 1;)
      held.view->strides[a - 1] = ir_.CreateMul(held.view->strides[a], held.view->extents[a]);
  }
}

Value* Emitter::dim(const Dim& d) {
  if (d.is_constant()) return number(d.constant());
  for (const auto& [known, word] : dims_)
    if (identical(known, d)) return word;
  throw InternalError(k_.name + ": no argument carries the dim " + d.str());
}

// Programs first <= p < last, one after the other; or all of them as one row.
void Emitter::program(Value* first, Value* last, Value* grid) {
  for (std::size_t a = 0; a < 3; ++a)
    grid_[a] = k_.grid[a].is_constant()
                   ? number(k_.grid[a].constant())
                   : ir_.CreateLoad(ir_.getInt64Ty(), ir_.CreateConstGEP1_64(ir_.getInt64Ty(), grid, a));
  if (plan_.merged_block != 0) {
    program_id_ = {first, number(0), number(0)};
    merged_extent_ = ir_.CreateMul(ir_.CreateSub(last, first), number(plan_.merged_block));
    when(ir_.CreateICmpSLT(first, last), [&] { region(RegionId{0}); });
    return;
  }
  loop(first, last, number(1), [&](Value* p) {
    const bool line = k_.grid[1].is_constant() && k_.grid[2].is_constant() && k_.grid[1].constant() == 1 &&
                      k_.grid[2].constant() == 1;
    Value* rest = line ? number(0) : ir_.CreateUDiv(p, grid_[0]);
    program_id_ = {line ? p : ir_.CreateURem(p, grid_[0]), line ? rest : ir_.CreateURem(rest, grid_[1]),
                   line ? rest : ir_.CreateUDiv(rest, grid_[1])};
    region(RegionId{0});
  });
}

void Emitter::region(RegionId id) {
  for (const InstId inst : k_.regions[index(id)].body) step(inst);
}

// A number or view of the launch.
bool Emitter::of_launch(const Inst& inst) {
  if (inst.results.count == 0) return false;
  Held& held = held_[inst.results.begin];
  const auto axis = static_cast<std::size_t>(k_.attr(inst, Key::kAxis));
  switch (inst.opcode) {
    case Opcode::kProgramId: held.scalar = program_id_.at(axis); return true;
    case Opcode::kNumPrograms: held.scalar = grid_.at(axis); return true;
    case Opcode::kDimValue:
      held.scalar = dim(k_.dims.at(static_cast<std::size_t>(k_.attr(inst, Key::kDim))));
      return true;
    case Opcode::kMakeView: bind_view(inst); return true;
    case Opcode::kViewExtent:
      held.scalar = held_[index(k_.operands_of(inst)[0])].view->extents.at(axis);
      return true;
    default: return false;
  }
}

void Emitter::step(InstId id) {
  const Inst& inst = k_[id];
  if (of_launch(inst)) return;
  if (is_lazy(inst.opcode)) return scalar_or_lazy(inst);
  switch (inst.opcode) {
    case Opcode::kStore:
    case Opcode::kViewStore:
      if (plan_.group[index(id)] == index(id)) store_group(index(id));
      break;
    case Opcode::kReduce: reduce(inst); break;
    case Opcode::kScan: scan(inst); break;
    case Opcode::kDot: dot(id); break;
    case Opcode::kJoin: join(inst); break;
    case Opcode::kSplit: split(inst); break;
    case Opcode::kAtomic:
    case Opcode::kViewAtomic: atomic(index(id)); break;
    case Opcode::kFor: for_loop(inst); break;
    case Opcode::kWhile: while_loop(inst); break;
    case Opcode::kIf: branch(inst); break;
    case Opcode::kBarrier:  // one program is one thread
    case Opcode::kYield:
    case Opcode::kAssert:
    case Opcode::kAssume:
    case Opcode::kPrint: break;
    default: refuse(inst, "the CPU target does not have this instruction");
  }
}

void Emitter::scalar_or_lazy(const Inst& inst) {
  const ValueId result{inst.results.begin};
  if (elements(k_.type(result)) == 1)
    held_[index(result)].scalar = scalar(result);
  else if (plan_.stored[index(result)])
    keep(result);
}

void Emitter::bind_view(const Inst& inst) {
  const auto in = k_.operands_of(inst);
  const std::size_t rank = (in.size() - 1) / 2;
  View view{held_[index(in[0])].scalar, {}, {}};
  for (std::size_t a = 0; a < rank; ++a) {
    view.extents.push_back(ir_.CreateSExtOrTrunc(held_[index(in[1 + a])].scalar, ir_.getInt64Ty()));
    view.strides.push_back(ir_.CreateSExtOrTrunc(held_[index(in[1 + rank + a])].scalar, ir_.getInt64Ty()));
  }
  held_[inst.results.begin].view = std::move(view);
}

// ---- code
// ------------------------------------------------------------------------------------------------------------

Value* Emitter::loop(Value* begin, Value* end, Value* step, const std::function<void(Value*)>& body) {
  auto& context = module_.getContext();
  auto* before = ir_.GetInsertBlock();
  auto* inside = llvm::BasicBlock::Create(context, "loop", function_);
  auto* after = llvm::BasicBlock::Create(context, "done", function_);
  ir_.CreateCondBr(ir_.CreateICmpSLT(begin, end), inside, after);
  ir_.SetInsertPoint(inside);
  auto* i = ir_.CreatePHI(begin->getType(), 2);
  i->addIncoming(begin, before);
  body(i);
  Value* next = ir_.CreateAdd(i, step, "", false, true);
  auto* latch = ir_.GetInsertBlock();
  i->addIncoming(next, latch);
  ir_.CreateCondBr(ir_.CreateICmpSLT(next, end), inside, after);
  ir_.SetInsertPoint(after);
  auto* result = ir_.CreatePHI(begin->getType(), 2);
  result->addIncoming(begin, before);
  result->addIncoming(next, latch);
  return result;
}

void Emitter::when(Value* condition, const std::function<void()>& body) {
  if (const auto* known = llvm::dyn_cast<llvm::ConstantInt>(condition)) {
    if (known->isOne()) body();
    return;
  }
  auto& context = module_.getContext();
  auto* inside = llvm::BasicBlock::Create(context, "when", function_);
  auto* after = llvm::BasicBlock::Create(context, "next", function_);
  ir_.CreateCondBr(condition, inside, after);
  ir_.SetInsertPoint(inside);
  body();
  ir_.CreateBr(after);
  ir_.SetInsertPoint(after);
}

Value* Emitter::local(llvm::Type* type, std::int64_t count, std::uint64_t align) {
  llvm::IRBuilder<> entry(function_->getEntryBlock().getTerminator());
  const auto bytes =
      static_cast<std::int64_t>(module_.getDataLayout().getTypeAllocSize(type).getFixedValue());
  stack_bytes_ += bytes * count;
  if (stack_bytes_ > kStackLimit)
    throw Unsupported(
        fmt::format("{}: one program needs more than {} KiB of intermediate blocks; use smaller blocks",
                    k_.name, kStackLimit / 1024));
  auto* memory =
      entry.CreateAlloca(count == 1 ? type : llvm::ArrayType::get(type, static_cast<std::uint64_t>(count)));
  memory->setAlignment(llvm::Align(align));
  return memory;
}

Value* Emitter::clamp(Value* v, Value* high) {
  Value* low = ir_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, v, number(0));
  return ir_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, low, high);
}

}  // namespace intarsia::target::cpu
