// A kernel as data: SSA values and instructions in vectors, structured regions, parameters whose extents are
// Dims.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/dim.h"
#include "kernel/opcodes.h"
#include "kernel/types.h"

namespace intarsia::kernel {

enum class ValueId : std::uint32_t {};
enum class InstId : std::uint32_t {};
enum class RegionId : std::uint32_t {};
constexpr auto index(auto id) { return static_cast<std::uint32_t>(id); }
constexpr ValueId kNoValue{UINT32_MAX};

struct Attr {
  Key key;
  std::int64_t value;
};

struct Range {
  std::uint32_t begin = 0, count = 0;
};

struct Inst {
  Opcode opcode;
  Range operands;  // into Kernel::operands
  Range results;   // consecutive ValueIds
  Range regions;   // into Kernel::region_lists
  Range attrs;     // into Kernel::attrs
  std::uint32_t line = 0;
};

struct Region {
  std::vector<ValueId> params;
  std::vector<InstId> body;  // ends in yield where it gives values
};

enum class Role : std::uint8_t { kInput, kOutput, kInOut, kWorkspace, kState, kDim, kScalar };
inline bool is_memory(Role role) { return role != Role::kDim && role != Role::kScalar; }

// A parameter and what the launch binds to it. View parameters reach the target as a pointer and the extents
// and strides that are not constants; `dims` of the kernel arrive the same way. No front end and no plugin
// writes that list: parameter_list() does.
struct Param {
  std::string name;
  Role role;
  std::uint32_t port = 0;  // which input, output, workspace, state of the node; kScalar: which extra argument
  ValueId value{};
  Shape extents = {},
        strides = {};       // of a view, or of the tensor behind a pointer; no strides: row-major, contiguous
  Dim dim = {};             // kDim: the value, passed as the value's dtype
  std::int64_t align = 16;  // of the address: a fact, checked or guarded at launch
  std::uint32_t line = 0;
};

struct Kernel {
  std::string name;
  std::vector<Param> params;
  std::array<Dim, 3> grid = {1, 1, 1};  // programs, in the launch's symbols
  std::int32_t warps = 4, cluster = 1;  // a CPU ignores them
  std::vector<Dim> dims;                // read by `dim` instructions
  std::vector<Type> values;             // by ValueId
  std::vector<Inst> insts;              // by InstId; a dead one is in no region
  std::vector<ValueId> operands;
  std::vector<RegionId> region_lists;
  std::vector<Attr> attrs;
  std::vector<Region> regions;  // 0 is the body
  std::vector<Layout> layouts;
  std::vector<std::string> lines;  // "model.py:41:8", by Inst::line; 0 is none

  const Inst& operator[](InstId i) const { return insts[index(i)]; }
  const Type& type(ValueId v) const { return values[index(v)]; }
  std::span<const ValueId> operands_of(const Inst& i) const {
    return {operands.data() + i.operands.begin, i.operands.count};
  }
  std::span<const RegionId> regions_of(const Inst& i) const {
    return {region_lists.data() + i.regions.begin, i.regions.count};
  }
  std::span<const Attr> attrs_of(const Inst& i) const {
    return {attrs.data() + i.attrs.begin, i.attrs.count};
  }
  ValueId result(const Inst& i, std::uint32_t n = 0) const {
    return static_cast<ValueId>(i.results.begin + n);
  }
  bool has(const Inst& i, Key key) const;
  std::int64_t attr(const Inst& i, Key key, std::int64_t otherwise = 0) const;
  Fn fn(const Inst& i) const { return static_cast<Fn>(attr(i, Key::kFn)); }
};

// Every Dim a kernel mentions: grid, then extents, strides and dim of each parameter, then dims.
std::vector<Dim> all_dims(const Kernel& kernel);
// Symbols of all_dims, sorted by name. One name with two ranges stands twice (verify refuses that).
std::vector<Symbol> symbols_of(const Kernel& kernel);

// What a machine-level entry receives, in order. The step's arguments are made from the same list, so they
// cannot disagree: addresses, dims and scalars by parameter, then each unknown extent, stride and dim once.
struct Slot {
  enum class Kind : std::uint8_t { kAddress, kExtent, kStride, kDim, kScalar };
  Kind kind;
  std::uint32_t param;  // index into params; kDim of the kernel's table: UINT32_MAX
  DType dtype;
  Dim value;  // kExtent, kStride, kDim
};
std::vector<Slot> parameter_list(const Kernel& kernel);

}  // namespace intarsia::kernel
