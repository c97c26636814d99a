// Emits one kernel. Blocks are expressions: a root (store, reduction, product ...) makes a loop nest and asks
// for its operands at a place.
//
// Three scopes share one machinery. A *place* (Position) is a coordinate per axis, with lanes running along
// one of them. A *row* is the run of places along that axis: addresses, bounds and whatever does not change
// along it are computed once, before its loop. A *tile* is a few lanes of it: values computed there are
// remembered, so that an expression that is used twice is computed once.
#pragma once
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "target/cpu/plan.h"
#include "target/lanes.h"

namespace intarsia::target::cpu {

using kernel::Inst;
using kernel::Kernel;
using kernel::Key;
using kernel::Opcode;
using kernel::Type;
using llvm::Value;

struct Position {
  std::array<Value*, Type::kMaxRank>
      at{};            // i64 per axis: the coordinate of the first lane; unused ones are null
  int lane_axis = -1;  // lanes run along it; -1: one place
  auto operator<=>(const Position&) const = default;
};

struct Request {  // a value at a place
  ValueId value;
  Position at;
  auto operator<=>(const Request&) const = default;
};

struct View {
  Value* base;
  std::vector<Value*> extents, strides;
};

// What exists of a value once its instruction has been passed; nothing for a lazy block.
struct Held {
  Value* scalar = nullptr;  // one element, in a register; a pointer is a `ptr`
  Value* buffer = nullptr;  // row-major block in memory, elements of buffer_type
  std::optional<View> view;
  Value* moved =
      nullptr;  // a carried block that is `base` plus this many elements in every lane: never stored
  ValueId base{};
};

// One memory access along a row: where lane coordinate 0 lies, the step, and which coordinates are inside.
struct Access {
  Value* base = nullptr;    // null: addresses follow no line, ask the pointer value lane by lane
  Value* offset = nullptr;  // elements from base, i64
  Value* stride = nullptr;  // elements per lane, i64
  Value* low = nullptr;     // lanes low <= c < high are inside; null: no bound
  Value* high = nullptr;
  std::vector<Request> conditions = {};  // and all of these hold, lane by lane
  bool packed = false;                   // two 4-bit elements to a byte
};

// lanes run over values a + stride * lane
struct Line {
  Value* start;
  Value* stride;
};

struct Row;
struct Tile {
  Row* row = nullptr;
  int width = 1;                // 1: scalars
  bool inside = false;          // every bound of the row holds
  bool streams = false;         // stores go past the caches
  int slot = 0;                 // which of the unrolled tiles: chooses an accumulator
  Value* coordinate = nullptr;  // of the first lane
  Value* active = nullptr;      // lanes that are part of the block; null: all
  std::map<Request, Value*> values = {};
};

struct Row {
  std::map<std::pair<std::uint32_t, Position>, Access> accesses = {};
  std::map<Request, bool> holds_inside = {};  // masks that bounds express: true in the interior
  Tile tile = {};                             // of what is the same along the row
  Value* low = nullptr;                       // the interior, null: no bound
  Value* high = nullptr;
};

// The loops over a block: all axes but the lane axis one by one, that in vectors.
struct Nest {
  Type space;
  int lane_axis = -1;
  Value* extent = nullptr;  // of the lane axis
  int width = 1, unroll = 1;
  std::int64_t begin = 0;    // coordinates before it are done already
  Value* streams = nullptr;  // a condition: the interior's stores go past the caches; null: never
  bool masked_edge = false;  // the rest is done with masks, not one by one
};

class Emitter {
 public:
  Emitter(llvm::Module& module, const Kernel& kernel, runtime::CpuLevel level);
  void emit();

 private:
  using Body = std::function<void(Tile&, const Position&)>;

  // emitter.cpp: the entry, arguments, regions
  void bind_arguments(Value* arguments);
  void bind_views(Value* arguments, const std::vector<kernel::Slot>& slots);
  void program(Value* first, Value* last, Value* grid);
  void region(RegionId id);
  void step(InstId id);
  bool of_launch(const Inst& inst);
  void scalar_or_lazy(const Inst& inst);
  void bind_view(const Inst& inst);
  [[noreturn]] void refuse(const Inst& inst, const std::string& why) const;
  Value* dim(const Dim& d);

