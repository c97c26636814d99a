// Emits one kernel for a block of threads.
//
// A block value of N elements is spread over the threads in one way that depends on N alone: a thread's slot
// r holds element
// ((r / V) * threads + thread) * V + r % V, V neighbours at a time, so that accesses are coalesced and 16
// bytes wide. Values are computed lazily at *places*: coordinates, and the slot if the place is the thread's
// own. What other threads need goes through shared memory. Control flow is uniform over the block, so
// barriers and shuffles are always met by all threads.
#pragma once
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <array>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "target/lanes.h"
#include "target/nvptx/facts.h"
#include "target/nvptx/plan.h"

namespace intarsia::target::nvptx {

using kernel::Inst;
using kernel::Kernel;
using kernel::Key;
using kernel::Opcode;
using kernel::Type;
using llvm::Value;

constexpr int kNoSlot = -1;

struct Place {
  std::array<Value*, Type::kMaxRank> at{};  // i32 per axis
  int slot = kNoSlot;                       // the thread's own element number `slot` of this shape
  auto operator<=>(const Place&) const = default;
};
struct Request {
  ValueId value;
  Place at;
  auto operator<=>(const Request&) const = default;
};

// How N elements are spread over the threads.
struct Spread {
  std::int64_t count = 1;
  int vector = 1, slots = 1;
  bool full = true;        // every slot of every thread holds an element
  Value* first = nullptr;  // i32: element of slot 0
};

struct View {
  Value* base;
  std::vector<Value*> extents, strides;  // i64
};

// Shared memory of a value, and one of the block's scratch areas.
struct Shared {
  llvm::GlobalVariable* memory = nullptr;
};

class Emitter {
 public:
  Emitter(llvm::Module& module, const Kernel& kernel, const Facts& facts);
  void emit();

 private:
  // emitter.cpp: entry, arguments, regions, control
  void declare_entry();
  void bind_arguments();
  void bind_views();
  void region(RegionId id);
  void step(const Inst& inst);
  void for_loop(const Inst& inst);
  void while_loop(const Inst& inst);
  void branch(const Inst& inst);
  void trap_unless(Value* condition);
  void make_view(const Inst& inst);
  void materialise(ValueId v);          // gives a value its home, where its instruction stands
  std::vector<Value*> held(ValueId v);  // its registers, or the one scalar
  void hold(ValueId v,
            std::span<Value* const> registers);  // binds them, and the shared copy if the plan asks for one
  std::vector<llvm::PHINode*> phis(ValueId v, std::size_t incoming);
  [[noreturn]] void refuse(const Inst& inst, const std::string& why) const;

  // value.cpp: values at places
  Value* value(ValueId v, const Place& at);
  Value* scalar(ValueId v) { return value(v, {}); }
  std::vector<Request> needs(const Request& request);
  Value* compute(const Request& request);
  Value* find(const Request& request) const;
  Value* elementwise(const Inst& inst, const Place& at, std::span<Value* const> operands);
  Value* clip(const Inst& inst, const Place& at, Value* v);
  Place through(const Inst& inst,
                const Place& at);  // the place in the operand of a broadcast, reshape or transpose
  Request operand(const Inst& inst, std::size_t n, const Place& at);
  const Inst* defining(ValueId v) const;
  Value* dim(const Dim& d);

  // spread.cpp: elements and threads
  const Spread& spread(const Type& type);
  Place own(const Type& type, int slot);      // the thread's element
  Value* active(const Type& type, int slot);  // i1: there is one
  Place place_of(const Type& type, Value* element, int slot);
  Value* element_of(const Type& type, const Place& at);  // i32, row-major

