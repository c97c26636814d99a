// Program: what an implementation returns, what the scheduler links, what the runtime executes and what an
// engine stores.
//
// Plain data, indices into tables. An implementation returns a small program (its inputs, its outputs, what
// it needs between); the scheduler links small ones into a big one; the runtime evaluates all dims once per
// call and runs the steps, which read values by DimId.
//
// One `fields` list per struct serves bytes, text, digests, remapping and checking (runtime/fields.h). Rules
// of the format: a field number or an enumerator is never reused or given another meaning; a new field has a
// default that means "as before"; a reader skips fields it does not know unless the number is even and above
// 100 ("must understand"); a new alternative of Step::Body is an error for older readers, by name.
//
// Control looks only at dims. A branch on a tensor is Wait, then Choose; a loop is While over steps that end
// in Wait; a data-dependent extent is Wait. So a stretch of steps between two Waits has known geometry: it
// can be captured as a CUDA graph keyed by the dims' values, planned in memory, and split over streams.
#pragma once
#include <cstdint>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/dim.h"
#include "base/dtype.h"

namespace intarsia::runtime {

template <class Tag>
struct Id {
  std::uint32_t index = UINT32_MAX;
  explicit operator bool() const { return index != UINT32_MAX; }
  auto operator<=>(const Id&) const = default;
};
using DimId = Id<struct DimTag>;
using BufferId = Id<struct BufferTag>;
using CodeId = Id<struct CodeTag>;
using StateId = Id<struct StateTag>;
using TensorMapId = Id<struct TensorMapTag>;
using SymbolId = Id<struct SymbolTag>;

#define INTARSIA_FIELDS(...)          \
  template <class Self, class F>      \
  static void fields(Self& s, F& f) { \
    __VA_ARGS__                       \
  }

// ---- arguments
// -----------------------------------------------------------------------------------------------------

enum class Access : std::uint8_t { kRead = 1, kWrite, kUpdate };

struct Argument {
  enum class Kind : std::uint8_t {
    kBuffer = 1,  // its address plus `value` bytes (none: 0)
    kDim,         // `value`, passed as `dtype`; a value that does not fit is an error before the launch
    kConstant,    // the bits of a `dtype`
    kScalar,      // scalar input number `constant` of the call (a Python or C++ number), already of `dtype`
    kBytes,       // by value, at most 4 KiB
    kNull,
    kState,
    kTensorMap,
    kStream,
  };
  Kind kind = Kind::kNull;
  Access access = Access::kRead;  // kBuffer: dependencies between steps follow from it
  BufferId buffer;
  DimId value;
  DType dtype = DType::kI64;  // of the value; of the pointee of a buffer
  std::uint64_t constant = 0;
  std::string bytes;
  StateId state;
  TensorMapId map;
  std::string name;  // of the parameter or attribute, for messages
  INTARSIA_FIELDS(f(1, "kind", s.kind); f(2, "access", s.access); f(3, "buffer", s.buffer);
                  f(4, "value", s.value); f(5, "dtype", s.dtype); f(6, "constant", s.constant);
                  f(7, "bytes", s.bytes); f(8, "state", s.state); f(9, "map", s.map); f(10, "name", s.name);)
};

struct TensorMap {  // a TMA descriptor, encoded when its dims are known
  BufferId buffer;
  DType dtype{};
  std::vector<DimId> extents, strides;  // elements, bytes; the innermost stride is the element
  std::vector<std::uint32_t> box;
  std::uint8_t swizzle_bytes = 0, l2_promotion = 0;
  INTARSIA_FIELDS(f(1, "buffer", s.buffer); f(2, "dtype", s.dtype); f(3, "extents", s.extents);
                  f(4, "strides", s.strides); f(5, "box", s.box); f(6, "swizzle", s.swizzle_bytes);
                  f(7, "l2", s.l2_promotion);)
};

// ---- step bodies
// ---------------------------------------------------------------------------------------------------

struct Step;

struct Launch {
  CodeId code;
  std::vector<DimId> grid;            // 1 to 3; an empty grid (a 0) is skipped
  std::vector<DimId> block, cluster;  // threads; empty where the code brings its own (CPU images) or for 1
  DimId shared_bytes;                 // dynamic shared memory; none: 0
  std::uint32_t flags = 0;            // 1 cooperative, 2 programmatic dependent launch
  std::vector<Argument> arguments;
  INTARSIA_FIELDS(f(1, "code", s.code); f(2, "grid", s.grid); f(3, "block", s.block);
                  f(4, "cluster", s.cluster); f(5, "shared", s.shared_bytes); f(6, "flags", s.flags);
                  f(7, "arguments", s.arguments);)
};
struct Memset {
  Argument target;
  std::uint32_t pattern = 0;  // repeated over `bytes`, in units of `width` bytes (1, 2 or 4)
  std::uint8_t width = 1;
  DimId bytes;
  INTARSIA_FIELDS(f(1, "target", s.target); f(2, "pattern", s.pattern); f(3, "width", s.width);
                  f(4, "bytes", s.bytes);)
};
struct Copy {  // between devices too; strided where pitches are given
  Argument from, to;
  DimId bytes, rows, from_pitch, to_pitch;
  std::string reason;  // shown by intarsia inspect
  INTARSIA_FIELDS(f(1, "from", s.from); f(2, "to", s.to); f(3, "bytes", s.bytes); f(4, "rows", s.rows);
                  f(5, "from_pitch", s.from_pitch); f(6, "to_pitch", s.to_pitch); f(7, "reason", s.reason);)
};
struct Option {
  std::string name, value;
  INTARSIA_FIELDS(f(1, "name", s.name); f(2, "value", s.value);)
};
// A function of a library ("cublaslt", "matmul"), a collective, or a function of this process ("host", plugin
// id: an `impl`). The library's step kind owns the meaning of its options and refuses unknown ones.
struct Call {
  std::string library, function;
  std::uint32_t version = 1;
  std::vector<Option> options;  // sorted by name
  std::vector<Argument> arguments;
  std::vector<std::uint32_t> outputs;  // which arguments it writes (kWrite or kUpdate), for messages
  std::uint8_t capturable = 0;         // may stand in a CUDA graph
  std::uint8_t serialisable = 1;  // 0: a function of this process; saving the engine is an error that says so
  INTARSIA_FIELDS(f(1, "library", s.library); f(2, "function", s.function); f(3, "version", s.version);
                  f(4, "options", s.options); f(5, "arguments", s.arguments); f(6, "outputs", s.outputs);
                  f(7, "capturable", s.capturable); f(8, "serialisable", s.serialisable);)
};
// Waits for the stream, reads integers into symbols; later dims see the values. Beyond its upper bound is an
// error.
struct Read {
  Argument from;
  SymbolId symbol;
  DimId upper;
  INTARSIA_FIELDS(f(1, "from", s.from); f(2, "symbol", s.symbol); f(3, "upper", s.upper);)
};
struct Wait {
  std::vector<Read> reads;
  INTARSIA_FIELDS(f(1, "reads", s.reads);)
};
struct GuardTerm {  // a base Condition over the program's table
  DimId left;
  Condition::Relation relation = Condition::Relation::kEqual;
  DimId right;
  INTARSIA_FIELDS(f(1, "left", s.left); f(2, "relation", s.relation); f(3, "right", s.right);)
};
// All alternatives whose guard holds give the same result, so their order is only a preference: variants,
// tactics and a tuner's verdict are one thing. The first whose guard holds runs; none is an error that shows
// the dims.
struct Alternative {
  std::string name;              // "row", "tile=128x256 stages=4": what a tuning record names
  std::vector<GuardTerm> guard;  // empty: always
  std::vector<Step> steps;
  INTARSIA_FIELDS(f(1, "name", s.name); f(2, "guard", s.guard); f(3, "steps", s.steps);)
};
struct Choose {
  std::string key;  // of tuning records; empty: nothing to tune
  std::vector<Alternative> alternatives;
  INTARSIA_FIELDS(f(1, "key", s.key); f(2, "alternatives", s.alternatives);)
};
struct Swap {
  BufferId a, b;
  INTARSIA_FIELDS(f(1, "a", s.a); f(2, "b", s.b);)
};
struct While {  // repeat { condition steps; stop unless the guard holds; body; exchange buffers' addresses;
                // counter + 1 }
  std::vector<Step> condition;
  std::vector<GuardTerm> again;
  std::vector<Step> body;
  std::vector<Swap> swaps;
  SymbolId counter;  // 0 at the start
  INTARSIA_FIELDS(f(1, "condition", s.condition); f(2, "again", s.again); f(3, "body", s.body);
                  f(4, "swaps", s.swaps); f(5, "counter", s.counter);)
};

struct Step {
  using Body = std::variant<std::monostate, Launch, Memset, Copy, Call, Wait, Choose, While>;  // append only
  std::string name;
  Body body;
  std::uint16_t device = 0;
  std::uint32_t node = UINT32_MAX, line = 0;  // for messages: of the graph; in Program::lines
  INTARSIA_FIELDS(f(1, "name", s.name); f(2, "body", s.body); f(3, "device", s.device); f(4, "node", s.node);
                  f(5, "line", s.line);)
};

// ---- tables
// --------------------------------------------------------------------------------------------------------

struct Buffer {
  enum class Kind : std::uint8_t {
    kTemporary = 1,  // holds nothing outside `first`..`last`: a place in the arena
    kInput,  // by `port`, in the order of the signature (of the node, while a fragment); owned by the caller
    kOutput,
    kWeight,    // data with a name
    kDerived,   // made from weights by `prepare`
    kState,     // made by `init`, lives as long as the context
    kConstant,  // small literal data, in `data`
  };
  std::string name;
  Kind kind = Kind::kTemporary;
  std::uint32_t port = 0;
  DType dtype{};
  std::vector<DimId> shape;
  DimId bytes;  // at the extents at hand; states and derived at their maxima
  std::uint32_t align = 64;
  std::uint16_t device = 0;
  std::uint32_t first = 0, last = 0;  // kTemporary: top-level steps between which it is alive, both included
  BufferId inside;  // this buffer is a piece of that one (alias, view, in-place output), at `offset` bytes
  DimId offset;
  std::string data;  // kConstant
  INTARSIA_FIELDS(f(1, "name", s.name); f(2, "kind", s.kind); f(3, "port", s.port); f(4, "dtype", s.dtype);
                  f(5, "shape", s.shape); f(6, "bytes", s.bytes); f(7, "align", s.align);
                  f(8, "device", s.device); f(9, "first", s.first); f(10, "last", s.last);
                  f(11, "inside", s.inside); f(12, "offset", s.offset); f(13, "data", s.data);)
};

struct Param {  // one place of a code's own parameter list
  std::uint32_t bytes = 8;
  std::uint8_t pointer = 0;
  DType dtype{};  // of the value or of the pointee; 0 where unknown
  std::string name;
  INTARSIA_FIELDS(f(1, "bytes", s.bytes); f(2, "pointer", s.pointer); f(3, "dtype", s.dtype);
                  f(4, "name", s.name);)
};
struct Image {  // one form of a code; a device takes the best it can load
  enum class Form : std::uint8_t {
    kX86 = 1,  // a linked position-independent image (target/cpu)
    kCubin,
    kFatbin,
    kPtx,          // loaded by a driver, or executed by ptx/ where there is none
    kSymbol,       // library:version:name
    kCudaSource,   // compiled with NVRTC before it gets here; never executed
    kKernelText,   // kernel IR: compiled by target/ before it gets here; never executed
    kKernelIndex,  // while a Built: `data` is the decimal index of the kernel that stands beside the program
  };
  Form form{};
  std::string target;  // "sm_90a", "compute_80", "x86-64-v3"; empty: any
  std::string data;
  std::uint8_t contract = 1;        // kPtx: mul and add without .rn may be fused
  std::uint32_t blob = UINT32_MAX;  // the data is this one of Program::blobs: images that several codes share
  INTARSIA_FIELDS(f(1, "form", s.form); f(2, "target", s.target); f(3, "data", s.data);
                  f(4, "contract", s.contract); f(5, "blob", s.blob);)
};
std::string_view name(Image::Form form);  // "cubin", "kernel_text"
struct Code {
  std::string entry;
  std::vector<Param> params;
  std::uint8_t params_known = 0;  // 0: nothing is declared, nothing is checked
  std::vector<Image> images;
  INTARSIA_FIELDS(f(1, "entry", s.entry); f(2, "params", s.params); f(3, "params_known", s.params_known);
                  f(4, "images", s.images);)
};
struct State {
  std::string name;
  CodeId create, destroy;
  INTARSIA_FIELDS(f(1, "name", s.name); f(2, "create", s.create); f(3, "destroy", s.destroy);)
};
struct SymbolDef {  // where a symbol's value comes from
  enum class Source : std::uint8_t { kInputExtent = 1, kScalarInput, kWait, kCounter, kFragment };
  Symbol symbol;
  Source source = Source::kFragment;
  std::uint32_t port = 0, axis = 0;
  INTARSIA_FIELDS(f(1, "name", s.symbol.name); f(2, "min", s.symbol.range.min);
                  f(3, "max", s.symbol.range.max); f(4, "multiple", s.symbol.range.multiple);
                  f(5, "opt", s.symbol.range.opt); f(6, "source", s.source); f(7, "port", s.port);
                  f(8, "axis", s.axis);)
};
struct Tuning {  // appended by a tuner, no compiler: where `holds`, alternative `name` of the Choose with
                 // `key` goes first
  std::string key, device, name;
  std::vector<GuardTerm> holds;
  double microseconds = 0;
  INTARSIA_FIELDS(f(1, "key", s.key); f(2, "device", s.device); f(3, "name", s.name); f(4, "holds", s.holds);
                  f(5, "us", s.microseconds);)
};

struct Requirement {  // what must hold for the inputs of a call, and what to say where it does not
  GuardTerm holds;
  std::string text;  // "columns of a (k) must equal rows of b (n)"
  std::uint32_t line = 0;
  INTARSIA_FIELDS(f(1, "holds", s.holds); f(2, "text", s.text); f(3, "line", s.line);)
};

struct Program {  // for one target; an engine file holds several, and the weights once
  std::string target;
  std::vector<SymbolDef> symbols;
  std::vector<Dim> dims;  // no two identical
  std::vector<Buffer> buffers;
  std::vector<Code> codes;
  std::vector<State> states;
  std::vector<TensorMap> maps;
  std::vector<Step> prepare;  // when a weight was set: packed and transposed forms
  std::vector<Step> init;     // when a context is made: states
  std::vector<Step> steps;    // each call
  std::vector<Tuning> tuning;
  std::vector<std::string> lines = {""};  // "model.py:41", by Step::line
  std::vector<Requirement> requirements;  // checked before the first step
  std::vector<std::string> blobs;         // by Image::blob
  INTARSIA_FIELDS(f(1, "target", s.target); f(2, "symbols", s.symbols); f(3, "dims", s.dims);
                  f(4, "buffers", s.buffers); f(5, "codes", s.codes); f(6, "states", s.states);
                  f(7, "maps", s.maps); f(8, "prepare", s.prepare); f(9, "init", s.init);
                  f(10, "steps", s.steps); f(11, "tuning", s.tuning); f(12, "lines", s.lines);
                  f(13, "requirements", s.requirements); f(14, "blobs", s.blobs);)