  // helpers for code
  Value* number(std::int64_t v) { return ir_.getInt64(static_cast<std::uint64_t>(v)); }
  Value* loop(Value* begin, Value* end, Value* step,
              const std::function<void(Value*)>& body);  // gives the first value >= end
  void when(Value* condition, const std::function<void()>& body);
  Value* local(llvm::Type* type, std::int64_t count, std::uint64_t align);  // stack memory of the entry
  Value* clamp(Value* v, Value* high);                                      // to [0, high]
  std::int64_t element_bytes(DType t) const { return std::max(1, bits(t) / 8); }

  // expression.cpp: values at places
  Value* value(const Request& request, Tile& tile);
  Value* scalar(ValueId v);
  std::vector<Request> needs(const Request& request, Tile& tile);
  Value* compute(const Request& request, Tile& tile);
  Value* find(const Request& request, Tile& tile);
  Value* steady(const Request& request, Tile& tile);
  Value* moved_pointer(const Inst& inst, const Request& request, Tile& tile);
  Value* elementwise(const Inst& inst, std::span<Value* const> operands);
  Value* arange(const Inst& inst, const Request& request, Tile& tile);
  Position through(const Inst& inst,
                   const Position& at);  // the place in the operand of a broadcast, reshape, transpose
  Request operand(const Inst& inst, std::size_t n, const Position& at);
  const Inst* defining(ValueId v) const;

  // access.cpp: lines, bounds, loads and stores
  void prepare(const Request& request, Row& row);
  Access& access(std::uint32_t inst, const Position& at, Row& row);
  Access make_access(const Inst& inst, const Position& at, Row& row);
  void pointer_access(Access& out, ValueId pointer, const Position& at, Row& row);
  void view_access(Access& out, const View& view, std::span<const ValueId> offsets, const Position& at,
                   Row& row);
  std::optional<Line> line(const Request& request, Row& row, int depth = 0);
  std::optional<Line> combine_lines(const Inst& inst, const Position& at, Row& row, int depth);
  bool bound(Access& out, const Request& mask, Row& row,
             int depth = 0);  // false: part of it is left to conditions
  bool bound_compare(Access& out, const Inst& compare, const Position& at, Row& row);
  void limit(Access& out, Value* low, Value* high);
  bool not_negative(ValueId v, int depth = 0) const;
  Value* lanes_inside(const Access& access, const Position& at, Tile& tile);  // mask, or null for all
  Value* load_lanes(DType t, const Access& access, Value* addresses, const Position& at, Value* mask,
                    Value* other, Tile& tile);
  void store_lanes(DType t, const Access& access, Value* addresses, const Position& at, Value* mask, Value* v,
                   Tile& tile);
  Value* load(const Inst& inst, const Request& request, Tile& tile);
  void store(std::uint32_t inst, const Position& at, Tile& tile);
  Value* access_mask(const Access& access, const Position& at, Tile& tile);
  Value* load_scalar(DType t, const Access& access, Value* addresses, const Position& at);
  void store_scalar(DType t, const Access& access, Value* addresses, const Position& at, Value* v);
  Value* lane_addresses(DType t, const Access& access, Value* addresses, const Position& at, Tile& tile);
  Value* address(DType t, const Access& access, Value* coordinate);
  static Position row_place(Position at, Value* zero);
  Value* lane_coordinate(const Position& at);

  // nest.cpp: loops over blocks
  Nest nest(const Type& space, std::span<const ValueId> roots, int lane_axis = -1);
  struct Work {
    int widest = 1, instructions = 0;
    bool packed = false, wide_memory = true;
  };  // wide: 4 bytes or more
  Work measure(std::span<const ValueId> roots) const;
  int choose_lane_axis(const Type& space) const;
  void rows(const Nest& nest, const std::function<void(Position)>& body, unsigned skipped_axes = 0);
  void lanes(const Nest& nest, Row& row, const Position& at, const Body& body);
  void edge(const Nest& nest, Row& row, const Position& at, Value* begin, Value* end, const Body& body);
  void store_group(std::uint32_t first);
  Value* end_of_stores(Row& row, const Position& at, std::span<const std::uint32_t> stores);
  Value* streams(const Nest& nest, Row& row, const Position& at, std::span<const std::uint32_t> stores);
  Value* interior(const Nest& nest, Row& row, const Position& at, Value* begin, Value* high, int count,
                  bool streams, const Body& body);
  Value* either(Value* condition, const std::function<Value*()>& yes, const std::function<Value*()>& no);
  Value* extent(const Type& type, int axis);