  // memory.cpp: global and shared memory
  Value* load(const Inst& inst, const Place& at);
  void load_group(const Inst& inst, const Type& type, int first_slot);
  Value* load_one(const Inst& inst, const Place& at, Value* allowed);
  void store(const Inst& inst);
  void store_group(const Inst& inst, ValueId v, const Type& type, int first_slot);
  void atomic(const Inst& inst);
  Value* address(const Inst& inst, const Place& at);   // of the element
  Value* allowed(const Inst& inst, const Place& at);   // i1: it is accessed: mask and bounds
  Value* fallback(const Inst& inst, const Place& at);  // what a lane gives that is not
  Value* inside(const View& view, std::span<const ValueId> offsets, const Place& at);
  bool runs_along_lanes(const Inst& inst, const Type& type);  // neighbouring slots are neighbouring addresses
  std::int64_t slope(ValueId v, int axis, int depth = 0);     // per step along the axis; kUnknownSlope
  Shared& shared(ValueId v);
  llvm::GlobalVariable* scratch(llvm::Type* element, std::int64_t count, const std::string& name);
  void publish(ValueId v);  // own elements to shared memory, between two barriers
  Value* read_shared(ValueId v, const Place& at);
  void barrier();

  // combine.cpp: reductions, scans, products
  void reduce(const Inst& inst);
  void reduce_block(const Inst& inst);
  void reduce_lines(const Inst& inst);
  void scan(const Inst& inst);
  void dot(const Inst& inst);
  using Parts = std::vector<Value*>;
  Parts combine(const Inst& inst, const Parts& a, const Parts& b);
  Parts combine_valid(const Inst& inst, const Parts& a, Value*& a_valid, const Parts& b, Value* b_valid);
  Parts parts_at(const Inst& inst, const Place& at);
  void shuffle_combine(const Inst& inst, Parts& own, Value*& valid, int lanes);
  Value* shuffle_xor(Value* v, int mask);

  // helpers for code
  Value* i32(std::int64_t v) { return ir_.getInt32(static_cast<std::uint32_t>(v)); }
  Value* i64(std::int64_t v) { return ir_.getInt64(static_cast<std::uint64_t>(v)); }
  Value* wide(Value* v) { return ir_.CreateSExt(v, ir_.getInt64Ty()); }
  llvm::BasicBlock* block(const char* name) {
    return llvm::BasicBlock::Create(module_.getContext(), name, function_);
  }
  void when(Value* condition, const std::function<void()>& body);
  template <class F>
  auto at_entry(F make) {  // code that every place sees
    const llvm::IRBuilder<>::InsertPointGuard guard(ir_);
    ir_.SetInsertPoint(entry_end_);
    return make();
  }
  void count_loop(Value* begin, Value* end, Value* step, std::span<Value*> carried,
                  const std::function<void(Value*, std::span<Value*>)>& body);
  std::int64_t element_bytes(DType t) const { return std::max(1, bits(t) / 8); }

  const Kernel& k_;
  const Facts& facts_;
  Plan plan_;
  llvm::Module& module_;
  llvm::IRBuilder<> ir_;
  Lanes lanes_;
  llvm::Function* function_ = nullptr;
  llvm::Instruction* entry_end_ = nullptr;
  std::int64_t threads_;
  Value* thread_ = nullptr;  // i32
  Value* lane_ = nullptr;
  std::vector<Value*> scalars_;                 // by value: scalars and uniform results
  std::vector<std::vector<Value*>> registers_;  // by value: own elements
  std::vector<Shared> shared_;                  // by value
  std::map<std::uint32_t, View> views_;         // by value
  std::vector<std::pair<Dim, Value*>> dims_;
  std::map<Request, Value*> known_;  // what has been computed and is in sight
  std::map<std::array<std::int32_t, Type::kMaxRank>, Spread> spreads_;
  std::map<std::pair<std::array<std::int32_t, Type::kMaxRank>, int>, Place> places_;
  std::vector<Value*> region_results_;  // registers that the region's yield gave, one list after the other
  std::int64_t shared_bytes_ = 0;
};

constexpr std::int64_t kUnknownSlope = INT64_MIN;

}  // namespace intarsia::target::nvptx