  const std::string& data_of(const Image& image) const {
    return image.blob == UINT32_MAX ? image.data : blobs[image.blob];
  }

  static constexpr int kMaxNesting = 8;  // of Choose and While; bounds every walk over nested steps

  DimId dim(const Dim& d);  // finds or adds
  std::vector<GuardTerm> guard(const Guard& g);
  BufferId add(Buffer buffer);
  CodeId add(Code code);
  std::unordered_multimap<std::uint64_t, std::uint32_t> dim_index =
      {};  // of `dims`, by hash; no field, made when needed
};

// In the order of Program::symbols: what dim programs and dim words index.
std::vector<Symbol> symbols_of(const Program& program);

std::string print(const Program& program);  // deterministic; for people, goldens and `intarsia inspect`
std::string to_bytes(const Program& program);
Program from_bytes(
    std::string_view bytes);  // UserError for anything damaged, hostile or newer than it may be; verified
void verify(const Program& program);  // InternalError; the list of what it checks is in verify.cpp

// Calls `visit(step)` for every step of a list and of the steps inside it, depth first.
template <class Steps, class Visit>
void for_each_step(Steps& steps, const Visit& visit) {
  for (auto& step : steps) {
    visit(step);
    if (auto* c = std::get_if<Choose>(&step.body))
      for (auto& a : c->alternatives) for_each_step(a.steps, visit);
    if (auto* w = std::get_if<While>(&step.body))
      for_each_step(w->condition, visit), for_each_step(w->body, visit);
  }
}

}  // namespace intarsia::runtime