  // blocks.cpp: blocks in memory
  static DType kept_type(const Type& type);
  Value* block_buffer(const Type& type);
  Access buffer_access(Value* buffer, const Type& shape, const Position& at);
  Value* from_buffer(Value* buffer, const Type& shape, const Position& at, Tile& tile);
  void to_buffer(ValueId block, const Position& at, Value* v, Tile& tile);
  void fill_buffer(Value* buffer, ValueId v);
  void round_buffer(Value* buffer, const Type& type);
  void keep(ValueId v);
  void join(const Inst& inst);
  void split(const Inst& inst);
  Value* gather(const Inst& inst, const Request& request, Tile& tile);

  // reduce.cpp
  using Values = std::vector<Value*>;
  void reduce(const Inst& inst);
  void scan(const Inst& inst);
  void reduce_rows(const Inst& inst, int axis, bool scans);
  void reduce_lanes(const Inst& inst, int axis);
  void begin_partials(const Inst& inst, const Nest& n, Row& row, const Position& at,
                      const std::vector<Values>& partial);
  void add_to_partial(const Inst& inst, const Nest& n, const std::vector<Values>& partial, Tile& tile,
                      const Position& place);
  Values combine_partials(const Inst& inst, const Nest& n, const std::vector<Values>& partial);
  Values combine(const Inst& inst, const Values& left, const Values& right);
  Values combine_active(const Inst& inst, const Values& old, const Values& x, Value* active);

  // control.cpp
  using Cells = std::vector<Held>;
  enum class Reach : std::uint8_t { kNone, kSamePlace, kMoved };
  void for_loop(const Inst& inst);
  void while_loop(const Inst& inst);
  void branch(const Inst& inst);
  Cells make_cells(std::span<const ValueId> like);
  void read_cells(const Cells& cells, std::span<const ValueId> into);
  void write_cells(const Cells& cells, std::span<const ValueId> values, std::span<const ValueId> params);
  Reach reach(ValueId v, ValueId of) const;
  std::vector<Value*> steady_steps(const Inst& loop);
  bool same_in_every_lane(ValueId v) const;
  bool reads_memory(ValueId v) const;
  void bind_steady(const Inst& loop, std::span<Value* const> steps, std::span<const ValueId> values,
                   Value* rounds);
  std::span<const ValueId> yielded(RegionId id) const;
  llvm::Type* register_type(const Type& type);

  // dot.cpp
  struct Product;
  void dot(InstId id);
  Product plan_product(const Inst& inst);
  void pack(ValueId v, const Position& batch, const Product& p, bool panels);
  void multiply(const Product& p);
  void register_tile(const Product& p, Value* panel, Value* row, Value* column, std::int64_t rows,
                     const std::vector<int>& widths);

  // atomic.cpp
  void atomic(std::uint32_t id);
  Value* update(const Inst& inst, const Access& a, const Position& at, const std::vector<Value*>& operands,
                Tile& tile);
  Value* exchange(const Inst& inst, DType t, Value* place, const std::vector<Value*>& operands);

  const Kernel& k_;
  Plan plan_;
  llvm::Module& module_;
  llvm::IRBuilder<> ir_;
  Lanes lanes_;
  llvm::Function* function_ = nullptr;
  std::vector<Held> held_;                    // by value
  std::vector<std::pair<Dim, Value*>> dims_;  // of the launch
  std::array<Value*, 3> program_id_{}, grid_{};
  Value* merged_extent_ = nullptr;  // of every block, where programs are merged
  std::vector<char> positive_;      // by value: known not to be negative
  std::int64_t stack_bytes_ = 0;
};

}  // namespace intarsia::target::cpu
